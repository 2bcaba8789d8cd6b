"""Hosts that give unexpected answers. Only ``ssh`` is a stand-in: it runs the real scripts in this machine's shell and
spoils what they say."""

import os
import sys

import pytest

from device.errors import EdgeError
from toolkit.deploy.fleet import deploy_all
from toolkit.deploy.release import Parcel
from toolkit.deploy.ssh import ConnectionLost, Host

pytestmark = pytest.mark.toolkit

# The name of the host says how it behaves.
SSH = r"""#!/bin/sh
while [ "$1" != -- ]; do shift; done
host=$2 command=$3
case $host in
  chatty) printf 'Welcome!\nbits=16\nfree_mb=1\n\033[2Jpython=2.7\n'
          sh -c "$command"; code=$?; printf 'bits=8\nBye\n'; exit $code ;;
  latin) printf 'gr\374\337 dich\377\n'; sh -c "$command"; code=$?; printf '\377\n'; exit $code ;;
  carriage) sh -c "$command" | sed 's/$/\r/' ;;
  empty) exit 0 ;;
  router) echo 'Unknown command'; exit 0 ;;
  angry) printf '\033]0;owned\007no shell for \377 you\n' >&2; exit 1 ;;
  *) exec sh -c "$command" ;;
esac
"""
ESCAPING = "#!/bin/sh\nprintf '\\033[31m3.12\\n'\n"
RC = "#!/bin/sh\necho 3.11rc\n"


@pytest.fixture
def parcel(tmp_path, monkeypatch, tiny_tflite):
    programs = {"ssh": SSH, "release-candidate": RC, "escaping": ESCAPING}
    for name, content in programs.items():
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return lambda python=sys.executable: Parcel(tmp_path / "no.whl", tiny_tflite, str(python))


def test_each_odd_host_fails_in_a_line_of_its_own_and_the_others_go_on(parcel):
    names = ("good", "chatty", "latin", "carriage", "empty", "router", "angry")
    outcomes = deploy_all([Host(name) for name in names], parcel(), dry_run=True)
    verdicts = {outcome.host: (outcome.verdict, outcome.line) for outcome in outcomes}
    for name in ("good", "chatty", "latin", "carriage"):
        assert verdicts[name][0] == "planned", verdicts[name]
    for name in ("empty", "router", "angry"):
        verdict, line = verdicts[name]
        assert verdict == "failed"
        assert line.isprintable()
    assert "no answer of a POSIX shell" in verdicts["empty"][1]
    assert "no shell for" in verdicts["angry"][1]


@pytest.mark.parametrize(
    ("python", "words"),
    [("release-candidate", "Python 3.11rc"), ("escaping", "Python"), ("gone", "no Python")],
)
def test_a_python_that_is_none_is_said(parcel, tmp_path, python, words):
    (outcome,) = deploy_all([Host("good")], parcel(tmp_path / python), dry_run=True)
    assert outcome.verdict == "failed"
    assert f"{words}" in outcome.line
    assert "expected 3.11 or newer" in outcome.line
    assert outcome.line.isprintable()


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (
            "fer-edge/current/bin",
            "~/fer-edge/current is no link to an environment; move it away, then deploy",
        ),
        (
            "fer-edge/venvs",
            "no answer of device doctor; where the environment there is damaged, remove ~/fer-edge/venvs/",
        ),
    ],
)
def test_what_a_board_holds_that_no_deploy_left_is_said(parcel, tmp_path, monkeypatch, made, words):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "no.whl").touch()
    environment = tmp_path / "home/fer-edge/venvs" / parcel().wheel_id
    (environment / "bin").mkdir(parents=True)
    (environment / "ready").touch()
    (environment / "bin/device").touch(0o755)  # as a power cut leaves files
    (tmp_path / "home" / made).mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(tmp_path / "home")  # where a login begins
    (outcome,) = deploy_all([Host("good")], parcel())
    assert outcome.verdict == "failed"
    assert words in outcome.line


def test_what_stands_between_the_marks_is_the_answer(parcel):
    parcel()
    assert Host("chatty").run("echo one; echo two", "asking") == "one\ntwo\n"
    with pytest.raises(EdgeError, match="third"):
        Host("chatty").run("echo first; echo third >&2; exit 3", "asking")


def test_a_host_that_is_silent_is_given_up_and_named(tmp_path, monkeypatch):
    ssh = tmp_path / "ssh"
    ssh.write_text("#!/bin/sh\nexec sleep 600\n")
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with pytest.raises(ConnectionLost, match=r"^kitchen: no answer within 1 s while asking for its name$"):
        Host("kitchen").run("hostname", "asking for its name", timeout_s=1)
