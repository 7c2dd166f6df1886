"""What a run ran on: machine, versions, commit and changes, lock file, environment."""

import contextlib
import functools
import json
import os
import platform
import re
import resource
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from .. import __version__
from ..core import files, paths, redaction
from .records import Checkout, Session

CHECKOUT = "checkout.json"  # beside this file where the project was packed: which commit it is of
LOCKS = ("requirements.lock", "requirements-cuda.lock")
# Environment variables that can change numbers; those that hold folders or only say how much is
# logged cannot.
NUMERIC = re.compile(
    r"(TF|XLA|KERAS|JAX|OMP|KMP|MKL|OPENBLAS|DNNL|ONEDNN|CUDA|CUDNN|CUBLAS|NVIDIA|OPENCV)_\w+"
    r"|PYTHONHASHSEED"
)
NOT_NUMERIC = re.compile(
    r"TF_CPP_\w+|\w+_(DIR|PATH|HOME|ROOT|CACHE|FILE|VERSION|LEVEL)"
    r"|NVIDIA_(DRIVER_CAPABILITIES|REQUIRE_\w+|PRODUCT_NAME)"
)
LONGEST_DIFF = 2000  # lines
# What can differ between two sessions, or two machines, and change the last bits.
SAME_BITS = ("backend", "device", "threads", "processor", "environment")


def machine() -> dict:
    """Python, operating system, processor and its cores."""
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processor": _processor(),
        "cores": os.cpu_count() or 0,
    }


def environment() -> dict[str, str]:
    """The environment variables that are set and can change numbers."""
    return {
        name: redaction.cleaned(value)
        for name, value in sorted(os.environ.items())
        if NUMERIC.fullmatch(name)
        and not NOT_NUMERIC.fullmatch(name)
        and not redaction.SECRET_NAME.search(name)
    }


def processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def peak_memory_bytes() -> int:
    """The most memory that this process has had so far."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1024 * most


def checkout() -> Checkout:
    """That of this project. The diff includes new files of the source. Of a project that came as an
    archive nobody can tell what was changed since.
    """
    with contextlib.suppress(FileNotFoundError):
        packed = json.loads((paths.PACKAGE / CHECKOUT).read_text("utf-8"))
        if not packed["commit"] or not packed["commit"].startswith("$"):
            # git fills it in where it makes an archive
            names = {each.name for each in fields(Checkout)} & set(packed)
            return Checkout(**{name: packed[name] for name in names} | {"packed": True})

    def git(*arguments, right=(0,)):
        done = subprocess.run(
            ["git", "-C", str(paths.root()), *arguments],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=60,
        )
        if done.returncode not in right:
            raise subprocess.SubprocessError(done.stderr)
        return done.stdout

    try:
        found: dict[str, Any] = {"commit": git("rev-parse", "HEAD").strip()}
        here = (".", ":(exclude)report.yaml")  # which names people, and changes no number
        changes = git("status", "--porcelain", "--", *here).splitlines()
        if changes:
            diff = git("diff", "HEAD", "--no-color", "--no-ext-diff", "--relative", "--", *here)
            new = git(
                "ls-files",
                "--others",
                "--exclude-standard",
                "--",
                "lib",
                "params",
                "notebooks",
                "pipeline.py",
            ).splitlines()
            diff += "".join(
                git(
                    "diff",
                    "--no-color",
                    "--no-ext-diff",
                    "--no-index",
                    "--",
                    "/dev/null",
                    name,
                    right=(0, 1),
                )
                for name in new
            )
            lines = diff.splitlines()
            cut = [f"({len(lines) - LONGEST_DIFF} more lines)"] * (len(lines) > LONGEST_DIFF)
            found |= {
                "changes": [line.strip() for line in changes],
                "diff": "\n".join(lines[:LONGEST_DIFF] + cut),
            }
        return Checkout(**found)
    except (OSError, subprocess.SubprocessError) as error:
        return Checkout(error=str(error).strip().partition("\n")[0])


def locks() -> dict[str, str]:
    """sha256 of the lock files of this checkout."""
    return {
        name: files.sha256(paths.root() / name) for name in LOCKS if (paths.root() / name).exists()
    }


def versions(*names: str) -> dict[str, str]:
    """Installed versions; a package that comes in several builds is looked for under each of their
    names.
    """
    builds = {
        "tensorflow": ("tensorflow", "tensorflow-cpu"),
        "opencv-python": ("opencv-python", "opencv-python-headless"),
    }
    from importlib import metadata  # late: it takes as long as half the command line's start

    found = {}
    for name in names:
        if name == "labreport":  # which is not installed everywhere
            found[name] = __version__
            continue
        for build in builds.get(name, (name,)):
            try:
                found[name] = metadata.version(build)
                break
            except metadata.PackageNotFoundError:
                continue
    return found


@functools.lru_cache(1)
def _packages_by_module(places: tuple[tuple[str, int], ...]) -> Mapping[str, list[str]]:
    """The installed packages that each module belongs to, which takes a while to read. places:
    where they lie, and when something was last installed or removed there.
    """
    from importlib import metadata

    return metadata.packages_distributions()


def imported() -> dict[str, str]:
    """Versions of all packages that this process has imported."""
    from importlib import metadata

    places = ((place, os.stat(place).st_mtime_ns) for place in sys.path if os.path.isdir(place))
    by_module = _packages_by_module(tuple(places))
    found = {}
    modules = {name.partition(".")[0] for name, module in list(sys.modules.items()) if module}
    packages = {package for module in modules for package in by_module.get(module, ())}
    for package in sorted(packages, key=str.lower):
        with contextlib.suppress(metadata.PackageNotFoundError):  # half removed
            found[package] = metadata.version(package)
    return found


@functools.cache
def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(
            line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")
        )
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def gpus() -> list[str]:
    """NVIDIA GPUs that this process may use, by the names that CUDA_VISIBLE_DEVICES takes; none
    without a driver.
    """
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [
            name.strip() for name in visible.split(",") if name.strip() and name.strip() != "-1"
        ]
    try:
        listed = subprocess.run(
            ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            timeout=30,
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return listed.stdout.split() if listed.returncode == 0 else []


def other_surroundings(before: Session, now: Session) -> list[str]:
    """In words, what differs between two sessions and can change the last bits: `threads: 2, now
    4`.
    """
    pairs = {key: (getattr(before, key), getattr(now, key)) for key in SAME_BITS}
    return [f"{key}: {one}, now {other}" for key, (one, other) in pairs.items() if one != other]


def session(device: dict) -> Session:
    """That of this process, which begins now. device: what `backend.describe()` says."""
    return Session(
        started=files.now(),
        **machine(),
        **device,
        environment=environment(),
        checkout=checkout(),
        locks=locks(),
    )
