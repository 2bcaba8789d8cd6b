"""``toolkit deploy --inventory``: hosts of Ansible's INI form, as ssh is told of them; what is wrong is one line."""

from pathlib import Path

import pytest

from device.errors import UsageError
from toolkit.deploy.inventory import asked_hosts, hosts_of

pytestmark = pytest.mark.toolkit
BOARDS = Path(__file__).with_name("boards.ini")
HALL = ("HostName=h", "User=house", "Port=2200", 'IdentityFile="/keys/of the hall"')


def test_variables_come_from_the_host_then_from_the_deepest_group():
    assert {host.name: host.options for host in hosts_of(str(BOARDS))} == {
        "lone": ("HostName=lone.local", "User=everybody", "Port=2222"),
        "attic": ("HostName=attic.local", "User=old", "Port=22", 'IdentityFile="/k"'),
        "board01": ("User=pi", "Port=22"),
        "board02": ("HostName=h", "User=hall", "Port=22"),
        "board03": ("User=pi", "Port=22"),
        "hall-a": HALL,
        "hall-b": HALL,
    }


def test_a_group_its_children_and_one_host_are_chosen():
    assert [host.name for host in hosts_of(f"{BOARDS}:halls")] == ["hall-a", "hall-b", "board02"]
    assert len(hosts_of(f"{BOARDS}:house")) == 5  # board02 stands in two of its groups
    assert [host.options for host in hosts_of(f"{BOARDS}:hall-a")] == [HALL]


def test_ssh_is_told_and_an_error_says_what_to_type(tmp_path):
    (host,) = hosts_of(f"{BOARDS}:hall-a", tmp_path / "config")
    command = host.command("true")
    assert command[:4] == ["ssh", "-T", "-F", str(tmp_path / "config")]
    assert all(command[command.index(option) - 1] == "-o" for option in HALL)
    typed = "ssh -o HostName=lone.local -o User=everybody -o Port=2222 lone true"
    assert hosts_of(f"{BOARDS}:lone")[0].attempt("true") == typed


def test_hosts_of_the_command_line_are_asked_too_and_each_once():
    asked = asked_hosts(("pi@other", "pi@other", "board01"), f"{BOARDS}:kitchens")
    assert [host.name for host in asked] == ["pi@other", "board01", "board02", "board03"]
    with pytest.raises(UsageError, match="no host to deploy to; expected USER@HOST, or `inventory=FILE`"):
        asked_hosts((), None)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[boards\none\n", "line 1: expected [GROUP], [GROUP:vars] or [GROUP:children]; received '[boards'"),
        ("[boards:wars]\n", "line 1: expected [GROUP], [GROUP:vars] or [GROUP:children]"),
        ("one\ntwo pi\n", "line 2: expected NAME=VALUE behind the host, not 'pi'"),
        ("one ansible_user='pi\n", "line 1: No closing quotation"),
        ("[all:vars]\nansible_user\n", "line 2: expected NAME=VALUE; received 'ansible_user'"),
        ("[a:children]\nb c\n", "line 2: expected the name of one group"),
        ("[a:children]\nb\n", "children or variables of [b], and no such group"),
        ("[b:vars]\nansible_user=pi\n", "children or variables of [b], and no such group"),
        ("[a:children]\nb\n[b:children]\na\n", "the group a holds itself"),
        ("board[1-3]\n", "line 1: expected a range such as [01:20] or [a:f]"),
        ("board[1:]\n", "line 1: expected a range"),
        ("board[3:1]\n", "line 1: expected a range"),
        ("board[1:9999999]\n", "of no more than 10000 hosts"),
        ("board[1:200]x[1:200]x[1:200]\n", "no more than 10000 hosts in a line"),
        ("a ansible_port=1\n" + "b\n" * 600_000, "it has 1,171 KB, expected at most 1,024"),
        ("board:port\n", "line 1: expected the name of a host"),
        ("one ansible_port=0\n", "ansible_port of one is '0', expected 1 to 65535"),
        ("one ansible_port=ssh\n", "ansible_port of one is 'ssh', expected 1 to 65535"),
        (
            "one ansible_ssh_port=\N{SUPERSCRIPT TWO}\n",
            "ansible_ssh_port of one is '\N{SUPERSCRIPT TWO}', expected 1",
        ),
        ("-oProxyCommand=x\n", "line 1: expected the name of a host"),
        ("one\0\n", "line 1: expected the name of a host"),
        ("one\n[all:vars]\nansible_host='\\x1b[2J\\n'\n", "is '\\x1b[2J\\n', expected a plain value"),
        (
            "one\n[all:vars]\nansible_user=" + "-" * 100_000 + "1\n",
            f"ansible_user of one is '{'-' * 100}', expected",
        ),
        (
            "x" * 100_000 + "[1:2]\n",
            f"line 1: expected the name of a host, such as board or board[01:20]; received '{'x' * 100}'",
        ),
        ("board[1:9999]\n" * 11, "line 11: expected no more than 100000 names of hosts in all"),
        ("one ansible_host='{{ place }}.local'\n", "expected a plain value; templates are Ansible's alone"),
        ("one ansible_ssh_pass=secret\n", "ansible_ssh_pass of one is not taken"),
        ("one ansible_connection=local\n", "ansible_connection of one is not taken"),
        ("", "names no host in 'all'; expected a line a host"),
        ("[boards]\n", "names no host in 'all'"),
    ],
)
def test_a_bad_inventory_is_one_line(text, words, tmp_path):
    path = tmp_path / "boards.ini"
    path.write_text(text)
    with pytest.raises(UsageError) as refused:
        hosts_of(str(path))
    assert words in str(refused.value)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)
    assert "secret" not in str(refused.value)


def test_groups_may_lie_deep_and_in_several_others(tmp_path):
    path = tmp_path / "boards.ini"
    deep = [
        f"[g{i}:children]\na{i}\nb{i}\n[a{i}:children]\ng{i + 1}\n[b{i}:children]\ng{i + 1}\n"
        for i in range(1000)
    ]
    path.write_text(
        "".join(deep) + "[g1000]\nkitchen\n[g1000:vars]\nansible_user=pi\n[a7:vars]\nansible_user=a\n"
    )
    for group in ("all", "g0", "b999"):
        assert [(host.name, host.options) for host in hosts_of(f"{path}:{group}")] == [
            ("kitchen", ("User=pi",))
        ]


def test_an_option_of_ssh_that_is_empty_is_none(tmp_path):
    path = tmp_path / "boards.ini"
    path.write_text("kitchen\n[all:vars]\nansible_ssh_common_args=''\n")
    assert [host.options for host in hosts_of(str(path))] == [()]


def test_a_host_of_a_group_is_not_ungrouped(tmp_path):
    path = tmp_path / "boards.ini"
    path.write_text("kitchen ansible_ssh_host=k ansible_host=other\nhall ansible_host=h\n[rooms]\nkitchen\n")
    assert [host.name for host in hosts_of(f"{path}:ungrouped")] == ["hall"]
    assert [host.options for host in hosts_of(f"{path}:rooms")] == [("HostName=k",)]


def test_a_file_or_a_group_that_is_not_there_is_named(tmp_path, toolkit_command):
    with pytest.raises(UsageError, match=r"no group or host 'cellar'; expected .*: all, ungrouped, kitchens"):
        hosts_of(f"{BOARDS}:cellar")
    for path in (tmp_path / "none.ini", tmp_path):
        with pytest.raises(UsageError, match="cannot read the inventory"):
            hosts_of(str(path))
    (tmp_path / "odd.ini").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="it is no text"):
        hosts_of(str(tmp_path / "odd.ini"))
    with pytest.raises(UsageError, match="INI form alone"):
        hosts_of(str(tmp_path / "boards.yml"))
    done = toolkit_command("deploy", "--inventory", tmp_path / "none.ini")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
