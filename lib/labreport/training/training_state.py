"""What a training has seen so far: saved whole after each epoch, kept where it outlives the
runtime, and read back to the last bit.
"""

import datetime
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import keras

from ..core import files
from ..runs import backups, checkpoints, fingerprint, provenance, state, validation
from ..runs.records import Session, session
from ..runs.validation import Validation
from . import stopping

ASIDE = "-unfinished"  # ends the names of the folders of trainings that were set aside


@dataclass
class TrainingState:
    """The epochs that a model has been trained for, and the place where they are saved.

    trained: the compiled model, its optimizer built. folder: of the checkpoints. made_from: the
    training's identity. monitor: column that names the best epoch. rows: of the history, one an
    epoch. seconds: of each epoch. prepared_seconds: of what comes before the epochs. best_weights:
    of the best epoch. sessions: one for each process that had a part in it. validation: what each
    epoch made of the validation images; None where its first epochs are of a version that kept no
    record of it.
    """

    trained: keras.Model
    folder: Path
    made_from: dict
    monitor: str
    rows: list[dict] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    prepared_seconds: float = 0.0
    best_weights: Any = None
    sessions: list[Session] = field(default_factory=list)
    validation: Validation | None = None

    @classmethod
    def begun(
        cls,
        trained,
        folder: Path,
        made_from: dict,
        monitor: str,
        device: dict,
        prepared_seconds: float,
        progress: Callable[[str], None],
        validation: Validation | None = None,
    ) -> "TrainingState":
        """A new state; or, where a checkpoint of the same identity lies in the folder, one with the
        model and its optimizer as they were then.

        A checkpoint that was made from something else is set aside, with its reasons. device: what
        `backend.describe()` says. validation: a record without epochs.
        """
        begun = cls(trained, folder, made_from, monitor, validation=validation)
        session = provenance.session(device)
        reasons = begun._go_on(folder, progress)
        if reasons:
            aside = files.free(
                folder.parent
                / state.EARLIER
                / f"{datetime.datetime.now():%Y-%m-%dT%H-%M-%S}{ASIDE}"
            )
            progress(
                f"the saved epochs cannot be continued ({'; '.join(reasons)}): the unfinished"
                f" training is moved to {state.EARLIER}/{aside.name}/"
            )
            aside.parent.mkdir(exist_ok=True)
            folder.rename(aside)
            folder.mkdir()
        for aside in (
            sorted(folder.parent.glob(f"{state.EARLIER}/*{ASIDE}*"), reverse=True)
            if not begun.rows
            else ()
        ):
            if not begun._go_on(aside, progress) and begun.rows:  # what it was made from is back
                progress(f"continuing the training in {state.EARLIER}/{aside.name}/")
                for path in list(aside.iterdir()):
                    path.replace(folder / path.name)
                aside.rmdir()
                break
        if begun.rows:
            before = begun.sessions[-1]
            session = replace(session, first_epoch=len(begun.rows) + 1)
            progress(f"resuming after epoch {len(begun.rows)}, saved {before.ended}")
            other = provenance.other_surroundings(before, session)
            if other:
                progress(
                    "the machine or versions have changed, so the last bits may differ from those"
                    f" of an uninterrupted training: {'; '.join(other)}"
                )
        begun.sessions.append(session)
        begun.prepared_seconds += prepared_seconds
        return begun

    @property
    def best_epoch(self) -> int:
        """Counting from 1."""
        return stopping.best_epoch([row[self.monitor] for row in self.rows], self.monitor)

    def end_session(self, **more) -> None:
        """Note that this process is so far. more: of the session."""
        self.sessions[-1] = replace(
            self.sessions[-1],
            ended=files.now(),
            peak_memory_bytes=provenance.peak_memory_bytes(),
            **more,
        )

    def save(self) -> None:
        """Write a checkpoint: all that the following epochs depend on.

        Of Keras that is its variables: weights, batch statistics, the seeds of dropout, and what
        the optimizer keeps.
        """
        self.end_session(last_epoch=len(self.rows))
        checkpoints.save(
            self.folder,
            len(self.rows),
            self._arrays(),
            {
                "identity": self.made_from,
                "rows": self.rows,
                "seconds": self.seconds,
                "prepared_seconds": self.prepared_seconds,
                "sittings": [asdict(session) for session in self.sessions],
            },
        )
        backups.platform().backup(self.folder.parent)

    def _arrays(self):
        for name, variable in self._variables().items():
            yield name, keras.ops.convert_to_numpy(variable)
        if self.best_epoch != len(self.rows):  # else they are the model's
            for number, weight in enumerate(self.best_weights):
                yield f"best/{number:04d}", weight
        if self.validation is not None:
            for name, array in validation.arrays(self.validation).items():
                yield f"validation/{name}", array

    def _go_on(self, folder: Path, progress) -> list[str]:
        """Take what was saved in a folder, unless it was made from something else: then nothing is
        taken, and the reasons are returned.
        """
        with checkpoints.newest(folder, progress) as saved:
            reasons = (
                fingerprint.differences(saved[0]["identity"], self.made_from, everywhere=True)
                if saved
                else []
            )
            if saved and not reasons:
                self._take(*saved)
        return reasons

    def _take(self, saved: dict, arrays) -> None:
        for name, variable in self._variables().items():
            variable.assign(arrays[name])
        self.rows, self.seconds, self.prepared_seconds = (
            saved[key] for key in ("rows", "seconds", "prepared_seconds")
        )
        self.sessions = [one for values in saved["sittings"] if (one := session(values))]
        if self.validation is not None:
            self.validation = validation.unpacked(
                self.validation.ids,
                {
                    name.removeprefix("validation/"): arrays[name]
                    for name in arrays
                    if name.startswith("validation/")
                },
            )
        weights = self.trained.get_weights()
        self.best_weights = (
            weights
            if self.best_epoch == len(self.rows)
            else [arrays[f"best/{number:04d}"] for number in range(len(weights))]
        )

    def _variables(self) -> dict[str, keras.Variable]:
        """All variables of the model and its optimizer, by a name that says their place in them."""
        of = {"model": self.trained.variables, "optimizer": self.trained.optimizer.variables}
        return {
            f"{part}/{number:04d}": variable
            for part, variables in of.items()
            for number, variable in enumerate(variables)
        }
