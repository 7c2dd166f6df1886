"""The chains of notebooks that were sent to Kaggle, kept in sent.json.

The service runs a few notebooks at once, and ends each after some hours. So runs are divided among
chains. A chain is a row of notebooks: each has a name of its own, and the output of the one before
attached, since a notebook cannot read its own earlier output.
"""

import contextlib
import re
import secrets
import string
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...core import files, paths
from ...platforms import kaggle_client
from ..plan import Step
from .notebook_log import LogReader

RECORD = "sent.json"  # in the folder of the experiment or sweep
KERNEL, KEY = re.compile(r"\w[\w.-]*/\w[\w.-]*"), re.compile(r"\w+")


@dataclass
class JobChain:
    """Runs that one notebook after the other goes through.

    key: makes the names of its notebooks its own. letter: tells it from others, empty where it is
    the only one. parts: what was sent so far, as sent.json has it. outcomes: by
    run name, None or why it failed, of those that came to their end in this process.
    """

    name: str
    key: str
    letter: str
    steps: list[Step]
    parts: list[dict] = field(default_factory=list)
    outcomes: dict[str, str | None] = field(default_factory=dict)
    log: LogReader | None = None
    seen: str = ""  # its last status
    since: float = field(default_factory=time.monotonic)  # when it came
    answered: float = field(default_factory=time.monotonic)  # when Kaggle last knew of it
    again: float = 0.0  # when it may be sent, after the service was full

    @property
    def title(self) -> str:
        """What begins a line about it."""
        return f"{self.name}, {self.letter}" if self.letter else self.name

    @property
    def remaining(self) -> list[Step]:
        """The runs that have not come to their end."""
        return [step for step in self.steps if step.experiment.run_name not in self.outcomes]

    @property
    def running(self) -> dict | None:
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
        self.outcomes |= {step.experiment.run_name: why for step in self.remaining}


def load(name: str, folder: Path, to_do: list[Step], at_once: int) -> list[JobChain]:
    """The chains that an earlier call has left, and new ones for the runs that are in none."""
    by_name = {step.experiment.run_name: step for step in to_do}
    chains = []
    for record in _read(folder):
        steps = [by_name.pop(run) for run in record["runs"] if run in by_name]
        if steps:
            chains.append(JobChain(name, record["key"], record["letter"], steps, record["parts"]))
    new = min(len(by_name), max(at_once - len(chains), 0 if chains else 1))
    letters = (
        [
            letter
            for letter in string.ascii_lowercase
            if letter not in {chain.letter for chain in chains}
        ]
        if len(to_do) > 1
        else [""]
    )
    fresh = [JobChain(name, secrets.token_hex(2), letter, []) for letter in letters[:new]]
    for number, step in enumerate(by_name.values()):
        (fresh or chains)[number % len(fresh or chains)].steps.append(step)
    return chains + fresh


def _read(folder: Path) -> list[dict]:
    """The chains in sent.json; ValueError where it cannot be read: a running notebook would be sent
    again.
    """
    file = folder / RECORD
    if not file.exists():
        return []
    try:
        chains = [
            {
                "key": str(chain["key"]),
                "letter": str(chain["letter"]),
                "runs": [str(run) for run in chain["runs"]],
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
                    for part in chain["parts"]
                ],
            }
            for chain in (files.read_json(file) or {})["lanes"]
        ]
        if all(map(_is_part, (part for chain in chains for part in chain["parts"]))):
            return chains
    except (KeyError, TypeError, ValueError):
        pass
    raise ValueError(
        f"{paths.display(file)} is damaged: check at {kaggle_client.SITE}/code whether a notebook"
        " of this run is still running; delete the file to send a new one"
    )


def _is_part(part: Any) -> bool:
    """Whether what was sent has the names that we give: they become an address and the name of a
    folder.
    """
    epochs = [*part["before"].values(), *part["left"].values()]
    return bool(KERNEL.fullmatch(part["kernel"]) and KEY.fullmatch(part["errand"])) and all(
        type(done) is int for done in epochs
    )


def save(folder: Path, chains: list[JobChain]) -> None:
    """Write sent.json, or delete it where all runs are done and downloaded."""
    unfinished = [chain for chain in chains if chain.remaining or any(chain.outcomes.values())]
    record = {
        "lanes": [
            {
                "key": chain.key,
                "letter": chain.letter,
                "runs": [step.experiment.run_name for step in chain.steps],
                "parts": chain.parts,
            }
            for chain in unfinished
        ]
    }
    if unfinished and files.read_json(folder / RECORD) != record:
        # it is asked to at each look, for hours
        folder.mkdir(parents=True, exist_ok=True)  # somebody may have tidied up
        files.write_json(folder / RECORD, record)
    if not unfinished:
        (folder / RECORD).unlink(missing_ok=True)


def submitted(folder: Path) -> dict[str, str]:
    """Since when each run that was sent from this folder is on Kaggle, and in which notebook, in
    words by run name; of those whose notebook is not over.
    """
    states: dict[str, str] = {}
    with contextlib.suppress(ValueError):  # a damaged record is reported where it matters
        for chain in _read(folder):
            if chain["parts"] and not chain["parts"][-1]["over"]:
                part = chain["parts"][-1]
                words = f"on Kaggle since {part['sent']}, as {part['kernel']}"
                states |= dict.fromkeys(chain["runs"], words)
    return states
