"""The command line: the same words as make, clear errors, exit codes that tell."""

import errno
import re
import runpy
import shutil
import subprocess
import sys

import pytest
from conftest import ROOT

from labreport import paths

pipeline = runpy.run_path(str(ROOT / "pipeline.py"))
main = pipeline["main"]


def failing(capsys, *arguments):
    """The one error line of a command that fails."""
    assert main(list(arguments)) == 1
    output = capsys.readouterr()
    assert output.err.startswith("error: ") and len(output.err.strip().splitlines()) <= 2
    return output.err


@pytest.mark.parametrize("arguments, expected", [
    (["show", "cifar10_l2_dropuot"], "no experiment 'cifar10_l2_dropuot' (did you mean 'cifar10_l2_dropout'?)"),
    (["report", "cifar10_l2", "--set", "epoch=3"], "no setting 'epoch' (did you mean 'epochs'?)"),
    (["report", "cifar10_l2", "--set", "epochs=0"], "epochs must be at least 1, got 0"),
    (["report", "cifar10_l2", "--set", "epochs"], "expected key=value"),
    (["report", "cifar10_l2", "--set", "epochs=3", "epochs=4"], "epochs is set twice"),
    (["report", "cifar10_l2", "--set", "l2=[1"], "this is not YAML"),
    (["report", "cifar10_l2", "--data", "nowhere"], "--data nowhere: there is no such folder"),
    (["render", "cifar10_l2"], "holds no executed notebook; run the experiment first"),
    (["clean", "cifar10_l2"], "does not exist; nothing to delete"),
])
def test_a_mistake_is_answered_in_one_line(capsys, arguments, expected):
    assert expected in failing(capsys, *arguments)


def test_no_network_and_no_data_is_answered_before_a_kernel_starts(capsys, monkeypatch):
    from labreport.datasets import cifar10, download

    monkeypatch.setattr(cifar10, "ARCHIVE_URL", "http://127.0.0.1:9/cifar-10-python.tar.gz")
    monkeypatch.setattr(download.time, "sleep", lambda seconds: None)
    message = failing(capsys, "report", "cifar10_l2")
    assert "could not be downloaded" in message and "--data sample" in message


def test_a_full_disk_is_called_so():
    assert "the disk is full (a.csv): free some space" in pipeline["explain"](OSError(errno.ENOSPC, "No space left on device", "a.csv"))


def test_debug_shows_the_traceback():
    with pytest.raises(ValueError):
        main(["--debug", "show", "nothing"])
    with pytest.raises(ValueError):
        main(["show", "nothing", "--debug"])


def test_a_value_may_be_a_number_with_an_exponent(capsys):
    assert main(["show", "cifar10_l2", "--set", "learning_rate=1e-4"]) == 0
    assert "learning_rate: 0.0001" in capsys.readouterr().out


def test_list_names_every_experiment(capsys):
    assert main(["list"]) == 0
    listed = capsys.readouterr().out
    assert all(path.stem in listed for path in paths.params().glob("*.yaml"))


def test_one_broken_file_does_not_hide_the_others(capsys, tmp_path, monkeypatch):
    for folder in ("params", "notebooks"):
        shutil.copytree(ROOT / folder, tmp_path / "project" / folder)
    (tmp_path / "project/params/broken.yaml").write_bytes(b"\xff\xfe")
    monkeypatch.chdir(tmp_path / "project")
    assert main(["list"]) == 0
    listed = capsys.readouterr().out
    assert "cannot be read: params/broken.yaml" in listed and "cifar10_l2_dropout" in listed


def test_make_hands_settings_on_untouched_by_the_shell():
    if not (ROOT / ".venv/installed").exists():
        pytest.skip("this checkout was not set up by make")
    done = subprocess.run(["make", "show", "EXP=cifar10_l2", "SET=filters=[[8], [8], [8]] epochs=3", "DATA=sample"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and "model_args.filters = [[8], [8], [8]]" in done.stdout
    for evil in ("EXP=x; echo INJECTED", "EXP=$(echo INJECTED)"):
        done = subprocess.run(["make", "show", evil, "SET=epochs=3; echo INJECTED"], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode != 0 and "INJECTED" not in done.stdout


def test_check_builds_everything(capsys):
    assert main(["check"]) == 0
    assert "cifar10_rmsprop: 1,831,840 parameters, 1,831,840 trainable\n" in (output := capsys.readouterr().out) and "sound: " in output


def test_data_tells_what_there_is(capsys):
    assert main(["data", "cifar10_l2", "--data", "sample"]) == 0
    assert "cifar10 (sample) as in cifar10_l2: 4,500 train, 500 validation, 1,000 test" in capsys.readouterr().out


def test_clean_deletes_only_what_it_was_told_to(capsys):
    good, failed = paths.reports() / "good", paths.reports() / "bad"
    for folder in (good, failed / "unfinished"):
        folder.mkdir(parents=True)
    (good / "metrics.json").write_text("{}")
    (failed / "failed.ipynb").write_text("{}")
    assert "not deleted" in failing(capsys, "clean")
    assert main(["clean", "--yes"]) == 0
    assert (good / "metrics.json").exists() and list(failed.iterdir()) == []


def test_make_and_the_command_line_have_the_same_commands():
    make = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    of_make = set(re.findall(r"^  make (\w+)", make, re.M))
    of_pipeline = set(re.findall(r"^    (\w+) ", subprocess.run([sys.executable, "pipeline.py", "--help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout, re.M))
    assert of_pipeline and of_make >= of_pipeline
    assert of_make - of_pipeline == {"help", "setup", "test", "bench", "lock"}


def test_make_asks_for_an_experiment(tmp_path):
    if not (ROOT / ".venv/installed").exists():
        pytest.skip("this checkout was not set up by make")
    done = subprocess.run(["make", "report"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode != 0 and "EXP is missing, such as EXP=cifar10_l2_dropout" in done.stdout + done.stderr


def test_every_readme_command_exists():
    readme = (ROOT / "README.md").read_text()
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.M))
    used = set(re.findall(r"(?:^    |`)make (\w+)", readme, re.M))
    assert used and used <= targets, used - targets


def test_without_its_packages_the_pipeline_says_how_to_get_them(tmp_path):
    shutil.copy(ROOT / "pipeline.py", tmp_path)
    done = subprocess.run([sys.executable, "-S", "pipeline.py", "list"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1 and "run `make setup`" in done.stderr
