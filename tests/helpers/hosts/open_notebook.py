"""Open notebooks and run all their cells, each notebook in a kernel of its own, as Colab, Kaggle
and Jupyter do: open_notebook.py FOLDER OUT NOTEBOOK...

FOLDER: where the kernel starts. OUT: gets the executed notebooks. KILL_WHEN names a pattern of
files: once there is one, the kernel is killed.
"""

import os
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

import nbformat
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient


def main(folder, out, *notebooks):
    for path in notebooks:
        notebook = nbformat.read(path, as_version=4)
        # Through sockets in a folder: without any network there is not even a loopback interface.
        kernel = AsyncKernelManager(
            kernel_name="python3", transport="ipc", ip=f"{tempfile.mkdtemp()}/socket"
        )
        client = NotebookClient(
            notebook, km=kernel, timeout=600, resources={"metadata": {"path": folder}}
        )
        if "KILL_WHEN" in os.environ:
            threading.Thread(
                target=kill, args=(kernel, os.environ["KILL_WHEN"]), daemon=True
            ).start()
        try:
            client.execute()
        finally:
            nbformat.write(notebook, f"{out}/{Path(path).name}")


def kill(kernel, pattern):
    while not list(Path("/").glob(pattern.lstrip("/"))):
        time.sleep(0.01)
    os.kill(kernel.provisioner.pid, signal.SIGKILL)


main(*sys.argv[1:])
