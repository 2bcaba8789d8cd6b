"""The fixtures of ``tests/result_files.py``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from result_files import *  # noqa: F403
