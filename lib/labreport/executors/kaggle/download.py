"""What a notebook on Kaggle has left: listed, compared with the sha256 that was noted when it left,
and put into the run folders here.
"""

import contextlib
import json
import shutil
from dataclasses import dataclass

from ...core import paths
from ...core.i18n import count
from ...datasets import download
from ...execution import due, notebook_process
from ...platforms import drive_backup, kaggle_client
from ...runs import results, state
from .. import tasks
from . import submit, worker

STAGED = ".fetched"


@dataclass(frozen=True)
class Output:
    """links: to files, by their path in the output. record: what the notebook says of its runs,
    None where it says nothing, or nothing that can be used.
    """

    kernel: str
    links: dict[str, str]
    record: dict | None
    last_line: str

    @classmethod
    def of(cls, api, kernel: str, key: str) -> "Output":
        """What a notebook has left. key: of its errand, so that what an earlier one has left under
        the same name is not taken for its own.
        """
        links, log = _listed(api, kernel)
        record = None
        if worker.RECORD in links:
            record = kaggle_client.asked(
                api,
                _read,
                links[worker.RECORD],
                what=f"the output of {kernel}",
                page=submit.page(kernel),
            )
        lines = [line for line in _lines(log) if line.strip()]
        return cls(
            kernel, links, record if _usable(record, key) else None, lines[-1] if lines else ""
        )

    def epochs(self, run: str) -> int:
        """Epochs of a run that there are to go on from.

        Of a notebook that was ended in between, its checkpoints say more than the record.
        """
        assert self.record is not None
        folder = f"reports/{run}/"
        return max(
            self.record["runs"][run]["epochs"],
            drive_backup.progress_of(
                [path.removeprefix(folder) for path in self.links if path.startswith(folder)]
            )[1],
        )


def take(experiment, failed: str | None, output: Output) -> str:
    """Put the files of a run into its folder: of a finished one in the place of the one before,
    which is kept; of one that failed what shows why. Says how many.

    failed: why. ValueError where what is there is not a whole run, or not what left Kaggle;
    ConnectionError where it cannot be had now.
    """
    folder, source = experiment.folder, f"reports/{experiment.run_name}"
    assert output.record is not None
    digests = output.record["files"]
    if failed is None:
        wanted = {
            name: path
            for path in digests
            if path == f"{source}/{(name := path.rpartition('/')[2])}" and results.is_of_a_run(name)
        }
        lacking = [name for name in results.FILES if name not in wanted]
        if lacking:
            raise ValueError(
                f"{experiment.run_name} is reported as finished, but its output on Kaggle lacks"
                f" {', '.join(lacking)}; see {submit.page(output.kernel)}"
            )
    else:
        log = f"{tasks.LOGS}/{experiment.run_name}.txt"
        kernel_log = f"{source}/{due.FAILED_LOG}"
        wanted = {
            due.FAILED: f"{source}/{due.FAILED}",
            due.FAILED_LOG: kernel_log if kernel_log in digests else log,
        }
        wanted = {name: path for name, path in wanted.items() if path in digests}
    folder.mkdir(parents=True, exist_ok=True)
    staged = folder / f"{STAGED}-{output.record['errand']}"
    for stale in set(folder.glob(f"{STAGED}-*")) - {staged}:
        shutil.rmtree(stale)
    staged.mkdir(exist_ok=True)
    for name, path in wanted.items():
        if path not in output.links:
            raise ConnectionError(
                f"Kaggle does not list {path} in the output of {submit.page(output.kernel)}; run"
                " the same command to try again"
            )
        try:
            download.fetch(output.links[path], digests[path], staged / name)
        except ValueError as error:  # what was trained for hours is not given up for that
            raise ConnectionError(
                f"{error}; if this persists, restart the run by deleting sent.json from"
                f" {paths.display(folder)}"
            ) from None
    size = sum(file.stat().st_size for file in staged.iterdir())
    with (
        contextlib.suppress(notebook_process.NotebookError),
        state.run_lock(folder, experiment.run_name, log=due.FAILED_LOG),
    ):
        if failed is None:
            results.publish(staged, folder, tuple(set(wanted) - set(results.FILES)))
        else:
            for file in staged.iterdir():
                file.replace(folder / file.name)
            staged.rmdir()
            raise notebook_process.NotebookError(failed)  # run.json says it then
    return (
        f"{count(len(wanted), 'file')} downloaded and verified ({size / 1e6:.1f} MB)"
        if wanted
        else ""
    )


def _listed(api, kernel: str) -> tuple[dict[str, str], str]:
    from kagglesdk.kernels.types.kernels_api_service import ApiListKernelSessionOutputRequest

    links: dict[str, str] = {}
    log, token = "", ""
    with api.build_kaggle_client() as client:
        while True:
            request = ApiListKernelSessionOutputRequest()
            request.user_name, request.kernel_slug = kernel.split("/")
            request.page_size, request.page_token = 100, token
            page = kaggle_client.asked(
                api,
                client.kernels.kernels_api_client.list_kernel_session_output,
                request,
                what=f"the output of {kernel}",
                page=submit.page(kernel),
            )
            links |= {file.file_name.lstrip("/"): file.url for file in page.files or []}
            log = log or page.log
            if not (token := page.next_page_token):
                return links, log


def _read(link: str) -> dict | None:
    """A JSON file behind a link; None where it is none."""
    import requests

    answer = requests.get(link, timeout=download.TIMEOUT_SECONDS)
    answer.raise_for_status()
    try:
        return answer.json()
    except ValueError:
        return None


def _usable(record, key: str) -> bool:
    """Whether a record is one of this errand, with all that is read of it."""
    if (
        not isinstance(record, dict)
        or record.get("errand") != key
        or not all(isinstance(record.get(part), dict) for part in ("runs", "files"))
    ):
        return False
    return all(
        isinstance(result, dict)
        and type(result.get("epochs")) is int
        and isinstance(result.get("outcome"), str)
        and (result.get("outcome") != "failed" or isinstance(result.get("why"), str))
        for result in record["runs"].values()
    ) and all(isinstance(digest, str) for digest in record["files"].values())


def _lines(log: str) -> list[str]:
    """The service's log is JSON: events with their data."""
    try:
        return "".join(event["data"] for event in json.loads(log)).splitlines()
    except (ValueError, KeyError, TypeError):
        return log.splitlines()
