"""The command line: the same words as make, clear errors, exit codes that tell."""

import errno
import os
import re
import runpy
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest

from conftest import ROOT
from labreport.core import paths
from labreport.runs import state
from labreport.studies import assignments
from test_overview import finish

pipeline = runpy.run_path(str(ROOT / "pipeline.py"))
main = pipeline["main"]


def failing(capsys, *arguments):
    """The one error line of a command that fails."""
    assert main(list(arguments)) == 1
    output = capsys.readouterr()
    assert output.err.startswith("error: ") and len(output.err.strip().splitlines()) <= 2
    return output.err


@pytest.mark.parametrize(
    "arguments, expected",
    [
        (
            ["show", "cifar10_l2_dropuot"],
            "no experiment 'cifar10_l2_dropuot' (did you mean 'cifar10_l2_dropout'?)",
        ),
        (
            ["report", "cifar10_l2", "--set", "epoch=3"],
            "no setting 'epoch' (did you mean 'epochs'?)",
        ),
        (["report", "cifar10_l2", "--set", "epochs=0"], "epochs must be at least 1, got 0"),
        (["report", "cifar10_l2", "--set", "epochs"], "expected key=value"),
        (["report", "cifar10_l2", "--set", "epochs=3", "epochs=4"], "epochs is set twice"),
        (["report", "cifar10_l2", "--set", "l2=[1"], "this is not YAML"),
        (["report", "cifar10_l2", "--data", "nowhere"], "--data nowhere: there is no such folder"),
        (["render", "cifar10_l2"], "holds no executed notebook; run the experiment first"),
        (["clean", "cifar10_l2"], "does not exist; nothing to delete"),
        (["clean", "cifar10_comparison"], "cifar10_comparison does not exist; nothing to delete"),
        (
            ["render", "cifar10_comparison"],
            "run the comparison first: python pipeline.py compare cifar10",
        ),
        (["compare", "flower"], "there is no assignment 'flower' (did you mean 'flowers'?)"),
        (
            ["compare", "flowers"],
            (
                "no experiment of flowers has a finished run to compare; make one (python"
                " pipeline.py report flowers_"
            ),
        ),
        (
            ["report", "flowers_comparison"],
            "no experiment of flowers has a finished run to compare",
        ),
        (["compare", "cifar10", "--set", "epoch=3"], "no setting 'epoch' (did you mean 'epochs'?)"),
        (["all", "flower"], "there is no assignment 'flower' (did you mean 'flowers'?)"),
    ],
)
def test_a_mistake_is_answered_in_one_line(capsys, arguments, expected):
    assert expected in failing(capsys, *arguments)


def test_no_network_and_no_data_is_answered_before_a_kernel_starts(capsys):
    message = failing(capsys, "report", "cifar10_l2")
    assert (
        "could not be fetched: https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz: there is no"
        " network here"
        in message
        and "--data sample" in message
    )


def test_a_full_disk_is_called_so():
    assert "the disk is full (a.csv): free some space" in pipeline["explain"](
        OSError(errno.ENOSPC, "No space left on device", "a.csv")
    )


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
    done = subprocess.run(
        ["make", "show", "EXP=cifar10_l2", "SET=filters=[[8], [8], [8]] epochs=3", "DATA=sample"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0 and "model_args.filters = [[8], [8], [8]]" in done.stdout
    for evil in ("EXP=x; echo INJECTED", "EXP=$(echo INJECTED)"):
        done = subprocess.run(
            ["make", "show", evil, "SET=epochs=3; echo INJECTED"],
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        assert done.returncode != 0 and "INJECTED" not in done.stdout


def test_check_builds_what_there_is_and_names_a_model_whose_size_is_not_the_published_one(
    capsys, monkeypatch
):
    """That all 42 have the published sizes is tested where models are."""
    monkeypatch.setattr(
        main.__globals__["experiments"],
        "names",
        lambda: ["cifar10_naive_adam", "cifar10_rmsprop", "cats_dogs_softmax"],
    )
    assert main(["check"]) == 0
    assert (
        "cifar10_rmsprop: 1,831,840 parameters, 1,831,840 trainable\n"
        in (output := capsys.readouterr().out)
        and "sound: 3 experiments" in output
    )
    load = main.__globals__["experiments"].load

    def otherwise(name, settings=None):
        found = load(name, settings)
        return (
            replace(found, published=found.published | {"total_parameters": 7})
            if name == "cifar10_rmsprop"
            else found
        )

    monkeypatch.setattr(main.__globals__["experiments"], "load", otherwise)
    assert "parameter counts differ from the published ones: cifar10_rmsprop; mend" in failing(
        capsys, "check"
    )


def test_data_tells_what_there_is(capsys):
    assert main(["data", "cifar10_l2", "--data", "sample"]) == 0
    assert (
        "cifar10 (sample) as in cifar10_l2: 4,500 train, 500 validation, 1,000 test"
        in capsys.readouterr().out
    )


def test_clean_deletes_only_what_it_was_told_to(capsys):
    good, failed = paths.reports() / "good", paths.reports() / "bad"
    for folder in (good / "earlier/2026-01-01T12-00-00", failed / "unfinished"):
        folder.mkdir(parents=True)
    (good / "metrics.json").write_text("{}")
    (failed / "failed.ipynb").write_text("{}")
    assert "not deleted" in failing(capsys, "clean")
    assert main(["clean", "--yes"]) == 0
    assert (good / "metrics.json").exists() and [path.name for path in failed.glob("[!.]*")] == [
        "unfinished"
    ]  # it could go on
    with state.run_lock(failed, "bad"):
        assert main(["clean", "--unfinished", "--yes"]) == 0
    assert "nothing to clean" in capsys.readouterr().out and (failed / "unfinished").exists()
    assert main(["clean", "--unfinished", "--earlier", "--yes"]) == 0
    assert not (failed / "unfinished").exists() and [path.name for path in good.rglob("[!.]*")] == [
        "earlier",
        "metrics.json",
    ]


def test_make_and_the_command_line_have_the_same_commands():
    make = subprocess.run(
        ["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    of_make = set(re.findall(r"^  make (\w+)", make, re.M))
    of_pipeline = set(
        re.findall(
            r"^    (\w+)(?: |$)",
            subprocess.run(
                [sys.executable, "pipeline.py", "--help"],
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=True,
            ).stdout,
            re.M,
        )
    )
    assert of_pipeline and of_make >= of_pipeline
    assert of_make - of_pipeline == {
        "help",
        "setup",
        "test",
        "bench",
        "soak",
        "gallery",
        "lock",
        "address",
    }


@pytest.fixture
def reported(monkeypatch):
    """Reports are not made but noted, in a list of run names; cifar10_l2 fails, and Ctrl-C comes at
    cifar10_rmsprop with seed 7.
    """
    done = []

    def bring_up_to_date(experiment, language, with_reports):
        done.append(experiment.run_name)
        if experiment.name == "cifar10_l2":
            raise ValueError("the disc is scratched")
        if experiment.name == "cifar10_rmsprop" and experiment.seed == 7:
            raise KeyboardInterrupt
        finish(experiment, 0.75)
        return "trained"

    monkeypatch.setitem(main.__globals__, "bring_up_to_date", bring_up_to_date)
    for experiment in assignments.members("cifar10"):
        experiment.folder.mkdir(parents=True)
    return done


def test_all_goes_on_after_a_failure_and_ends_with_a_table_and_exit_code_1(capsys, reported):
    assert main(["all", "cifar10"]) == 1
    output = capsys.readouterr()
    assert (
        len(reported) == 8
        and "4 of 8: cifar10_l2_dropout\n" in output.out
        and output.err == "error: the disc is scratched\n"
    )
    table = {line.split()[0]: line.split() for line in output.out.splitlines()}
    assert table["cifar10_l2"][1:3] == ["failed", "-"] and table["cifar10_batchnorm"][1:3] == [
        "trained",
        "75.0",
    ]
    assert output.out.splitlines()[-1] == "7 experiments done, 1 failed"


def test_all_with_a_broken_file_names_it_and_runs_the_others(
    capsys, reported, tmp_path, monkeypatch
):
    for folder in ("params", "notebooks"):
        shutil.copytree(ROOT / folder, tmp_path / "project" / folder)
    (tmp_path / "project/params/broken.yaml").write_bytes(b"\xff\xfe")
    (tmp_path / "project/params/cifar10_l2.yaml").unlink()
    monkeypatch.chdir(tmp_path / "project")
    assert main(["all", "cifar10"]) == 1
    output = capsys.readouterr()
    assert (
        len(reported) == 7
        and "params/broken.yaml: cannot be read" in output.err
        and re.search(r"^broken +failed", output.out, re.M)
    )


def test_ctrl_c_ends_all_experiments(capsys, reported):
    assert main(["all", "cifar10", "--set", "seed=7"]) == 130
    assert reported[-1] == "cifar10_rmsprop--seed-7" and "interrupted" in capsys.readouterr().err


def test_list_tells_how_many_runs_a_comparison_would_have(capsys):
    assert main(["list"]) == 0
    listed = capsys.readouterr().out
    assert re.search(
        r"^cifar10_comparison +- +not made .*\(0 of 8 runs finished\)$", listed, re.M
    ) and re.search(r"^flowers_comparison .*0 of 23", listed, re.M)


def test_make_asks_for_an_assignment_and_ignores_a_machines_name():
    if not (ROOT / ".venv/installed").exists():
        pytest.skip("this checkout was not set up by make")
    done = subprocess.run(
        ["make", "compare"],
        cwd=ROOT,
        env=os.environ | {"NAME": "LAPTOP-7"},
        capture_output=True,
        text=True,
    )
    assert (
        done.returncode != 0
        and "NAME is missing, such as NAME=flowers" in done.stdout + done.stderr
    )
    done = subprocess.run(
        ["make", "compare", "NAME=x; echo INJECTED"], cwd=ROOT, capture_output=True, text=True
    )
    assert (
        done.returncode != 0
        and "there is no assignment 'x; echo INJECTED'" in done.stderr
        and "INJECTED" not in done.stdout
    )


def test_make_asks_for_an_experiment(tmp_path):
    if not (ROOT / ".venv/installed").exists():
        pytest.skip("this checkout was not set up by make")
    done = subprocess.run(["make", "report"], cwd=ROOT, capture_output=True, text=True)
    assert (
        done.returncode != 0
        and "EXP is missing, such as EXP=cifar10_l2_dropout" in done.stdout + done.stderr
    )


def test_every_readme_command_exists():
    readme = (ROOT / "README.md").read_text()
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.M))
    used = set(re.findall(r"(?:^    |`)make (\w+)", readme, re.M))
    assert used and used <= targets, used - targets


def test_without_its_packages_the_pipeline_says_how_to_get_them(tmp_path):
    shutil.copy(ROOT / "pipeline.py", tmp_path)
    done = subprocess.run(
        [sys.executable, "-S", "pipeline.py", "list"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 1 and "run `make setup`" in done.stderr


def test_the_language_of_reports_is_the_command_line_s_else_that_of_report_yaml(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    for name in ("params", "notebooks"):
        (tmp_path / name).symlink_to(ROOT / name)
    told = []
    monkeypatch.setitem(
        main.__globals__,
        "bring_up_to_date",
        lambda subject, language, with_reports: told.append(language),
    )
    assert main(["report", "cifar10_l2"]) == 0
    (tmp_path / "report.yaml").write_text("language: es\n")
    assert (
        main(["report", "cifar10_l2"]) == 0
        and main(["report", "cifar10_l2", "--language", "en"]) == 0
    )
    assert told == ["en", "es", "en"]
