"""What must not stand in anything that is handed on: secrets, home folders, user names in paths and
hosts.
"""

import base64
import functools
import getpass
import html
import json
import os
import platform
import re
import urllib.parse
from pathlib import Path
from typing import NamedTuple

SECRET_NAME = re.compile(
    r"TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL|COOKIE|APIKEY|ACCESSKEY|PRIVATEKEY"
    r"|(?:^|_)(?:KEYS?|AUTH)(?:_|$)|(?:^|_)(?:PASS|PAT|PWD|DSN)$",
    re.IGNORECASE,
)
# What is secret by its shape: tokens by their beginnings (GitHub, GitLab, Hugging Face, OpenAI,
# Kaggle, Slack, AWS, Google, JSON web tokens), private keys, what makes an address of a storage
# service one that anybody can use, other secrets in the query of an address.
SECRET_SHAPE = re.compile(
    r"\b(?:(?:gh[pousr]_|github_pat_|glpat-|KGAT_|xox[abp]-|AKIA)[A-Za-z0-9_-]{12,}"
    r"|hf_[A-Za-z0-9]{20,}|sk-(?=[A-Za-z_-]*\d)[A-Za-z0-9_-]{12,}"
    r"|AIza[A-Za-z0-9_-]{35}|eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}(?:\.[A-Za-z0-9_-]+)?)"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|(?<=[?&])(?:(?:X-Goog-|X-Amz-)?(?:Signature|Credential)|sig|(?:access_?)?token|api_?key"
    r"|password|secret)=[^&\s\"'<>]+",
    re.DOTALL,
)
# What is secret by what stands before it: a password or a long name in an address, what a header
# says.
ADDRESS = re.compile(
    r"((?:\b[a-zA-Z][a-zA-Z0-9+.-]{0,30}://[^\s/:@?#'\"<>]*:))[^\s/?#'\"<>]+(?=@[\w.\[-])"
    r"|(\bhttps?://)[^\s/:@?#'\"<>]{20,}(?=@[\w.\[-])"
)
HEADER = re.compile(
    r"([Aa]uthorization['\"]?\s*[:=]\s*['\"]?(?:[Bb]asic|[Bb]earer|[Tt]oken)\s+)[\w.~+/=-]{8,}"
)
IN_ADDRESS = re.compile(r"://[^\s/:@]*:(.+)@")  # the password
SHORTEST_SECRET, LONG = 8, 16  # characters; a passphrase of words is a secret too
SHORTEST_LINE = 16  # of a secret of several lines
# Values that could be anything: words and names, numbers and dates. Struck out wherever they stand,
# they would leave holes in reports.
ORDINARY = re.compile(r"[A-Za-z][a-z]*(?:[ _.,-][A-Za-z]?[a-z]*)*|[\d.,:/ eE+-]+")
# accounts that say nothing of a person
NOBODY = {"root", "user", "nobody", "jovyan", "ubuntu", "runner"}
PLACES = ("HOME", "KAGGLE_CONFIG_DIR", "XDG_CONFIG_HOME")  # where Kaggle's files are looked for
_learned: dict[str, str] = {}  # name -> value


def learn(name: str, value: str) -> None:
    """Strike a secret out too that stands neither in the environment nor in a file: one that a
    notebook host's secret store has told.
    """
    _learned[name] = value


class _Private(NamedTuple):
    """What is struck out: secrets wherever they stand, secrets after their names, home folders and
    the user's name.
    """

    everywhere: tuple[tuple[str, str], ...]
    after_name: tuple[tuple[str, str], ...]
    homes: tuple[str, ...]
    user: str | None


def _private() -> _Private:
    home = Path.home()
    homes = {str(home), os.path.realpath(home)} - {"/", ""}
    everywhere, after_name = _known_secrets()
    return _Private(everywhere, after_name, tuple(sorted(homes, key=len, reverse=True)), _user())


def _known_secrets() -> tuple[tuple[tuple[str, str], ...], ...]:
    environment = sorted(
        (key, value)
        for key, value in os.environ.items()
        if _is_secret(key) or key in PLACES or ("://" in value and "@" in value)
    )
    return _secrets(tuple(environment), tuple(_learned.items()))


def cleaned(text: str) -> str:
    """The text with secrets of this environment struck out and home folders shortened to ~.

    A user name is taken out where it names a home folder or an account at a host, not as a word:
    there are people called Rose, and flowers.
    """
    return _cleaned(text, _private())


def _cleaned(text: str, private: _Private) -> str:
    text = _without(text, private.everywhere, private.after_name)
    for home in private.homes:
        text = re.sub(rf"{re.escape(home)}(?![\w.-])", "~", text)
    if private.user:
        user = re.escape(private.user)
        text = re.sub(rf"(/(?:home|Users)/){user}(?![\w.-])", r"\1user", text)
        text = re.sub(rf"(?<![\w.-]){user}@(?=\w)", "user@", text)
    return text


@functools.lru_cache(2048)
def _cleaned_before(text: str, private: _Private) -> str:
    """The same, of a notebook's texts: it is cleaned after each cell, most of it once again."""
    return _cleaned(text, private)


def without_secrets(text: str) -> str:
    """The text with secrets struck out, and else as it is."""
    return _without(text, *_known_secrets())


def _without(text: str, everywhere, after_name) -> str:
    for name, form in everywhere:
        text = text.replace(form, f"[{name}]")
    for name, value in after_name:
        if name in text:
            text = re.sub(
                rf"({re.escape(name)}[\\'\"]*\s*[=:]\s*[\\'\"]*){re.escape(value)}(?!\w)",
                rf"\1[{name}]",
                text,
            )
    text = SECRET_SHAPE.sub("[secret]", text)
    if "://" in text:
        text = ADDRESS.sub(lambda found: f"{found[1] or found[2]}[secret]", text)
    return HEADER.sub(r"\1[secret]", text)


def cleaned_values(values):
    """The same for what JSON can hold: every text in it is cleaned, but no key and no number."""
    return _cleaned_values(values, _private())


def _cleaned_values(values, private: _Private):
    if isinstance(values, str):
        return _cleaned_before(values, private)
    if isinstance(values, dict):
        return type(values)((key, _cleaned_values(value, private)) for key, value in values.items())
    if isinstance(values, (list, tuple)):
        return [_cleaned_values(value, private) for value in values]
    return values


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
def _is_secret(name: str) -> bool:
    return bool(SECRET_NAME.search(name))


@functools.lru_cache(8)
def _secrets(
    environment: tuple[tuple[str, str], ...], learned: tuple[tuple[str, str], ...]
) -> tuple[tuple[tuple[str, str], ...], ...]:
    """(name, text) of what is struck out wherever it stands, longest first, so that none is struck
    out in part; and of what is only struck out after its name.

    They come from the environment, Kaggle's files and what was learned.
    """
    found = [
        *learned,
        *(
            (name, value)
            for name, value in environment
            if _is_secret(name) and name not in PLACES and not os.path.exists(value)
        ),
    ]
    own, settings = os.environ.get("KAGGLE_CONFIG_DIR"), os.environ.get("XDG_CONFIG_HOME")
    folders = [
        *([Path(own)] if own else []),
        Path.home() / ".kaggle",
        Path(settings or Path.home() / ".config") / "kaggle",
    ]
    # KAGGLE_API_TOKEN may name a file
    named = [
        Path(value)
        for name, value in environment
        if name.startswith("KAGGLE_") and name not in PLACES and os.path.isfile(value)
    ]
    for file in [
        *named,
        *(
            folder / name
            for folder in folders
            for name in ("kaggle.json", "credentials.json", "access_token", "access_token.txt")
        ),
    ]:
        try:
            text = file.read_text("utf-8").strip()
            found += (
                [
                    ("KAGGLE_KEY", json.loads(text).get(key, ""))
                    for key in ("key", "access_token", "refresh_token")
                ]
                if file.suffix == ".json"
                else [("KAGGLE_API_TOKEN", text)]
            )
        except (OSError, ValueError, AttributeError, RecursionError):
            # none there, or not one of Kaggle's
            continue
    for name, value in environment:
        if password := IN_ADDRESS.search(value):
            # the address itself may be taken apart, and its password be printed alone
            found += [(name, password[1]), (name, urllib.parse.unquote(password[1]))]
    found = [
        (name, value.strip()) for name, value in found if isinstance(value, str) and value.strip()
    ]
    everywhere = {
        form: name for name, value in found if _can_be_told(value) for form in _forms(value)
    }
    after_name = dict.fromkeys((name, value) for name, value in found if not _can_be_told(value))
    return tuple(
        sorted(((name, form) for form, name in everywhere.items()), key=lambda pair: -len(pair[1]))
    ), tuple(after_name)


def _can_be_told(value: str) -> bool:
    """Whether a value is a secret wherever it stands, and not an ordinary word or number."""
    return len(value) >= LONG or (len(value) >= SHORTEST_SECRET and not ORDINARY.fullmatch(value))


def _forms(value: str) -> set[str]:
    """A secret as it stands, and as it stands in JSON, Python, addresses, HTML, shells and base64;
    and each line of one that has several.
    """
    in_json = json.dumps(value)[1:-1]
    forms = {
        value,
        in_json,
        json.dumps(in_json)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        repr(value)[1:-1],
        html.escape(value),
        html.escape(value, quote=False),
        value.replace("'", "'\"'\"'"),
        re.sub(r"([^\w@%+=:,./\n-])", r"\\\1", value),
    }
    for quote in (urllib.parse.quote, urllib.parse.quote_plus):
        for safe in ("", "/"):
            quoted = quote(value, safe=safe)
            forms |= {quoted, re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), quoted)}
    data = value.encode("utf-8", "surrogateescape")
    for before in range(3):
        # bytes of its group that belong to something else, such as the user's name in a header
        encoded = base64.b64encode(bytes(before) + data)[
            -(-before * 8 // 6) : (before + len(data)) * 8 // 6
        ].decode()
        forms |= {encoded, encoded.translate(str.maketrans("+/", "-_"))}
    lines = value.splitlines()
    return forms | {
        form
        for line in lines
        if len(line.strip()) >= SHORTEST_LINE and len(lines) > 1
        for form in _forms(line.strip())
    }
