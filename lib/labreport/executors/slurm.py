"""The runs of a sweep as a SLURM job array: one task a run, queued again until it is finished.

Tried on SLURM 22.05 (tests/helpers/real_slurm.py, docs/cluster.md), on signals:
- Before the time limit it sends USR1 to the job script alone (`--signal=B:USR1@120`), up to 60
  seconds early.
- At the time limit, for scancel, for a requeue and for preemption it sends TERM to every process
  of the step, and KILL after KillWait. Only the job's record tells them apart: `Reason=TimeLimit`,
  and `PreemptTime` where it was preempted.
- After `scontrol requeue`, and after preemption with PreemptMode=REQUEUE, it queues the job again
  by itself.
"""

import argparse
import contextlib
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..config.experiments import Experiment
from ..core import files, paths
from ..core.i18n import count
from ..core.progress_log import log
from . import slurm_scripts, tasks
from .base import Executor
from .plan import Step
from .tasks import Subject, Task

SCRIPT = "slurm.sh"
REPORT_SCRIPT = "slurm-report.sh"
SUBMISSIONS = "slurm.json"  # in the sweep's folder: which job has which runs
THREADS = 4  # processors of a task, where nothing else is asked for
FINAL = {
    "BOOT_FAIL",
    "CANCELLED",
    "COMPLETED",
    "DEADLINE",
    "FAILED",
    "NODE_FAIL",
    "OUT_OF_MEMORY",
    "PREEMPTED",
    "REVOKED",
    "TIMEOUT",
}
# Options of sbatch that say where a job runs, who pays and how long it may take. The report's job
# takes these, and no others.
OF_ANY_JOB = (
    ("--account", "-A"),
    ("--clusters", "-M"),
    ("--mail-type",),
    ("--mail-user",),
    ("--partition", "-p"),
    ("--qos", "-q"),
    ("--reservation",),
    ("--time", "-t"),
    ("--wckey",),
)


class Slurm(Executor):
    """A cluster with SLURM, for which this machine is a login node."""

    waits = False

    def __init__(self, subject: Subject, options: argparse.Namespace) -> None:
        super().__init__(subject, options)
        self.alive: dict[str, Job] = {}  # of runs that were submitted before, by run name
        try:
            self.sbatch = shlex.split(options.sbatch or "")
        except ValueError as error:
            raise ValueError(f"--sbatch {options.sbatch}: {str(error).lower()}") from None

    @staticmethod
    def states(folder: Path, experiments: list[Experiment]) -> dict[str, str]:
        """The last job of each run; nothing of a sweep that was never submitted."""
        if not _submissions(folder):
            return {}
        known = jobs(experiments)
        return {
            experiment.run_name: str(known.get(experiment.run_name, "no SLURM job"))
            for experiment in experiments
        }

    @contextlib.contextmanager
    def connected(self) -> Iterator[None]:
        """A block in which there is an sbatch that takes the options."""
        check(self.sbatch)
        yield

    def select(self, steps: list[Step]) -> list[Step]:
        """Those that are to do and that no job has."""
        known = jobs([step.experiment for step in steps if step.to_do])
        self.alive = {run: job for run, job in known.items() if job.alive}
        for run, job in self.alive.items():
            log.info(f"{run}: not submitted again: {job}")
        return [step for step in steps if step.to_do and step.experiment.run_name not in self.alive]

    def execute(self, steps: list[Step]) -> list[Task]:
        """Submit them as a job array, with a job behind it that makes the report."""
        logs = self.subject.folder / tasks.LOGS
        if not steps:
            log.info(
                f"{self.subject.run_name}: nothing to submit: {count(len(self.alive), 'run')} to"
                " do, all submitted already"
            )
            return []
        array, report = submit(
            self.subject,
            steps,
            tasks.report_command(self.options, self.options.sweep),
            self.options.jobs,
            self.sbatch,
            {job.name.partition("_")[0] for job in self.alive.values()},
        )
        log.info(
            f"{self.subject.run_name}: {count(len(steps), 'run')} submitted as job array {array},"
            f" and job {report} that makes the report after them\nwatch it with `pipeline.py"
            f" status {self.options.sweep}`, cancel it with `scancel {array} {report}`; each run's"
            f" log is in {paths.display(logs)}/, named after it"
        )
        return [Task(step, logs / f"{step.experiment.run_name}.txt", "submitted") for step in steps]


@dataclass(frozen=True)
class Job:
    """The task of a job array that has a run.

    name: such as 12_3. state: SLURM's word, empty where it knows the task no longer. reason: why it
    waits or ended, in SLURM's words, empty where nothing is known. log: SLURM's own words about it.
    """

    name: str
    state: str
    reason: str
    log: Path

    @property
    def alive(self) -> bool:
        """Whether SLURM will run it, or does."""
        return bool(self.state) and self.state not in FINAL

    def __str__(self) -> str:
        if not self.state:
            return f"no SLURM job (SLURM no longer knows {self.name})"
        return f"SLURM {self.name}: {self.state}{f' ({self.reason})' if self.reason else ''}"


def check(options: list[str]) -> None:
    """Let `sbatch` look at the options, before anything that takes long.

    Raises FileNotFoundError where there is no `sbatch`, ValueError with its words where it refuses.
    """
    if shutil.which("sbatch") is None:
        raise FileNotFoundError(
            "sbatch is not installed on this machine: submit from a login node of the cluster, or"
            " run the sweep here: pipeline.py sweep"
        )
    for checked in (options, for_any_job(options)):
        done = subprocess.run(
            ["sbatch", "--test-only", *checked, "--wrap=true"], capture_output=True, text=True
        )
        if done.returncode:
            raise ValueError(
                f"sbatch refuses {shlex.join(checked) or 'a plain job'}: {_words(done)}"
            )


def submit(
    subject: Subject,
    steps: list[Step],
    arguments: list[str],
    at_once: int | None,
    options: list[str],
    running: Collection[str] = (),
) -> tuple[str, str]:
    """Hand the runs of steps to `sbatch`.

    Args:
        steps: such as have something to do.
        arguments: of `pipeline.py` that make the sweep's report.
        at_once: tasks side by side, None for as many as SLURM will.
        options: of `sbatch`, which count before those in the scripts; the report's job takes what
            `for_any_job` leaves of them.
        running: jobs with other runs of the sweep; the report waits for them, too.

    Returns:
        The job numbers of the array and of the report.

    Raises:
        ValueError: where `sbatch` refuses, with its words.
    """
    (subject.folder / tasks.LOGS).mkdir(parents=True, exist_ok=True)
    array, report = subject.folder / SCRIPT, subject.folder / REPORT_SCRIPT
    threads = tasks.recorded(subject).get("threads") or int(
        os.environ.get("LABREPORT_THREADS") or THREADS
    )
    _write(array, slurm_scripts.array_script(subject, steps, threads, at_once))
    _write(report, slurm_scripts.report_script(subject, threads, arguments))
    tasks.record(subject, at_once or len(steps), threads)
    job = _sbatch(*options, str(array))
    submissions = _submissions(subject.folder) + [
        {"job": job, "runs": [step.experiment.run_name for step in steps], "submitted": files.now()}
    ]
    files.write_json(subject.folder / SUBMISSIONS, submissions)
    try:
        dependency = ":".join(["afterany", *sorted(running), job])
        return job, _sbatch(*for_any_job(options), f"--dependency={dependency}", str(report))
    except ValueError as error:
        raise ValueError(
            f"{error}; only the report failed, the runs are submitted as job array {job}: when"
            f" they have ended, make the report with pipeline.py {shlex.join(arguments)}"
        ) from None


def for_any_job(options: list[str]) -> list[str]:
    """Of options for sbatch those that say where a job runs, who pays and how long it may take."""
    known = argparse.ArgumentParser(prog="sbatch", add_help=False, exit_on_error=False)
    for names in OF_ANY_JOB:
        known.add_argument(*names)
    try:
        asked = vars(known.parse_known_args(options)[0])
    except argparse.ArgumentError:  # sbatch says it better
        return []
    return [
        f"--{name.replace('_', '-')}={value}" for name, value in asked.items() if value is not None
    ]


def jobs(experiments: list[Experiment]) -> dict[str, Job]:
    """The job that each of these experiments was last handed to, by its run name.

    Raises ValueError where SLURM does not answer.
    """
    wanted = {experiment.run_name for experiment in experiments}
    submissions = [
        (file.parent, submission)
        for file in sorted(paths.reports().glob(f"*/{SUBMISSIONS}"))
        for submission in _submissions(file.parent)
    ]
    place = {
        run: (folder, submission["job"], index)
        for folder, submission in sorted(submissions, key=lambda pair: pair[1]["submitted"])
        for index, run in enumerate(submission["runs"])
        if run in wanted
    }
    states = _states({job for _, job, _ in place.values()}) if place else {}
    return {
        run: _job(
            folder / tasks.LOGS / f"slurm-{job}_{index}.txt",
            f"{job}_{index}",
            *states.get(f"{job}_{index}", ("", "")),
        )
        for run, (folder, job, index) in place.items()
    }


def _job(log: Path, name: str, state: str, reason: str) -> Job:
    """reason: of squeue. Where memory was too small, only the job's own output says so."""
    text = log.read_text("utf-8", errors="replace") if state in FINAL and log.exists() else ""
    killed = re.findall(r"slurmstepd[^:\n]*: error: (.*(?:memory|oom).*)", text)
    return Job(name, state, killed[0] if killed else reason.replace("None", ""), log)


def _states(numbers: set[str]) -> dict[str, tuple[str, str]]:
    """State and reason of the tasks of job arrays, by the accounts, where the cluster keeps some,
    and by the controller."""
    states = {}
    if shutil.which("sacct"):
        listed = subprocess.run(
            [
                "sacct",
                "--noheader",
                "--parsable2",
                "--allocations",
                "--format=JobID,State",
                f"--jobs={','.join(sorted(numbers))}",
            ],
            capture_output=True,
            text=True,
        )
        if listed.returncode == 0:  # it is not where the cluster keeps no accounts
            states = {
                name: (state.split()[0], "")
                for name, _, state in (line.partition("|") for line in listed.stdout.splitlines())
                if state
            }
    if shutil.which("squeue"):  # a job that has ended is known for five minutes
        listed = subprocess.run(
            ["squeue", "--me", "--noheader", "--array", "--states=all", "--format=%F_%K|%T|%r"],
            capture_output=True,
            text=True,
        )
        if listed.returncode:
            raise ValueError(f"SLURM cannot list its jobs: {_words(listed)}")
        states |= {
            name: (state, reason)
            for name, state, reason in (line.split("|", 2) for line in listed.stdout.splitlines())
        }
    return states


def _submissions(folder: Path) -> list[dict]:
    """What SLURM got of this folder's sweep: job, runs in the array's order, and when."""
    submissions = files.read_json(folder / SUBMISSIONS)
    return submissions if isinstance(submissions, list) else []


def _write(path: Path, script: str) -> None:
    files.replace(path, lambda temporary: temporary.write_text(script, "utf-8"))


def _sbatch(*arguments: str) -> str:
    """Number of the job that `sbatch` made."""
    done = subprocess.run(["sbatch", "--parsable", *arguments], capture_output=True, text=True)
    number = done.stdout.strip().split(";")[0]
    if done.returncode or not re.fullmatch(r"\d+", number):
        raise ValueError(f"sbatch refused {Path(arguments[-1]).name}: {_words(done)}")
    return number


def _words(done: subprocess.CompletedProcess) -> str:
    return (done.stderr or done.stdout).strip() or f"exit code {done.returncode}"
