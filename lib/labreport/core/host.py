"""Which host a notebook runs on, and what a runtime that can be lost at any moment needs before it
trains.
"""

import os
from pathlib import Path

DRIVE = Path("/content/drive")  # where Colab mounts Google Drive
MOUNT = 'from google.colab import drive\ndrive.mount("/content/drive", force_remount=True)'
KAGGLE_INPUT = Path("/kaggle/input")
# Only what lies in /kaggle/working becomes the output of a notebook, so nothing else should.
KAGGLE_FOLDERS = {
    "reports": Path("/kaggle/working/reports"),
    "data": Path("/tmp/labreport/data"),
    "data/cache": Path("/tmp/labreport/data/cache"),
}


def here() -> str:
    """colab, kaggle or home.

    Kaggle's image is built on Colab's and carries its variables too, so Kaggle is asked for first.
    """
    if "KAGGLE_KERNEL_RUN_TYPE" in os.environ:
        return "kaggle"
    return "colab" if "COLAB_RELEASE_TAG" in os.environ else "home"


def prepare() -> None:
    """Ask for Google Drive on Colab, where it is not mounted, and go on without it where a person
    declines; say on Kaggle what outlives a session.
    """
    from .progress_log import log  # late: every command imports this module

    if here() == "colab" and not drive_is_mounted():
        try:
            from google.colab import drive

            drive.mount(str(DRIVE), force_remount=True)
        except Exception as error:  # each version of Colab has errors of its own for "declined"
            log.info(
                f"Google Drive was not mounted ({str(error) or type(error).__name__}): trained"
                " epochs are lost when this runtime ends. Run this cell again to retry."
            )
    if here() == "kaggle" and os.environ["KAGGLE_KERNEL_RUN_TYPE"] == "Interactive":
        log.info(
            "This is an interactive Kaggle session: it deletes the runs in /kaggle/working when"
            " it ends. To keep them, save a version (Save & Run All), or set Settings >"
            " Persistence > Files only."
        )


def drive_is_mounted() -> bool:
    """Whether Google Drive is there; a folder of that name on the runtime's own disk is not."""
    return os.path.ismount(DRIVE) and (DRIVE / "MyDrive").is_dir()
