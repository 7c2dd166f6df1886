"""What is recorded of a run holds no secret, no home folder and no user name; and what the source
differed in is there.
"""

import base64
import html
import json
import shlex
import subprocess
import urllib.parse

import pytest

from helpers.project import ROOT
from helpers.secrets import PEM
from labreport.core import files, redaction
from labreport.runs import provenance, records

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


@pytest.mark.parametrize(
    "text, expected",
    [
        ("see {home}/data/x.jpg", "see ~/data/x.jpg"),
        ("key=" + KEY, "key=[KAGGLE_KEY]"),
        (f"Authorization: Bearer {TOKEN}!", "Authorization: Bearer [MY_API_TOKEN]!"),
        (f"{HOMES}/zaphodb/x and {HOMES}/zaphodb", f"{HOMES}/user/x and {HOMES}/user"),
        ("zaphodb@heart-of-gold", "user@heart-of-gold"),
        (f"{HOMES}/zaphodbeeble", f"{HOMES}/zaphodbeeble"),
        ("a zaphodb by any other name", "a zaphodb by any other name"),
        ("hf_abcdefghijklmnopqrstuv", "[secret]"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----.", "[secret]."),
        ("sk-learn, hf_hub", "sk-learn, hf_hub"),
    ],
)
def test_what_is_handed_on_is_cleaned(planted, text, expected):
    assert redaction.cleaned(text.format(home=planted) if "{home}" in text else text) == expected


AWKWARD = "aw'k\"w\\a&r/d 1é"
PLANTED = {
    "OPENAI_KEY": "oa-1234567890",
    "WANDB_AUTH": "0a1b2c3d4e5f",
    "SSH_KEY": PEM,
    "MY_PASSWORD": AWKWARD,
    "DATABASE_URL": "postgres://app:se%40same/12@db:5432/x",
    "http_proxy": "http://ada:" + "sesame77@proxy:3128",
}


@pytest.mark.parametrize(
    "name, form",
    [
        ("OPENAI_KEY", "{}"),
        ("WANDB_AUTH", "{}"),
        ("SSH_KEY", "{}"),
        ("MY_PASSWORD", "it is {}."),
        ("MY_PASSWORD", json.dumps(AWKWARD)),
        ("MY_PASSWORD", json.dumps(json.dumps(AWKWARD))),
        ("MY_PASSWORD", json.dumps(AWKWARD, ensure_ascii=False)),
        ("MY_PASSWORD", repr(AWKWARD)),
        ("MY_PASSWORD", urllib.parse.quote(AWKWARD)),
        ("MY_PASSWORD", urllib.parse.quote(AWKWARD, safe="")),
        ("MY_PASSWORD", urllib.parse.quote_plus(AWKWARD)),
        ("MY_PASSWORD", shlex.quote(AWKWARD)),
        ("MY_PASSWORD", html.escape(AWKWARD)),
        *(
            ("OPENAI_KEY", "Basic " + base64.b64encode(f"{user}:oa-1234567890".encode()).decode())
            for user in ("a", "ad", "ada")
        ),
        ("SSH_KEY", json.dumps({"key": PEM})),
        ("SSH_KEY", "a line of it: AAAAB3NzaC1yc2EAAAADAQABAAABgQ"),
        ("DATABASE_URL", "{}"),
        ("http_proxy", "{}"),
        ("DATABASE_URL", "se@same/12"),
        ("http_proxy", "{'password': 'sesame77'}"),
    ],
)
def test_a_secret_is_known_in_each_form_that_it_is_printed_in(planted, monkeypatch, name, form):
    for one, value in PLANTED.items():
        monkeypatch.setenv(one, value)
    text = redaction.cleaned(form.replace("{}", PLANTED[name]))
    assert "[" in text
    pieces = [
        AWKWARD[:6],
        "12345678",
        "0a1b2c3d",
        "AAAAB3Nz",
        "b3BlbnNz",
        "MTIzNDU2",
        "same",
        urllib.parse.quote(AWKWARD)[:12],
        "w\\",
        "oa-",
        "b2EtMTI",
    ]
    assert not [piece for piece in pieces if piece in text], text


@pytest.mark.parametrize(
    "text, expected",
    [
        (
            "see mysql+pymysql://ada:hunter2@db/x and redis://:pw@[::1]:6379",
            "see mysql+pymysql://ada:[secret]@db/x and redis://:[secret]@[::1]:6379",
        ),
        ("https://0123456789abcdef01234567@github.com/ada/x", "https://[secret]@github.com/ada/x"),
        ("{'Authorization': 'Bearer abc.def-123456'}", "{'Authorization': 'Bearer [secret]'}"),
        (
            "https://x.example/y?page=2&api_key=abc&token=def",
            "https://x.example/y?page=2&[secret]&[secret]",
        ),
        *(
            (same, same)
            for same in (
                "http://localhost:8888/tree?x=a@b",
                "ssh://git@host:22/x",
                "git@github.com:ada/x",
                "https://ada@host",
                "hf_hub_download_progress",
                "sk-learn-compatible",
                "tokens: 12345678",
                "Basic understanding of authorization: basic",
                "at 10:30@noon",
            )
        ),
    ],
)
def test_a_secret_is_known_by_its_place_and_nothing_else_is_taken_for_one(planted, text, expected):
    assert redaction.cleaned(text) == expected


ORDINARY = {
    "CLASS_KEY": "roses",
    "CLASS_KEYS": "sunflowers",
    "X_TOKEN": "true",
    "DB_PASS": "password",
    "RATE_SECRET": "0.001000",
    "PIN_PASSWORD": "20261126",
    "NO_AUTH": "none",
    "SORT_KEY": "val_accuracy",
    "HOST_KEY": "localhost",
    "NAME_KEY": "early stopping",
    "EMPTY_TOKEN": "",
    "SHORT_PASSWORD": "a1!",
}


def test_ordinary_words_and_numbers_stay_where_a_secret_happens_to_be_one(monkeypatch):
    """Reports would have holes else; they are struck out where they stand behind their name."""
    for name, value in ORDINARY.items():
        monkeypatch.setenv(name, value)
    said = (
        "roses and sunflowers: true, none of 20261126; val_accuracy 0.001000 at localhost with"
        " early stopping and a password a1!"
    )
    assert redaction.cleaned(said) == said
    for path in [
        *ROOT.glob("docs/*.md"),
        *ROOT.glob("params/**/*.yaml"),
        *ROOT.glob("notebooks/*.ipynb"),
        *ROOT.glob("lib/labreport/languages/*.po"),
        ROOT / "README.md",
    ]:
        assert redaction.without_secrets(text := path.read_text("utf-8")) == text, path
    for shown in (
        repr(ORDINARY),
        json.dumps(ORDINARY),
        json.dumps(json.dumps(ORDINARY)),
        "\n".join(f"export {name}='{value}'" for name, value in ORDINARY.items()),
    ):
        text = redaction.cleaned(shown)
        assert not [
            value
            for value in (
                "roses",
                "sunflowers",
                "true",
                "20261126",
                "none",
                "localhost",
                "early stopping",
                "a1!",
                "0.001",
            )
            if value in text
        ], text


def test_a_file_of_a_run_is_cleaned_as_it_is_written(planted, tmp_path):
    files.write_json(
        tmp_path / "a.json", {"path": [f"{planted}/x"], "token": TOKEN, "number": 12345678}
    )
    assert json.loads((tmp_path / "a.json").read_text()) == {
        "path": ["~/x"],
        "token": "[MY_API_TOKEN]",
        "number": 12345678,
    }


def test_the_host_is_told_without_its_owner(planted, monkeypatch):
    monkeypatch.setattr(redaction.platform, "node", lambda: "Zaphodbs-MacBook")
    assert redaction.host() == "users-MacBook"


def test_variables_that_change_numbers_are_recorded_and_folders_are_not(monkeypatch):
    for name, value in {
        "TF_ENABLE_ONEDNN_OPTS": "0",
        "OMP_NUM_THREADS": "3",
        "KERAS_HOME": "/x",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "SECRET_TF_X": "y",
    }.items():
        monkeypatch.setenv(name, value)
    found = provenance.environment()
    assert (
        found["TF_ENABLE_ONEDNN_OPTS"] == "0"
        and found["OMP_NUM_THREADS"] == "3"
        and not {"KERAS_HOME", "TF_CPP_MIN_LOG_LEVEL", "SECRET_TF_X"} & set(found)
    )


def test_the_commit_is_recorded_and_how_the_source_differs_from_it(tmp_path, monkeypatch):
    def git(*arguments):
        subprocess.run(
            ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=b@c", *arguments],
            check=True,
            capture_output=True,
        )

    for folder in ("params", "notebooks", "lib"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.py").write_text("one = 1\n")
    monkeypatch.chdir(tmp_path)
    assert (
        provenance.checkout() == records.Checkout(error=provenance.checkout().error)
        and "not a git repository" in provenance.checkout().error
    )
    git("init"), git("add", "."), git("commit", "-m", "first")
    clean = provenance.checkout()
    assert len(clean.commit) == 40 and clean.changes == [] and clean.diff == ""
    (tmp_path / "params/a.py").write_text("one = 2\n")
    (tmp_path / "lib/new.py").write_text("two = 2\n")
    changed = provenance.checkout()
    assert changed.changes == ["M params/a.py", "?? lib/new.py"]
    assert (
        "-one = 1\n+one = 2" in changed.diff
        and "+++ b/lib/new.py" in changed.diff
        and "+two = 2" in changed.diff
    )
    monkeypatch.setattr(provenance, "LONGEST_DIFF", 3)
    assert provenance.checkout().diff.splitlines()[3:] == [
        f"({len(changed.diff.splitlines()) - 3} more lines)"
    ]


def test_a_secret_that_is_learned_later_is_struck_out_of_a_text_that_was_cleaned_before(
    monkeypatch,
):
    monkeypatch.setattr(redaction, "_learned", {})
    values = {"cell": ["the password is tr0ub4dor-and-3"]}
    assert redaction.cleaned_values(values) == values
    redaction.learn("COURSE_PASSWORD", "tr0ub4dor-and-3")
    assert redaction.cleaned_values(values) == {"cell": ["the password is [COURSE_PASSWORD]"]}
