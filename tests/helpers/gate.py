"""Holds trainings after an epoch that they have saved, so that a test can kill or ask them to stop
right there, however fast the machine is.
"""

import os
from pathlib import Path

FOLDER = "TESTS_HOLD"  # names the folder with a file for each run that is held
# In every Python that has the folder of this file on its path. A training saves an epoch by putting
# a file in its place. Python hands a signal on while it waits: then the training finishes the
# epoch. A signal that came before the wait began counts too.
SITECUSTOMIZE = f"""
import os, select, signal, sys, time

def asked():
    signals = sys.modules.get("labreport.core.signals")
    return signals is not None and signals._request is not None

def wait(held, epoch):
    reading, writing = os.pipe2(os.O_NONBLOCK)
    before = signal.set_wakeup_fd(writing)
    try:
        while os.path.exists(held) and epoch >= int(open(held).read() or 0):
            if asked() or select.select([reading], [], [], 0.01)[0]:
                return
    except FileNotFoundError:
        pass
    finally:
        signal.set_wakeup_fd(before)
        os.close(reading)
        os.close(writing)

def replace(source, target, replace=os.replace, **more):
    replace(source, target, **more)
    *_, run, folder, file = ("", "", *os.fspath(target).split(os.sep))
    if folder == "unfinished" and file.startswith("epoch-"):
        wait(os.path.join(os.environ["{FOLDER}"], run), int(file[6:10]))

if os.environ.get("{FOLDER}"):
    os.replace = replace
"""


class Gate:
    """Stands before the trainings of processes that get the environment it makes."""

    def __init__(self, folder: Path):
        self.folder, self.held, site = folder, folder / "held", folder / "site"
        for made in (self.held, site):
            made.mkdir(parents=True)
        (site / "sitecustomize.py").write_text(SITECUSTOMIZE)
        self.site = str(site)

    def before(self, environment: dict[str, str]) -> dict[str, str]:
        """An environment of processes, in which trainings can be held."""
        path = filter(None, [self.site, environment.get("PYTHONPATH")])
        return environment | {FOLDER: str(self.held), "PYTHONPATH": os.pathsep.join(path)}

    def hold(self, *runs: str, after: int = 1) -> None:
        """Let these runs wait after each epoch from this one on, until they get a signal."""
        for run in runs:
            (self.held / run).write_text(str(after))

    def release(self, *runs: str) -> None:
        """Let these runs go on; all of them where none is named."""
        for run in runs or os.listdir(self.held):
            (self.held / run).unlink(missing_ok=True)
