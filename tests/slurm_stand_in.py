"""As much of SLURM as a job script meets: `slurm_stand_in.py sbatch ...` and `scontrol requeue ...`. A process of its own is the controller of a job.

SLURM_STAND_IN names its folder, which holds a folder a job: controller.pid, TASK.pid while a task runs, TASK.ends with a line for each end, `ended` when all have.
"""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

FOLDER = Path(os.environ["SLURM_STAND_IN"])


def options(arguments):
    """--key=value and --flag, as a dict."""
    return {key: value for key, _, value in (argument.lstrip("-").partition("=") for argument in arguments)}


def sbatch(arguments):
    script = Path(arguments[-1])
    directives = [word for line in script.read_text().splitlines() if line.startswith("#SBATCH") for word in shlex.split(line)[1:]]
    asked = options(directives) | options(arguments[:-1])
    if "refused" in asked.get("account", ""):
        sys.exit("sbatch: error: Batch job submission failed: Invalid account")
    number = 1001 + len(list(FOLDER.glob("[0-9]*")))
    job = FOLDER / str(number)
    job.mkdir(parents=True)
    shutil.copy(script, job / "script.sh")  # SLURM keeps a copy too
    controller = subprocess.Popen([sys.executable, __file__, "control", str(job), *(f"--{key}={value}" for key, value in asked.items())], start_new_session=True, stdin=subprocess.DEVNULL,
                     stdout=open(job / "controller.txt", "w"), stderr=subprocess.STDOUT)
    (job / "controller.pid").write_text(str(controller.pid))
    print(number)


def control(arguments):
    job, asked = Path(arguments[0]), options(arguments[1:])
    (job / "options").write_text(repr(asked))
    if "dependency" in asked:
        [before] = re.fullmatch(r"afterany:(\d+)", asked["dependency"]).groups()
        while not (FOLDER / before / "ended").exists():
            time.sleep(0.1)
    last, at_once = re.fullmatch(r"0-(\d+)(?:%(\d+))?", asked.get("array", "0-0")).groups()
    waiting, running = list(range(int(last) + 1)), {}
    while waiting or running:
        while waiting and len(running) < int(at_once or 2):
            task = waiting.pop(0)
            environment = os.environ | {"SLURM_JOB_ID": job.name} | ({"SLURM_ARRAY_JOB_ID": job.name, "SLURM_ARRAY_TASK_ID": str(task)} if "array" in asked else {})
            with open(asked["output"].replace("%a", str(task)), "a") as words:
                running[task] = subprocess.Popen(["bash", job / "script.sh"], env=environment, stdin=subprocess.DEVNULL, stdout=words, stderr=words, start_new_session=True)
            (job / f"{task}.pid").write_text(str(running[task].pid))
        for task, process in list(running.items()):
            if process.poll() is None:
                continue
            try:
                os.killpg(process.pid, signal.SIGKILL)  # what the script has left running
            except ProcessLookupError:
                pass
            del running[task]
            (job / f"{task}.pid").unlink()
            with open(job / f"{task}.ends", "a") as ends:
                ends.write(f"{process.returncode}\n")
            requeued = job / f"{task}.requeue"
            if requeued.exists() or (process.returncode == -signal.SIGKILL and "requeue" in asked):  # asked for, or the node was lost
                requeued.unlink(missing_ok=True)
                waiting.append(task)
        time.sleep(0.1)
    (job / "ended").touch()


def scontrol(arguments):
    command, name = arguments
    assert command == "requeue"
    job, _, task = name.partition("_")
    (FOLDER / job / f"{task}.requeue").touch()
    os.kill(int((FOLDER / job / f"{task}.pid").read_text()), signal.SIGTERM)


name, *arguments = sys.argv[1:]
{"sbatch": sbatch, "scontrol": scontrol, "control": control}[name](arguments)
