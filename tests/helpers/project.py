"""Where the project lies, and copies of it that a test may edit."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OUTSIDE = dict(os.environ)  # for what a test may fetch: packages, through their ordinary client
