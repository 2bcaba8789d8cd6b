"""The hosts of an inventory file in Ansible's INI form, as far as ssh needs to know them.

Read are groups, ``[GROUP:vars]``, ``[GROUP:children]``, ranges such as ``board[01:20]`` and what ``VARIABLES`` names.
Files of variables beside the inventory and templates are Ansible's alone: the role in ``deploy/ansible`` has them.
"""

import ast
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from device.errors import UsageError
from device.files import read_short
from toolkit.deploy.ssh import Host

# What is understood of a host, and the option of ssh that it becomes; of two names for one option the later counts.
VARIABLES = {
    "ansible_host": "HostName={}",
    "ansible_ssh_host": "HostName={}",
    "ansible_user": "User={}",
    "ansible_ssh_user": "User={}",
    "ansible_port": "Port={}",
    "ansible_ssh_port": "Port={}",
    "ansible_private_key_file": 'IdentityFile="{}"',
    "ansible_ssh_private_key_file": 'IdentityFile="{}"',
}
# To leave these out would be to connect otherwise than Ansible does.
REFUSED = ("ansible_connection", "ansible_password", "ansible_ssh_pass", "ansible_ssh_password", "ansible_ssh_args",
           "ansible_ssh_common_args", "ansible_ssh_extra_args", "ansible_ssh_executable")  # fmt: skip
BY_SSH = ("ssh", "smart")  # what ansible_connection may be
HEADING = re.compile(r"\[([^\[\]:\s]+)(?::(vars|children|hosts))?\]\s*(?:#.*)?")
RANGE = re.compile(r"\[([0-9]{1,9}|[a-zA-Z]):([0-9]{1,9}|[a-zA-Z])(?::([0-9]{1,9}))?\]")
LONGEST_NAME, LONGEST_VALUE, SHOWN = 255, 4096, 100  # characters; so many are shown in an error
MOST_HOSTS = 10_000  # of one line
MOST_NAMES = 100_000  # of hosts in all lines, a host of several groups counted in each
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
    named: int = 0  # how often a host is named

    def below(self, group: str) -> list[str]:
        """Return the hosts of ``group`` and of the groups below it, each once."""
        found: dict[str, None] = {}
        seen: set[str] = set()
        waiting = [group]
        while waiting:
            if (one := waiting.pop()) not in seen:
                seen.add(one)
                found |= dict.fromkeys(self.members[one])
                waiting += reversed(self.children.get(one, []))
        return list(found)

    def of_hosts(self) -> dict[str, dict[str, str]]:
        """Return each host's variables: its own, else of the deepest group that holds it, else of all.

        UsageError for a name that is no group, or a group that holds itself.
        """
        depths = self._depths()
        found: dict[str, dict[str, str]] = {name: {} for name in self.hosts}
        for group in sorted(self.variables, key=lambda group: (depths[group], group)):
            for name in self.hosts if group == EVERYBODY else self.below(group):
                found[name] |= self.variables[group]
        return {name: found[name] | own for name, own in self.hosts.items()}

    def _depths(self) -> dict[str, int]:
        named = [*self.variables, *(child for children in self.children.values() for child in children)]
        if unknown := [group for group in named if group not in self.members]:
            raise UsageError(
                f"{self.path}: there are children or variables of [{unknown[0]}], and no such group"
            )
        above: dict[str, list[str]] = {group: [] for group in self.members}
        for group, children in self.children.items():
            for child in children:
                above[child].append(group)
        depths: dict[str, int] = {}
        try:
            for group in TopologicalSorter(above).static_order():
                depths[group] = max((1 + depths[one] for one in above[group]), default=group != EVERYBODY)
        except CycleError as error:
            raise UsageError(
                f"{self.path}: the group {error.args[1][0]} holds itself; take it out of its children"
            ) from None
        return depths


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
    variables = inventory.of_hosts()
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
    return [_host(path, name, variables[name], config) for name in names]


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
            line = line.strip()
            if not line or line[0] in "#;":
                continue
            if heading := HEADING.fullmatch(line):
                section, kind = heading[1], heading[2] or "hosts"
                if kind != "vars":
                    inventory.members.setdefault(section, [])
                continue
            _take(inventory, section, kind, line)
        except ValueError as error:
            raise UsageError(f"{path}, line {number}: {error}; received {line[:SHOWN]!r}") from None
    groups = [names for group, names in inventory.members.items() if group not in (EVERYBODY, UNGROUPED)]
    grouped = {name for names in groups for name in names}
    inventory.members[UNGROUPED] = [name for name in inventory.members[UNGROUPED] if name not in grouped]
    return inventory


def _take(inventory: Inventory, section: str, kind: str, line: str) -> None:
    """Put one line into the inventory; ValueError says what was expected of it."""
    if line.startswith("["):
        raise ValueError("expected [GROUP], [GROUP:vars] or [GROUP:children]")
    if kind == "vars":
        name, equals, value = line.partition("=")
        if not equals or not name.strip():
            raise ValueError("expected NAME=VALUE")
        inventory.variables.setdefault(section, {}).update(_understood({name.strip(): value.strip()}))
        return
    first, *others = shlex.split(line, comments=True)
    if kind == "children":
        if others:
            raise ValueError("expected the name of one group")
        inventory.children.setdefault(section, []).append(first)
    else:
        pairs = [word.partition("=") for word in others]
        if odd := [name for name, equals, _ in pairs if not equals or not name]:
            raise ValueError(f"expected NAME=VALUE behind the host, not '{odd[0]}'")
        names, port = _names(first)
        inventory.named += len(names)
        if inventory.named > MOST_NAMES:
            raise ValueError(f"expected no more than {MOST_NAMES} names of hosts in all")
        told = port | _understood({key: value for key, _, value in pairs})
        for name in names:
            inventory.hosts.setdefault(name, {}).update(told)
        inventory.members[section] += names


def _understood(variables: dict[str, str]) -> dict[str, str]:
    """Return those of ``variables`` that say how a host is reached."""
    return {key: _plain(value) for key, value in variables.items() if key in VARIABLES or key in REFUSED}


def _plain(value: str) -> str:
    """Return a value without the quotes around it, as Python would read it."""
    try:
        return str(ast.literal_eval(value))
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return value


def _names(pattern: str) -> tuple[list[str], dict[str, str]]:
    """Return the hosts of ``board[01:20]:22``, and the port as their variable."""
    whole = re.fullmatch(r"((?:[^\[\]:]|\[[^\[\]]*\])+)(?::([0-9]+))?", pattern)
    fit = pattern.isprintable() and not pattern.startswith("-") and len(pattern) <= LONGEST_NAME
    if whole is None or not fit:
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
    return [name + rest for name in names], port


def _range(found: re.Match[str]) -> list[str]:
    first, last, step = found[1], found[2], int(found[3] or 1)
    number = first.isdigit()
    begin, end = (int(first), int(last)) if number and last.isdigit() else (ord(first[-1]), ord(last[-1]))
    if number != last.isdigit() or step == 0 or not begin <= end < begin + MOST_HOSTS:
        raise ValueError(f"expected a range such as [01:20] or [a:f], of no more than {MOST_HOSTS} hosts")
    return [str(one).zfill(len(first)) if number else chr(one) for one in range(begin, end + 1, step)]


def _host(path: Path, name: str, variables: dict[str, str], config: Path | None) -> Host:
    for key in REFUSED:
        if key in variables and variables[key] not in ("", *(BY_SSH if key == "ansible_connection" else ())):
            raise UsageError(
                f"{path}: {key} of {name} is not taken; put it into an ssh configuration, `ssh_config=FILE`"
            )
    options = {}
    for key, option in VARIABLES.items():
        value = variables.get(key, "")
        if "{{" in value or '"' in value or not value.isprintable() or len(value) > LONGEST_VALUE:
            raise UsageError(
                f"{path}: {key} of {name} is {value[:SHOWN]!r}, expected a plain value; templates are Ansible's alone"
            )
        number = re.fullmatch(r"[0-9]{1,5}", value)
        if option == "Port={}" and value and not (number and 0 < int(value) < 65536):
            raise UsageError(f"{path}: {key} of {name} is {value[:SHOWN]!r}, expected 1 to 65535")
        if value:
            options[option] = option.format(value)
    return Host(name, config, tuple(options.values()))
