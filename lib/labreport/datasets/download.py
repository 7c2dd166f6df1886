"""One file from the network: resumed where it broke off, with a progress bar, and verified before
anybody sees it.
"""

import base64
import fcntl
import hashlib
import time
from pathlib import Path

from ..core import files
from ..platforms import kaggle_client

ATTEMPTS = 4
TIMEOUT_SECONDS = 30
LONGEST_WAIT_SECONDS = 60  # that a server may ask for
CHUNK_BYTES = 1 << 18
SMALL_BYTES = 1 << 22  # less arrives before a bar could be read


def fetch(url: str, digest: str | None, destination: Path) -> Path:
    """Download `url` to `destination`, unless a verified copy lies there already.

    digest: the sha256 the file must have; None where nobody knows it: then the md5 counts that
    Google's storage sends along, where it does. What has arrived waits in `<destination>.part` for
    the next try, of this process or another; two processes do not write to it at once. Raises
    ConnectionError when the network does not answer, ValueError when the content is not the one
    expected, OSError when the disk is full.
    """
    if destination.exists():
        return _verified(destination, digest)
    destination.parent.mkdir(parents=True, exist_ok=True)
    part = destination.with_name(destination.name + ".part")
    with open(part, "ab") as file:
        # a second process waits here, and then finds the file complete
        fcntl.flock(file, fcntl.LOCK_EX)
        if destination.exists():
            return _verified(destination, digest)
        try:
            headers = _receive(url, file)
        except ConnectionError:
            if not file.tell():
                part.unlink()
            raise
        file.flush()
        kind, found, expected = (
            ("sha256", files.sha256(part), digest) if digest else ("md5", *_md5(part, headers))
        )
        if found != expected:
            part.unlink()
            raise ValueError(
                f"{_shown(url)}: the download has {kind} {found[:16]}..., expected"
                f" {expected[:16]}...: it was altered on the way; run the same command again"
            )
        part.rename(destination)
    return destination


def _verified(path: Path, digest: str | None) -> Path:
    if digest is None:  # it was compared with what the server said of it before it got this name
        return path
    found = files.sha256(path)
    if found != digest:
        raise ValueError(
            f"{path}: sha256 is {found[:16]}..., expected {digest[:16]}...: a truncated or altered"
            " file; delete it and run again"
        )
    return path


def _shown(url: str) -> str:
    """An address as it may be told: without what signs it."""
    return url.partition("?")[0]


def _md5(path: Path, headers) -> tuple[str, str]:
    """md5 of a file, and the one that the headers promise; where they promise none, that of the
    file again.
    """
    with open(path, "rb") as file:
        found = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    promised = dict(
        part.strip().split("=", 1)
        for part in headers.get("x-goog-hash", "").split(",")
        if "=" in part
    ).get("md5")
    return found, base64.b64decode(promised).hex() if promised else found


def _receive(url: str, file):
    """Append to `file` what it lacks of `url`, trying again a few times when the connection breaks
    or the server is busy; returns the answer's headers.
    """
    import requests
    from tqdm import tqdm

    for attempt in range(1, ATTEMPTS + 1):
        have, wait = file.seek(0, 2), min(2**attempt, 8)
        try:
            # as it is, or positions in it would mean nothing
            asked = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
            with requests.get(url, headers=asked, stream=True, timeout=TIMEOUT_SECONDS) as answer:
                if answer.status_code == 416:
                    # nothing is missing, or the part is longer than the file: the digest tells
                    # which
                    return requests.head(
                        url, headers={"Accept-Encoding": "identity"}, timeout=TIMEOUT_SECONDS
                    ).headers
                answer.raise_for_status()
                if answer.status_code != 206:
                    have = 0
                    file.truncate(0)
                missing = int(answer.headers.get("Content-Length", 0))
                with tqdm(
                    total=have + missing or None,
                    initial=have,
                    unit="B",
                    unit_scale=True,
                    desc=_shown(url).rsplit("/", 1)[-1],
                    disable=0 < missing < SMALL_BYTES,
                ) as bar:
                    received = 0
                    for chunk in answer.iter_content(CHUNK_BYTES):
                        file.write(chunk)
                        received += len(chunk)
                        bar.update(len(chunk))
                if missing and received < missing:
                    raise requests.ConnectionError(
                        f"the connection broke off after {received} of {missing} bytes"
                    )
                return answer.headers
        except requests.HTTPError as error:
            status, after = error.response.status_code, error.response.headers.get("Retry-After")
            wait = int(after) if after and after.isdigit() else wait
            if (
                (status != 429 and status < 500)
                or attempt == ATTEMPTS
                or wait > LONGEST_WAIT_SECONDS
            ):
                raise ConnectionError(
                    f"{_shown(url)}: the server answers {status} {error.response.reason}"
                    + (f" and asks to wait {after} s" if after else "")
                ) from None
        except requests.RequestException as error:
            if kaggle_client.unresolved(error):
                raise ConnectionError(
                    f"{_shown(url)}: no network connection, or the address cannot be resolved"
                ) from None
            if attempt == ATTEMPTS:
                raise ConnectionError(
                    f"{_shown(url)}: no answer after {ATTEMPTS} tries ({type(error).__name__})"
                ) from None
        time.sleep(wait)
