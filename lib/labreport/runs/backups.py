"""Where this machine keeps run folders beside their own place: a hook for its platform.

On Colab and Kaggle run folders outlive the runtime. What copies them belongs to the platform; this
package does not know how it is done. At home nothing is copied.
"""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from ..core import host

# The module that keeps run folders on a host. It is named here, since no process may forget to
# register it, and imported only there.
PLATFORMS = {
    "colab": "labreport.platforms.drive_backup",
    "kaggle": "labreport.platforms.drive_backup",
}


class Backup(Protocol):
    """What a platform's module has to offer."""

    def backup(self, folder: Path) -> None:
        """Copy what is new in a run folder."""

    def restore(self, folder: Path, progress: Callable[[str], None] = print) -> bool:
        """Restore a run folder from the copy that has come furthest; whether that was done."""

    def newer_backups(self, folder: Path) -> list:
        """The copies of a run that have come further than its folder."""


class _Nowhere:
    def backup(self, folder):
        pass

    def restore(self, folder, progress=print):
        return False

    def newer_backups(self, folder):
        return []


def platform() -> Backup:
    """What keeps the run folders of this host."""
    module = PLATFORMS.get(host.here())
    return importlib.import_module(module) if module else _Nowhere()
