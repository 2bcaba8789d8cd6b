"""Only toolkit -> device: the device's modules import with the host's packages and toolkit blocked."""

import pkgutil
import subprocess
import sys

import pytest

import device

BLOCKED = ("tensorflow", "keras", "matplotlib", "jinja2", "rich", "toolkit", "picamera2", "paho")
PROGRAM = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {blocked!r}:
            raise ImportError(f"device must not import {{name}}")
sys.meta_path.insert(0, Refuse())
import importlib
for name in {modules!r}:
    importlib.import_module(name)
"""


def test_device_imports_nothing_of_the_host():
    modules = [found.name for found in pkgutil.walk_packages(device.__path__, "device.")]
    modules = [name for name in modules if not name.endswith("__main__")]
    assert {"device.runtime.pipeline", "device.cli.run", "device.capture.sources.picamera"} <= set(modules)
    program = PROGRAM.format(blocked=BLOCKED, modules=modules)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("program", ["device", "toolkit"])
def test_help_imports_nothing_heavy(program):
    code = (
        f"import sys; sys.argv = [{program!r}, '--help']\n"
        f"from {program}.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code\n"
        "heavy = {'numpy', 'cv2', 'tensorflow', 'keras', 'matplotlib', 'ai_edge_litert', 'rich'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Commands:" in done.stdout
