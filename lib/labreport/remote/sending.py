"""Runs on Kaggle: sent there in notebooks with everything inside, watched, fetched, and gone on with where a notebook's time was up.

The service takes one file and no parameters, runs a few notebooks at once, and ends each after some hours. So runs are dealt out to lanes. A lane is a
row of notebooks, each under a name of its own with the output of the one before attached, since a notebook cannot read its own earlier output.
What was sent is kept in kaggle.json, so that this command can be stopped and started again while Kaggle goes on.
"""

import contextlib
import hashlib
import json
import re
import secrets
import shutil
import string
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from .. import execution, files, interruption, kaggle_api, privacy, results, state, tasks
from ..datasets import download, fetching
from ..planning import Step
from ..wording import count, duration
from . import bundles, errand

SITE = "https://www.kaggle.com"
RECORD, LOCK, STAGED = "kaggle.json", ".kaggle.lock", ".fetched"
TITLE = 50  # characters that the service takes
HOURS = 11.5  # of the 12 that it gives a notebook
GPU_AT_ONCE, CPU_AT_ONCE = 2, 5  # notebooks that it runs at once
LOOK_SECONDS, FULL_SECONDS = 10.0, 60.0
PATIENCE_SECONDS = 600  # for a service that does not answer, or a notebook that does not leave the queue
LOG_SECONDS = 30.0  # for the last of a log
UNKNOWN_SECONDS = 120  # in which a notebook that was just sent may not be known yet
FETCHED = {*results.OF_A_RUN, execution.FAILED, execution.FAILED_LOG}
OVER = ("COMPLETE", "ERROR", "CANCEL_ACKNOWLEDGED")


@dataclass(frozen=True)
class Terms:
    """On which terms runs are done there. gpu: whether with one, accelerator: which, None for the service's choice. at_once: notebooks. seconds: of each."""

    gpu: bool
    accelerator: str | None
    at_once: int
    seconds: int
    language: str


@dataclass
class Lane:
    """Runs that one notebook after the other goes through. parts: what was sent so far, as kaggle.json has it, the last one perhaps still at work.

    outcomes: by run name, None or why it failed, of those that came to their end in this process.
    """

    name: str  # of what is done
    letter: str  # that tells it from other lanes; empty where it is the only one
    steps: list[Step]
    parts: list[dict] = field(default_factory=list)
    outcomes: dict[str, str | None] = field(default_factory=dict)
    log: "Log | None" = None
    seen: str = ""  # its last status
    since: float = field(default_factory=time.monotonic)  # when it came
    answered: float = field(default_factory=time.monotonic)  # when Kaggle last knew of it
    again: float = 0.0  # when it may be sent, after the service was full

    @property
    def title(self) -> str:
        """What begins a line about it."""
        return f"{self.name}, {self.letter}" if self.letter else self.name

    @property
    def left(self) -> list[Step]:
        """The runs that have not come to their end."""
        return [step for step in self.steps if step.experiment.run_name not in self.outcomes]

    @property
    def at_work(self) -> dict | None:
        """The part that was sent and not fetched."""
        return self.parts[-1] if self.parts and not self.parts[-1]["over"] else None


def bring(name: str, folder: Path, steps: list[Step], terms: Terms) -> dict[str, str | None]:
    """Have the steps that are to do done on Kaggle, and put what comes of them into their run folders; why each one failed, by run name, None where it did not.

    name: of the experiment or sweep; folder: its own. Raises ValueError for what a person has to change, ConnectionError where Kaggle stays away,
    Interrupted when asked to stop: the notebooks go on there then, and the next call finds them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with files.lock(folder / LOCK, f"{name} on Kaggle"):
        lanes = _lanes(name, folder, [step for step in steps if step.to_do], terms.at_once)
        api = kaggle_api.connected()
        if terms.gpu and not all(lane.at_work for lane in lanes):
            _tell_quota(api)
        try:
            while open_lanes := [lane for lane in lanes if lane.left]:
                for lane in open_lanes:
                    if lane.at_work:
                        _look(api, lane, terms)
                    elif time.monotonic() >= lane.again:
                        _send(api, lane, terms, lambda: _keep(folder, lanes))
                    _keep(folder, lanes)
                if any(lane.left for lane in lanes):
                    time.sleep(LOOK_SECONDS)
        except KeyboardInterrupt as stop:
            there = [lane.at_work["kernel"] for lane in lanes if lane.at_work]
            stopped = interruption.Interrupted(f"{name}: this command has stopped, not Kaggle: {' and '.join(f'{SITE}/code/{kernel}' for kernel in there)} "
                                               f"{'goes' if len(there) == 1 else 'go'} on, and the same command looks again" if there else f"{name}: stopped; the same command goes on")
            stopped.signal = getattr(stop, "signal", stopped.signal)
            raise stopped from None
        finally:
            _keep(folder, lanes)
        return {run: why for lane in lanes for run, why in lane.outcomes.items()}


def _lanes(name: str, folder: Path, to_do: list[Step], at_once: int) -> list[Lane]:
    """Those that an earlier call has left, and new ones for the runs that are in none."""
    by_name = {step.experiment.run_name: step for step in to_do}
    lanes = []
    for kept in (files.read_json(folder / RECORD) or {"lanes": []})["lanes"]:
        steps = [by_name.pop(run) for run in kept["runs"] if run in by_name]
        if steps:
            lanes.append(Lane(name, kept["letter"], steps, kept["parts"]))
    new = min(len(by_name), max(at_once - len(lanes), 0 if lanes else 1))
    letters = [letter for letter in string.ascii_lowercase if letter not in {lane.letter for lane in lanes}] if len(to_do) > 1 else [""]
    fresh = [Lane(name, letter, []) for letter in letters[:new]]
    for number, step in enumerate(by_name.values()):
        (fresh or lanes)[number % len(fresh or lanes)].steps.append(step)
    return lanes + fresh


def _keep(folder: Path, lanes: list[Lane]) -> None:
    files.write_json(folder / RECORD, {"lanes": [{"letter": lane.letter, "runs": [step.experiment.run_name for step in lane.steps], "parts": lane.parts} for lane in lanes]})


def _tell_quota(api) -> None:
    """Say how much GPU time is left this week; ValueError where there is none: a notebook would wait for it in silence."""
    found = kaggle_api.asked(api, api.quota_view, what="how much GPU time is left", page=f"{SITE}/settings")
    if found.gpu_quota is None:
        return
    left = (found.gpu_quota.total_time_allowed - found.gpu_quota.time_used).total_seconds()
    anew = f"; anew on {found.quota_refresh_time:%A, %-d %B, %H:%M} UTC" if found.quota_refresh_time else ""
    if left <= 0:
        raise ValueError(f"the GPU time that Kaggle gives you each week is used up{anew}. Wait until then, or run without one: --cpu")
    print(f"GPU time left on Kaggle this week: {duration(left)}{anew}", flush=True)


def slug(lane: Lane, part: int) -> str:
    """Name and title of a notebook on Kaggle: at most 50 characters that the service leaves as they are."""
    words = re.sub(r"[^a-z0-9]+", "-", f"labreport-{lane.name}".lower()).strip("-")
    end = f"-{lane.letter}-{part}".replace("--", "-")
    if len(words) + len(end) > TITLE:
        end = f"-{hashlib.sha256(lane.name.encode()).hexdigest()[:6]}{end}"
        words = words[:TITLE - len(end)].rstrip("-")
    return words + end


def notebook(name: str, runs: dict[str, list[str]], key: str, terms: Terms) -> dict:
    """The notebook that does an errand, as JSON. runs: what `pipeline.py` is told, by run name. key: of the errand."""
    said = [f"# labreport: {name}", f"Sent by `pipeline.py kaggle`; it trains {', '.join(f'`{run}`' for run in runs)} with the program that it carries inside, and shows what came of it."]
    doing = f"from labreport.remote import errand\n\n{bundles.assigned(runs=runs, language=terms.language)}\nerrand.do({key!r}, runs, language, seconds={terms.seconds})"
    showing = "for run in runs:\n    errand.show(run, language)"
    return bundles.whole([bundles.prose("title", "\n\n".join(said)), bundles.package(), bundles.bootstrap(), bundles.code("errand", doing), bundles.code("show", showing)])


def needs(experiments: list) -> dict:
    """What of Kaggle's the runs use, in the words of its metadata: data sets, competitions, internet."""
    pages = {fetching.SOURCES[one.dataset].page.removeprefix(f"{SITE}/") for one in experiments if one.data == "real"}
    kinds = {kind: sorted(page.partition("/")[2] for page in pages if page.startswith(f"{kind}/")) for kind in ("datasets", "competitions")}
    downloads = any("://" in page for page in pages) or any(one.model_args.get("weights") == "imagenet" for one in experiments)
    return {"dataset_sources": kinds["datasets"], "competition_sources": kinds["competitions"], "enable_internet": downloads}


def _send(api, lane: Lane, terms: Terms, keep) -> None:
    """Push the lane's next notebook, unless the service has no room for it: then it is tried again later. keep: writes kaggle.json."""
    name, owner = slug(lane, len(lane.parts) + 1), api.get_config_value("username")
    before = lane.parts[-1] if lane.parts else {"left": {}}
    part = {"kernel": f"{owner}/{name}", "errand": secrets.token_hex(8), "sent": files.now(), "over": False, "epochs": before["left"]}
    runs = {step.experiment.run_name: tasks.command(step.experiment) for step in lane.left}
    wanted = needs([step.experiment for step in lane.left])
    metadata = {"id": part["kernel"], "title": name, "code_file": "notebook.ipynb", "language": "python", "kernel_type": "notebook", "is_private": True,
                "enable_gpu": terms.gpu, "kernel_sources": [before["kernel"]] if lane.parts else [], **wanted}
    lane.parts.append(part)
    keep()  # before it is sent: killed in between, the next call asks after it and does not send it twice
    try:
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "kernel-metadata.json").write_text(json.dumps(metadata), "utf-8")
            Path(folder, "notebook.ipynb").write_text(json.dumps(notebook(lane.name, runs, part["errand"], terms)), "utf-8")
            answer = kaggle_api.asked(api, api.kernels_push, folder, timeout=str(terms.seconds + errand.RESERVE_SECONDS), acc=terms.accelerator,
                                      what=f"the notebook {name}", page=f"{SITE}/settings")
        taken = _taken_by_the_service(answer, name, wanted)
    except BaseException:
        lane.parts.pop()
        raise
    if not taken:
        lane.parts.pop()
        if not lane.again:
            print(f"{lane.title}: {privacy.cleaned(answer.error).rstrip('.')}; it is sent as soon as one has ended", flush=True)
        lane.again = time.monotonic() + FULL_SECONDS
        return
    lane.seen, lane.answered, lane.again = "", time.monotonic(), 0.0
    has = ["with a GPU" if terms.gpu else "without a GPU", *(["with internet"] if wanted["enable_internet"] else []), f"at most {duration(terms.seconds)}"]
    print(f"{lane.title}: sent {count(len(runs), 'run')} to {SITE}/code/{part['kernel']} ({', '.join(has)})", flush=True)


def _taken_by_the_service(answer, name: str, wanted: dict) -> bool:
    """Whether a notebook was taken; not where there is no room for it now. ValueError where a person has to do something: the client reports a success all the same."""
    for source in answer.invalid_competition_sources or []:
        raise ValueError(f"Kaggle cannot attach the competition {source} to {name}: accept its rules at {SITE}/competitions/{source}/rules and run again")
    for source in [*(answer.invalid_dataset_sources or []), *(answer.invalid_kernel_sources or [])]:
        raise ValueError(f"Kaggle cannot attach {source} to {name}; look whether you may open {SITE}/{'datasets' if source in wanted['dataset_sources'] else 'code'}/{source}")
    if answer.error and "session count" not in answer.error:
        raise ValueError(f"Kaggle did not take the notebook {name}: {privacy.cleaned(answer.error)}")
    return not answer.error


def _look(api, lane: Lane, terms: Terms) -> None:
    """See how far the notebook at work is; once it is over, fetch what it leaves."""
    part = lane.at_work
    status, message = _status(api, lane)
    if status is None:
        return
    if status != lane.seen:
        lane.seen, lane.since = status, time.monotonic()
        if status in ("QUEUED", "RUNNING"):
            print(f"{lane.title}: {status.lower()}", flush=True)
    elif status == "QUEUED" and time.monotonic() - lane.since > PATIENCE_SECONDS:
        lane.since = time.monotonic()
        print(f"{lane.title}: still in the queue; where your GPU time of this week is used up, it stays there: {SITE}/settings", flush=True)
    if status in ("RUNNING", *OVER) and lane.log is None:
        lane.log = Log(api, part["kernel"], lane.letter)
        lane.log.start()
    if status in OVER:
        lane.log.finish()
        lane.log = None
        _fetch(api, lane, status, message, terms)


def _status(api, lane: Lane) -> tuple[str | None, str]:
    """The notebook's status and what the service says of its failure; no status as long as it may still come to know it, or to answer again."""
    from kagglesdk.kernels.types.kernels_api_service import ApiGetKernelSessionStatusRequest

    kernel, waited = lane.at_work["kernel"], time.monotonic() - lane.answered
    request = ApiGetKernelSessionStatusRequest()
    request.user_name, request.kernel_slug = kernel.split("/")
    try:
        with api.build_kaggle_client() as client:
            found = kaggle_api.asked(api, client.kernels.kernels_api_client.get_kernel_session_status, request, what=f"the notebook {kernel}", page=f"{SITE}/code/{kernel}")
    except ConnectionError:
        if waited > PATIENCE_SECONDS:
            raise
        return None, ""
    except kaggle_api.NotThere:
        if waited <= UNKNOWN_SECONDS:
            return None, ""
        lane.at_work.update(over=True, left=lane.at_work["epochs"])
        raise ValueError(f"Kaggle does not know {SITE}/code/{kernel}, which was sent {lane.parts[-1]['sent']}: it was deleted, or never begun since your GPU time of this week "
                         f"is used up ({SITE}/settings). The same command sends it anew") from None
    lane.answered = time.monotonic()
    return found.status.name, found.failure_message


class Log(threading.Thread):
    """Prints what a notebook prints, as it comes, from the beginning after each lost connection what was not printed yet."""

    def __init__(self, api, kernel: str, letter: str):
        super().__init__(daemon=True)
        self.api, self.kernel, self.margin, self.over, self.printed = api, kernel, f"  {letter} | ".replace("  |", " |"), threading.Event(), 0
        self.output = sys.stdout  # as it is now: what the client prints elsewhere is led away from it for moments

    def run(self) -> None:
        import requests

        while True:
            last = self.over.is_set()  # then what is there now is all
            with contextlib.suppress(requests.RequestException, ValueError, OSError):  # the status tells how the notebook is; the log is a courtesy
                for number, event in enumerate(self.api.kernels_logs_stream(self.kernel)):
                    if number >= self.printed and event.get("data"):
                        for line in privacy.cleaned(event["data"]).splitlines():
                            print(self.margin + line, file=self.output, flush=True)
                    self.printed = max(self.printed, number + 1)
            if last:
                return
            self.over.wait(LOOK_SECONDS)

    def finish(self) -> None:
        """Print what is left, of a notebook that is over."""
        self.over.set()
        self.join(LOG_SECONDS)


def _fetch(api, lane: Lane, status: str, message: str, terms: Terms) -> None:
    """Take what a notebook that is over has left, verified, and settle what becomes of each of its runs."""
    part = lane.at_work
    page = f"{SITE}/code/{part['kernel']}"
    links, log = _output(api, part["kernel"])
    record = _record(links, part["errand"])
    if record is None:
        last = [line for line in _lines(log) if line.strip()][-1:]
        part["over"], part["left"] = True, part["epochs"]
        for step in lane.left:
            lane.outcomes[step.experiment.run_name] = (f"the notebook ended ({status.lower()}) before it came to it: {privacy.cleaned(message or ''.join(last)) or 'no reason given'}; "
                                                       f"what it said is at {page}")
        return
    gained = False
    for step in lane.left:
        run = step.experiment.run_name
        told = record["runs"].get(run, {"outcome": "waiting"})
        if told["outcome"] in ("finished", "failed"):
            failed = None if told["outcome"] == "finished" else str(told["why"])
            taken = _taken(step.experiment, failed, part["errand"], record["files"], links, page)
            lane.outcomes[run], gained = failed, True
            print(f"{run}: {told['outcome']} on Kaggle" + (f", {taken}" if taken else ""), flush=True)
        elif run not in record["runs"] or (told.get("epochs") or 0) > (part["epochs"].get(run) or 0):
            gained = True
    part["left"] = {step.experiment.run_name: record["runs"].get(step.experiment.run_name, {}).get("epochs") or 0 for step in lane.left}
    part["over"] = True
    if not gained:
        for step in lane.left:
            lane.outcomes[step.experiment.run_name] = f"not an epoch was done in {duration(terms.seconds)} on Kaggle; see {page}"
    elif lane.left:
        more = [f"{run} after {count(epochs, 'epoch')}" if epochs else run for run, epochs in part["left"].items()]
        print(f"{lane.title}: its time was up; to go on with: {', '.join(more)}", flush=True)


def _output(api, kernel: str) -> tuple[dict[str, str], str]:
    """Links to the files that a notebook leaves, by path, and its log."""
    from kagglesdk.kernels.types.kernels_api_service import ApiListKernelSessionOutputRequest

    links, log, token = {}, "", ""
    with api.build_kaggle_client() as client:
        while True:
            request = ApiListKernelSessionOutputRequest()
            request.user_name, request.kernel_slug = kernel.split("/")
            request.page_size, request.page_token = 100, token
            page = kaggle_api.asked(api, client.kernels.kernels_api_client.list_kernel_session_output, request, what=f"the output of {kernel}", page=f"{SITE}/code/{kernel}")
            links |= {file.file_name.lstrip("/"): file.url for file in page.files or []}
            log = log or page.log
            if not (token := page.next_page_token):
                return links, log


def _record(links: dict[str, str], key: str) -> dict | None:
    """What the notebook says of its runs; None where it says nothing, or what lies there is of an earlier one."""
    import requests

    if errand.RECORD not in links:
        return None
    answer = requests.get(links[errand.RECORD], timeout=download.TIMEOUT_SECONDS)
    answer.raise_for_status()
    try:
        found = answer.json()
        return found if found["errand"] == key and isinstance(found["runs"], dict) and isinstance(found["files"], dict) else None
    except (ValueError, KeyError, TypeError):
        return None


def _lines(log: str) -> list[str]:
    """The service's log is JSON: events with their data."""
    try:
        return "".join(event["data"] for event in json.loads(log)).splitlines()
    except (ValueError, KeyError, TypeError):
        return log.splitlines()


def _taken(experiment, failed: str | None, key: str, digests: dict[str, str], links: dict[str, str], page: str) -> str:
    """Put the files of a run into its folder: of a finished one in the place of the one before, which is kept; of one that failed beside it."""
    folder, there = experiment.folder, PurePosixPath("reports", experiment.run_name)
    wanted = {path: entry.split()[0] for path, entry in digests.items() if PurePosixPath(path).parent == there and PurePosixPath(path).name in FETCHED}
    missing = sorted(wanted.keys() - links.keys())
    if missing:
        raise ConnectionError(f"Kaggle does not list {missing[0]} in the output of {page}; the same command looks again")
    staged = folder / f"{STAGED}-{key}"
    for stale in set(folder.glob(f"{STAGED}-*")) - {staged}:
        shutil.rmtree(stale)
    with contextlib.suppress(execution.NotebookError), state.held(folder, experiment.run_name, log=execution.FAILED_LOG):
        staged.mkdir(exist_ok=True)
        for path, digest in wanted.items():
            download.fetch(links[path], digest, staged / PurePosixPath(path).name)
        size = sum(file.stat().st_size for file in staged.iterdir())
        if failed is None:
            results.publish(staged, folder, tuple(sorted(FETCHED)))
        else:
            for file in staged.iterdir():
                file.replace(folder / file.name)
            staged.rmdir()
            raise execution.NotebookError(failed)  # for run.json
    return f"{count(len(wanted), 'file')} fetched and verified ({size / 1e6:.1f} MB)" if wanted else ""
