"""What must not stand in anything that is handed on: secrets, home folders, user names in paths and hosts."""

import functools
import getpass
import json
import os
import platform
import re
from pathlib import Path

SECRET_NAME = re.compile(r"TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|KAGGLE_KEY|_(PASS|PAT|PWD)$", re.IGNORECASE)
# Tokens that are known by their beginnings: GitHub, Hugging Face, OpenAI, Kaggle, Slack, AWS; and private keys.
SECRET_SHAPE = re.compile(r"\b(?:gh[pousr]_|github_pat_|hf_|sk-|KGAT_|xox[abp]-|AKIA)[A-Za-z0-9_-]{12,}|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
                          re.DOTALL)
SHORTEST_SECRET = 8
NOBODY = {"root", "user", "nobody", "jovyan", "ubuntu", "runner"}  # accounts that say nothing of a person


def cleaned(text: str) -> str:
    """The text with secrets of this environment struck out and home folders shortened to ~.

    A user name is taken out where it names a home folder or an account at a host, not as a word: there are people called Rose, and flowers.
    """
    for name, value in _secrets(tuple(sorted((key, value) for key, value in os.environ.items() if SECRET_NAME.search(key) or key == "HOME"))):
        text = text.replace(value, f"[{name}]")
    text = SECRET_SHAPE.sub("[secret]", text)
    for home in sorted({str(Path.home()), os.path.realpath(Path.home())} - {"/", ""}, key=len, reverse=True):
        text = re.sub(rf"{re.escape(home)}(?![\w.-])", "~", text)
    user = _user()
    if user:
        text = re.sub(rf"(/(?:home|Users)/){re.escape(user)}(?![\w.-])", r"\1user", text)
        text = re.sub(rf"(?<![\w.-]){re.escape(user)}@(?=\w)", "user@", text)
    return text


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
def _secrets(environment: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """(name, value) of the secrets in the environment and in Kaggle's files; longest first, so that none is struck out in part."""
    found = [(name, value) for name, value in environment if name != "HOME" and not os.path.exists(value)]
    folder = Path(os.environ.get("KAGGLE_CONFIG_DIR") or Path.home() / ".kaggle")
    for file in ("kaggle.json", "access_token"):
        try:
            text = (folder / file).read_text("utf-8").strip()
            found.append(("KAGGLE_KEY", json.loads(text)["key"] if file.endswith("json") else text))
        except (OSError, ValueError, KeyError, TypeError):  # none there, or not one of Kaggle's
            continue
    return tuple(sorted(((name, value) for name, value in found if len(value) >= SHORTEST_SECRET), key=lambda pair: -len(pair[1])))
