"""The command line: the same words as make, clear errors, exit codes that tell."""

import errno
import re
import shutil
from dataclasses import replace

import pytest

from helpers.makefile import TAKES, TEXT
from helpers.project import ROOT
from helpers.run_folders import finish
from labreport.cli import commands, errors, inspection, reports
from labreport.cli.main import main
from labreport.config import experiments
from labreport.core import paths
from labreport.runs import state
from labreport.studies import assignments

PARSERS = commands.parsers()[1]


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
        (["report", "cifar10_l2", "--set", "l2=[1"], "not valid YAML"),
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
        (["verify", "cifar10_l3"], "no experiment 'cifar10_l3' (did you mean 'cifar10_l2'?)"),
        (["verify", "nowhere.pdf"], "nowhere.pdf"),
        (["verify", "a.pdf", "--stamp"], "name the experiment instead of a PDF"),
        (["verify", "a.PDF", "--set", "epochs=3"], "a.PDF contains its own settings; leave out"),
        (["verify", "a.pdf", "--data", "sample"], "a.pdf contains its own settings; leave out"),
        (["verify", "pyproject.toml"], "pyproject.toml cannot be read as a PDF"),
        (["show", "cifar10_comparison", "--build"], "is a comparison of runs"),
    ],
)
def test_a_mistake_is_answered_in_one_line(capsys, arguments, expected):
    assert expected in failing(capsys, *arguments)


def test_no_network_and_no_data_is_answered_before_a_kernel_starts(capsys):
    message = failing(capsys, "report", "cifar10_l2")
    assert (
        "could not be downloaded: https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz: no"
        " network connection"
        in message
        and "--data sample" in message
    )


def test_a_full_disk_is_called_so():
    assert "the disk is full (a.csv): free some space" in errors.explain(
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


def test_check_builds_what_there_is_and_names_a_model_whose_size_is_not_the_published_one(
    capsys, monkeypatch, keras
):
    """That all 42 have the published sizes is tested where models are."""
    monkeypatch.setattr(
        experiments,
        "names",
        lambda: ["cifar10_naive_adam", "cifar10_rmsprop", "cats_dogs_softmax"],
    )
    assert main(["check"]) == 0
    output = capsys.readouterr().out
    assert "cifar10_rmsprop: 1,831,840 parameters, 1,831,840 trainable\n" in output
    assert "OK: 3 experiments" in output
    load = experiments.load

    def otherwise(name, settings=None):
        found = load(name, settings)
        if name != "cifar10_rmsprop":
            return found
        return replace(found, published=found.published | {"total_parameters": 7})

    monkeypatch.setattr(experiments, "load", otherwise)
    wrong = "parameter counts differ from the published ones: cifar10_rmsprop; correct"
    assert wrong in failing(capsys, "check")
    assert wrong in failing(capsys, "show", "cifar10_rmsprop", "--build")
    assert main(["show", "cats_dogs_softmax", "--build"]) == 0
    output = capsys.readouterr().out
    assert "model: cats_dogs\n" in output and "OK: 1 experiment\n" in output


def test_show_builds_nothing_unless_asked_to(capsys, monkeypatch):
    monkeypatch.setattr(inspection, "_check", None)
    assert main(["show", "cifar10_rmsprop"]) == 0
    assert main(["show", "cifar10_rmsprop", "--set", "l2=[1"]) == 1


@pytest.mark.parametrize(
    "words, expected",
    [
        (["run", "cifar10_l2"], "report EXPERIMENT --notebook-only"),
        (["plan", "cifar10_optimizers", "--jobs", "2"], "status NAME"),
        (["index"], "list"),
        (["--debug", "reproduce", "report.pdf"], "verify REPORT.PDF"),
        (["submit", "--slurm", "cifar10_optimizers"], "slurm NAME"),
    ],
)
def test_a_former_command_names_the_one_that_does_it_now(words, expected, capsys):
    assert main(words) == 2
    output = capsys.readouterr()
    assert not output.out and output.err.count("\n") == 1
    assert f"is now `pipeline.py {expected}` (`make " in output.err


def test_what_became_of_former_commands_exists():
    for new, with_make in commands.RENAMED.values():
        assert wrong_options(new.split()) == []
        assert wrong_variables(with_make) == []


def test_an_unknown_command_is_answered_in_one_line(capsys):
    assert main(["reprot", "cifar10_l2"]) == 2
    assert capsys.readouterr().err == (
        "pipeline.py: there is no command 'reprot' (did you mean 'report'?); `pipeline.py --help`"
        " lists the commands\n"
    )
    assert main(["check", "cifar10_l2"]) == 2
    said = capsys.readouterr().err
    assert "use `pipeline.py show cifar10_l2 --build`" in said and said.count("\n") == 1


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
    # it could go on
    assert (good / "metrics.json").exists() and [path.name for path in failed.glob("[!.]*")] == [
        "unfinished"
    ]
    with state.run_lock(failed, "bad"):
        assert main(["clean", "--unfinished", "--yes"]) == 0
    assert "nothing to clean" in capsys.readouterr().out and (failed / "unfinished").exists()
    assert main(["clean", "--unfinished", "--earlier", "--yes"]) == 0
    assert not (failed / "unfinished").exists() and [path.name for path in good.rglob("[!.]*")] == [
        "earlier",
        "metrics.json",
    ]


def option_of(variable):
    """What a variable of the Makefile is on the command line of pipeline.py; None: a word."""
    found = re.search(rf"\b{variable}=(--[a-z-]+)", TEXT)
    return found and found[1]


def actions(command):
    """The options of a command, and its words that are no options."""
    found = PARSERS[command]._actions
    options = {option for action in found for option in action.option_strings}
    return options, [action for action in found if not action.option_strings]


def test_make_and_the_command_line_have_the_same_commands_and_options():
    assert set(TAKES) == set(PARSERS)
    for command, variables in TAKES.items():
        options, words = actions(command)
        given = {variable: option_of(variable) for variable in variables}
        assert {option for option in given.values() if option} <= options, command
        assert bool(words) == (None in given.values()), command


def wrong_options(words):
    """What of a command line of pipeline.py there is not; `...` and such stand for anything."""
    command, *rest = words
    if command not in PARSERS:
        return [command]
    options, _ = actions(command)
    known = {option.partition("=")[0] for option in rest if option.startswith("--")}
    return sorted(known - options)


def wrong_variables(words):
    """What of a command line of make, without `make` itself, there is not."""
    goal = words.split()[0]
    if not re.search(rf"^{goal}:", TEXT, re.M):
        return [goal]
    given = set(re.findall(r"\b([A-Z_]+)=", re.sub(r'"[^"]*"', "", words)))
    if goal not in TAKES:
        return sorted(name for name in given if f" {name} " not in f" {TEXT} ")
    return sorted(given - {*TAKES[goal], "DEBUG", "PYTHON"})


def texts():
    """What names commands: (file, text) of documents, headers, notebooks, and what the program
    says. Of documents only code, since prose says "make the report".
    """
    documents = {*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")}
    for path in sorted(documents - {ROOT / "CHANGELOG.md"}):  # which tells of former commands
        text = path.read_text()
        lines = re.findall(r"^(?:    |\t)(.*)", text, re.M)
        fenced = re.findall(r"^```\w*\n(.*?)^```", text, re.M | re.S)
        for code in [*lines, *fenced, *re.findall(r"`([^`\n]+)`", text)]:
            yield path, code
    for path in sorted((ROOT / "params").rglob("*.yaml")):
        for line in re.findall(r"^#.*", path.read_text(), re.M):
            yield path, line
    library = [path for kind in ("py", "po") for path in (ROOT / "lib").rglob(f"*.{kind}")]
    notebooks = (ROOT / "notebooks").glob("*.ipynb")
    for path in [*library, *notebooks, ROOT / "docs/gallery.py", ROOT / "Makefile"]:
        text = re.sub(r'"\n\s*f?"', "", path.read_text())  # a text in several lines
        for code in re.findall(r"`(make [^`\n]+)`|(pipeline\.py [a-z][^\n]*)", text):
            yield path, "".join(code)
    yield ROOT / ".ci/run", (ROOT / ".ci/run").read_text()


def commands_in(text):
    """The command lines of make, and of pipeline.py, in a text."""
    make = re.findall(
        r"(?:^|&& |: +|\$ |`)make ([a-z-]+(?: [A-Z_]+=(?:\"[^\"]*\"|\S*))*)", text, re.M
    )
    text = re.sub(r'="[^"]*"', "=", text)
    return make, re.findall(r"pipeline\.py ([a-z][a-z-]*(?: [^\n`;|&#,)\"]*)?)", text)


def test_every_command_and_option_that_is_named_anywhere_exists():
    seen, wrong = set(), []
    for path, text in texts():
        make, direct = commands_in(text)
        for words in make:
            seen.add(path.relative_to(ROOT).parts[0])
            wrong += [(path.name, words, name) for name in wrong_variables(words)]
        for words in direct:
            seen.add(path.name)
            wrong += [(path.name, words, name) for name in wrong_options(words.split())]
    assert not wrong
    assert seen >= {"README.md", "docs", "params", "lib", "attachments.py", "es.po", ".ci"}


@pytest.fixture
def reported(monkeypatch):
    """Reports are not made but noted, in a list of run names; cifar10_l2 fails, and Ctrl-C comes at
    cifar10_rmsprop with seed 7.
    """
    done = []

    def bring_up_to_date(experiment, language, with_reports):
        assert with_reports
        done.append(experiment.run_name)
        if experiment.name == "cifar10_l2":
            raise ValueError("the disc is scratched")
        if experiment.name == "cifar10_rmsprop" and experiment.seed == 7:
            raise KeyboardInterrupt
        finish(experiment, 0.75)
        return "trained"

    monkeypatch.setattr(reports, "bring_up_to_date", bring_up_to_date)
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


def test_the_language_of_reports_is_the_command_line_s_else_that_of_report_yaml(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    for name in ("params", "notebooks"):
        (tmp_path / name).symlink_to(ROOT / name)
    told = []
    monkeypatch.setattr(
        reports,
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


def test_a_report_may_end_with_the_notebook(monkeypatch):
    done = []
    monkeypatch.setattr(
        reports,
        "bring_up_to_date",
        lambda subject, language, with_reports: done.append((subject.run_name, with_reports)),
    )
    assert main(["report", "cifar10_l2", "--notebook-only"]) == 0
    assert main(["report", "cifar10_l2"]) == 0
    assert done == [("cifar10_l2", False), ("cifar10_l2", True)]


def test_list_writes_the_index_and_goes_on_where_that_cannot_be_done(capsys, monkeypatch):
    assert main(["list"]) == 0
    page = paths.reports() / "index.html"
    assert capsys.readouterr().out.endswith(f"\nall runs, with curves and links: {page}\n")
    assert '<html lang="en">' in page.read_text()
    assert main(["list", "--language", "es"]) == 0 and main(["list"]) == 0
    assert '<html lang="es">' in page.read_text()
    page.unlink()
    page.mkdir()
    capsys.readouterr()
    assert main(["list"]) == 0
    output = capsys.readouterr()
    assert "cifar10_l2_dropout" in output.out and str(page) not in output.out
    assert output.err.startswith("the index of the reports could not be written: ")


def test_the_command_line_prints_no_control_characters_by_itself():
    """Each module that prints does it with `output.print`, which escapes them."""
    for path in sorted((ROOT / "lib/labreport/cli").glob("*.py")):
        text = path.read_text()
        if path.name != "output.py" and re.search(r"(?<![.\w])print\(", text):
            assert re.search(r"^from \.output import .*\bprint\b", text, re.M), path.name
