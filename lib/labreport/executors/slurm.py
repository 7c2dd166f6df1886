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
import math
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from ..config import experiments
from ..core import files, logs, paths
from ..studies.sweeps import Sweep
from . import tasks
from .plan import Step

SCRIPT = "slurm.sh"
LAST_SCRIPT = "slurm-report.sh"
SUBMISSIONS = "slurm.json"  # in the sweep's folder: which job has which runs
SAVE_SECONDS = 120  # before the time limit, in which an epoch has to end
IDLE_TURNS = 2  # turns that end at the time limit without a saved epoch, after which a task fails
THREADS = 4  # processors of a task, where nothing else is asked for
# Of what the plan expects, which was measured on two cores: a task that takes more is killed.
MEMORY_SPARE = 1.1
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

_ARRAY = """\
#!/bin/bash
#SBATCH --job-name={name}
#SBATCH --array=0-{last}{at_once}
#SBATCH --cpus-per-task={threads}
#SBATCH --mem={memory}M
#SBATCH --requeue
#SBATCH --signal=B:USR1@{save_seconds}
#SBATCH --open-mode=append
#SBATCH --output="{logs}/slurm-%A_%a.txt"
# Written by `pipeline.py slurm`. Each task makes one run, whose log is named after it. Before the
# time limit (USR1) the run finishes its epoch and saves it, the task is queued again, and the run
# goes on after that epoch. After scancel (TERM) the run saves its epoch as well, and the task ends.

asked=
run=
trap 'asked="$asked USR1"; [ "$run" ] && kill -TERM "$run" 2>/dev/null' USR1
trap 'asked="$asked TERM"; [ "$run" ] && kill -TERM "$run" 2>/dev/null' TERM

cd {root} || exit 1
{environment}

case "$SLURM_ARRAY_TASK_ID" in
{cases}
*) echo "there is no run $SLURM_ARRAY_TASK_ID" >&2; exit 1 ;;
esac

task="${{SLURM_ARRAY_JOB_ID}}_$SLURM_ARRAY_TASK_ID"
turn="${{SLURM_RESTART_COUNT:-0}}"
log={quoted_logs}/"$name.txt"
idle_turns={quoted_logs}/".$name.idle"
echo "$name, turn $turn on $SLURMD_NODENAME; its log is $name.txt"
exec >> "$log" 2>&1
{cleaned}

# Changes with each epoch that is saved, and when a run is finished.
saved() {{
	for folder in "${{folders[@]}}"; do
		ls "$folder"/unfinished/epoch-*.npz "$folder"/metrics.json
	done 2>/dev/null | cksum
}}

again() {{ scontrol requeue "$task"; exit {at_work}; }}

# A time limit that is shorter than an epoch would queue the task again for ever.
again_unless_idle() {{
	idle=0
	if [ "$(saved)" = "$before" ]; then
		[ "$turn" != 0 ] && [ -f "$idle_turns" ] && read -r idle < "$idle_turns"
		idle=$((idle + 1))
	fi
	echo "$idle" > "$idle_turns"
	[ "$idle" -lt {idle_turns} ] && again
	rm "$idle_turns"
	echo "error: $name saved no epoch in {idle_turns} turns:" \\
		"the time limit is shorter than an epoch takes." \\
		"Submit again with a longer one, such as --sbatch=--time=04:00:00"
	exit 1
}}

before=$(saved)
code=143
if [ ! "$asked" ]; then
	echo "--- $name, $(date -Is), SLURM job $task, turn $turn, threads: {threads}"
	{python} {pipeline} "$@" &
	run=$!
	[ "$asked" ] && kill -TERM "$run"  # it came before there was a process to hand it to
	came=none
	while [ "$asked" != "$came" ]; do  # a signal ends `wait`, not the run
		came=$asked
		wait "$run"
		code=$?
	done
fi

if [ "$code" = {at_work} ]; then  # another process has this run in hand
	[ "$asked" ] || {{ sleep "${{LABREPORT_AGAIN_SECONDS:-60}}" & wait $!; }}
	[[ "$asked" == *TERM* ]] || again
fi
if [[ "$asked" == *TERM* ]]; then
	job=$(scontrol show job --oneliner "$SLURM_JOB_ID")
	[ "$code" != 0 ] && [[ "$job" == *" Reason=TimeLimit "* ]] && again_unless_idle
	[ "$code" != 0 ] && [[ "$job" == *" PreemptTime="[0-9]* ]] && again
elif [ "$asked" ] && [ "$code" = 143 ]; then
	again_unless_idle
fi
exit "$code"
"""

_LAST = """\
#!/bin/bash
#SBATCH --job-name={name}-report
#SBATCH --cpus-per-task=1
#SBATCH --mem=4096M
#SBATCH --output="{logs}/slurm-%j.txt"
# Written by `pipeline.py slurm`: the report of the sweep, when all tasks have ended.

cd {root} || exit 1
{environment}
exec > {quoted_logs}/report.txt 2>&1
{cleaned}
{python} {pipeline} {arguments}
"""


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
            return f"no job has it (SLURM no longer knows {self.name})"
        return f"SLURM {self.name}: {self.state}{f' ({self.reason})' if self.reason else ''}"


def check(options: list[str]) -> None:
    """Let `sbatch` look at the options, before anything that takes long.

    Raises FileNotFoundError where there is no `sbatch`, ValueError with its words where it refuses.
    """
    if shutil.which("sbatch") is None:
        raise FileNotFoundError(
            "there is no sbatch on this machine: submit from a login node of the cluster, "
            "or run the sweep here: pipeline.py sweep"
        )
    for those in (options, for_any_job(options)):
        done = subprocess.run(
            ["sbatch", "--test-only", *those, "--wrap=true"], capture_output=True, text=True
        )
        if done.returncode:
            raise ValueError(f"sbatch refuses {shlex.join(those) or 'a plain job'}: {_words(done)}")


def submit(
    sweep: Sweep, steps: list[Step], arguments: list[str], at_once: int | None, options: list[str]
) -> tuple[str, str]:
    """Hand the runs of steps to `sbatch`; returns the job numbers of the array and of the report.

    steps: such as have something to do. arguments: of `pipeline.py` that make the sweep's report.
    options: more ones of `sbatch`, which count before those in the scripts; the report's job takes
    what `for_any_job` leaves of them. Raises ValueError with its words where `sbatch` refuses.
    """
    (sweep.folder / tasks.LOGS).mkdir(parents=True, exist_ok=True)
    array, last = sweep.folder / SCRIPT, sweep.folder / LAST_SCRIPT
    threads = tasks.recorded(sweep).get("threads") or int(
        os.environ.get("LABREPORT_THREADS") or THREADS
    )
    last_text = _filled(_LAST, sweep, threads, arguments=shlex.join(arguments))
    files.replace(
        array,
        lambda temporary: temporary.write_text(script(sweep, steps, threads, at_once), "utf-8"),
    )
    files.replace(last, lambda temporary: temporary.write_text(last_text, "utf-8"))
    tasks.record(sweep, at_once or len(steps), threads)
    before = {job.name.partition("_")[0] for job in jobs(sweep.experiments).values() if job.alive}
    job = _sbatch(*options, str(array))
    submissions = _submissions(sweep.folder) + [
        {"job": job, "runs": [step.experiment.run_name for step in steps], "submitted": files.now()}
    ]
    files.write_json(sweep.folder / SUBMISSIONS, submissions)
    try:
        dependency = ":".join(["afterany", *sorted(before), job])
        return job, _sbatch(*for_any_job(options), f"--dependency={dependency}", str(last))
    except ValueError as error:
        raise ValueError(
            f"{error}; the runs are submitted all the same, as job array {job}: make the report "
            f"when they have ended, with pipeline.py {shlex.join(arguments)}"
        ) from None


def script(sweep: Sweep, steps: list[Step], threads: int, at_once: int | None) -> str:
    """The array's job script. at_once: tasks side by side, None for as many as SLURM will."""
    cases = "\n".join(
        f"{number}) name={shlex.quote(step.experiment.run_name)}; "
        f"folders=({shlex.join(map(str, _folders(step.experiment)))}); "
        f"set -- {shlex.join(tasks.command(step.experiment))} ;;"
        for number, step in enumerate(steps)
    )
    memory = math.ceil(MEMORY_SPARE * max(step.memory for step in steps) / 2**20)
    return _filled(
        _ARRAY,
        sweep,
        threads,
        last=len(steps) - 1,
        at_once=f"%{at_once}" if at_once else "",
        memory=memory,
        cases=cases,
        save_seconds=SAVE_SECONDS,
        idle_turns=IDLE_TURNS,
        at_work=files.RUN_LOCKED,
    )


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


def jobs(runs: list) -> dict[str, Job]:
    """The job that each of these experiments was last handed to, by its run name.

    Raises ValueError where SLURM does not answer.
    """
    wanted = {experiment.run_name for experiment in runs}
    submissions = [
        (file.parent, one)
        for file in sorted(paths.reports().glob(f"*/{SUBMISSIONS}"))
        for one in _submissions(file.parent)
    ]
    place = {
        run: (folder, one["job"], index)
        for folder, one in sorted(submissions, key=lambda pair: pair[1]["submitted"])
        for index, run in enumerate(one["runs"])
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


def said(sweep: Sweep) -> dict[str, str]:
    """What SLURM knows of the runs of a sweep, in words by run name; raises as `jobs` does.

    Of a sweep that was never submitted it knows nothing.
    """
    if not _submissions(sweep.folder):
        return {}
    known = jobs(sweep.experiments)
    return {
        experiment.run_name: str(known.get(experiment.run_name, "no job has it"))
        for experiment in sweep.experiments
    }


def _job(log: Path, name: str, state: str, reason: str) -> Job:
    """reason: of squeue. Where memory was too small, only the job's own output says so."""
    text = log.read_text("utf-8", errors="replace") if state in FINAL and log.exists() else ""
    killed = re.findall(r"slurmstepd[^:\n]*: error: (.*(?:memory|oom).*)", text)
    return Job(name, state, killed[0] if killed else reason.replace("None", ""), log)


def _states(numbers: set[str]) -> dict[str, tuple[str, str]]:
    """State and reason of the tasks of job arrays, by the accounts, where the cluster keeps some,
    and by the controller."""
    found = {}
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
            found = {
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
            raise ValueError(f"SLURM does not say which jobs there are: {_words(listed)}")
        found |= {
            name: (state, reason)
            for name, state, reason in (line.split("|", 2) for line in listed.stdout.splitlines())
        }
    return found


def _submissions(folder: Path) -> list[dict]:
    """What SLURM got of this folder's sweep: job, runs in the array's order, and when."""
    found = files.read_json(folder / SUBMISSIONS)
    return found if isinstance(found, list) else []


def _folders(experiment) -> list[Path]:
    """Folders that a run saves epochs in: its own, and that of the run it starts from."""
    base = experiments.base(experiment)
    return [experiment.folder, *(_folders(base) if base else [])]


def _filled(template: str, sweep: Sweep, threads: int, **more) -> str:
    passed = {
        name: value
        for name, value in sorted(os.environ.items())
        if name.startswith("LABREPORT_") or name == "KERAS_BACKEND"
    }
    environment = "\n".join(
        f"export {name}={shlex.quote(value)}"
        for name, value in (passed | {"LABREPORT_THREADS": str(threads)}).items()
    )
    place = sweep.folder / tasks.LOGS
    return template.format(
        name=sweep.name,
        threads=threads,
        logs=place,
        quoted_logs=shlex.quote(str(place)),
        root=shlex.quote(str(paths.root())),
        environment=environment,
        cleaned=logs.shell().strip(),
        python=shlex.quote(sys.executable),
        pipeline=shlex.quote(str(tasks.PIPELINE)),
        **more,
    )


def _sbatch(*arguments: str) -> str:
    """Number of the job that `sbatch` made."""
    done = subprocess.run(["sbatch", "--parsable", *arguments], capture_output=True, text=True)
    number = done.stdout.strip().split(";")[0]
    if done.returncode or not re.fullmatch(r"\d+", number):
        raise ValueError(f"sbatch refused {Path(arguments[-1]).name}: {_words(done)}")
    return number


def _words(done: subprocess.CompletedProcess) -> str:
    return (done.stderr or done.stdout).strip() or f"exit code {done.returncode}"
