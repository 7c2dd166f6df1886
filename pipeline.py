#!/usr/bin/env python3
"""labreport on the command line: `python pipeline.py --help` lists the commands."""

import sys
from pathlib import Path

# Checked before the package is imported: an older Python cannot read it, Windows lacks modules.
if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit(
        f"pipeline.py: Python 3.11 or newer is needed, and {sys.executable} is Python"
        f" {sys.version.split()[0]}; run `make setup`, then use .venv/bin/python"
    )
if sys.platform == "win32":
    sys.exit(
        "pipeline.py: labreport needs Linux or macOS; on Windows, use WSL (`wsl --install`, then"
        " open this folder there) or the devcontainer"
    )
sys.path.insert(0, str(Path(__file__).resolve().parent / "lib"))

from labreport.cli.main import main, prepare_process  # noqa: E402

if __name__ == "__main__":
    prepare_process()
    sys.exit(main())
