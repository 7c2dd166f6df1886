"""Kaggle's official client, connected; and what it and the network answer, in words that help."""

import contextlib
import io
import json
import os
import re
import socket
import sys
from pathlib import Path

from ..core import host, redaction
from ..core.text import printable

SITE = "https://www.kaggle.com"
SETTINGS = f"{SITE}/settings"
TOKEN, USERNAME, KEY = "KAGGLE_API_TOKEN", "KAGGLE_USERNAME", "KAGGLE_KEY"
ATTEMPTS = 5


def connected():
    """The official `KaggleApi`, authenticated: with the first credentials that the client finds,
    else with those in the secret store of Colab or Kaggle.

    Raises ValueError where there are none, or Kaggle does not know them, and ConnectionError where
    it does not answer.
    """
    source, secrets = _credentials()
    # importing it authenticates already, and prints; its option VERBOSE would print the token
    with (
        contextlib.redirect_stdout(io.StringIO()),
        _environment({"VERBOSE": "", "VERBOSE_OUTPUT": ""}),
    ):
        from kaggle.api.kaggle_api_extended import KaggleApi
    api = KaggleApi()
    api.args = [argument for argument in api.args if argument != "--verbose"]
    api.config = str(_config())  # the class has kept the folder that was meant when it was imported
    said = io.StringIO()
    with (
        explained("your account", SETTINGS),
        _environment(secrets),
        contextlib.redirect_stdout(said),
    ):
        try:
            api.authenticate()
        except SystemExit:  # it has printed a page of help
            raise ValueError(_refused(source)) from None
    token = api.config_values.get(api.CONFIG_NAME_TOKEN)
    if source.startswith("the access token") and token is None:
        # it goes on with an older key then, and yet sends the token
        raise ValueError(_refused(source))
    if token:
        redaction.learn(TOKEN, token)  # that of a login may have been made just now
    # that others can read the key, for one
    print(printable(redaction.cleaned(said.getvalue())), end="", file=sys.stderr)
    return api


class NotFound(ValueError):
    """Kaggle does not know what was asked for, or does not give it to this account."""


def asked(api, call, *arguments, what: str, page: str, attempts: int | None = None, **named):
    """What a call of a connected client returns; tried again, by the client's own rules, where the
    service is busy or the connection breaks.

    what, page: as in `explained`, which says the errors. attempts: 1 for what must not be done
    twice; ATTEMPTS if None.
    """
    import requests

    def once():
        try:
            return call(*arguments, **named)
        except requests.HTTPError as error:
            # in words without the address, which the client prints and which can carry a signature
            status = f"{error.response.status_code} {error.response.reason}"
            if error.response.status_code == 429:
                raise requests.HTTPError(status, response=error.response) from None
            if error.response.status_code >= 500:  # the client takes this for final
                raise requests.ConnectionError(status) from None
            raise
        except (requests.ConnectionError, requests.Timeout) as error:
            if unresolved(error):
                raise socket.gaierror from None  # nothing that a second try would mend
            raise requests.ConnectionError(_cause(error)) from None

    with explained(what, page):
        return api.with_retry(once, max_retries=attempts or ATTEMPTS)()


@contextlib.contextmanager
def explained(what: str, page: str):
    """Errors of the client and of the network inside the block become ours, and what the client
    prints goes to stderr without secrets.

    what: is asked for, such as "the data set flowers". page: where a person can look at it. Raises
    ValueError for what a person has to do, ConnectionError for what may pass by itself.
    """
    import requests

    try:
        with contextlib.redirect_stdout(_Cleaned()):
            yield
    except requests.HTTPError as error:
        raise _answered(error, what, page) from None
    except (requests.JSONDecodeError, json.JSONDecodeError):
        raise ConnectionError(
            f"{what}: the answer came from another web page, not from Kaggle; does this network"
            f" require a login? ({page})"
        ) from None
    except (requests.RequestException, ConnectionError, socket.gaierror) as error:
        if unresolved(error):
            raise ConnectionError(
                f"{what}: no network connection, or Kaggle's address cannot be resolved ({page})"
            ) from None
        raise ConnectionError(
            f"{what}: Kaggle does not answer ({_cause(error)}); try again later ({page})"
        ) from None


def unresolved(error: BaseException | None) -> bool:
    """Whether an error comes from a host name that cannot be resolved, as without a network: not
    worth another try.
    """
    return any(isinstance(one, socket.gaierror) for one in _chain(error))


def _chain(error: BaseException | None) -> list[BaseException]:
    """An error and those behind it."""
    return [error, *_chain(error.__cause__ or error.__context__)] if error else []


def _cause(error: BaseException) -> str:
    """Why a connection failed, in a few words: never an address, which can carry a signature."""
    reasons = [one.strerror for one in _chain(error) if isinstance(one, OSError) and one.strerror]
    short = str(error) if re.fullmatch(r"\d{3} [\w ]+|[\w ]+", str(error)) else type(error).__name__
    return reasons[-1] if reasons else short


def _answered(error, what: str, page: str) -> Exception:
    """The error for an answer of the service that says no."""
    status, reason, said = error.response.status_code, error.response.reason, ""
    with contextlib.suppress(ValueError, KeyError, TypeError):
        # not every answer is the service's own
        said = f" (Kaggle says: {redaction.cleaned(error.response.json()['message'])})"
    if status == 401:
        return ValueError(_refused(_credentials()[0]))
    if status == 403 and "/competitions/" in page:
        return ValueError(
            f"{what}: you have to accept the competition's rules first; do so at {page}/rules and"
            f" run again{said}"
        )
    if status == 403:
        return NotFound(f"{what}: Kaggle denies access to this account; see {page}{said}")
    if status == 404:
        return NotFound(
            f"{what}: not found on Kaggle (404); it may have been deleted; see {page}{said}"
        )
    if status == 429:
        return ConnectionError(
            f"{what}: Kaggle received too many requests from this network (429); try again later"
            f" ({page})"
        )
    if status >= 500:
        return ConnectionError(
            f"{what}: Kaggle answers {status} {reason}; try again later ({page})"
        )
    return ValueError(f"{what}: Kaggle answers {status} {reason}; see {page}{said}")


def _credentials() -> tuple[str, dict[str, str]]:
    """Where the credentials come from, in words, and what has to stand in the environment for the
    client to take them from there; ValueError where there are none.

    Whatever is found, `redaction` strikes out from now on.
    """
    try:
        from kagglesdk import get_access_token_from_env
    except ImportError:
        raise ValueError(
            "Kaggle's client is not installed, or is older than 2.2.3: run `make setup`, or in a"
            " notebook `!pip install --upgrade kaggle`"
        ) from None
    try:
        token, source = get_access_token_from_env()
    except OSError:  # it takes the value for the name of a file, and that is too long
        raise ValueError(
            f"{TOKEN} is not a Kaggle token; copy it again from {SETTINGS} (API tokens)"
        ) from None
    except UnicodeDecodeError:
        raise ValueError(
            f"the file of Kaggle's access token is not text; copy the token again from {SETTINGS}"
            " (API tokens)"
        ) from None
    if token:
        named = os.environ.get(source, "")
        place = (
            f"the environment variable {source}"
            if named == token
            else f"the file that {source} names"
            if named
            else "~/.kaggle/access_token"
        )
        return _checked(f"the access token in {place}", {TOKEN: token}), {}
    file, stored = _config(), {}
    if file.exists():
        try:
            stored = json.loads(file.read_text("utf-8"))
            stored = {"username": stored["username"], "key": stored["key"]}
            if not all(isinstance(value, str) for value in stored.values()):
                raise TypeError
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            stored = {}
            if not (os.environ.get(USERNAME) and os.environ.get(KEY)):
                raise ValueError(
                    f"{redaction.cleaned(str(file))} cannot be read as Kaggle's credentials, a"
                    f" username and a key; get it again from {SETTINGS}"
                ) from None
    username, key = (
        os.environ.get(USERNAME) or stored.get("username"),
        os.environ.get(KEY) or stored.get("key"),
    )
    if username and key:
        place = (
            f"the environment variables {USERNAME} and {KEY}"
            if os.environ.get(KEY)
            else redaction.cleaned(str(file))
        )
        return _checked(f"the key in {place}", {KEY: key}), {}
    if Path("~/.kaggle/credentials.json").expanduser().exists():
        return "the login in ~/.kaggle/credentials.json (`kaggle auth login` renews it)", {}
    return _stored()


def _stored() -> tuple[str, dict[str, str]]:
    """The same from the secret store of the notebook host that this runs on."""
    advice = (
        f"make one at {SETTINGS} (API tokens) and put it into ~/.kaggle/access_token, or into the"
        f" environment variable {TOKEN}"
    )
    if host.here() != "home":
        store, read, where = (
            ("Colab's", _of_colab, "the key symbol at the left")
            if host.here() == "colab"
            else ("Kaggle's", _of_kaggle, "Add-ons, Secrets")
        )
        token = read(TOKEN)
        if token:
            return _checked(
                f"the access token in {store} secret {TOKEN}", {TOKEN: token.strip()}
            ), {TOKEN: token.strip()}
        both = {name: (read(name) or "").strip() for name in (USERNAME, KEY)}
        if all(both.values()):
            return _checked(f"the key in {store} secret {KEY}", {KEY: both[KEY]}), both
        advice = (
            f"make one at {SETTINGS} (API tokens), store it as a secret {TOKEN} ({where}) and give"
            " this notebook access to it"
        )
    raise ValueError(f"Kaggle needs an access token, and none was found: {advice}")


def _of_colab(name: str) -> str | None:
    """A secret of Colab's, None where there is no such; ValueError where it cannot be read from
    here.
    """
    from google.colab import userdata
    from IPython import get_ipython

    kernel = getattr(get_ipython(), "kernel", None)
    if not getattr(kernel, "_allow_stdin", False):
        # asked by a command, or by a kernel without a page, Colab would wait for ever
        raise ValueError(
            "Kaggle needs an access token, and only a cell of the notebook can read Colab's"
            " secrets, not a command: run in a cell `import os; from google.colab import"
            f" userdata; os.environ[{TOKEN!r}] = userdata.get({TOKEN!r})` first. Tokens are made"
            f" at {SETTINGS}"
        )
    try:
        return userdata.get(name)
    except userdata.SecretNotFoundError:
        return None
    except userdata.NotebookAccessError:
        raise ValueError(
            f"this notebook has no access to the secret {name}: switch it on (the key symbol at"
            " the left)"
        ) from None


def _of_kaggle(name: str) -> str | None:
    """A secret of Kaggle's, None where this notebook has no such."""
    import kaggle_secrets

    try:
        return kaggle_secrets.UserSecretsClient().get_secret(name)
    except (kaggle_secrets.BackendError, kaggle_secrets.CredentialError):
        return None
    except ConnectionError:
        raise ConnectionError(
            "Kaggle's secrets can be read only with the network: switch Internet on in the"
            " notebook's settings"
        ) from None


def _checked(source: str, secret: dict[str, str]) -> str:
    """The source, once its secret can be sent and will be struck out."""
    for name, value in secret.items():
        redaction.learn(name, value)
        if not re.fullmatch("[!-~]+", value):  # requests would quote it in its error
            raise ValueError(
                f"{source} contains a space, a line break or another character that does not"
                f" belong there; copy it again from {SETTINGS} (API tokens)"
            )
    return source


def _config() -> Path:
    """Where the client looks for kaggle.json."""
    home, settings = (
        Path.home() / ".kaggle",
        os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config",
    )
    return (
        Path(
            os.environ.get("KAGGLE_CONFIG_DIR")
            or (home if home.exists() or sys.platform != "linux" else Path(settings) / "kaggle")
        )
        / "kaggle.json"
    )


def _refused(source: str) -> str:
    return (
        f"Kaggle refuses {source}: it has expired, was revoked or was not copied completely. Make"
        f" a new one at {SETTINGS} (API tokens) and put it there"
    )


@contextlib.contextmanager
def _environment(values: dict[str, str]):
    """Let variables stand in the environment while the block runs, and not longer."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            os.environ.update({name: value} if value is not None else {})


def _shown(text: str) -> str:
    """What the client prints, without secrets; a progress bar of its own keeps its carriage
    returns.
    """
    return "\r".join(map(printable, redaction.cleaned(text).split("\r")))


class _Cleaned(io.TextIOBase):
    """Hands on to stderr what the client prints, without secrets, and of a connection that broke
    only that.
    """

    def write(self, text: str) -> int:
        sys.stderr.write(re.sub(r"(Connection error): .*", r"\1", _shown(text), flags=re.DOTALL))
        return len(text)

    def flush(self) -> None:
        sys.stderr.flush()
