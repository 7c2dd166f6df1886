"""What is recorded of a run holds no secret, no home folder and no user name; and what the source differed in is there."""

import json
import subprocess

import pytest

from labreport import files, privacy, provenance

HOMES = "/ho" + "me"  # so that no committed file names a private folder
TOKEN, KEY = "tok-123456-abcdef", "0123456789abcdef0123456789abcdef"


@pytest.fixture
def planted(tmp_path, monkeypatch):
    """A user with a name, a home folder, and secrets in the environment and in Kaggle's file."""
    home = tmp_path / "home/zaphodb"
    (home / ".kaggle").mkdir(parents=True)
    (home / ".kaggle/kaggle.json").write_text(json.dumps({"username": "zaphodb", "key": KEY}))
    for name in ("USER", "LOGNAME", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "zaphodb")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("MY_API_TOKEN", TOKEN)
    monkeypatch.setenv("DB_PASSWORD", "12345678")
    monkeypatch.delenv("KAGGLE_CONFIG_DIR", raising=False)
    return home


@pytest.mark.parametrize("text, expected", [
    ("see {home}/data/x.jpg", "see ~/data/x.jpg"), ("key=" + KEY, "key=[KAGGLE_KEY]"), (f"Authorization: Bearer {TOKEN}!", "Authorization: Bearer [MY_API_TOKEN]!"),
    (f"{HOMES}/zaphodb/x and {HOMES}/zaphodb", f"{HOMES}/user/x and {HOMES}/user"), ("zaphodb@heart-of-gold", "user@heart-of-gold"),
    (f"{HOMES}/zaphodbeeble", f"{HOMES}/zaphodbeeble"), ("a zaphodb by any other name", "a zaphodb by any other name"),
    ("hf_abcdefghijklmnopqrstuv", "[secret]"), ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----.", "[secret]."), ("sk-learn, hf_hub", "sk-learn, hf_hub"),
])
def test_what_is_handed_on_is_cleaned(planted, text, expected):
    assert privacy.cleaned(text.format(home=planted) if "{home}" in text else text) == expected


def test_a_file_of_a_run_is_cleaned_as_it_is_written(planted, tmp_path):
    files.write_json(tmp_path / "a.json", {"path": [f"{planted}/x"], "token": TOKEN, "number": 12345678})
    assert json.loads((tmp_path / "a.json").read_text()) == {"path": ["~/x"], "token": "[MY_API_TOKEN]", "number": 12345678}


def test_the_host_is_told_without_its_owner(planted, monkeypatch):
    monkeypatch.setattr(privacy.platform, "node", lambda: "Zaphodbs-MacBook")
    assert privacy.host() == "users-MacBook"


def test_variables_that_change_numbers_are_recorded_and_folders_are_not(monkeypatch):
    for name, value in {"TF_ENABLE_ONEDNN_OPTS": "0", "OMP_NUM_THREADS": "3", "KERAS_HOME": "/x", "TF_CPP_MIN_LOG_LEVEL": "2", "SECRET_TF_X": "y"}.items():
        monkeypatch.setenv(name, value)
    found = provenance.environment()
    assert found["TF_ENABLE_ONEDNN_OPTS"] == "0" and found["OMP_NUM_THREADS"] == "3" and not {"KERAS_HOME", "TF_CPP_MIN_LOG_LEVEL", "SECRET_TF_X"} & set(found)


def test_the_commit_is_recorded_and_how_the_source_differs_from_it(tmp_path, monkeypatch):
    def git(*arguments):
        subprocess.run(["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=b@c", *arguments], check=True, capture_output=True)

    for folder in ("params", "notebooks", "lib"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.py").write_text("one = 1\n")
    monkeypatch.chdir(tmp_path)
    assert provenance.checkout() == {"commit": None, "changes": [], "diff": "", "error": provenance.checkout()["error"]} and "not a git repository" in provenance.checkout()["error"]
    git("init"), git("add", "."), git("commit", "-m", "first")
    clean = provenance.checkout()
    assert len(clean["commit"]) == 40 and clean["changes"] == [] and clean["diff"] == ""
    (tmp_path / "params/a.py").write_text("one = 2\n")
    (tmp_path / "lib/new.py").write_text("two = 2\n")
    changed = provenance.checkout()
    assert changed["changes"] == ["M params/a.py", "?? lib/new.py"]
    assert "-one = 1\n+one = 2" in changed["diff"] and "+++ b/lib/new.py" in changed["diff"] and "+two = 2" in changed["diff"]
    monkeypatch.setattr(provenance, "LONGEST_DIFF", 3)
    assert provenance.checkout()["diff"].splitlines()[3:] == [f"({len(changed['diff'].splitlines()) - 3} more lines)"]
