"""Kaggle as an executor: notebooks that the service runs, watched until their runs have ended."""

import argparse
from pathlib import Path

from ...config.experiments import Experiment
from ...execution import execution
from .. import plan
from ..base import Executor
from ..plan import Step
from ..tasks import Subject, Task
from . import chain_state, job_chain, submit


class Kaggle(Executor):
    """Kaggle, with the token of the person who calls."""

    def __init__(self, subject: Subject, options: argparse.Namespace) -> None:
        super().__init__(subject, options)
        refuse_data_folder(options)

    @staticmethod
    def states(folder: Path, experiments: list[Experiment]) -> dict[str, str]:
        """Since when the runs of a notebook have been there, and its name."""
        return chain_state.submitted(folder)

    def prepare(self, steps: list[Step]) -> list[Step]:
        """Settles on which terms the notebooks run; what each run takes is Kaggle's affair."""
        options, real = self.options, any(step.experiment.data == "real" for step in steps)
        gpu = real and not options.cpu
        if options.accelerator and not gpu:
            why = "--cpu asks for none" if options.cpu else "sample data uses none"
            raise ValueError(f"--accelerator {options.accelerator}: {why}; leave it out")
        self.terms = submit.Terms(
            gpu,
            options.accelerator,
            options.jobs or (submit.GPU_AT_ONCE if gpu else submit.CPU_AT_ONCE),
            int((options.hours or submit.HOURS) * 3600),
            options.language,
        )
        return steps

    def execute(self, steps: list[Step]) -> list[Task]:
        """Send them, watch the notebooks, and put what they leave into the run folders."""
        subject = self.subject
        reasons = job_chain.bring(subject.run_name, subject.folder, steps, self.terms)
        return [_task(step, reasons.get(step.experiment.run_name)) for step in steps]


def refuse_data_folder(options: argparse.Namespace) -> None:
    """ValueError where --data names a folder of this machine for a run on another."""
    if options.data not in (None, "sample"):
        raise ValueError(
            "--data names a folder on this machine, but runs on Kaggle use Kaggle's data: leave"
            " it out, or pass --data sample"
        )


def _task(step: Step, why: str | None) -> Task:
    """What became of a step. why: it failed."""
    if step.to_do and not why:
        again = plan.step(step.experiment)
        if again.to_do:
            why = (
                "it was downloaded, but settings or source have changed since it was sent"
                f" ({again.why}); run the same command to train it again"
            )
    log = step.experiment.folder / execution.FAILED_LOG
    return Task(step, log, "failed" if why else "done", why=why or "")
