"""Commands of the toolkit where packages are missing: few are needed for little, and more are asked for at once."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.toolkit

TRAINING = ("tensorflow", "keras", "tensorboardX")
BLOCKING = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Missing())
from toolkit.cli import main
sys.argv = ["toolkit", *sys.argv[1:]]
main()
"""


def toolkit_without(blocked, *arguments) -> subprocess.CompletedProcess:
    code = BLOCKING.format(blocked=tuple(blocked))
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_a_tflite_is_measured_and_reported_without_what_trains(tiny_tflite, tmp_path):
    evaluation, times, page = tmp_path / "e.json", tmp_path / "b.json", tmp_path / "r.html"
    for arguments in (
        ("evaluate", "--model", tiny_tflite, "--data", "synthetic", "--out", evaluation),
        ("benchmark", "--model", tiny_tflite, "--runs", 5, "--warmup", 1, "--out", times),
        ("report", evaluation, times, "--out", page),
    ):
        done = toolkit_without(TRAINING, *arguments)
        assert done.returncode == 0, done.stderr
    assert page.exists()


@pytest.mark.parametrize("missing", ["rich", "jinja2"])
def test_the_small_extra_is_named(missing, tiny_tflite, tmp_path):
    """jinja2 is missed before a face is read."""
    commands = {
        "rich": ("benchmark", "--model", tiny_tflite),
        "jinja2": ("data", "inspect", "synthetic", "--out", tmp_path / "page.html"),
    }
    done = toolkit_without([missing], *commands[missing])
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert f"needs the package '{missing}'" in done.stderr
    assert '.whl[report]"' in done.stderr


def test_parquet_files_name_their_extra(tiny_tflite, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "train.parquet").write_bytes(b"PAR1")
    done = toolkit_without(["pyarrow"], "evaluate", "--model", tiny_tflite, "--data", tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.endswith("train.parquet needs pyarrow: pip install pyarrow\n")


def test_the_extra_of_one_command_is_named(tmp_path):
    done = toolkit_without(["optuna"], "sweep", "--data", "synthetic", "--space", tmp_path / "space.toml")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "needs the package 'optuna'" in done.stderr
    assert 'pip install "fer_edge-VERSION-py3-none-any.whl[toolkit,sweep]"' in done.stderr
