"""A fleet by Ansible: the role of ``deploy/ansible`` against three boards behind sshd, each with an /etc of its own.

ansible-core comes from the package index into an environment of its own. Needs root, for the three /etc.
"""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

import pytest
from built_package import install_into
from loopback_board import SSHD, running_sshd
from packaging.requirements import Requirement

from toolkit.deploy.inventory import VARIABLES, hosts_of

pytestmark = pytest.mark.toolkit

ROOT = Path(__file__).parents[2]
FLEET = ROOT / "deploy" / "ansible"
NAMES = ("kitchen", "hall", "cellar")
# sshd sees this machine's /etc; what it writes there stays in the board's own folder.
OWN_ETC = """
mount -t overlay overlay -o lowerdir=/etc,upperdir="$0/etc",workdir="$0/work" /etc && exec "$@"
"""


@pytest.fixture(scope="module")
def ansible(package_index, tmp_path_factory) -> Path:
    """The folder of Ansible's programs."""
    environment = tmp_path_factory.mktemp("ansible")
    done = install_into(environment, "ansible-core>=2.17,<2.20")
    if done.returncode:
        pytest.skip("ansible-core cannot be installed: " + done.stderr.strip().splitlines()[-1])
    return environment / "bin"


def needed(name: str, found: set[str]) -> set[str]:
    """Return the installed distributions that ``name`` needs, itself too."""
    if name in found:
        return found
    found.add(name)
    for line in metadata.requires(name) or ():
        asked = Requirement(line)
        if asked.marker is None or asked.marker.evaluate({"extra": ""}):
            needed(asked.name, found)
    return found


def lend_packages(home: Path) -> None:
    """Give a board the packages that the wheel needs as a system's own, so that pip need not copy 300 MB."""
    place = home / ".local/lib" / f"python3.{sys.version_info[1]}" / "site-packages"
    place.mkdir(parents=True)
    for name in needed("fer-edge", set()) - {"fer-edge"}:
        distribution = metadata.distribution(name)
        for top in {
            path.parts[0] for path in distribution.files if path.parts[0] not in ("..", "__pycache__")
        }:
            if not (place / top).exists():
                (place / top).symlink_to(distribution.locate_file(top))


@pytest.fixture(scope="module")
def boards(tmp_path_factory):
    """Three boards: a folder by name, with the inventory beside them."""
    if SSHD is None:
        pytest.skip("no sshd here; apt install openssh-server")
    if os.geteuid():
        pytest.skip("it takes root to give three boards an /etc of their own")
    # The service is a user of its own, who must reach the program: pytest's folders let nobody in.
    with tempfile.TemporaryDirectory() as made, contextlib.ExitStack() as stack:
        folder = Path(made)
        folder.chmod(0o755)
        lines = ["[boards]"]
        for name in NAMES:
            port = stack.enter_context(board(folder / name))
            key = f"ansible_ssh_private_key_file={folder / name / 'user'}"
            lines.append(f"{name} ansible_host=127.0.0.1 ansible_port={port} {key}")
        (folder / "ssh_config").write_text(
            f"Host *\n StrictHostKeyChecking no\n UserKnownHostsFile {folder}/known\n LogLevel ERROR\n"
        )
        lines += ["[boards:vars]", "ansible_user=root", f"ansible_ssh_common_args=-F {folder}/ssh_config",
                  "ansible_ssh_transfer_method=piped", "ansible_ssh_pipelining=true",
                  f"ansible_python_interpreter={sys.executable}"]  # fmt: skip
        (folder / "inventory.ini").write_text("\n".join([*lines, ""]))
        yield folder
        for name in NAMES:
            systemctl(folder / name, "stop")


@contextlib.contextmanager
def board(folder: Path):
    for name in ("etc", "work", "bin"):
        (folder / name).mkdir(parents=True)
    (folder / "etc/systemd/system").mkdir(parents=True)
    own_etc = ["unshare", "--mount", "sh", "-c", OWN_ETC, str(folder)]
    if subprocess.run([*own_etc, "true"], capture_output=True).returncode:
        pytest.skip("this system lets no process have an /etc of its own")
    program = folder / "bin/systemctl"
    program.write_text(f"#!{sys.executable}\n" + Path(__file__).with_name("service_manager.py").read_text())
    program.chmod(0o755)
    (folder / "bin/fer-edge.service").symlink_to(folder / "etc/systemd/system/fer-edge.service")
    with running_sshd(folder, own_etc) as port:
        lend_packages(folder / "home")
        yield port


def systemctl(folder: Path, verb: str) -> str:
    return subprocess.run([folder / "bin/systemctl", verb, "fer-edge"], capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def play(boards, ansible, wheel, tmp_path_factory):
    """A function that runs the playbook with variables and returns the finished process; it has run at ``.cwd``."""
    cwd = tmp_path_factory.mktemp("admin")
    shutil.copytree(FLEET, cwd, dirs_exist_ok=True)
    always = {
        "fer_edge_toolkit": str(Path(sys.executable).with_name("toolkit")),
        "fer_edge_wheel": str(wheel),
        "fer_edge_ssh_config": f"{boards}/ssh_config",
        "fer_edge_python": sys.executable,
        "fer_edge_runs": 20,
        "fer_edge_shares": [1, 2],
    }

    def run(*options: str, **variables: str) -> subprocess.CompletedProcess:
        told = json.dumps({**always, **variables})
        command = [
            ansible / "ansible-playbook",
            "-i",
            boards / "inventory.ini",
            "site.yml",
            "-e",
            told,
            *options,
        ]
        environment = {
            **os.environ,
            "PWD": str(cwd),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_HOME": str(cwd / ".ansible"),
        }
        return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)

    run.cwd = cwd
    return run


def test_inventory_is_read_as_ansible_reads_it(ansible):
    path = ROOT / "tests/toolkit/deploy/boards.ini"
    command = [ansible / "ansible-inventory", "-i", path, "--list"]
    told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    expected = {
        name: set(
            {option: option.format(found[key]) for key, option in VARIABLES.items() if key in found}.values()
        )  # of two names for one option the later counts, as for Ansible's connection
        for name, found in told["_meta"]["hostvars"].items()
    }
    assert {host.name: set(host.options) for host in hosts_of(str(path))} == expected
    assert [host.name for host in hosts_of(f"{path}:halls")] == told["halls"]["hosts"]


def test_a_check_changes_nothing(play, boards, tiny_tflite):
    done = play("--check", "--limit", "kitchen", fer_edge_model=str(tiny_tflite))
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (boards / "kitchen/home/fer-edge").exists()


def test_the_fleet_runs_what_was_deployed_and_one_page_has_a_row_a_board(play, boards, tiny_tflite):
    (play.cwd / "settings.toml").write_text('source = "demo:live"\n')
    done = play(fer_edge_model=str(tiny_tflite), fer_edge_settings="settings.toml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("PLAY [Boards]") == 2  # a share of one board, then the other two
    for name in NAMES:
        assert (boards / name / "etc/fer-edge/config.toml").read_text() == 'source = "demo:live"\n'
        assert "ActiveState=active" in systemctl(boards / name, "show")
        assert installed(boards / name) == tiny_tflite.read_bytes()
    (entry,) = json.loads((play.cwd / "reports/index.json").read_text())["models"]
    assert [re.sub(r".* ", "", one["target"]) for one in entry["latencies"]] == [
        f"({name})" for name in sorted(NAMES)
    ]
    page = (play.cwd / "reports/index.html").read_text()
    assert all(f"({name})" in page for name in NAMES)
    assert not Path("/etc/fer-edge").exists()  # of this machine
    for name in ("hall", "cellar"):
        systemctl(boards / name, "stop")  # three films take all of this machine's time


def test_an_update_stops_at_the_first_board_that_fails(play, boards, tiny_tflite, twin_tflite):
    stub = boards / "kitchen/bin/systemctl"
    kept = stub.read_text()
    stub.write_text(
        '#!/bin/sh\ntest "$1" = restart && { echo "it is broken" >&2; exit 1; }\nexec "$0.kept" "$@"\n'
    )
    stub.with_name("systemctl.kept").write_text(kept)
    stub.with_name("systemctl.kept").chmod(0o755)
    try:
        done = play(fer_edge_model=str(twin_tflite))
    finally:
        stub.write_text(kept)
    assert done.returncode != 0
    assert "the service did not start with it" in done.stdout
    assert all(installed(boards / name) == tiny_tflite.read_bytes() for name in NAMES)


@pytest.mark.parametrize(
    ("text", "words"),
    [('sorce = "demo:live"\n', "sorce"), ('source = "usb:97"\n', "systemctl restart fer-edge failed")],
)
def test_settings_that_are_wrong_or_with_which_nothing_starts_are_taken_back(text, words, play, boards):
    before = (boards / "kitchen/etc/fer-edge/config.toml").read_text()
    (play.cwd / "wrong.toml").write_text(text)
    done = play("--tags", "settings", fer_edge_settings="wrong.toml")
    assert done.returncode != 0
    assert words in done.stdout
    assert "what ran there before goes on" in done.stdout
    assert (boards / "kitchen/etc/fer-edge/config.toml").read_text() == before
    assert (boards / "hall/etc/fer-edge/config.toml").read_text() == before  # not asked any more
    if "restart" in words:
        assert "ActiveState=active" in systemctl(boards / "kitchen", "show")


def installed(board: Path) -> bytes:
    """The model that 'device run' on the board uses."""
    return (board / "home/state/current").read_bytes()
