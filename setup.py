"""Building takes YuNet's file along (models/get_yunet.py); all else stands in setup.cfg."""

import sys
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

sys.path.insert(0, str(Path(__file__).resolve().parent / "models"))
from get_yunet import get_yunet


class BuildWithYuNet(build_py):
    """``build_py`` with the detector's file among the package data; sdists and editable installs ask it, too."""

    def finalize_options(self) -> None:
        get_yunet()
        super().finalize_options()


setup(cmdclass={"build_py": BuildWithYuNet})
