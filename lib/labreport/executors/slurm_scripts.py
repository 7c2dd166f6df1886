"""The job scripts of a sweep on SLURM: the array with a task a run, and the report's job."""

import math
import os
import shlex
import sys
from pathlib import Path

from ..config import experiments
from ..core import files, logs, paths
from . import tasks
from .plan import Step
from .tasks import Subject

SAVE_SECONDS = 120  # before the time limit, in which an epoch has to end
IDLE_TURNS = 2  # turns that end at the time limit without a saved epoch, after which a task fails
# Of what the plan expects, which was measured on two cores: a task that takes more is killed.
MEMORY_SPARE = 1.1

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
# continues after that epoch. After scancel (TERM) the run saves its epoch as well, and the task
# ends.

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

# SLURM kills a task that is queued again, so its last words have to be in the log before.
again() {{
	exec >> "$log" 2>&1
	wait "$labreport_log"
	scontrol requeue "$task"
	exit {at_work}
}}

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

if [ "$code" = {at_work} ]; then  # another process is running it
	[ "$asked" ] || {{ sleep "${{LABREPORT_AGAIN_SECONDS:-60}}" >/dev/null 2>&1 & wait $!; }}
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


def array_script(subject: Subject, steps: list[Step], threads: int, at_once: int | None) -> str:
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
        subject,
        threads,
        last=len(steps) - 1,
        at_once=f"%{at_once}" if at_once else "",
        memory=memory,
        cases=cases,
        save_seconds=SAVE_SECONDS,
        idle_turns=IDLE_TURNS,
        at_work=files.RUN_LOCKED,
    )


def report_script(subject: Subject, threads: int, arguments: list[str]) -> str:
    """The script of the report's job. arguments: of `pipeline.py` that make the report."""
    return _filled(_LAST, subject, threads, arguments=shlex.join(arguments))


def _folders(experiment) -> list[Path]:
    """Folders that a run saves epochs in: its own, and that of the run it starts from."""
    base = experiments.base(experiment)
    return [experiment.folder, *(_folders(base) if base else [])]


def _filled(template: str, subject: Subject, threads: int, **more) -> str:
    passed = {
        name: value
        for name, value in sorted(os.environ.items())
        if name.startswith("LABREPORT_") or name == "KERAS_BACKEND"
    }
    environment = "\n".join(
        f"export {name}={shlex.quote(value)}"
        for name, value in (passed | {"LABREPORT_THREADS": str(threads)}).items()
    )
    folder = subject.folder / tasks.LOGS
    return template.format(
        name=subject.name,
        threads=threads,
        logs=folder,
        quoted_logs=shlex.quote(str(folder)),
        root=shlex.quote(str(paths.root())),
        environment=environment,
        cleaned=logs.shell().strip(),
        python=shlex.quote(sys.executable),
        pipeline=shlex.quote(str(tasks.PIPELINE)),
        **more,
    )
