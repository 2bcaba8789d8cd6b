"""The hosts of an inventory file in Ansible's INI form, as far as ssh needs to know them.

Read are groups, ``[GROUP:vars]``, ``[GROUP:children]``, ranges such as ``board[01:20]`` and what ``VARIABLES`` names.
Files of variables beside the inventory and templates are Ansible's alone: the role in ``deploy/ansible`` has them.
"""

import ast
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from device.errors import UsageError
from device.files import read_short
from toolkit.deploy.ssh import Host

# What is understood of a host, and the option of ssh that it becomes.
VARIABLES = {
    "ansible_host": "HostName={}",
    "ansible_user": "User={}",
    "ansible_port": "Port={}",
    "ansible_ssh_private_key_file": 'IdentityFile="{}"',
}
# To leave these out would be to connect otherwise than Ansible does.
REFUSED = ("ansible_connection", "ansible_password", "ansible_ssh_pass", "ansible_ssh_common_args",
           "ansible_ssh_extra_args")  # fmt: skip
RANGE = re.compile(r"\[([0-9]+|[a-z]):([0-9]+|[a-z])(?::([0-9]+))?\]", re.IGNORECASE)
MOST_HOSTS = 10_000  # of one line
MOST_BYTES = 1 << 20
EVERYBODY, UNGROUPED = "all", "ungrouped"


@dataclass
class Inventory:
    """Groups with their hosts, variables and groups below them, and the variables of hosts, as written."""

    path: Path
    hosts: dict[str, dict[str, str]] = field(default_factory=dict)
    members: dict[str, list[str]] = field(default_factory=lambda: {EVERYBODY: [], UNGROUPED: []})
    children: dict[str, list[str]] = field(default_factory=dict)
    variables: dict[str, dict[str, str]] = field(default_factory=dict)

    def below(self, group: str, above: tuple[str, ...] = ()) -> list[str]:
        """Return the hosts of ``group`` and of the groups below it, each once; UsageError where one holds itself."""
        if group in above:
            raise UsageError(f"{self.path}: the group {group} holds itself; take it out of its children")
        found = list(self.members.get(group, ()))
        for child in self.children.get(group, ()):
            found += self.below(child, (*above, group))
        return list(dict.fromkeys(found))

    def of_host(self, name: str) -> dict[str, str]:
        """Return the host's variables: its own, else of the deepest group that holds it, else of all."""
        groups = [group for group in self.members if group == EVERYBODY or name in self.below(group)]
        found: dict[str, str] = {}
        for group in sorted(groups, key=lambda group: (self._depth(group), group)):
            found |= self.variables.get(group, {})
        return found | self.hosts[name]

    def _depth(self, group: str) -> int:
        above = [parent for parent, children in self.children.items() if group in children]
        return max((1 + self._depth(parent) for parent in above), default=group != EVERYBODY)

    def check(self) -> None:
        """Raise UsageError for a name that is no group, or a group that holds itself."""
        named = [*self.variables, *(child for children in self.children.values() for child in children)]
        if unknown := [group for group in named if group not in self.members]:
            raise UsageError(
                f"{self.path}: there are children or variables of [{unknown[0]}], and no such group"
            )
        for group in self.members:
            self.below(group)


def asked_hosts(names: Sequence[str], inventory: str | None, config: Path | None = None) -> list[Host]:
    """Return the hosts of a command line, each once: ``names`` as ssh knows them, then those of ``hosts_of``.

    UsageError where there are none.
    """
    if not names and inventory is None:
        raise UsageError("no host to deploy to; expected USER@HOST, or `inventory=FILE`")
    asked = [Host(name, config) for name in names]
    asked += hosts_of(inventory, config) if inventory is not None else []
    return list({host.name: host for host in asked}.values())


def file_and_group(asked: str) -> tuple[Path, str]:
    """Return the file and the group of ``FILE[:GROUP]``; without a group that of all hosts."""
    path = Path(asked)
    if path.exists() or ":" not in asked:
        return path, EVERYBODY
    before, _, group = asked.rpartition(":")
    return Path(before), group


def hosts_of(asked: str, config: Path | None = None) -> list[Host]:
    """Return the hosts of ``FILE[:GROUP]``, where GROUP may be one host's name; ``config``: a file for ``ssh -F``.

    UsageError where the file cannot be read as an inventory or has no such group or host.

        hosts_of("boards.ini:kitchens")
    """
    path, group = file_and_group(asked)
    inventory = read_inventory(path)
    if group in inventory.members:
        names = list(inventory.hosts) if group == EVERYBODY else inventory.below(group)
    elif group in inventory.hosts:
        names = [group]
    else:
        known = ", ".join(inventory.members)
        raise UsageError(f"{path} has no group or host '{group}'; expected one of its groups: {known}")
    if not names:
        raise UsageError(
            f"{path} names no host in '{group}'; expected a line a host, such as: kitchen ansible_host=..."
        )
    return [_host(path, name, inventory.of_host(name), config) for name in names]


def read_inventory(path: Path) -> Inventory:
    """Return what the INI file says; UsageError with the line's number where it is none."""
    if path.suffix in (".yml", ".yaml", ".json"):
        raise UsageError(
            f"{path}: `inventory` reads Ansible's INI form alone; name the hosts, or use the role in deploy/ansible"
        )
    try:
        lines = read_short(path, MOST_BYTES).splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise UsageError(
            f"cannot read the inventory {path}: {why}; expected hosts in Ansible's INI form"
        ) from None
    inventory = Inventory(path)
    section, kind = UNGROUPED, "hosts"
    for number, line in enumerate(lines, 1):
        try:
            words = shlex.split(line, comments=True) if not line.lstrip().startswith(";") else []
            if not words:
                continue
            if heading := re.fullmatch(r"\[([^\[\]:\s]+)(?::(vars|children|hosts))?\]", words[0]):
                section, kind = heading[1], heading[2] or "hosts"
                if kind != "vars":
                    inventory.members.setdefault(section, [])
                continue
            _take(inventory, section, kind, words, line)
        except ValueError as error:
            raise UsageError(f"{path}, line {number}: {error}; received {line.strip()!r}") from None
    inventory.check()
    return inventory


def _take(inventory: Inventory, section: str, kind: str, words: list[str], line: str) -> None:
    """Put one line into the inventory; ValueError says what was expected of it."""
    if words[0].startswith("["):
        raise ValueError("expected [GROUP], [GROUP:vars] or [GROUP:children]")
    if kind == "children":
        if len(words) > 1:
            raise ValueError("expected the name of one group")
        inventory.children.setdefault(section, []).append(words[0])
    elif kind == "vars":
        name, equals, value = line.partition("=")
        if not equals or not name.strip():
            raise ValueError("expected NAME=VALUE")
        inventory.variables.setdefault(section, {})[name.strip()] = _plain(value.strip())
    else:
        pairs = [word.partition("=") for word in words[1:]]
        if odd := [name for name, equals, _ in pairs if not equals or not name]:
            raise ValueError(f"expected NAME=VALUE behind the host, not '{odd[0]}'")
        for name, port in _names(words[0]):
            told = inventory.hosts.setdefault(name, {})
            told |= port | {key: value for key, _, value in pairs}
            inventory.members[section].append(name)


def _plain(value: str) -> str:
    """Return a value without the quotes around it, as Python would read it."""
    try:
        return str(ast.literal_eval(value))
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return value


def _names(pattern: str) -> list[tuple[str, dict[str, str]]]:
    """Return the hosts of ``board[01:20]:22``, each with the port that it names."""
    whole = re.fullmatch(r"((?:[^\[\]:]|\[[^\[\]]*\])+)(?::([0-9]+))?", pattern)
    if whole is None:
        raise ValueError("expected the name of a host, such as board or board[01:20]")
    port = {"ansible_port": whole[2]} if whole[2] else {}
    names, rest = [""], whole[1]
    while found := RANGE.search(rest):
        some = _range(found)
        if len(names) * len(some) > MOST_HOSTS:
            raise ValueError(f"expected no more than {MOST_HOSTS} hosts in a line")
        names = [name + rest[: found.start()] + one for name in names for one in some]
        rest = rest[found.end() :]
    if "[" in rest:
        raise ValueError("expected a range such as [01:20] or [a:f]")
    return [(name + rest, port) for name in names]


def _range(found: re.Match[str]) -> list[str]:
    first, last, step = found[1], found[2], int(found[3] or 1)
    number = first.isdigit()
    begin, end = (int(first), int(last)) if number and last.isdigit() else (ord(first[-1]), ord(last[-1]))
    if number != last.isdigit() or step == 0 or not begin <= end < begin + MOST_HOSTS:
        raise ValueError(f"expected a range such as [01:20] or [a:f], of no more than {MOST_HOSTS} hosts")
    return [str(one).zfill(len(first)) if number else chr(one) for one in range(begin, end + 1, step)]


def _host(path: Path, name: str, variables: dict[str, str], config: Path | None) -> Host:
    for key in REFUSED:
        if key in variables:
            raise UsageError(
                f"{path}: {key} of {name} is not taken; put it into an ssh configuration, `ssh_config=FILE`"
            )
    options = []
    for key, option in VARIABLES.items():
        value = variables.get(key, "")
        if "{{" in value or '"' in value:
            raise UsageError(
                f"{path}: {key} of {name} is {value!r}, expected a plain value; templates are Ansible's alone"
            )
        if key == "ansible_port" and value and not (value.isdigit() and 0 < int(value) < 65536):
            raise UsageError(f"{path}: ansible_port of {name} is {value!r}, expected 1 to 65535")
        if value:
            options.append(option.format(value))
    return Host(name, config, tuple(options))
