"""Several programs at work in one folder: real processes, many rounds, nothing lost."""

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import pytest

from device.errors import EdgeError
from device.files import locked
from device.model.file.metadata import read_metadata
from toolkit.models.packing import pack_metadata

ROUNDS = 12
# Each waits for one line, so that all begin together; the last line of the second tells how many models are there.
INSTALL = """
import sys
from device.service.model_store import install_model, roll_back
from device.errors import EdgeError
print("ready", flush=True)
for order in sys.stdin:
    try:
        done = install_model(sys.argv[1]) if order == "install\\n" else roll_back()
        print("done", done.current.is_file(), flush=True)
    except EdgeError as error:
        print(error, flush=True)
"""


@pytest.fixture
def models(tiny_model, tmp_path) -> list[Path]:
    paths = []
    for number in range(3):
        metadata = dataclasses.replace(read_metadata(tiny_model), recipe=f"recipe {number}")
        paths.append(tmp_path / f"{number}.tflite")
        paths[-1].write_bytes(pack_metadata(tiny_model.read_bytes(), metadata))
    return paths


def test_installs_at_once_lose_no_model(models, tmp_path):
    home = tmp_path / "state"
    environment = {**os.environ, "FER_EDGE_HOME": str(home)}
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    workers = [
        subprocess.Popen([sys.executable, "-c", INSTALL, path], env=environment, **streams) for path in models
    ]
    try:
        assert [worker.stdout.readline() for worker in workers] == ["ready\n"] * 3
        for number in range(ROUNDS):
            orders = ["install\n", "install\n", "install\n" if number % 3 else "rollback\n"]
            for worker, order in zip(workers, orders, strict=True):
                worker.stdin.write(order)
                worker.stdin.flush()
            answers = [worker.stdout.readline() for worker in workers]
            assert {*answers} <= {"done True\n", "done False\n", *answers[2:]}
            for link in ("current", "previous"):
                assert (home / link).is_file() or not (home / link).is_symlink(), (number, link)
            kept = {
                (home / link).resolve().name for link in ("current", "previous") if (home / link).is_symlink()
            }
            assert kept <= {path.name for path in (home / "models").iterdir()}
            assert read_metadata(home / "current").recipe in {"recipe 0", "recipe 1", "recipe 2"}
    finally:
        for worker in workers:
            worker.stdin.close()
            worker.wait(30)


def test_a_folder_that_another_works_in_is_one_line_and_free_once_that_is_killed(tmp_path):
    hold = (
        "import sys, time; from device.files import locked\n"
        "with locked(sys.argv[1]): print('held', flush=True); time.sleep(600)"
    )
    other = subprocess.Popen([sys.executable, "-c", hold, tmp_path], stdout=subprocess.PIPE, text=True)
    assert other.stdout.readline() == "held\n"
    with pytest.raises(EdgeError, match="another program works in"), locked(tmp_path, wait_s=0.2):
        pass
    other.kill()
    other.wait(30)
    with locked(tmp_path, wait_s=5.0):
        assert list(tmp_path.iterdir()) == []  # no file of a lock is left


def test_two_units_at_once_are_one(tmp_path):
    """Each says something else: one is written whole, the other is refused."""
    device = Path(sys.executable).with_name("device")
    code = (
        "import sys; from pathlib import Path; from device.service.systemd import install_unit\n"
        "sys.argv[0] = sys.argv[2]; install_unit((f'--source={sys.argv[1]}',), Path(sys.argv[3]), start=False)"
    )
    both = [
        subprocess.Popen([sys.executable, "-c", code, name, device, tmp_path], stderr=subprocess.PIPE)
        for name in "ab"
    ]
    codes = []
    for one in both:
        one.communicate(timeout=60)
        codes.append(one.returncode)
    assert sorted(codes) == [0, 1]
    assert [path.name for path in tmp_path.iterdir()] == ["fer-edge.service"]
