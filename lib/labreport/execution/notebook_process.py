"""One execution of a notebook with papermill: its kernel, signals, output and what went wrong."""

import logging
import os
import signal
from pathlib import Path

from ..core import files, logs, paths, redaction, signals
from ..runs import state
from . import kernels
from .due import FAILED, FAILED_LOG, NotebookTask


class NotebookError(ValueError):
    """A cell failed, or the kernel died; the message says which, why, and where to look."""


def execute(wanted: NotebookTask, running: Path, log: Path, output) -> None:
    import nbformat
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.clientwrap import PapermillNotebookClient
    from papermill.engines import NBClientEngine, papermill_engines
    from papermill.iorw import LocalHandler, papermill_io

    clients = []
    environment = os.environ | {
        state.RUN_LOCK: str(wanted.folder.resolve()),
        # this very package
        "PYTHONPATH": os.pathsep.join(
            filter(None, (str(paths.PACKAGE.parent), os.environ.get("PYTHONPATH")))
        ),
        "TF_CPP_MIN_LOG_LEVEL": os.environ.get("TF_CPP_MIN_LOG_LEVEL", "2"),
    }

    class ReportingClient(PapermillNotebookClient):
        """papermill's own, but between two cells it looks whether it was asked to stop."""

        def execute_cell(self, *arguments, **keywords):
            if came:
                raise (
                    KeyboardInterrupt if came[0] == signal.SIGINT else signals.Terminated(came[0])
                )
            return super().execute_cell(*arguments, **keywords)

    class Engine(NBClientEngine):
        """papermill's own engine, but what the kernel's process writes to its terminal goes to the
        log, and the kernel dies with this process.
        """

        @classmethod
        def execute_managed_notebook(
            cls, nb_man, kernel_name, stdout_file=None, kernel_log=None, **_
        ):
            clients.append(
                ReportingClient(
                    nb_man,
                    kernel_name=kernel_name,
                    kernel_manager_class=kernels.kernel_manager(),
                    stdout_file=stdout_file,
                    timeout=None,
                    startup_timeout=300,
                )
            )
            clients[-1].execute(
                stdout=kernel_log,
                stderr=kernel_log,
                env=environment,
                preexec_fn=signals.die_with(os.getpid()),
            )

    class Handler(LocalHandler):
        """Writes the notebook cleaned, after each cell: it would stay if this process were killed.

        Not into a folder that was deleted meanwhile.
        """

        def write(self, buf, path):
            files.refuse_deleted(Path(path).parent)
            return super().write(cleaned(nbformat.reads(buf, 4)), path)

    papermill_engines.register("labreport", Engine)
    papermill_io.register(str(running), Handler())
    # this environment's kernel, not one of the same name in the home folder
    os.environ.setdefault("JUPYTER_PREFER_ENV_PATH", "1")
    notebook = wanted.notebook
    with (
        logs.Log(log, "w") as kernel_log,
        logs.Cleaned(output) as shown,
        signals.forwarding(lambda: _kernel(clients)) as came,
    ):
        try:
            papermill.execute_notebook(
                notebook,
                running,
                wanted.parameters,
                engine_name="labreport",
                kernel_name="python3",
                progress_bar=False,
                cwd=str(notebook.parent),
                stdout_file=shown,
                kernel_log=kernel_log,
            )
        except papermill.PapermillExecutionError as error:
            if came and error.ename in ("Interrupted", "KeyboardInterrupt"):
                raise _stopped(
                    wanted, came[0], error.evalue if error.ename == "Interrupted" else ""
                ) from error
            raise NotebookError(
                f"cell {_failed_cell(running)!r} of {notebook.name} failed: {_reason(error)} (the"
                f" notebook up to there: {paths.display(running.with_name(FAILED))})"
            ) from error
        except KeyboardInterrupt:
            # it would tell, with a traceback, that the kernel died: of this very interruption
            logging.getLogger("asyncio").setLevel(logging.CRITICAL)
            raise
        except (DeadKernelError, CellTimeoutError, RuntimeError) as error:
            # a plain RuntimeError where it dies before its first answer
            if came:  # SIGINT ends a kernel that is still importing
                raise _stopped(wanted, came[0]) from error
            if not isinstance(error, (DeadKernelError, CellTimeoutError)):
                raise
            raise NotebookError(
                f"the kernel of {notebook.name} died: out of memory, or killed? Its last output is"
                f" in {paths.display(running.with_name(FAILED_LOG))}; run the same command again"
                " to continue after the last saved epoch"
            ) from error


def _stopped(wanted: NotebookTask, number: int, why: str = "") -> signals.Interrupted:
    """What is raised when a signal has stopped a notebook. why: what its training says."""
    stop = signals.Interrupted(
        why or f"{wanted.run_name} was stopped; run the same command again to continue"
    )
    stop.signal = number
    return stop


def _kernel(clients: list) -> int | None:
    """Process of the kernel, None where there is none yet."""
    manager = clients[-1].km if clients else None
    return manager.provisioner.pid if manager and manager.has_kernel else None


def _reason(error) -> str:
    """What a person needs of a cell's error: errors of ours speak for themselves, others come with
    their kind.
    """
    if error.ename == "OSError" and "[Errno 28]" in error.evalue:
        return "the disk is full: free some space and run the same command again"
    return (
        error.evalue
        if error.ename
        in (
            "ValueError",
            "FloatingPointError",
            "ConnectionError",
            "FileNotFoundError",
        )
        else f"{error.ename}: {error.evalue}"
    )


def _failed_cell(running: Path) -> str:
    """Name of the cell that holds an error."""
    # on a full disk the file may be cut off
    cells = (files.read_json(running) or {"cells": []})["cells"]
    return next(
        (
            cell.get("id", "?")
            for cell in cells
            if any(output.get("output_type") == "error" for output in cell.get("outputs", []))
        ),
        "?",
    )


def cleaned(notebook) -> str:
    """A notebook as text, without secrets, those included that were printed in two pieces."""
    import nbformat

    for cell in notebook.cells:
        joined: list = []
        for output in cell.get("outputs", []):
            if output.output_type == "stream" and joined and joined[-1].get("name") == output.name:
                joined[-1] = nbformat.from_dict(
                    joined[-1] | {"text": joined[-1].text + output.text}
                )
            else:
                joined.append(output)
        if "outputs" in cell:
            cell.outputs = joined
    return nbformat.writes(redaction.cleaned_values(notebook)) + "\n"
