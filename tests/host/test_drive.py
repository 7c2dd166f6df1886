"""What is kept on a Drive, with real mounts."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from helpers import simulated
from helpers.project import ROOT

pytestmark = pytest.mark.slow

MOUNTS = """
import ctypes, os, subprocess, sys
from pathlib import Path
sys.path.insert(0, "/test/lib")
from labreport.platforms import drive_backup
folder = Path("/content/labreport/reports/a_run")
(folder / "unfinished").mkdir(parents=True)
def keep(epoch):
    (folder / f"unfinished/epoch-{epoch:04d}.{epoch:020d}.npz").write_bytes(bytes(100_000))
    print(f"-- {epoch}")
    drive_backup.backup(folder)
def mount(*options):
    subprocess.run(["mount", *options, "/content/drive"], check=True)
    os.makedirs("/content/drive/MyDrive", exist_ok=True)
Path("/content/drive/MyDrive").mkdir(parents=True)  # a folder of that name is no Drive
keep(1); keep(2)
mount("--bind", "/test/drive"); keep(3)
subprocess.run(["umount", "/content/drive"], check=True); keep(4); keep(5)
mount("--bind", "/test/drive"); keep(6)
fuse = os.open("/dev/fuse", os.O_RDWR)  # a Drive whose program has died
libc = ctypes.CDLL(None, use_errno=True)
options = f"fd={fuse},rootmode=40000,user_id=0,group_id=0".encode()
mounted = libc.mount(b"drive", b"/content/drive", b"fuse", 0, options)
assert mounted == 0, os.strerror(ctypes.get_errno())
os.close(fuse); keep(7)
subprocess.run(["umount", "/content/drive"], check=True)
mount("-t", "tmpfs", "-o", "size=300k", "none"); keep(8)
subprocess.run(["umount", "/content/drive"], check=True); keep(9)
"""


def test_a_drive_that_is_missing_drops_comes_back_or_is_full_is_said_once_each_time(tmp_path):
    """Real mounts, the dead one included."""
    if not os.access("/dev/fuse", os.W_OK):
        simulated.lacking("no /dev/fuse here, so no Drive whose program has died")
    shutil.copytree(ROOT / "lib", tmp_path / "lib", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "mounts.py").write_text(MOUNTS)
    said = simulated.run(
        "colab", tmp_path, [Path(sys.base_prefix) / "bin/python3", "/test/mounts.py"]
    )
    told = [part.strip() for part in said.split("-- ")[1:]]
    lines = 'from google.colab import drive\ndrive.mount("/content/drive", force_remount=True)'
    goes_on = (
        "To mount it, stop this cell, run these two lines in a cell of their own, and run this"
        " cell again: it continues after the last epoch.\n" + lines
    )
    dropped = "the training continues, but its epochs are saved in this runtime only. " + goes_on
    assert told == [
        "1\nGoogle Drive is not mounted: trained epochs are lost when this runtime ends. "
        + goes_on,
        "2",
        "3\nGoogle Drive is available again: a_run is backed up there, up to epoch 3",
        f"4\nGoogle Drive is no longer available (it is not mounted): {dropped}",
        "5",
        "6\nGoogle Drive is available again: a_run is backed up there, up to epoch 6",
        f"7\nGoogle Drive is no longer available (Transport endpoint is not connected): {dropped}",
        (
            "8\nGoogle Drive is full (No space left on device): the training continues, but its"
            " epochs are saved in this runtime only, until there is space again. Delete files on"
            " the Drive, and empty its trash."
        ),
        "9\nGoogle Drive is available again: a_run is backed up there, up to epoch 9",
    ]
