"""Kaggle's service, and a storage of files, on this machine: understands what the official client
says, writes it down, and answers; or misbehaves as it is told.
"""

import base64
import contextlib
import hashlib
import http.server
import json
import threading
from typing import NamedTuple

TOKEN, USER, KEY = (
    "KGAT_0123456789abcdef0123456789abcdef",
    "ada",
    "fedcba9876543210fedcba9876543210",
)
SIGNATURE = "5167ed0c0ffee5167ed0c0ffee"  # with it anybody could download for a while
STORED = "Wed, 01 Jan 2025 00:00:00 GMT"


class Answer(NamedTuple):
    """What is answered to a request. cut: the connection breaks after so many bytes of the body;
    held: it stands still there.
    """

    status: int = 200
    body: bytes = b""
    headers: dict = {}
    cut: int | None = None
    held: int | None = None


def said(content: dict, status: int = 200) -> Answer:
    """An answer of the service in JSON."""
    return Answer(status, json.dumps(content).encode(), {"Content-Type": "application/json"})


def refusal(status: int, message: str = "no", **headers: str) -> Answer:
    """An error as the service words it."""
    answer = said({"code": status, "message": message}, status)
    return answer._replace(
        headers=answer.headers | {name.replace("_", "-"): value for name, value in headers.items()}
    )


class Seen(NamedTuple):
    """A request. what: `Service/Request` or the path of a file; start: of the range of bytes that
    is asked for.
    """

    what: str
    headers: dict
    body: dict
    start: int


class StandIn(http.server.ThreadingHTTPServer):
    """routes: `Service/Request` -> function(stand_in, request) -> Answer, to be added to. files:
    path -> bytes, of the storage. tokens, keys: that are known; user by token.

    archives: what DownloadDataset and DownloadDataFiles hand out: `owner/name` or the competition
    -> path. unaccepted: competitions whose rules nobody has accepted. hashes: path -> the storage's
    x-goog-hash header. seen: all requests. url: of the service; storage: the same port under
    another host name, which the service's tokens must not be sent to.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url, self.storage = (
            f"http://127.0.0.1:{self.server_port}",
            f"http://localhost:{self.server_port}",
        )
        self.routes, self.files, self.archives, self.hashes = dict(ROUTES), {}, {}, {}
        self.tokens, self.keys, self.unaccepted = {TOKEN: USER}, {(USER, KEY)}, set()
        self.seen: list[Seen] = []
        self.faults: dict[str, list[Answer]] = {}
        self.over = threading.Event()

    def misbehave(self, what: str, *faults: Answer, always: bool = False) -> None:
        """Answer the next requests for a route or a file with these; the last of them for ever
        where `always`. Of a file, `cut` and `held` concern its own bytes.
        """
        self.faults[what] = [*faults, *([None] if always else [])]

    def hand_out(self, reference: str, data: bytes) -> str:
        """Let a data set or competition be this archive; returns its path in the storage."""
        path = f"/files/{reference.replace('/', '-')}/archive.zip"
        self.files[path], self.archives[reference] = data, path
        return path

    def asked(self, what: str) -> list[Seen]:
        """The requests for a route or a file so far."""
        return [seen for seen in self.seen if seen.what == what]

    def fault(self, what: str) -> Answer | None:
        waiting = self.faults.get(what, [])
        if len(waiting) == 2 and waiting[1] is None:  # for ever
            return waiting[0]
        return waiting.pop(0) if waiting else None

    def knows(self, authorization: str) -> bool:
        kind, _, value = authorization.partition(" ")
        return (
            value in self.tokens
            if kind == "Bearer"
            else kind == "Basic"
            and tuple(base64.b64decode(value).decode().split(":", 1)) in self.keys
        )


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        what = self.path.removeprefix("/v1/")
        self.server.seen.append(Seen(what, dict(self.headers), request, 0))
        fault = self.server.fault(what)
        if fault:
            answer = fault
        elif what not in self.server.routes:
            answer = refusal(404, f"there is no {what} here")
        elif what not in OPEN and not self.server.knows(self.headers.get("Authorization", "")):
            answer = refusal(401, "Unauthenticated")
        else:
            answer = self.server.routes[what](self.server, request)
        self.send(answer)

    def do_GET(self):
        path, asked = self.path.partition("?")[0], self.headers.get("Range")
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        self.server.seen.append(Seen(path, dict(self.headers), {}, start))
        data, fault = self.server.files.get(path), self.server.fault(path)
        if fault and fault.status != 200:
            return self.send(fault)
        if data is None:
            return self.send(refusal(404, "no such file"))
        tag = f'"{hashlib.md5(data).hexdigest()}"'
        headers = {
            "ETag": tag,
            "Last-Modified": STORED,
            "Accept-Ranges": "bytes",
            "Content-Type": "application/zip",
        }
        headers |= {"x-goog-hash": self.server.hashes[path]} if path in self.server.hashes else {}
        if asked and self.headers.get("If-Range", tag) not in (tag, STORED):
            asked, start = None, 0
        if asked and start >= len(data):
            return self.send(Answer(416, b"", {"Content-Range": f"bytes */{len(data)}"}))
        ranged = {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"} if asked else {}
        self.send(
            (fault or Answer())._replace(
                status=206 if asked else 200, body=data[start:], headers=headers | ranged
            )
        )

    do_HEAD = do_GET

    def send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in ({"Content-Length": str(len(answer.body))} | answer.headers).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        with contextlib.suppress(ConnectionError):
            self.wfile.write(answer.body[: answer.cut if answer.cut is not None else answer.held])
            if answer.held is not None:
                self.wfile.flush()
                self.server.over.wait()

    def log_message(self, *_):
        pass


def introspect(service: StandIn, request: dict) -> Answer:
    user = service.tokens.get(request["token"])
    return said(
        {"active": True, "username": user, "clientId": "", "scope": ""}
        if user
        else {"active": False}
    )


def handed_out(service: StandIn, reference: str) -> Answer:
    if reference in service.unaccepted:
        return refusal(
            403, "You must accept this competition's rules before you'll be able to download files."
        )
    if reference not in service.archives:
        return refusal(404, "Not found")
    archive = service.storage + service.archives[reference]
    query = f"X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Signature={SIGNATURE}"
    return Answer(302, b"", {"Location": f"{archive}?{query}"})


# What the service understands without being told who asks.
OPEN = ("security.OAuthService/IntrospectToken", "users.AccountService/GenerateAccessToken")
ROUTES = {
    "security.OAuthService/IntrospectToken": introspect,
    "users.AccountService/GenerateAccessToken": lambda service, request: (
        said({"token": TOKEN, "expiresIn": 3600})
        if request["refreshToken"] == KEY
        else refusal(401)
    ),
    "datasets.DatasetApiService/DownloadDataset": lambda service, request: handed_out(
        service, f"{request['ownerSlug']}/{request['datasetSlug']}"
    ),
    "competitions.CompetitionApiService/DownloadDataFiles": lambda service, request: handed_out(
        service, request["competitionName"]
    ),
}

# For processes: put into a folder on PYTHONPATH, it gives the official client the address that the
# variable names.
ADDRESS = "LABREPORT_TEST_SERVICE"
SITECUSTOMIZE = f"""import os
if {ADDRESS!r} in os.environ:
    from kagglesdk.kaggle_env import KaggleEnv, _env_to_endpoint
    _env_to_endpoint[KaggleEnv.PROD] = os.environ[{ADDRESS!r}]
"""


@contextlib.contextmanager
def running():
    """A StandIn at work."""
    service = StandIn()
    thread = threading.Thread(
        target=service.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
    )
    thread.start()
    try:
        yield service
    finally:
        service.over.set()
        service.shutdown()
        service.server_close()
