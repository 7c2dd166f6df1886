"""What must not stand in anything that is handed on: secrets, home folders, user names in paths and hosts."""

import functools
import getpass
import json
import os
import platform
import re
from pathlib import Path

SECRET_NAME = re.compile(r"TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|KAGGLE_KEY|_(PASS|PAT|PWD)$", re.IGNORECASE)
# Tokens that are known by their beginnings: GitHub, Hugging Face, OpenAI, Kaggle, Slack, AWS; private keys; what makes an address of a storage service one that anybody can use.
SECRET_SHAPE = re.compile(r"\b(?:gh[pousr]_|github_pat_|hf_|sk-|KGAT_|xox[abp]-|AKIA)[A-Za-z0-9_-]{12,}|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
                          r"|(?<=[?&])(?:(?:X-Goog-|X-Amz-)?(?:Signature|Credential)|sig)=[^&\s\"'<>]+", re.DOTALL)
SHORTEST_SECRET = 8
NOBODY = {"root", "user", "nobody", "jovyan", "ubuntu", "runner"}  # accounts that say nothing of a person
PLACES = ("HOME", "KAGGLE_CONFIG_DIR", "XDG_CONFIG_HOME")  # where Kaggle's files are looked for
_learned: dict[str, str] = {}  # name -> value


def learn(name: str, value: str) -> None:
    """Strike a secret out too that stands neither in the environment nor in a file: one that a notebook host's secret store has told."""
    _learned[name] = value


def cleaned(text: str) -> str:
    """The text with secrets of this environment struck out and home folders shortened to ~.

    A user name is taken out where it names a home folder or an account at a host, not as a word: there are people called Rose, and flowers.
    """
    text = without_secrets(text)
    for home in sorted({str(Path.home()), os.path.realpath(Path.home())} - {"/", ""}, key=len, reverse=True):
        text = re.sub(rf"{re.escape(home)}(?![\w.-])", "~", text)
    user = _user()
    if user:
        text = re.sub(rf"(/(?:home|Users)/){re.escape(user)}(?![\w.-])", r"\1user", text)
        text = re.sub(rf"(?<![\w.-]){re.escape(user)}@(?=\w)", "user@", text)
    return text


def without_secrets(text: str) -> str:
    """The text with secrets struck out, and else as it is."""
    environment = sorted((key, value) for key, value in os.environ.items() if SECRET_NAME.search(key) or key in PLACES)
    for name, value in _secrets(tuple(environment), tuple(_learned.items())):
        text = text.replace(value, f"[{name}]")
    return SECRET_SHAPE.sub("[secret]", text)


def cleaned_values(values):
    """The same for what JSON can hold: every text in it is cleaned, but no key and no number."""
    if isinstance(values, str):
        return cleaned(values)
    if isinstance(values, dict):
        return type(values)((key, cleaned_values(value)) for key, value in values.items())
    return [cleaned_values(value) for value in values] if isinstance(values, (list, tuple)) else values


def host() -> str:
    """Name of this machine, without the name of its user."""
    name, user = platform.node() or "unknown", _user()
    return re.sub(re.escape(user), "user", name, flags=re.IGNORECASE) if user else name


def _user() -> str | None:
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as in some containers
        return None
    return None if name in NOBODY else name


@functools.cache
def _secrets(environment: tuple[tuple[str, str], ...], learned: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """(name, value) of the secrets in the environment, in Kaggle's files and those learned; longest first, so that none is struck out in part."""
    found = [*learned, *((name, value) for name, value in environment if name not in PLACES and not os.path.exists(value))]
    own, settings = os.environ.get("KAGGLE_CONFIG_DIR"), os.environ.get("XDG_CONFIG_HOME")
    folders = [*([Path(own)] if own else []), Path.home() / ".kaggle", Path(settings or Path.home() / ".config") / "kaggle"]
    named = [Path(value) for name, value in environment if name.startswith("KAGGLE_") and name not in PLACES and os.path.isfile(value)]  # KAGGLE_API_TOKEN may name a file
    for file in [*named, *(folder / name for folder in folders for name in ("kaggle.json", "credentials.json", "access_token", "access_token.txt"))]:
        try:
            text = file.read_text("utf-8").strip()
            found += [("KAGGLE_KEY", json.loads(text).get(key, "")) for key in ("key", "access_token", "refresh_token")] if file.suffix == ".json" else [("KAGGLE_API_TOKEN", text)]
        except (OSError, ValueError, AttributeError, RecursionError):  # none there, or not one of Kaggle's
            continue
    found = [(name, value.strip()) for name, value in found if isinstance(value, str)]
    return tuple(sorted(((name, value) for name, value in found if len(value) >= SHORTEST_SECRET), key=lambda pair: -len(pair[1])))
