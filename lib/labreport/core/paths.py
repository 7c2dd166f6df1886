"""Where things are: the project's folders, found from the working directory or from the checkout
that holds this package; on Kaggle outside it.
"""

import itertools
import os
from pathlib import Path

from . import host

PACKAGE = Path(__file__).resolve().parents[1]  # lib/labreport
_CHECKOUT = PACKAGE.parents[1]


def root() -> Path:
    """The project folder: the nearest one at or above the working directory with `params/` and
    `notebooks/`, else this checkout.

    A notebook opened in `notebooks/` and a command given anywhere below the project therefore
    agree. Raises FileNotFoundError where there is neither.
    """
    here = Path.cwd()
    for folder in itertools.chain([here], here.parents, [_CHECKOUT]):
        if (folder / "params").is_dir() and (folder / "notebooks").is_dir():
            return folder
    raise FileNotFoundError(
        f"no labreport project found: neither {here} nor a folder above it holds params/ and"
        " notebooks/; change to your checkout"
    )


def params() -> Path:
    """Folder of the parameter files."""
    return root() / "params"


def notebooks() -> Path:
    """Folder of the notebooks."""
    return root() / "notebooks"


def reports() -> Path:
    """Folder of the run folders; LABREPORT_REPORTS names another one."""
    return _place("LABREPORT_REPORTS", "reports")


def data() -> Path:
    """Folder of the data sets; LABREPORT_DATA (or `--data FOLDER`) names another one."""
    return _place("LABREPORT_DATA", "data")


def data_lock() -> Path:
    """The file that says what the data sets hold; LABREPORT_DATA_LOCK names another one, such as
    one that a whole course shares.
    """
    return (
        Path(os.environ.get("LABREPORT_DATA_LOCK") or root() / "data" / "data.lock")
        .expanduser()
        .absolute()
    )


def cache() -> Path:
    """Folder of what can be computed again: unpacked archives, decoded images, features;
    LABREPORT_CACHE names another one.
    """
    return _place("LABREPORT_CACHE", "data/cache")


def _place(variable: str, name: str) -> Path:
    """What the environment says, else the host's own place, else one in the project."""
    place = os.environ.get(variable) or (
        host.KAGGLE_FOLDERS[name] if host.here() == "kaggle" else root() / name
    )
    return Path(place).expanduser().absolute()


def display(path: Path) -> str:
    """The path as a person reads it: relative to the project where it lies inside it."""
    try:
        return str(Path(path).resolve().relative_to(root().resolve()))
    except ValueError:
        return str(path)
