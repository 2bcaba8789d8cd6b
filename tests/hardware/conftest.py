"""The fixtures of ``tests/result_files.py`` and of the modules beside this one."""

import os
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]
from built_package import *  # noqa: F403
from loopback_board import *  # noqa: F403
from real_broker import *  # noqa: F403
from result_files import *  # noqa: F403

# Environments of their own, emulated boards and deployed ones run what is installed there, not this clone.
os.environ.pop("PYTHONPATH", None)
