"""One file from the network: resumed where it broke off, with a progress bar, and verified before anybody sees it."""

import fcntl
import time
from pathlib import Path

from ..provenance import sha256

ATTEMPTS = 4
TIMEOUT_SECONDS = 30
CHUNK_BYTES = 1 << 18


def fetch(url: str, digest: str, destination: Path) -> Path:
    """Download `url` to `destination`, unless a verified copy lies there already.

    digest: the sha256 the file must have. What has arrived waits in `<destination>.part` for the next try, of this process or
    another; two processes do not write to it at once. Raises ConnectionError when the network does not answer, ValueError when
    the content is not the one expected, OSError when the disk is full.
    """
    if destination.exists():
        return _verified(destination, digest)
    destination.parent.mkdir(parents=True, exist_ok=True)
    part = destination.with_name(destination.name + ".part")
    with open(part, "ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # a second process waits here, and then finds the file complete
        if destination.exists():
            return _verified(destination, digest)
        try:
            _receive(url, file)
        except ConnectionError:
            if not file.tell():
                part.unlink()
            raise
        file.flush()
        found = sha256(part)
        if found != digest:
            part.unlink()
            raise ValueError(f"{url}: what arrived has sha256 {found[:16]}..., expected {digest[:16]}...: altered on the way; run again to fetch it anew")
        part.rename(destination)
    return destination


def _verified(path: Path, digest: str) -> Path:
    found = sha256(path)
    if found != digest:
        raise ValueError(f"{path}: sha256 is {found[:16]}..., expected {digest[:16]}...: a truncated or altered file; delete it and run again")
    return path


def _receive(url: str, file) -> None:
    """Append to `file` what it lacks of `url`, trying again a few times when the connection breaks."""
    import requests
    from tqdm import tqdm

    for attempt in range(1, ATTEMPTS + 1):
        have = file.seek(0, 2)
        try:
            with requests.get(url, headers={"Range": f"bytes={have}-"} if have else {}, stream=True, timeout=TIMEOUT_SECONDS) as answer:
                if answer.status_code == 416:  # nothing is missing, or the part is longer than the file: the digest tells which
                    return
                answer.raise_for_status()
                if answer.status_code != 206:
                    have = 0
                    file.truncate(0)
                missing = int(answer.headers.get("Content-Length", 0))
                with tqdm(total=have + missing or None, initial=have, unit="B", unit_scale=True, desc=url.rsplit("/", 1)[-1]) as bar:
                    received = 0
                    for chunk in answer.iter_content(CHUNK_BYTES):
                        file.write(chunk)
                        received += len(chunk)
                        bar.update(len(chunk))
                if missing and received < missing:
                    raise requests.ConnectionError(f"the connection broke off after {received} of {missing} bytes")
                return
        except requests.HTTPError as error:
            raise ConnectionError(f"{url}: the server answers {error.response.status_code} {error.response.reason}") from None
        except requests.RequestException as error:
            if attempt == ATTEMPTS:
                raise ConnectionError(f"{url}: no answer after {ATTEMPTS} tries ({type(error).__name__})") from None
            time.sleep(min(2 ** attempt, 8))
