"""One-way arrows: rooms import only what docs/rooms.toml allows, and the device nothing of the host."""

import ast
import pkgutil
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import device

ROOT = Path(__file__).parents[1]
ROOMS = tomllib.loads((ROOT / "docs" / "rooms.toml").read_text())
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


def room_of(module: str) -> str:
    """Return ``package.room`` of a dotted module name, or ``package.room/inner`` where the table has the inner room;
    what lies beside the rooms is the base."""
    package, *inner = module.split(".")
    room = inner[0] if inner and (ROOT / package / inner[0]).is_dir() else "base"
    within = "/".join(inner[:2])
    return f"{package}.{within if within in ROOMS[package] else room}"


def imported_rooms(path: Path) -> set[str]:
    """Return the rooms of this project that a file imports anywhere, in functions too, or names in a string: modules
    to import later or to run, packages whose files it reads."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Constant) and re.fullmatch(r"(device|toolkit)(\.\w+)+", str(node.value)):
            names.add(node.value)
    return {room_of(name) for name in names if name.split(".")[0] in ROOMS}


@pytest.mark.parametrize("package", list(ROOMS))
def test_rooms_import_what_the_table_says_and_nothing_else(package):
    doors = {
        ROOT / package / name for name in ("__main__.py", "__init__.py", "api.py")
    }  # the program and the API
    unused = {
        f"{package}.{room}": {name if "." in name else f"{package}.{name}" for name in said["imports"]}
        for room, said in ROOMS[package].items()
    }
    allowed = {room: named | {room} for room, named in unused.items()}
    for path in sorted(set((ROOT / package).rglob("*.py")) - doors):
        room, found = room_of(".".join(path.relative_to(ROOT).with_suffix("").parts)), imported_rooms(path)
        assert found <= allowed[room], f"{path.relative_to(ROOT)}: {found - allowed[room]}"
        unused[room] -= found
    assert not any(unused.values()), "the table names arrows that no file draws"


def test_rooms_import_only_rooms_above_them_in_the_table():
    above: set[str] = set()
    for package, rooms in ROOMS.items():
        for room, said in rooms.items():
            named = {name if "." in name else f"{package}.{name}" for name in said["imports"]}
            assert named <= above, f"{package}.{room}: {named - above}"
            above.add(f"{package}.{room}")


def test_every_folder_is_a_room_of_the_table():
    for package, rooms in ROOMS.items():
        folders = {path.parent.name for path in (ROOT / package).glob("*/__init__.py")}
        assert folders == {name for name in rooms if "/" not in name} - {"base"}
        assert all((ROOT / package / name / "__init__.py").is_file() for name in rooms if "/" in name)


def test_device_imports_nothing_of_the_host():
    modules = [found.name for found in pkgutil.walk_packages(device.__path__, "device.")]
    modules = [name for name in modules if not name.endswith("__main__")]
    assert {"device.runtime.frame_loop", "device.cli.run", "device.capture.sources.picamera"} <= set(modules)
    program = PROGRAM.format(blocked=BLOCKED, modules=modules)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
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
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert "Commands:" in done.stdout
