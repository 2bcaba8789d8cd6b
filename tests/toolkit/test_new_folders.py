"""Folders that appear whole or not at all, with the rights that they should have."""

import os
import stat

import pytest

from device.errors import EdgeError
from toolkit.outputs import new_folder

pytestmark = pytest.mark.toolkit


@pytest.fixture
def umask_027():
    former = os.umask(0o027)
    yield
    os.umask(former)


def filled(out):
    with new_folder(out) as place:
        (place / "train").mkdir()
        (place / "train" / "face.png").write_bytes(b"face")
        (place / "README").write_text("words")


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_folder_has_the_rights_of_the_umask(tmp_path, umask_027):
    filled(tmp_path / "faces")
    assert mode_of(tmp_path / "faces") == mode_of(tmp_path / "faces" / "train") == 0o750
    assert [path.name for path in tmp_path.iterdir()] == ["faces"]


@pytest.mark.parametrize("name", ["private", "link", "."])
def test_an_empty_folder_that_is_there_stays_the_same_folder(tmp_path, monkeypatch, name):
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(private)
    if name == ".":
        monkeypatch.chdir(private)
    before = private.stat()
    filled(tmp_path / name if name != "." else type(tmp_path)(name))
    assert (private.stat().st_ino, mode_of(private)) == (before.st_ino, 0o700)
    assert sorted(path.name for path in private.iterdir()) == ["README", "train"]
    assert (private / "train" / "face.png").read_bytes() == b"face"
    assert (tmp_path / "link").is_symlink()


def interrupted(out):
    with new_folder(out) as place:
        (place / "half").write_text("half")
        raise KeyboardInterrupt


@pytest.mark.parametrize("there", [True, False])
def test_what_fails_leaves_nothing(tmp_path, there):
    if there:
        (tmp_path / "faces").mkdir()
    with pytest.raises(KeyboardInterrupt):
        interrupted(tmp_path / "faces")
    assert [path.name for path in tmp_path.rglob("*")] == (["faces"] if there else [])


def disturbed(out):
    with new_folder(out) as place:
        for name in "abc":
            (place / name).write_text(name)
        (out / "b" / "of another program").mkdir(parents=True)


def test_what_cannot_be_moved_takes_the_rest_back(tmp_path):
    with pytest.raises(EdgeError, match=f"cannot write {tmp_path}: .*; choose another place"):
        disturbed(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


@pytest.mark.parametrize("held", [(), ("of an earlier run",)])
def test_two_programs_do_not_fill_one_folder(tmp_path, held):
    for name in held:
        (tmp_path / name).write_text("")
    with new_folder(tmp_path, overwrite=True) as place:
        (place / "first").write_text("")
        with pytest.raises(EdgeError, match=f"another program works in {tmp_path}; let it end"):
            filled(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first", *held]


def test_a_folders_name_may_be_as_long_as_the_system_takes(tmp_path):
    filled(tmp_path / ("x" * 255))
    assert [path.name for path in tmp_path.iterdir()] == ["x" * 255]


@pytest.mark.parametrize("out", ["closed", "closed/inner"])
def test_a_folder_that_may_not_be_written_is_one_line(toolkit_of_a_user, tmp_path, out):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o555)
    done = toolkit_of_a_user("data", "synth", "--out", tmp_path / out)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"error: cannot write {tmp_path / out}: Permission denied; choose another place\n"
    assert (mode_of(closed), list(closed.iterdir())) == (0o555, [])
