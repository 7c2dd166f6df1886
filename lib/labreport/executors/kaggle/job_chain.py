"""Runs that are done on Kaggle, from their sending to their coming home.

The service runs a few notebooks at once, and ends each after some hours. So runs are dealt out to
lanes. A lane is a row of notebooks, each under a name of its own with the output of the one before
attached, since a notebook cannot read its own earlier output. What was sent is kept in sent.json,
before it is sent, so that this command can be stopped and started again while Kaggle goes on.
"""

import contextlib
import re
import secrets
import string
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...config.schema import printable
from ...core import files, paths, redaction, signals
from ...core.i18n import count, duration
from ...platforms import kaggle_client
from ..plan import Step
from . import download, submit

RECORD, LOCK = "sent.json", ".sent.lock"
LOOK_SECONDS, FULL_SECONDS = 10.0, 60.0
PATIENCE_SECONDS = (
    600  # for a service that does not answer, or a notebook that does not leave the queue
)
UNKNOWN_SECONDS = 120  # in which a notebook that was just sent may not be known yet
LOG_SECONDS = 30.0  # for the last of a log
KERNEL, ERRAND = re.compile(r"\w[\w.-]*/\w[\w.-]*"), re.compile(r"\w+")
OVER = ("COMPLETE", "ERROR", "CANCEL_ACKNOWLEDGED")


@dataclass
class Lane:
    """Runs that one notebook after the other goes through.

    key: that makes the names of its notebooks its own. letter: that tells it from other lanes,
    empty where it is the only one. parts: what was sent so far, as sent.json has it. outcomes: by
    run name, None or why it failed, of those that came to their end in this process.
    """

    name: str
    key: str
    letter: str
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

    @property
    def attached(self) -> dict | None:
        """The latest part whose output there is to go on from; not one that ended before it came to
        anything.
        """
        return next((part for part in reversed(self.parts) if any(part["left"].values())), None)

    def give_up(self, why: str) -> None:
        """Let all that is left of it fail."""
        self.outcomes |= {step.experiment.run_name: why for step in self.left}


def bring(name: str, folder: Path, steps: list[Step], terms: submit.Terms) -> dict[str, str | None]:
    """Have the steps that are to do done on Kaggle, and put what comes of them into their run
    folders; why each one failed, by run name, None where it did not.

    name: of the experiment or sweep; folder: its own. Raises ValueError without a token or GPU
    time, ConnectionError where Kaggle stays away, Interrupted when asked to stop: the notebooks go
    on there then, and the next call finds them.
    """
    api = kaggle_client.connected()
    folder.mkdir(parents=True, exist_ok=True)
    with files.lock(folder / LOCK, f"{name} on Kaggle"):
        lanes = _lanes(name, folder, [step for step in steps if step.to_do], terms.at_once)

        def keep() -> None:
            _keep(folder, lanes)

        try:
            while open_lanes := [lane for lane in lanes if lane.left]:
                for lane in open_lanes:
                    try:
                        if lane.at_work:
                            _look(api, lane, terms)
                        elif time.monotonic() >= lane.again:
                            _send(api, lane, terms, keep)
                    except ValueError as error:  # one lane's mistake ends no other lane's notebook
                        lane.give_up(str(error))
                    keep()
                if any(lane.left for lane in lanes):
                    time.sleep(LOOK_SECONDS)
        except KeyboardInterrupt as stop:
            there = [submit.page(lane.at_work["kernel"]) for lane in lanes if lane.at_work]
            stopped = signals.Interrupted(
                f"{name}: this command has stopped, not Kaggle: {' and '.join(there)}"
                f" {'goes' if len(there) == 1 else 'go'} on, and the same command looks again"
                if there
                else f"{name}: stopped; the same command goes on"
            )
            stopped.signal = getattr(stop, "signal", stopped.signal)
            raise stopped from None
        return {run: why for lane in lanes for run, why in lane.outcomes.items()}


def _lanes(name: str, folder: Path, to_do: list[Step], at_once: int) -> list[Lane]:
    """Those that an earlier call has left, and new ones for the runs that are in none."""
    by_name = {step.experiment.run_name: step for step in to_do}
    lanes = []
    for kept in _kept(folder):
        steps = [by_name.pop(run) for run in kept["runs"] if run in by_name]
        if steps:
            lanes.append(Lane(name, kept["key"], kept["letter"], steps, kept["parts"]))
    new = min(len(by_name), max(at_once - len(lanes), 0 if lanes else 1))
    letters = (
        [
            letter
            for letter in string.ascii_lowercase
            if letter not in {lane.letter for lane in lanes}
        ]
        if len(to_do) > 1
        else [""]
    )
    fresh = [Lane(name, secrets.token_hex(2), letter, []) for letter in letters[:new]]
    for number, step in enumerate(by_name.values()):
        (fresh or lanes)[number % len(fresh or lanes)].steps.append(step)
    return lanes + fresh


def _kept(folder: Path) -> list[dict]:
    """The lanes in sent.json; ValueError where it cannot be read: a notebook that is at work would
    be sent again.
    """
    file = folder / RECORD
    if not file.exists():
        return []
    try:
        found = [
            {
                "key": str(lane["key"]),
                "letter": str(lane["letter"]),
                "runs": [str(run) for run in lane["runs"]],
                "parts": [
                    {
                        "kernel": str(part["kernel"]),
                        "errand": str(part["errand"]),
                        "sent": str(part["sent"]),
                        "arrived": bool(part["arrived"]),
                        "over": bool(part["over"]),
                        "before": dict(part["before"]),
                        "left": dict(part["left"]),
                    }
                    for part in lane["parts"]
                ],
            }
            for lane in (files.read_json(file) or {})["lanes"]
        ]
        if all(map(_is_part, (part for lane in found for part in lane["parts"]))):
            return found
    except (KeyError, TypeError, ValueError):
        pass
    raise ValueError(
        f"{paths.display(file)} is damaged: look at {kaggle_client.SITE}/code whether a notebook of"
        " this run is at work there; delete the file to send a new one"
    )


def _is_part(part: Any) -> bool:
    """Whether what was sent has the names that we give: they become an address and the name of a
    folder.
    """
    epochs = [*part["before"].values(), *part["left"].values()]
    return bool(KERNEL.fullmatch(part["kernel"]) and ERRAND.fullmatch(part["errand"])) and all(
        type(done) is int for done in epochs
    )


def _keep(folder: Path, lanes: list[Lane]) -> None:
    """Write sent.json, or delete it where all has come home well."""
    open_ones = [lane for lane in lanes if lane.left or any(lane.outcomes.values())]
    record = {
        "lanes": [
            {
                "key": lane.key,
                "letter": lane.letter,
                "runs": [step.experiment.run_name for step in lane.steps],
                "parts": lane.parts,
            }
            for lane in open_ones
        ]
    }
    if open_ones and files.read_json(folder / RECORD) != record:
        # it is asked to at each look, for hours
        folder.mkdir(parents=True, exist_ok=True)  # somebody may have tidied up
        files.write_json(folder / RECORD, record)
    if not open_ones:
        (folder / RECORD).unlink(missing_ok=True)


def submitted(folder: Path) -> dict[str, str]:
    """Since when each run that was sent from this folder is on Kaggle, and in which notebook, in
    words by run name; of those whose notebook is not over.
    """
    states: dict[str, str] = {}
    with contextlib.suppress(ValueError):  # a damaged record is reported where it matters
        for chain in _kept(folder):
            if chain["parts"] and not chain["parts"][-1]["over"]:
                part = chain["parts"][-1]
                words = f"on Kaggle since {part['sent']}, as {part['kernel']}"
                states |= dict.fromkeys(chain["runs"], words)
    return states


def _send(api, lane: Lane, terms: submit.Terms, keep) -> None:
    """Push the lane's next notebook, unless the service has no room for it: then it is tried again
    later. keep: writes sent.json.
    """
    if terms.gpu and not lane.again:
        told = submit.gpu_time_left(api)
        if not lane.parts and lane.letter in ("", "a"):
            print(printable(told), flush=True)
    attached = lane.attached
    slug = submit.slug(lane.name, lane.key, lane.letter, len(lane.parts) + 1)
    part = {
        "kernel": f"{api.get_config_value('username')}/{slug}",
        "errand": secrets.token_hex(8),
        "sent": files.now(),
        "arrived": False,
        "over": False,
        "before": attached["left"] if attached else {},
        "left": {},
    }
    lane.parts.append(part)
    # before it is sent: stopped in between, the next call asks after it, and does not send it twice
    keep()
    try:
        outcome = submit.push(
            api,
            part,
            attached["kernel"] if attached else None,
            [step.experiment for step in lane.left],
            lane.name,
            terms,
        )
    except ValueError:
        lane.parts.pop()
        raise
    if attached and outcome == submit.NOTHING_TO_ATTACH:  # it was deleted there
        lane.parts.pop()
        attached["left"] = {}
        return
    if outcome:
        lane.parts.pop()
        if not lane.again:
            print(
                f"{lane.title}: {printable(outcome)}; it is sent as soon as one has ended",
                flush=True,
            )
        lane.again = time.monotonic() + FULL_SECONDS
        return
    part["arrived"], lane.seen, lane.answered, lane.again = True, "", time.monotonic(), 0.0
    internet = submit.needs([step.experiment for step in lane.left])["enable_internet"]
    print(
        f"{lane.title}: sent {count(len(lane.left), 'run')} to {submit.page(part['kernel'])}"
        f" ({terms}{', with internet' if internet else ''})",
        flush=True,
    )


def _look(api, lane: Lane, terms: submit.Terms) -> None:
    """See how far the notebook at work is; once it is over, fetch what it leaves."""
    status, message = _status(api, lane)
    if status is None:
        return
    if status != lane.seen:
        lane.seen, lane.since = status, time.monotonic()
        if status in ("QUEUED", "RUNNING"):
            print(f"{lane.title}: {status.lower()}", flush=True)
    elif status == "QUEUED" and time.monotonic() - lane.since > PATIENCE_SECONDS:
        lane.since = time.monotonic()
        print(
            f"{lane.title}: still in the queue; where your GPU time of this week is used up, it"
            f" stays there: {kaggle_client.SETTINGS}",
            flush=True,
        )
    if status not in ("RUNNING", *OVER):
        return
    if lane.log is None:
        lane.log = Log(api, lane.parts[-1]["kernel"], lane.letter)
        lane.log.start()
    if status in OVER:
        lane.log.finish()
        lane.log = None
        _fetch(api, lane, status, message, terms)


def _status(api, lane: Lane) -> tuple[str | None, str]:
    """The notebook's status and what the service says of its failure; no status as long as it may
    still come to know it, or to answer again.
    """
    from kagglesdk.kernels.types.kernels_api_service import ApiGetKernelSessionStatusRequest

    part, waited = lane.parts[-1], time.monotonic() - lane.answered
    page, request = submit.page(part["kernel"]), ApiGetKernelSessionStatusRequest()
    request.user_name, request.kernel_slug = part["kernel"].split("/")
    try:
        with api.build_kaggle_client() as client:
            found = kaggle_client.asked(
                api,
                client.kernels.kernels_api_client.get_kernel_session_status,
                request,
                what=f"the notebook {part['kernel']}",
                page=page,
            )
    except ConnectionError:
        if waited > PATIENCE_SECONDS:
            raise
        return None, ""
    except kaggle_client.NotThere:
        if waited <= UNKNOWN_SECONDS:
            return None, ""
        lane.parts.pop()
        if part["arrived"]:
            raise ValueError(
                f"Kaggle does not know {page}, which was sent {part['sent']}: it was deleted, or"
                f" never begun since your GPU time of this week is used up"
                f" ({kaggle_client.SETTINGS}). The same command sends it anew"
            ) from None
        return None, ""
    part["arrived"], lane.answered = True, time.monotonic()
    return found.status.name, found.failure_message


def _fetch(api, lane: Lane, status: str, message: str, terms: submit.Terms) -> None:
    """Take what a notebook that is over has left, verified, and settle what becomes of each of its
    runs.
    """
    part = lane.parts[-1]
    page = submit.page(part["kernel"])
    output = download.Output.of(api, part["kernel"], part["errand"])
    if output.record is None:
        part["over"] = True
        lane.give_up(
            f"the notebook ended ({status.lower()}) before it came to it:"
            f" {redaction.cleaned(message or output.last_line) or 'no reason given'}; what it said"
            f" is at {page}"
        )
        return
    gained = False
    for step in lane.left:
        run = step.experiment.run_name
        told = output.record["runs"].get(run)
        if told is None:  # it came into the lane later
            gained = True
        elif told["outcome"] in ("finished", "failed"):
            failed = None if told["outcome"] == "finished" else told["why"]
            try:
                taken = download.take(step.experiment, failed, output)
            except ValueError as error:
                failed, taken = str(error), ""
            lane.outcomes[run], gained = failed, True
            print(
                f"{run}: {told['outcome']} on Kaggle" + (f", {taken}" if taken else ""), flush=True
            )
        else:
            gained = gained or output.epochs(run) > part["before"].get(run, 0)
    part["over"] = True
    part["left"] = {
        run: output.epochs(run)
        for run, told in output.record["runs"].items()
        if told["outcome"] != "finished"
    }
    if not gained:
        lane.give_up(f"not an epoch was done in {duration(terms.seconds)} on Kaggle; see {page}")
    elif lane.left:
        more = [
            f"{run} after {count(epochs, 'epoch')}" if epochs else run
            for run, epochs in part["left"].items()
            if run not in lane.outcomes
        ]
        print(f"{lane.title}: its time was up; to go on with: {', '.join(more)}", flush=True)


class Log(threading.Thread):
    """Prints what a notebook prints, as it comes, line by line, from the beginning after each lost
    connection what was not printed yet.
    """

    def __init__(self, api, kernel: str, letter: str):
        super().__init__(daemon=True)
        self.api, self.kernel, self.margin = api, kernel, f"  {letter} | " if letter else "  | "
        self.over, self.taken, self.line = threading.Event(), 0, ""
        # as it is now: what the client prints elsewhere is led away from it for moments
        self.output = sys.stdout

    def run(self) -> None:
        import requests

        while True:
            last = self.over.is_set()  # then what is there now is all
            with contextlib.suppress(requests.RequestException, ValueError, OSError):
                # the status tells how the notebook is; the log is a courtesy
                for number, event in enumerate(self.api.kernels_logs_stream(self.kernel)):
                    if number >= self.taken:
                        self._print(event.get("data") or "")
                        self.taken = number + 1
            if last:
                self._print("\n" * bool(self.line))
                return
            self.over.wait(LOOK_SECONDS)

    def _print(self, text: str) -> None:
        """Whole lines only: half a secret would not be known as one."""
        *lines, self.line = (self.line + text).split("\n")
        for line in lines:
            shown = "".join(
                character for character in redaction.cleaned(line) if character.isprintable()
            )
            print(self.margin + shown, file=self.output, flush=True)

    def finish(self) -> None:
        """Print what is left, of a notebook that is over."""
        self.over.set()
        self.join(LOG_SECONDS)
