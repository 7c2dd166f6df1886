"""The runs of a sweep as a SLURM job array: one task a run, requeued until it is finished, its epoch saved before the time limit."""

import math
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from . import files, paths, tasks
from .planning import Step
from .sweeps import Sweep

SCRIPT = "slurm.sh"
LAST_SCRIPT = "slurm-report.sh"
SAVE_SECONDS = 120  # before the time limit, in which an epoch has to end
THREADS = 4  # processors of a task, where nothing else is asked for
MEMORY_SPARE = 1.25  # of what the plan expects

_ARRAY = """\
#!/bin/bash
#SBATCH --job-name={name}
#SBATCH --array=0-{last}{at_once}
#SBATCH --cpus-per-task={threads}
#SBATCH --mem={memory}M
#SBATCH --requeue
#SBATCH --signal=B:USR1@{save_seconds}
#SBATCH --open-mode=append
#SBATCH --output="{logs}/slurm-%a.txt"
# Written by `pipeline.py submit`. Each task is one run. Before the time limit (USR1) and when it is preempted (TERM) the run finishes its epoch
# and saves it, and the task is queued again; it then goes on after that epoch.

cd {root} || exit 1
{environment}

case "$SLURM_ARRAY_TASK_ID" in
{cases}
*) echo "there is no run $SLURM_ARRAY_TASK_ID" >&2; exit 1 ;;
esac

again() {{ scontrol requeue "${{SLURM_ARRAY_JOB_ID}}_${{SLURM_ARRAY_TASK_ID}}"; exit {at_work}; }}

signals=0
trap 'signals=$((signals + 1)); kill -TERM "$run" 2>/dev/null' USR1 TERM
{python} {pipeline} "$@" &
run=$!
came=-1
while [ "$signals" != "$came" ]; do came=$signals; wait "$run"; code=$?; done  # a signal ends `wait`, not the run

if [ "$signals" != 0 ] && [ "$code" = 143 ]; then again; fi  # stopped, its epoch saved
if [ "$code" = {at_work} ]; then sleep "${{LABREPORT_AGAIN_SECONDS:-60}}"; again; fi  # another process has this run in hand
exit "$code"
"""

_LAST = """\
#!/bin/bash
#SBATCH --job-name={name}-report
#SBATCH --cpus-per-task=1
#SBATCH --mem=4096M
#SBATCH --output="{logs}/slurm-report.txt"
# Written by `pipeline.py submit`: the report of the sweep, when all tasks have ended.

cd {root} || exit 1
{environment}
exec {python} {pipeline} {arguments}
"""


def submit(sweep: Sweep, found: list[Step], arguments: list[str], at_once: int | None, options: list[str]) -> str:
    """Write the job scripts of what there is to do, and hand them to `sbatch`; returns the array's job number.

    arguments: of `pipeline.py` that make the sweep's report. options: more ones of `sbatch`, for both jobs, which count before those in the scripts.
    Raises FileNotFoundError where there is no `sbatch`, ValueError with its words where it refuses.
    """
    if shutil.which("sbatch") is None:
        raise FileNotFoundError("there is no sbatch on this machine: submit from a login node of the cluster, or run it here: pipeline.py sweep " + sweep.name)
    logs = sweep.folder / tasks.LOGS
    logs.mkdir(parents=True, exist_ok=True)
    array, last = sweep.folder / SCRIPT, sweep.folder / LAST_SCRIPT
    threads = tasks.recorded(sweep).get("threads") or int(os.environ.get("LABREPORT_THREADS") or THREADS)
    files.replace(array, lambda temporary: temporary.write_text(script(sweep, found, threads, at_once), "utf-8"))
    files.replace(last, lambda temporary: temporary.write_text(_filled(_LAST, sweep, threads, arguments=shlex.join(arguments)), "utf-8"))
    tasks.record(sweep, at_once or sum(step.to_do for step in found), threads)
    job = _sbatch(*options, str(array))
    try:
        _sbatch(*options, f"--dependency=afterany:{job}", str(last))
    except ValueError as error:
        raise ValueError(f"{error}; the runs are submitted all the same, as job array {job}: make the report when they have ended") from None
    return job


def script(sweep: Sweep, found: list[Step], threads: int, at_once: int | None) -> str:
    """The array's job script. at_once: tasks that SLURM may run side by side, None for as many as it will."""
    to_do = [step for step in found if step.to_do]
    cases = "\n".join(f"{number}) set -- {shlex.join(tasks.command(step.experiment))} ;;" for number, step in enumerate(to_do))
    memory = math.ceil(MEMORY_SPARE * max(step.memory for step in to_do) / 2**20)
    return _filled(_ARRAY, sweep, threads, last=len(to_do) - 1, at_once=f"%{at_once}" if at_once else "", memory=memory, cases=cases)


def _filled(template: str, sweep: Sweep, threads: int, **more) -> str:
    passed = {name: value for name, value in sorted(os.environ.items()) if name.startswith("LABREPORT_") or name == "KERAS_BACKEND"} | {"LABREPORT_THREADS": str(threads)}
    environment = "\n".join(f"export {name}={shlex.quote(value)}" for name, value in passed.items())
    return template.format(name=sweep.name, threads=threads, logs=sweep.folder / tasks.LOGS, root=shlex.quote(str(paths.root())), environment=environment, at_work=files.AT_WORK,
                           save_seconds=SAVE_SECONDS, python=shlex.quote(sys.executable), pipeline=shlex.quote(str(tasks.PIPELINE)), **more)


def _sbatch(*arguments: str) -> str:
    """Number of the job that `sbatch` made."""
    done = subprocess.run(["sbatch", "--parsable", *arguments], capture_output=True, text=True)
    number = done.stdout.strip().split(";")[0]
    if done.returncode or not re.fullmatch(r"\d+", number):
        raise ValueError(f"sbatch refused {Path(arguments[-1]).name}: {(done.stderr or done.stdout).strip() or f'exit code {done.returncode}'}")
    return number
