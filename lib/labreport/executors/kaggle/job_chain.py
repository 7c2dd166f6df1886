"""Runs that are executed on Kaggle, from submission to download.

sent.json says what was sent, and is written before. So this command can be stopped and started
again while Kaggle goes on.
"""

import secrets
import time
from pathlib import Path

from ...core import files, redaction, signals
from ...core.i18n import count, duration
from ...core.progress_log import log
from ...platforms import kaggle_client
from ..plan import Step
from . import chain_state, download, submit
from .chain_state import JobChain
from .notebook_log import LogReader

LOCK = ".sent.lock"
LOOK_SECONDS, FULL_SECONDS = 10.0, 60.0
PATIENCE_SECONDS = (
    600  # for a service that does not answer, or a notebook that does not leave the queue
)
UNKNOWN_SECONDS = 120  # in which a notebook that was just sent may not be known yet
OVER = ("COMPLETE", "ERROR", "CANCEL_ACKNOWLEDGED")


def bring(name: str, folder: Path, steps: list[Step], terms: submit.Terms) -> dict[str, str | None]:
    """Execute the steps that are to do on Kaggle, and put their files into their run folders.

    Args:
        name: of the experiment or sweep.
        folder: its own.
        steps: its runs.
        terms: for the notebooks.

    Returns:
        Why each run failed, by run name, None where it did not.

    Raises:
        ValueError: without a token or GPU time.
        ConnectionError: where Kaggle stays away.
        Interrupted: when asked to stop. The notebooks go on there, and the next call finds them.
    """
    api = kaggle_client.connected()
    folder.mkdir(parents=True, exist_ok=True)
    with files.lock(folder / LOCK, f"{name} on Kaggle"):
        chains = chain_state.load(
            name, folder, [step for step in steps if step.to_do], terms.at_once
        )

        def keep() -> None:
            chain_state.save(folder, chains)

        try:
            while unfinished := [chain for chain in chains if chain.remaining]:
                for chain in unfinished:
                    try:
                        if chain.running:
                            _look(api, chain, terms)
                        elif time.monotonic() >= chain.again:
                            _send(api, chain, terms, keep)
                    except ValueError as error:  # it ends no other chain's notebook
                        chain.give_up(str(error))
                    keep()
                if any(chain.remaining for chain in chains):
                    time.sleep(LOOK_SECONDS)
        except KeyboardInterrupt as stop:
            pages = [submit.page(chain.running["kernel"]) for chain in chains if chain.running]
            stopped = signals.Interrupted(
                f"{name}: this command has stopped, but {' and '.join(pages)}"
                f" {'keeps' if len(pages) == 1 else 'keep'} running; run the same command again to"
                " follow"
                if pages
                else f"{name}: stopped; run the same command again to continue"
            )
            stopped.signal = getattr(stop, "signal", stopped.signal)
            raise stopped from None
        return {run: why for chain in chains for run, why in chain.outcomes.items()}


def _send(api, chain: JobChain, terms: submit.Terms, keep) -> None:
    """Push the chain's next notebook, unless the service has no room for it: then it is tried again
    later. keep: writes sent.json.
    """
    if terms.gpu and not chain.again:
        quota = submit.gpu_time_left(api)
        if not chain.parts and chain.letter in ("", "a"):
            log.info(quota)
    attached = chain.attached
    slug = submit.slug(chain.name, chain.key, chain.letter, len(chain.parts) + 1)
    part = {
        "kernel": f"{api.get_config_value('username')}/{slug}",
        "errand": secrets.token_hex(8),
        "sent": files.now(),
        "arrived": False,
        "over": False,
        "before": attached["left"] if attached else {},
        "left": {},
    }
    chain.parts.append(part)
    # before it is sent: stopped in between, the next call asks after it, and does not send it twice
    keep()
    try:
        outcome = submit.push(
            api,
            part,
            attached["kernel"] if attached else None,
            [step.experiment for step in chain.remaining],
            chain.name,
            terms,
        )
    except ValueError:
        chain.parts.pop()
        raise
    if attached and outcome == submit.NOTHING_TO_ATTACH:  # it was deleted there
        chain.parts.pop()
        attached["left"] = {}
        return
    if outcome:
        chain.parts.pop()
        if not chain.again:
            log.info(f"{chain.title}: {outcome}; it is sent when another notebook ends")
        chain.again = time.monotonic() + FULL_SECONDS
        return
    part["arrived"], chain.seen, chain.answered, chain.again = True, "", time.monotonic(), 0.0
    internet = submit.needs([step.experiment for step in chain.remaining])["enable_internet"]
    log.info(
        f"{chain.title}: sent {count(len(chain.remaining), 'run')} to {submit.page(part['kernel'])}"
        f" ({terms}{', with internet' if internet else ''})"
    )


def _look(api, chain: JobChain, terms: submit.Terms) -> None:
    """See how far the running notebook is; once it is over, fetch what it leaves."""
    status, message = _status(api, chain)
    if status is None:
        return
    if status != chain.seen:
        chain.seen, chain.since = status, time.monotonic()
        if status in ("QUEUED", "RUNNING"):
            log.info(f"{chain.title}: {status.lower()}")
    elif status == "QUEUED" and time.monotonic() - chain.since > PATIENCE_SECONDS:
        chain.since = time.monotonic()
        log.info(
            f"{chain.title}: still queued; if your GPU time of this week is used up, it stays"
            f" queued: {kaggle_client.SETTINGS}"
        )
    if status not in ("RUNNING", *OVER):
        return
    if chain.log is None:
        chain.log = LogReader(api, chain.parts[-1]["kernel"], chain.letter)
        chain.log.start()
    if status in OVER:
        chain.log.finish()
        chain.log = None
        _fetch(api, chain, status, message, terms)


def _status(api, chain: JobChain) -> tuple[str | None, str]:
    """The notebook's status and what the service says of its failure; no status as long as it may
    still come to know it, or to answer again.
    """
    from kagglesdk.kernels.types.kernels_api_service import ApiGetKernelSessionStatusRequest

    part, waited = chain.parts[-1], time.monotonic() - chain.answered
    page, request = submit.page(part["kernel"]), ApiGetKernelSessionStatusRequest()
    request.user_name, request.kernel_slug = part["kernel"].split("/")
    try:
        with api.build_kaggle_client() as client:
            answer = kaggle_client.asked(
                api,
                client.kernels.kernels_api_client.get_kernel_session_status,
                request,
                what=f"the notebook {part['kernel']}",
                page=page,
            )
    except ConnectionError:
        if waited > PATIENCE_SECONDS:
            raise
        return None, ""
    except kaggle_client.NotFound:
        if waited <= UNKNOWN_SECONDS:
            return None, ""
        chain.parts.pop()
        if part["arrived"]:
            raise ValueError(
                f"Kaggle does not know {page}, sent {part['sent']}: it was deleted, or never"
                " started because your GPU time of this week is used up"
                f" ({kaggle_client.SETTINGS}). Run the same command to send it again"
            ) from None
        return None, ""
    part["arrived"], chain.answered = True, time.monotonic()
    return answer.status.name, answer.failure_message


def _fetch(api, chain: JobChain, status: str, message: str, terms: submit.Terms) -> None:
    """Take what a notebook that is over has left, verified, and settle what becomes of each of its
    runs.
    """
    part = chain.parts[-1]
    page = submit.page(part["kernel"])
    output = download.Output.of(api, part["kernel"], part["errand"])
    if output.record is None:
        part["over"] = True
        chain.give_up(
            f"the notebook ended ({status.lower()}) before this run started:"
            f" {redaction.cleaned(message or output.last_line) or 'no reason given'}; its log is"
            f" at {page}"
        )
        return
    gained = False
    for step in chain.remaining:
        run = step.experiment.run_name
        result = output.record["runs"].get(run)
        if result is None:  # it came into the chain later
            gained = True
        elif result["outcome"] in ("finished", "failed"):
            failed = None if result["outcome"] == "finished" else result["why"]
            try:
                summary = download.take(step.experiment, failed, output)
            except ValueError as error:
                failed, summary = str(error), ""
            chain.outcomes[run], gained = failed, True
            log.info(f"{run}: {result['outcome']} on Kaggle" + (f", {summary}" if summary else ""))
        else:
            gained = gained or output.epochs(run) > part["before"].get(run, 0)
    part["over"] = True
    part["left"] = {
        run: output.epochs(run)
        for run, result in output.record["runs"].items()
        if result["outcome"] != "finished"
    }
    if not gained:
        chain.give_up(f"no epoch was finished in {duration(terms.seconds)} on Kaggle; see {page}")
    elif chain.remaining:
        more = [
            f"{run} after {count(epochs, 'epoch')}" if epochs else run
            for run, epochs in part["left"].items()
            if run not in chain.outcomes
        ]
        log.info(f"{chain.title}: time limit reached; to continue: {', '.join(more)}")
