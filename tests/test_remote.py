"""Runs on Kaggle: sent, watched, fetched, gone on with; against a server on this machine that speaks the service's protocol."""

import json
import threading
import time

import kaggle_notebooks
import kaggle_stand_in
import pytest

import pipeline
from labreport import experiments, files, planning, provenance, results, state
from labreport.interruption import Interrupted
from labreport.remote import errand, sending

EXPERIMENT = "cifar10_naive_adam"
TERMS = sending.Terms(gpu=True, accelerator=None, at_once=2, seconds=3600, language="en")


@pytest.fixture
def notebooks(service, tmp_path, monkeypatch):
    """Those of the service; looked at often."""
    monkeypatch.setattr(sending, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(sending, "FULL_SECONDS", 0.2)
    monkeypatch.setenv("KAGGLE_USERNAME", kaggle_stand_in.USER)
    monkeypatch.setenv("KAGGLE_KEY", kaggle_stand_in.KEY)
    found = kaggle_notebooks.Notebooks(tmp_path / "service")
    found.join(service)
    yield found
    found.close()


def step(name=EXPERIMENT, **settings):
    return planning.step(experiments.load(name, {"data": "sample", "epochs": 3} | settings))


def bring(*steps, terms=TERMS):
    folder = steps[0].experiment.folder if len(steps) == 1 else steps[0].experiment.folder.with_name("sweep")
    return sending.bring(steps[0].experiment.run_name if len(steps) == 1 else "sweep", folder, list(steps), terms)


def leave(session, outcomes, epochs=None, **told):
    """What a notebook leaves that has come so far: a few files of each run, and the record."""
    record = {"errand": session.key, "runs": {run: {"outcome": "waiting", "epochs": None} for run in session.runs}, "files": {}} | told
    for run, outcome in outcomes.items():
        record["runs"][run] = {"outcome": outcome, "epochs": epochs} | ({"why": "the loss is not finite"} if outcome == "failed" else {})
        names = {"finished": [*results.FILES, "notebook.ipynb"], "failed": ["failed.txt"]}.get(outcome, [])
        for name in names:
            path = session.working / "reports" / run / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps({"finished": "2026-11-25T00:00:00+00:00", "sent": session.slug, "dataset": {"fingerprint": ""}, "identity": {}}))
            record["files"][path.relative_to(session.working).as_posix()] = f"{provenance.sha256(path)} {path.stat().st_size}"
    (session.working / errand.RECORD).write_text(json.dumps(record))


def finishing(session):
    session.say("epoch 1/3\n")
    leave(session, dict.fromkeys(session.runs, "finished"), 3)


def test_a_run_is_sent_as_a_private_notebook_with_all_that_it_needs_and_comes_back_into_its_folder(notebooks, capsys):
    notebooks.scripted["*"] = finishing
    one = step()
    assert bring(one) == {one.experiment.run_name: None}
    [sent] = notebooks.pushed
    assert (sent.request["isPrivate"], sent.request["enableGpu"], sent.request["enableInternet"], sent.request.get("kernelDataSources", [])) == (True, True, False, [])
    assert sent.runs == {one.experiment.run_name: ["run", EXPERIMENT, "--data", "sample", "--set", "epochs=3"]}
    assert results.finished(one.experiment.folder)["sent"] == sent.slug
    assert state.read(one.experiment.folder).name == "finished"
    told = capsys.readouterr().out
    assert f"sent 1 run to https://www.kaggle.com/code/ada/{sent.slug} (with a GPU, at most 1 h" in told and "  | epoch 1/3" in told and "6 files fetched and verified" in told
    assert "GPU time left on Kaggle this week: 29 h" in told


@pytest.mark.parametrize("name, data_sets, competitions, internet", [
    ("flowers_vgg16_adam", ["alxmamaev/flowers-recognition"], [], False), ("dog_breeds_mobilenetv2", [], ["dog-breed-identification"], True),
    ("dog_breeds_scratch_base", [], ["dog-breed-identification"], False), ("cifar10_l2_dropout", [], [], True), ("cats_dogs_softmax", [], [], True)])
def test_data_sources_and_internet_are_those_that_the_experiment_needs(name, data_sets, competitions, internet):
    assert sending.needs([experiments.load(name)]) == {"dataset_sources": data_sets, "competition_sources": competitions, "enable_internet": internet}


def test_sample_data_need_nothing():
    assert sending.needs([step().experiment]) == {"dataset_sources": [], "competition_sources": [], "enable_internet": False}


def test_a_run_whose_time_is_up_goes_on_in_a_second_notebook_that_has_the_output_of_the_first(notebooks, capsys):
    notebooks.scripted["*"] = lambda session: leave(session, dict.fromkeys(session.runs, "stopped"), 2) if len(notebooks.pushed) == 1 else finishing(session)
    one = step()
    assert bring(one) == {one.experiment.run_name: None}
    first, second = notebooks.pushed
    assert second.request["kernelDataSources"] == [first.request["slug"]] and second.slug != first.slug
    assert results.finished(one.experiment.folder)["sent"] == second.slug
    assert "its time was up; to go on with: cifar10_naive_adam--sample--epochs-3 after 2 epochs" in capsys.readouterr().out


def test_a_notebook_that_the_service_ended_in_the_middle_of_an_epoch_is_gone_on_with(notebooks):
    def ended(session):
        leave(session, dict.fromkeys(session.runs, "running"), 1)
        session.status, session.failure = "CANCEL_ACKNOWLEDGED", "exceeded the maximum allowed run time"

    notebooks.scripted["*"] = lambda session: ended(session) if len(notebooks.pushed) == 1 else finishing(session)
    assert bring(step()) == {step().experiment.run_name: None} and len(notebooks.pushed) == 2


def test_notebooks_that_come_to_no_epoch_are_not_sent_for_ever(notebooks):
    notebooks.scripted["*"] = lambda session: leave(session, dict.fromkeys(session.runs, "stopped"), None)
    [why] = bring(step()).values()
    assert why.startswith("not an epoch was done in 1 h") and len(notebooks.pushed) == 1


def test_a_run_that_fails_there_says_why_and_leaves_its_log_here(notebooks):
    notebooks.scripted["*"] = lambda session: leave(session, dict.fromkeys(session.runs, "failed"))
    one = step()
    assert bring(one) == {one.experiment.run_name: "the loss is not finite"}
    assert (one.experiment.folder / "failed.txt").exists() and str(state.read(one.experiment.folder)) == "failed: the loss is not finite"


def test_a_notebook_that_fails_before_its_runs_gives_its_last_words_and_its_page(notebooks):
    def broken(session):
        session.say("ModuleNotFoundError: no module named papermill\n")
        raise RuntimeError("")

    notebooks.scripted["*"] = broken
    [why] = bring(step()).values()
    assert "ended (error) before it came to it: ModuleNotFoundError: no module named papermill" in why and notebooks.pushed[0].slug in why
    notebooks.scripted["*"] = finishing
    assert bring(step()) == {step().experiment.run_name: None}


def test_the_output_of_an_earlier_notebook_is_not_taken_for_this_ones(notebooks):
    notebooks.scripted["*"] = lambda session: leave(session, dict.fromkeys(session.runs, "finished"), 3, errand="another")
    [why] = bring(step()).values()
    assert "before it came to it" in why and results.finished(step().experiment.folder) is None


def test_a_file_that_is_damaged_on_its_way_is_not_taken_and_the_earlier_run_stays(notebooks):
    notebooks.scripted["*"] = finishing
    one = step()
    bring(one)
    before = files.read_json(one.experiment.folder / "metrics.json")

    def damaged(session):
        leave(session, dict.fromkeys(session.runs, "finished"), 3)
        (session.working / "reports" / one.experiment.run_name / "model.keras").write_text("x")

    notebooks.scripted["*"] = damaged
    with pytest.raises(ValueError, match="sha256"):
        bring(one)
    assert files.read_json(one.experiment.folder / "metrics.json") == before


def test_a_full_service_is_waited_for_and_said_once(notebooks, capsys):
    notebooks.at_once, release = 1, threading.Event()
    notebooks.scripted["*"] = lambda session: (release.wait(), finishing(session))
    steps = [step(seed=1), step(seed=2)]
    threading.Timer(1.5, release.set).start()
    assert set(bring(*steps).values()) == {None}
    assert capsys.readouterr().out.count("Maximum batch GPU session count of 1 reached; it is sent as soon as one has ended") == 1


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
    found = bring(*[step(seed=seed) for seed in range(3)], terms=sending.Terms(True, None, 1, 3600, "en"))
    assert sorted(map(bool, found.values())) == [False, False, True]


def test_competition_rules_that_were_not_accepted_are_said_with_their_page(notebooks):
    with pytest.raises(ValueError, match="kaggle.com/competitions/dog-breed-identification/rules"):
        bring(planning.step(experiments.load("dog_breeds_scratch_base")))


def test_a_data_set_that_the_service_cannot_attach_is_named(notebooks):
    with pytest.raises(ValueError, match="cannot attach alxmamaev/flowers-recognition"):
        bring(planning.step(experiments.load("flowers_vgg16_adam")))


def test_gpu_time_that_is_used_up_is_said_before_anything_is_sent(notebooks):
    notebooks.quota["timeUsed"] = notebooks.quota["totalTimeAllowed"]
    with pytest.raises(ValueError, match=r"used up; anew on Saturday, 28 November, 00:00 UTC.*--cpu"):
        bring(step())
    assert not notebooks.pushed


def test_asked_to_stop_it_leaves_the_notebook_at_work_and_the_same_command_finds_it(notebooks, monkeypatch):
    release = threading.Event()
    notebooks.scripted["*"] = lambda session: (release.wait(), finishing(session))

    def stop(_):
        if notebooks.pushed:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(sending.time, "sleep", stop)
        with pytest.raises(Interrupted, match="not Kaggle: https://www.kaggle.com/code/ada/labreport-cifar10-naive-adam-sample-epochs-3-1 goes on"):
            bring(step())
    release.set()
    assert bring(step()) == {step().experiment.run_name: None} and len(notebooks.pushed) == 1


def test_a_service_that_does_not_answer_for_a_while_costs_nothing(notebooks, service, capsys):
    release = threading.Event()
    notebooks.scripted["*"] = lambda session: (release.wait(), finishing(session))
    service.misbehave("kernels.KernelsApiService/GetKernelSessionStatus", *[kaggle_stand_in.refusal(500)] * 2)
    threading.Timer(0.5, release.set).start()
    assert bring(step()) == {step().experiment.run_name: None}


def test_a_log_that_breaks_off_is_printed_once_and_whole(notebooks, service, capsys):
    def talking(session):
        for number in range(6):
            session.say(f"line {number}\n")
            time.sleep(0.1)
        finishing(session)

    notebooks.scripted["*"], notebooks.cut_log_after = talking, 3
    bring(step())
    told = capsys.readouterr().out
    assert [told.count(f"| line {number}\n") for number in range(6)] == [1] * 6


def test_names_on_kaggle_are_at_most_fifty_characters_and_differ():
    lanes = [sending.Lane(name, letter, []) for name in ("flowers_alexnet_adam", "cifar10_naive_adam--sample--optimizer-adagrad--learning_rate-0.01--epochs-1", "x" * 80) for letter in ("", "a")]
    found = [sending.slug(lane, part) for lane in lanes for part in (1, 12)]
    assert len(set(found)) == len(found) and max(map(len, found)) <= 50
    from slugify import slugify
    assert [slugify(one) for one in found] == found


def test_the_notebook_carries_the_project_as_it_is_now_in_less_than_a_megabyte():
    one, two = (sending.notebook("x", {"a": ["run"]}, "k", TERMS) for _ in range(2))
    assert json.dumps(one) == json.dumps(two) and len(json.dumps(one)) < 1_000_000


@pytest.mark.slow
@pytest.mark.skipif(kaggle_notebooks.namespaces() is not None, reason=f"no root of one's own here: {kaggle_notebooks.namespaces()}")
def test_a_run_that_is_really_executed_there_and_ended_by_the_service_ends_in_a_second_notebook_with_the_bits_of_one_here(notebooks, tmp_path, capsys, monkeypatch):
    notebooks.python, notebooks.end_first_after = kaggle_notebooks.bare_python(tmp_path / "python"), 3
    run = [EXPERIMENT, "--data", "sample", "--set", "epochs=6", "max_images=400"]
    assert pipeline.main(["kaggle", *run]) == 0, capsys.readouterr()
    [there] = (tmp_path / "reports").glob(f"{EXPERIMENT}--*")
    assert [session.status for session in notebooks.pushed] == ["CANCEL_ACKNOWLEDGED", "COMPLETE"] and (there / "report.pdf").exists()
    origin = files.read_json(there / "provenance.json")
    assert origin["sittings"][1]["first_epoch"] >= 3 and origin["sittings"][0]["checkout"]["packed"]
    monkeypatch.setenv("LABREPORT_REPORTS", str(tmp_path / "here"))
    assert pipeline.main(["run", *run]) == 0
    for name in ("history.csv", "predictions.csv"):
        assert (there / name).read_bytes() == (tmp_path / "here" / there.name / name).read_bytes()
    monkeypatch.setenv("LABREPORT_REPORTS", str(there.parent))
    assert planning.step(experiments.load(EXPERIMENT, {"data": "sample", "epochs": 6, "max_images": 400})).action == "done"
