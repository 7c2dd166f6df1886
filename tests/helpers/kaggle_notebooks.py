"""The part of Kaggle that runs notebooks, as far as its protocol goes: what is pushed is really
executed, in a process that sees Kaggle's folders.
"""

import ast
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from helpers import kaggle_stand_in, simulated

LOGS = "/v1/kernels/logs/stream/"
# A root of its own with /kaggle in it and an empty /tmp; everything else is the machine's. $1: the
# folder that becomes /kaggle; $2: folders of /tmp that stay; then the command.
ROOT_OF_ITS_OWN = """
set -e
root=$(mktemp -d); mount -t tmpfs none $root
for place in /*; do
  name=${place#/}
  if [ -L $place ]; then cp -P $place $root/$name
  elif [ -d $place ] && [ $name != tmp ]; then
    mkdir $root/$name; mount --rbind $place $root/$name
  fi
done
mkdir -m 1777 $root/tmp
mkdir $root/kaggle; mount --bind "$1" $root/kaggle
mount --bind "$1/input" $root/kaggle/input; mount -o remount,bind,ro $root/kaggle/input
for place in $2; do mkdir -p "$root$place"; mount --rbind "$place" "$root$place"; done
shift 2
exec chroot $root "$@"
"""
EXECUTE = """
import sys, tempfile, nbformat
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

class Client(NotebookClient):
    def process_message(self, message, cell, index):
        content = message["content"]
        if message["msg_type"] == "stream":
            print(content["text"], end="", flush=True)
        if message["msg_type"] == "error":
            print(content["ename"] + ": " + content["evalue"], flush=True)
        return super().process_message(message, cell, index)

socket = tempfile.mkdtemp() + "/socket"
kernel = AsyncKernelManager(kernel_name="python3", transport="ipc", ip=socket)
resources = {"metadata": {"path": "/kaggle/working"}}
Client(nbformat.read(sys.argv[1], 4), km=kernel, timeout=None, resources=resources).execute()
"""


def bare_python(folder):
    """A Python with all packages of this one but labreport, which is there by a .pth file that a
    second one does not follow.
    """
    if not (folder / "bin/python").exists():
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
        place = next(folder.glob("lib/python*/site-packages"))
        (place / "packages.pth").write_text(
            "\n".join(path for path in sys.path if path.endswith("site-packages")) + "\n"
        )
    return folder / "bin/python"


def _said(content):
    return (
        kaggle_stand_in.refusal(404, "Not found")
        if content is None
        else kaggle_stand_in.said(content)
    )


class Handler(kaggle_stand_in.Handler):
    """Knows besides what notebooks leave, and what they say while they run."""

    def do_GET(self):
        if self.path.startswith("/outputs/"):
            self.server.files[self.path] = (
                self.notebooks.folder / self.path.removeprefix("/outputs/")
            ).read_bytes()
        if not self.path.startswith(LOGS):
            return super().do_GET()
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        session, told = self.notebooks.sessions[self.path.rsplit("/", 1)[1]], 0
        while True:
            over = session.status not in ("QUEUED", "RUNNING")
            for event in session.events[told:]:
                self.wfile.write(b"data: " + json.dumps(event).encode() + b"\n\n")
                told += 1
                if told == self.notebooks.cut_log_after:
                    self.notebooks.cut_log_after = None
                    return  # before the line that says that the log is over
            self.wfile.flush()
            if over:
                break
            time.sleep(0.02)
        self.wfile.write(b"data: END_OF_LOG\n\n")


class Session:
    """A notebook that was pushed: queued, running, then over."""

    def __init__(self, slug, request, folder):
        self.slug, self.request, self.folder = slug, request, folder
        self.status, self.failure, self.events, self.process = "QUEUED", "", [], None
        self.working = folder / "kaggle/working"
        [told] = [
            cell["source"]
            for cell in json.loads(request["text"])["cells"]
            if cell["id"] == "errand"
        ]
        self.key = re.search(r"worker\.do\('(\w+)'", told)[1]
        self.runs = ast.literal_eval(re.search(r"^runs = (.*)$", told, re.MULTILINE)[1])

    def say(self, text):
        self.events.append({"stream_name": "stdout", "time": time.time(), "data": text})


class Notebooks:
    """The sessions of one user. at_once: how many run; python: executes the notebooks. scripted:
    slug -> function(session), in the place of an execution.
    """

    def __init__(self, folder, python=None, at_once=2, user="ada"):
        self.folder, self.python, self.at_once, self.user = folder, python, at_once, user
        self.sessions, self.pushed, self.scripted = {}, [], {}
        self.refused = 0  # pushes that there was no room for
        self.gate = None  # what holds trainings until the first session's time is up
        self.inputs = {}  # name of a data set or competition -> folder
        self.quota = {
            "timeUsed": "3600s",
            "timeReserved": "0s",
            "totalTimeAllowed": "108000s",
            "minimumTimeAllowed": "108000s",
            "isPayToScaleEnabled": False,
            "hasEverRun": True,
        }
        self.wait = threading.Event()
        self.wait.set()  # cleared: sessions stay in the queue
        self.end_first_after = None  # epochs after which the first session's time is up
        self.cut_log_after = None  # events after which the connection of a log breaks off, once
        self.lock = threading.Lock()

    def join(self, service):
        """Let a StandIn of the service answer for these notebooks too."""
        self.address = service.storage
        for what, answer in {
            "SaveKernel": self.save_kernel,
            "GetKernelSessionStatus": self.get_kernel_session_status,
            "ListKernelSessionOutput": self.list_kernel_session_output,
            "GetAcceleratorQuotaStatistics": self.get_accelerator_quota_statistics,
        }.items():
            path = f"kernels.KernelsApiService/{what}"
            service.routes[path] = lambda _, request, answer=answer: _said(answer(request))
        service.RequestHandlerClass = type("Handler", (Handler,), {"notebooks": self})

    def save_kernel(self, request):
        slug = request["slug"].split("/")[1]
        unknown = [
            source for source in request.get("datasetDataSources", []) if source not in self.inputs
        ]
        closed = [
            source
            for source in request.get("competitionDataSources", [])
            if source not in self.inputs
        ]
        missing = [
            source
            for source in request.get("kernelDataSources", [])
            if source.split("/")[1] not in self.sessions
        ]
        answer = {
            "ref": f"/code/{request['slug']}",
            "url": f"https://www.kaggle.com/code/{request['slug']}",
            "versionNumber": 1,
            "kernelId": len(self.sessions) + 1,
            "invalidDatasetSources": unknown,
            "invalidCompetitionSources": closed,
            "invalidKernelSources": missing,
        }
        if len(request["text"]) > 1_000_000:
            return answer | {"error": "The notebook is larger than 1 MB."}
        with self.lock:
            if (
                sum(session.status in ("QUEUED", "RUNNING") for session in self.sessions.values())
                >= self.at_once
            ):
                self.refused += 1
                return answer | {
                    "error": f"Maximum batch GPU session count of {self.at_once} reached."
                }
            if unknown or closed or missing:
                return answer
            session = Session(slug, request, self.folder / f"{len(self.pushed)}-{slug}")
            self.sessions[slug] = session
            self.pushed.append(session)
        threading.Thread(target=self._live, args=(session,), daemon=True).start()
        return answer

    def _live(self, session):
        session.working.mkdir(parents=True)
        inputs = session.folder / "kaggle/input"
        inputs.mkdir()
        for source in session.request.get("kernelDataSources", []):
            shutil.copytree(
                self.sessions[source.split("/")[1]].working,
                inputs / "notebooks" / source,
                symlinks=True,
            )
        for source in [
            *session.request.get("datasetDataSources", []),
            *session.request.get("competitionDataSources", []),
        ]:
            shutil.copytree(self.inputs[source], inputs / source.rsplit("/")[-1])
        self.wait.wait()
        session.status = "RUNNING"
        try:
            (self.scripted.get(session.slug) or self.scripted.get("*") or self._execute)(session)
        except Exception as error:
            session.status, session.failure = "ERROR", session.failure or str(error)
        else:
            session.status = "COMPLETE" if session.status == "RUNNING" else session.status

    def _execute(self, session):
        notebook = session.folder / "notebook.ipynb"
        notebook.write_text(session.request["text"])
        stay = " ".join(
            str(path)
            for path in (
                session.folder,
                self.python.parents[1],
                Path(sys.prefix),
                *([self.gate.folder] if self.gate else []),
            )
            if path.is_relative_to("/tmp")
        )
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("LABREPORT", "PYTHONPATH", "KAGGLE"))
        } | {
            "KAGGLE_KERNEL_RUN_TYPE": "Batch",
            "KAGGLE_URL_BASE": "https://www.kaggle.com",
            "JUPYTER_PREFER_ENV_PATH": "1",
        }
        command = [
            *simulated.unshare(),
            "sh",
            "-c",
            ROOT_OF_ITS_OWN,
            "sh",
            session.folder / "kaggle",
            stay,
            self.python,
            "-c",
            EXECUTE,
            notebook,
        ]
        session.process = subprocess.Popen(
            list(map(str, command)),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            env=self.gate.before(environment) if self.gate else environment,
        )
        limited = self.end_first_after if session is self.pushed[0] else None
        for line in session.process.stdout:
            session.say(line)
            if limited and line.split("/")[0].split() == ["epoch", str(limited)]:
                # Kaggle's time is up
                session.status, session.failure = (
                    "CANCEL_ACKNOWLEDGED",
                    "Your notebook exceeded the maximum allowed run time",
                )
                os.killpg(session.process.pid, signal.SIGKILL)
                if self.gate:
                    self.gate.release()
        if session.process.wait() and session.status == "RUNNING":
            raise RuntimeError("Notebook Threw Exception")

    def close(self):
        for session in self.pushed:
            if session.process and session.process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(session.process.pid, signal.SIGKILL)

    def get_kernel_session_status(self, request):
        session = self.sessions.get(request["kernelSlug"])
        return session and {"status": session.status} | (
            {"failureMessage": session.failure} if session.failure else {}
        )

    def list_kernel_session_output(self, request):
        session = self.sessions.get(request["kernelSlug"])
        if session is None:
            return None
        found = sorted(
            path for path in session.working.rglob("*") if path.is_file() and not path.is_symlink()
        )
        # small pages, so that there are several
        size, start = (3, int(request.get("pageToken") or 0))
        files = [
            {
                "fileName": path.relative_to(session.working).as_posix(),
                "url": f"{self.address}/outputs/{path.relative_to(self.folder).as_posix()}",
            }
            for path in found[start : start + size]
        ]
        return {
            "files": files,
            "log": (
                json.dumps(session.events) if session.status not in ("QUEUED", "RUNNING") else ""
            ),
            "nextPageToken": str(start + size) if start + size < len(found) else "",
        }

    def get_accelerator_quota_statistics(self, request):
        return {"quotaRefreshTime": "2026-11-28T00:00:00Z", "gpuQuota": self.quota}
