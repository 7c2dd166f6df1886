"""What the Makefile passes on: its commands, and the variables that each takes."""

import re

from helpers.project import ROOT

TEXT = (ROOT / "Makefile").read_text()
TAKES = {
    command: takes.split()
    for command, takes in re.findall(r"^([a-z]+): override TAKES :=([A-Z_ ]*)", TEXT, re.M)
}
