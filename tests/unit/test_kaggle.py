"""Runs on Kaggle: sent, watched, fetched, gone on with; against a server on this machine that
speaks the service's protocol.
"""

import json
import threading

import pipeline
import pytest

from helpers import kaggle_stand_in
from helpers.processes import until
from helpers.project import copy_project
from helpers.run_folders import MEASURED, ORIGIN
from labreport.config import experiments
from labreport.core import files
from labreport.core.signals import Interrupted
from labreport.executors import plan
from labreport.executors.kaggle import chain_state, job_chain, package, submit, worker
from labreport.runs import fingerprint, results, state

EXPERIMENT = "cifar10_naive_adam"
TERMS = submit.Terms(gpu=True, accelerator=None, at_once=2, seconds=3600, language="en")


def step(name=EXPERIMENT, **settings):
    return plan.step(experiments.load(name, {"data": "sample", "epochs": 3} | settings))


def bring(*steps, terms=TERMS):
    folder = (
        steps[0].experiment.folder
        if len(steps) == 1
        else steps[0].experiment.folder.with_name("sweep")
    )
    return job_chain.bring(
        steps[0].experiment.run_name if len(steps) == 1 else "sweep", folder, list(steps), terms
    )


def leave(session, outcomes, epochs=0, **told):
    """What a notebook leaves that has come so far: a few files of each run, and the record."""
    record = {
        "errand": session.key,
        "runs": {run: {"outcome": "waiting", "epochs": 0} for run in session.runs},
        "files": {},
    } | told
    for run, outcome in outcomes.items():
        record["runs"][run] = {"outcome": outcome, "epochs": epochs} | (
            {"why": "the loss is not finite"} if outcome == "failed" else {}
        )
        names = {"finished": [*results.FILES, "notebook.ipynb"], "failed": ["failed.txt"]}.get(
            outcome, []
        )
        for name in names:
            path = session.working / "reports" / run / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(
                json.dumps(
                    ORIGIN
                    | MEASURED
                    | {
                        "experiment": EXPERIMENT,
                        "run": run,
                        "data": "sample",
                        "changes": {},
                        "evaluated_split": "test",
                        "evaluated_accuracy": 0.5,
                        "finished": "2026-11-25T00:00:00+00:00",
                        "sent": session.slug,
                        "dataset": {"fingerprint": ""},
                        "identity": {},
                    }
                )
            )
            record["files"][path.relative_to(session.working).as_posix()] = files.sha256(path)
    (session.working / worker.RECORD).write_text(json.dumps(record))


def finishing(session):
    session.say("epoch 1/3\n")
    leave(session, dict.fromkeys(session.runs, "finished"), 3)


def brought(notebooks):
    """The step of a run that has come home from Kaggle."""
    notebooks.scripted["*"] = finishing
    one = step()
    bring(one)
    return one


def test_a_run_is_sent_as_a_private_notebook_with_all_that_it_needs_and_comes_back_into_its_folder(
    notebooks, capsys
):
    notebooks.scripted["*"] = finishing
    one = step()
    assert bring(one) == {one.experiment.run_name: None}
    [sent] = notebooks.pushed
    assert (
        sent.request["isPrivate"],
        sent.request["enableGpu"],
        sent.request["enableInternet"],
        sent.request.get("kernelDataSources", []),
    ) == (True, True, False, [])
    assert sent.runs == {
        one.experiment.run_name: {
            "arguments": [
                "report",
                EXPERIMENT,
                "--notebook-only",
                "--data",
                "sample",
                "--set",
                "epochs=3",
            ],
            "base": None,
        }
    }
    assert files.read_json(one.experiment.folder / "metrics.json")["sent"] == sent.slug
    assert state.read(one.experiment.folder).name == "finished"
    told = capsys.readouterr().out
    assert (
        f"sent 1 run to https://www.kaggle.com/code/ada/{sent.slug} (with a GPU, at most 1 h"
        in told
        and "  | epoch 1/3" in told
        and "6 files downloaded and verified" in told
    )
    assert "GPU time left on Kaggle this week: 29 h" in told


@pytest.mark.parametrize(
    "name, data_sets, competitions, internet",
    [
        ("flowers_vgg16_adam", ["alxmamaev/flowers-recognition"], [], False),
        ("dog_breeds_mobilenetv2", [], ["dog-breed-identification"], True),
        ("dog_breeds_scratch_base", [], ["dog-breed-identification"], False),
        ("cifar10_l2_dropout", [], [], True),
        ("cats_dogs_softmax", [], [], True),
    ],
)
def test_data_sources_and_internet_are_those_that_the_experiment_needs(
    name, data_sets, competitions, internet
):
    assert submit.needs([experiments.load(name)]) == {
        "dataset_sources": data_sets,
        "competition_sources": competitions,
        "enable_internet": internet,
    }


def test_sample_data_need_nothing():
    assert submit.needs([step().experiment]) == {
        "dataset_sources": [],
        "competition_sources": [],
        "enable_internet": False,
    }


def test_a_run_whose_time_is_up_goes_on_in_a_second_notebook_that_has_the_output_of_the_first(
    notebooks, capsys
):
    notebooks.scripted["*"] = lambda session: (
        leave(session, dict.fromkeys(session.runs, "stopped"), 2)
        if len(notebooks.pushed) == 1
        else finishing(session)
    )
    one = step()
    assert bring(one) == {one.experiment.run_name: None}
    first, second = notebooks.pushed
    assert (
        second.request["kernelDataSources"] == [first.request["slug"]] and second.slug != first.slug
    )
    assert files.read_json(one.experiment.folder / "metrics.json")["sent"] == second.slug
    assert (
        "time limit reached; to continue: cifar10_naive_adam--sample--epochs-3 after 2 epochs"
        in capsys.readouterr().out
    )


def test_a_notebook_that_the_service_ended_in_the_middle_of_an_epoch_is_gone_on_with(notebooks):
    def ended(session):
        # before it could note the epoch whose checkpoint is there
        leave(session, dict.fromkeys(session.runs, "running"))
        for run in session.runs:
            (session.working / "reports" / run / "unfinished").mkdir(parents=True)
            (session.working / "reports" / run / f"unfinished/epoch-0002.{'a' * 20}.npz").touch()
        session.status, session.failure = (
            "CANCEL_ACKNOWLEDGED",
            "exceeded the maximum allowed run time",
        )

    notebooks.scripted["*"] = lambda session: (
        ended(session) if len(notebooks.pushed) == 1 else finishing(session)
    )
    assert bring(step()) == {step().experiment.run_name: None} and len(notebooks.pushed) == 2


def test_notebooks_that_come_to_no_epoch_are_not_sent_for_ever(notebooks):
    notebooks.scripted["*"] = lambda session: leave(session, dict.fromkeys(session.runs, "stopped"))
    [why] = bring(step()).values()
    assert why.startswith("no epoch was finished in 1 h") and len(notebooks.pushed) == 1


def test_a_run_that_fails_there_says_why_and_leaves_its_log_here(notebooks):
    notebooks.scripted["*"] = lambda session: leave(session, dict.fromkeys(session.runs, "failed"))
    one = step()
    assert bring(one) == {one.experiment.run_name: "the loss is not finite"}
    assert (one.experiment.folder / "failed.txt").exists() and str(
        state.read(one.experiment.folder)
    ) == "failed: the loss is not finite"


def test_a_notebook_that_fails_before_its_runs_gives_its_last_words_and_its_page(notebooks):
    def broken(session):
        session.say("ModuleNotFoundError: no module named papermill\n")
        raise RuntimeError("")

    notebooks.scripted["*"] = broken
    [why] = bring(step()).values()
    assert (
        "ended (error) before this run started: ModuleNotFoundError: no module named papermill"
        in why
        and notebooks.pushed[0].slug in why
    )
    notebooks.scripted["*"] = finishing
    assert bring(step()) == {step().experiment.run_name: None}


def test_after_a_notebook_that_came_to_nothing_the_one_before_it_is_gone_on_from(notebooks):
    """Kaggle lost the second one."""

    def lost(session):
        raise RuntimeError("worker lost")

    notebooks.scripted["*"] = lambda session: {
        1: lambda: leave(session, dict.fromkeys(session.runs, "stopped"), 2),
        2: lambda: lost(session),
        3: lambda: finishing(session),
    }[len(notebooks.pushed)]()
    [why] = bring(step()).values()
    assert "worker lost" in why
    assert bring(step()) == {step().experiment.run_name: None}
    first, _, third = notebooks.pushed
    assert third.request["kernelDataSources"] == [first.request["slug"]]


def test_the_output_of_an_earlier_notebook_is_not_taken_for_this_ones(notebooks):
    notebooks.scripted["*"] = lambda session: leave(
        session, dict.fromkeys(session.runs, "finished"), 3, errand="another"
    )
    [why] = bring(step()).values()
    assert "before this run started" in why and results.finished(step().experiment.folder) is None


def test_a_file_that_is_damaged_on_its_way_is_not_taken_and_the_earlier_run_stays(notebooks):
    one = brought(notebooks)
    before = files.read_json(one.experiment.folder / "metrics.json")

    def damaged(session):
        leave(session, dict.fromkeys(session.runs, "finished"), 3)
        (session.working / "reports" / one.experiment.run_name / "model.keras").write_text("x")

    notebooks.scripted["*"] = damaged
    with pytest.raises(
        ConnectionError, match="sha256 .*run the same command again; if this persists"
    ):
        bring(one)
    finishing(notebooks.pushed[-1])  # now it is whole
    assert bring(one) == {one.experiment.run_name: None} and len(notebooks.pushed) == 2
    before |= {"sent": notebooks.pushed[-1].slug}
    assert files.read_json(one.experiment.folder / "metrics.json") == before


def test_a_full_service_is_waited_for_and_said_once(notebooks, capsys):
    notebooks.at_once = 1
    notebooks.scripted["*"] = lambda session: (
        until(lambda: notebooks.refused >= 3, "there was no room three times"),
        finishing(session),
    )
    steps = [step(seed=1), step(seed=2)]
    assert set(bring(*steps).values()) == {None}
    assert (
        capsys.readouterr().out.count(
            "Maximum batch GPU session count of 1 reached; it is sent when another notebook ends"
        )
        == 1
    )


def test_a_sweep_is_dealt_out_to_as_many_notebooks_as_run_at_once(notebooks):
    notebooks.scripted["*"] = finishing
    steps = [step(seed=seed) for seed in range(5)]
    assert set(bring(*steps).values()) == {None}
    assert [len(session.runs) for session in notebooks.pushed] == [3, 2]
    assert all(results.finished(one.experiment.folder) for one in steps)


def test_a_run_that_fails_does_not_stop_the_others_of_its_notebook(notebooks):
    def one_fails(session):
        first, *others = session.runs
        leave(session, {first: "failed"} | dict.fromkeys(others, "finished"), 3)

    notebooks.scripted["*"] = one_fails
    found = bring(
        *[step(seed=seed) for seed in range(3)], terms=submit.Terms(True, None, 1, 3600, "en")
    )
    assert sorted(map(bool, found.values())) == [False, False, True]


def test_competition_rules_that_were_not_accepted_are_said_with_their_page(notebooks):
    [why] = bring(plan.step(experiments.load("dog_breeds_scratch_base"))).values()
    assert (
        "accept its rules at https://www.kaggle.com/competitions/dog-breed-identification/rules"
        in why
        and not notebooks.pushed
    )


def test_a_data_set_that_the_service_cannot_attach_is_named(notebooks):
    [why] = bring(plan.step(experiments.load("flowers_vgg16_adam"))).values()
    assert "cannot attach alxmamaev/flowers-recognition" in why


def test_gpu_time_that_is_used_up_is_said_before_anything_is_sent(notebooks):
    notebooks.quota["timeUsed"] = notebooks.quota["totalTimeAllowed"]
    [why] = bring(step()).values()
    assert (
        "used up; renewed on Saturday, 28 November, 00:00 UTC" in why
        and "--cpu" in why
        and not notebooks.pushed
    )


def test_asked_to_stop_it_leaves_the_notebook_at_work_and_the_same_command_finds_it(
    notebooks, monkeypatch, capsys
):
    release = threading.Event()
    notebooks.scripted["*"] = lambda session: (release.wait(), finishing(session))

    def stop(_):
        if notebooks.pushed:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(job_chain.time, "sleep", stop)
        with pytest.raises(
            Interrupted,
            match=(
                "this command has stopped, but"
                " https://www.kaggle.com/code/ada/"
                "labreport-cifar10-naive-adam-sample-epochs-[0-9a-f]{4}-1"
                " keeps running"
            ),
        ):
            bring(step())
    assert pipeline.main(["show", EXPERIMENT, "--data", "sample", "--set", "epochs=3"]) == 0
    assert (
        "on Kaggle since 20" in (told := capsys.readouterr().out)
        and f"as ada/{notebooks.pushed[0].slug}" in told
    )
    release.set()
    assert bring(step()) == {step().experiment.run_name: None} and len(notebooks.pushed) == 1


def test_a_service_that_does_not_answer_for_a_while_costs_nothing(notebooks, service, capsys):
    asked = "kernels.KernelsApiService/GetKernelSessionStatus"
    notebooks.scripted["*"] = lambda session: (
        until(lambda: len(service.asked(asked)) > 2, "it answers again"),
        finishing(session),
    )
    service.misbehave(asked, *[kaggle_stand_in.refusal(500)] * 2)
    assert bring(step()) == {step().experiment.run_name: None}


def test_a_log_that_breaks_off_is_printed_once_and_whole(notebooks, service, capsys):
    def talking(session):
        for number in range(6):
            session.say(f"line {number}\n")
            if number == 2:
                until(lambda: notebooks.cut_log_after is None, "the log has broken off")
        finishing(session)

    notebooks.scripted["*"], notebooks.cut_log_after = talking, 3
    bring(step())
    told = capsys.readouterr().out
    assert [told.count(f"| line {number}\n") for number in range(6)] == [1] * 6


def test_a_second_notebook_that_has_nothing_to_go_on_from_begins_anew(notebooks, service):
    """The first was deleted on Kaggle meanwhile."""

    notebooks.scripted["*"] = lambda session: (
        leave(session, dict.fromkeys(session.runs, "stopped"), 2)
        if len(notebooks.pushed) == 1
        else finishing(session)
    )
    route = "kernels.KernelsApiService/SaveKernel"
    push = service.routes[route]
    service.routes[route] = lambda *asked: (notebooks.sessions.clear(), push(*asked))[1]
    assert bring(step()) == {step().experiment.run_name: None}
    assert [session.request.get("kernelDataSources", []) for session in notebooks.pushed] == [
        [],
        [],
    ]


@pytest.mark.parametrize("arrived", [True, False])
def test_a_push_that_was_not_answered_is_asked_after_and_not_repeated(
    arrived, notebooks, service, monkeypatch
):
    monkeypatch.setattr(job_chain, "UNKNOWN_SECONDS", 0.3)
    notebooks.scripted["*"], route = finishing, "kernels.KernelsApiService/SaveKernel"
    if arrived:
        take = service.routes[route]
        service.routes[route] = lambda *asked: (take(*asked), kaggle_stand_in.refusal(502))[1]
    else:
        service.misbehave(route, kaggle_stand_in.refusal(502))
    with pytest.raises(ConnectionError, match="502"):
        bring(step())
    assert len(notebooks.pushed) == arrived
    if arrived:
        service.routes[route] = take
    assert bring(step()) == {step().experiment.run_name: None} and len(notebooks.pushed) == 1


def test_a_notebook_that_was_deleted_is_said_and_sent_anew_by_the_same_command(
    notebooks, monkeypatch
):
    monkeypatch.setattr(job_chain, "UNKNOWN_SECONDS", 0.3)
    release = threading.Event()
    notebooks.scripted["*"] = lambda session: (
        (notebooks.sessions.pop(session.slug), release.wait())
        if len(notebooks.pushed) == 1
        else finishing(session)
    )
    [why] = bring(step()).values()
    assert "Kaggle does not know" in why and "Run the same command to send it again" in why
    assert bring(step()) == {step().experiment.run_name: None} and len(notebooks.pushed) == 2
    release.set()


def test_a_run_that_is_said_to_be_finished_without_its_files_is_not_taken(notebooks):
    one = brought(notebooks)
    notebooks.scripted["*"] = lambda session: leave(
        session, {}, runs={run: {"outcome": "finished", "epochs": 3} for run in session.runs}
    )
    [why] = bring(one).values()
    assert (
        "is reported as finished, but its output on Kaggle lacks history.csv" in why
        and results.finished(one.experiment.folder)
    )


def test_a_run_that_fails_there_leaves_the_finished_one_here(notebooks):
    one = brought(notebooks)
    before = files.read_json(one.experiment.folder / "metrics.json")

    def failed_after_training(session):
        finishing(session)
        record = json.loads((session.working / worker.RECORD).read_text())
        record["runs"] = {
            run: {"outcome": "failed", "epochs": 3, "why": "a cell failed"} for run in session.runs
        }
        (session.working / worker.RECORD).write_text(json.dumps(record))

    notebooks.scripted["*"] = failed_after_training
    assert (
        list(bring(one).values()) == ["a cell failed"]
        and files.read_json(one.experiment.folder / "metrics.json") == before
    )


def test_metrics_come_last_when_a_fetched_run_takes_the_place_of_another(notebooks, monkeypatch):
    notebooks.scripted["*"], moved = finishing, []
    kind = type(step().experiment.folder)
    replace = kind.replace
    monkeypatch.setattr(
        kind, "replace", lambda path, target: (moved.append(target.name), replace(path, target))[1]
    )
    bring(step())
    assert (
        moved[-1] == "metrics.json"
        and moved.count("metrics.json") == 1
        and "notebook.ipynb" in moved
    )


def sent(**part):
    """A sent.json with one notebook that is at work."""
    whole = {
        "kernel": "ada/a",
        "errand": "ab12",
        "sent": "now",
        "arrived": True,
        "over": False,
        "before": {},
        "left": {},
    }
    return json.dumps(
        {
            "lanes": [
                {
                    "key": "ab12",
                    "letter": "",
                    "runs": [step().experiment.run_name],
                    "parts": [whole | part],
                }
            ]
        }
    )


@pytest.mark.parametrize(
    "record",
    [
        "{",
        "[1]",
        '{"lanes": 3}',
        '{"lanes": [3]}',
        '{"lanes": [{"key": "a"}]}',
        sent(kernel="ada/../x"),
        sent(kernel="a/b/c"),
        sent(errand="../../x"),
        sent(before=3),
        sent(left={"x": "3"}),
    ],
)
def test_a_damaged_record_of_what_was_sent_is_not_taken_for_an_empty_one(record, notebooks):
    folder = step().experiment.folder
    folder.mkdir(parents=True)
    (folder / chain_state.RECORD).write_text(record)
    with pytest.raises(
        ValueError,
        match=r"sent.json is damaged: check at https://www.kaggle.com/code .*delete the file",
    ):
        bring(step())
    assert not notebooks.pushed


@pytest.mark.parametrize(
    "runs",
    [
        3,
        {"x": 3},
        {"x": {"outcome": "failed", "epochs": 1}},
        {"x": {"outcome": "stopped"}},
        {"x": {"epochs": 1}},
        {"x": {"outcome": 3, "epochs": 1}},
    ],
)
def test_a_record_of_another_shape_is_as_good_as_none(runs, notebooks):
    notebooks.scripted["*"] = lambda session: leave(session, {}, runs=runs)
    [why] = bring(step()).values()
    assert "before this run started" in why


def test_what_was_changed_since_it_was_sent_is_said(notebooks, capsys):
    notebooks.scripted["*"] = (
        finishing  # whose files say that they were made from nothing that is known here
    )
    assert pipeline.main(["kaggle", EXPERIMENT, "--data", "sample", "--set", "epochs=3"]) == 1
    assert (
        "it was downloaded, but settings or source have changed since it was sent ("
        in capsys.readouterr().err
    )


def test_no_token_is_in_what_is_sent_kept_or_printed(notebooks, tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("KAGGLE_USERNAME")
    monkeypatch.delenv("KAGGLE_KEY")
    monkeypatch.setenv("KAGGLE_API_TOKEN", kaggle_stand_in.TOKEN)

    def blabbing(session):
        session.say(f"token {kaggle_stand_in.TOKEN[:20]}")  # in two pieces, as a stream may come
        session.say(f"{kaggle_stand_in.TOKEN[20:]}\n")
        leave(session, dict.fromkeys(session.runs, "failed"))

    notebooks.scripted["*"] = blabbing
    bring(step())
    told = capsys.readouterr()
    assert (
        "| token [" in told.out
        and kaggle_stand_in.TOKEN not in told.out + told.err + notebooks.pushed[0].request["text"]
    )
    assert not [
        path
        for path in (tmp_path / "reports").rglob("*")
        if path.is_file() and kaggle_stand_in.TOKEN.encode() in path.read_bytes()
    ]


@pytest.mark.parametrize(
    "place, cell", [("notebooks/cifar10.ipynb", True), ("params/cifar10_l2.yaml", False)]
)
def test_a_token_in_a_notebook_or_parameter_file_is_not_packed(place, cell, tmp_path, monkeypatch):
    copy_project(tmp_path)
    monkeypatch.chdir(tmp_path)
    text = (tmp_path / place).read_text()
    (tmp_path / place).write_text(
        text.replace("from labreport.core import host", f"token = '{kaggle_stand_in.TOKEN}'")
        if cell
        else f"# {kaggle_stand_in.TOKEN}\n{text}"
    )
    with pytest.raises(
        ValueError, match=f"{place} holds what looks like a password or token; take it out"
    ):
        package.project()


def test_outputs_that_a_person_has_left_in_a_notebook_are_not_packed(tmp_path, monkeypatch):
    copy_project(tmp_path)
    monkeypatch.chdir(tmp_path)
    before = package.project()
    notebook = json.loads((tmp_path / "notebooks/cifar10.ipynb").read_text())
    notebook["cells"][-1].update(
        outputs=[{"output_type": "stream", "name": "stdout", "text": "x" * 10**6}],
        execution_count=7,
    )
    (tmp_path / "notebooks/cifar10.ipynb").write_text(json.dumps(notebook))
    assert package.project() == before


@pytest.mark.parametrize(
    "arguments, message",
    [
        (
            [EXPERIMENT, "--data", "."],
            "--data names a folder on this machine, but runs on Kaggle use Kaggle's data",
        ),
        (["cifar10_comparison"], "compares runs on this machine"),
        (
            [EXPERIMENT, "--cpu", "--accelerator", "NvidiaTeslaT4"],
            "--cpu asks for none; leave it out",
        ),
        (
            [EXPERIMENT, "--data", "sample", "--accelerator", "NvidiaTeslaT4"],
            "sample data uses none",
        ),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_sent(arguments, message, notebooks, capsys):
    assert pipeline.main(["kaggle", *arguments]) == 1
    assert message in capsys.readouterr().err and not notebooks.pushed


def test_names_on_kaggle_are_at_most_fifty_characters_and_differ():
    names = (
        "flowers",
        "flowers_a",
        "cifar10_naive_adam--sample--optimizer-adagrad--learning_rate-0.01--epochs-1",
        "x" * 80,
        "Ω",
    )
    made = [
        (name, f"{number:04x}", letter)
        for number, (name, letter) in enumerate(
            [(name, letter) for name in names for letter in ("", "a")]
        )
    ]
    found = [submit.slug(name, key, letter, part) for name, key, letter in made for part in (1, 12)]
    assert len(set(found)) == len(found) and max(map(len, found)) <= 50
    from slugify import slugify

    assert [slugify(one) for one in found] == found


def test_the_notebook_carries_the_project_as_it_is_now_in_less_than_a_megabyte():
    one, two = (submit.notebook("x", [step().experiment], "k", TERMS) for _ in range(2))
    assert json.dumps(one) == json.dumps(two) and len(json.dumps(one)) < 1_000_000


def test_packages_and_absent_weights_count_between_runs_of_one_host_only():
    there = {
        "host": "kaggle",
        "settings": {},
        "code": {"training.loop.evaluate": "a"},
        "data": "d",
        "versions": {"keras": "3.13"},
        "weights": {"file": "w.h5", "sha256": "1"},
    }
    here = there | {"versions": {"keras": "3.15"}, "weights": {"file": None}}
    del here["host"]
    assert fingerprint.differences(there, here) == []
    assert fingerprint.differences(
        there, here | {"code": {"training.loop.evaluate": "b"}, "data": "e"}
    ) == ["the data changed", "training.loop.evaluate changed"]
    assert "keras: 3.13, now 3.15" in fingerprint.differences(there, here, everywhere=True)
    assert "keras: 3.13, now 3.15" in fingerprint.differences(there, here | {"host": "kaggle"})
