#!/usr/bin/env python3
"""labreport on the command line: `python pipeline.py --help` lists the commands."""

import os
import sys

# Checked before the package is imported: an older Python cannot read it, Windows lacks modules.
if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit(
        "pipeline.py: labreport needs Python 3.11 or newer, and this is Python "
        + sys.version.split()[0]
        + " ("
        + sys.executable
        + "); run `make setup`, then use .venv/bin/python"
    )
if sys.platform == "win32":
    sys.exit(
        "pipeline.py: labreport does not run on Windows itself; use WSL (`wsl --install`, then open"
        " this folder there) or the devcontainer"
    )
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "lib"))

from labreport.cli.main import main, prepare_process  # noqa: E402

if __name__ == "__main__":
    prepare_process()
    sys.exit(main())
