"""The fixtures of ``tests/result_files.py`` and of the modules beside this one."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]
from built_package import *  # noqa: F403
from loopback_board import *  # noqa: F403
from result_files import *  # noqa: F403
