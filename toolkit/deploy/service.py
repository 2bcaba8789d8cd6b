"""The service of a board, as a deploy finds it: does it run what is deployed, and may it be restarted?"""

import re
from dataclasses import dataclass

from device.errors import EdgeError
from device.service.unit import NAME
from toolkit.deploy.ssh import Host

PROGRAM = "fer-edge/current/bin/device"  # in the home folder; what a service must run to follow a deploy
INSTALL = f"sudo ~/{PROGRAM} service install"

# What systemd says of the unit (nothing where there is no systemd), the home folder, and whether root's rights are had.
ASK = f"""
systemctl show {NAME} --property=LoadState,ActiveState,ExecStart 2>/dev/null
echo "Home=$HOME"
if test "$(id -u)" = 0; then echo Root=self; elif sudo -n true 2>/dev/null; then echo Root=sudo; fi
"""


@dataclass(frozen=True)
class Service:
    """The board's service: ``program`` is empty where none is installed; ``follows``: it runs what is deployed."""

    program: str = ""
    follows: bool = False
    active: bool = False
    sudo: str = ""

    @property
    def restart(self) -> str:
        """The shell command that makes the service take what was deployed; ``true`` where nothing needs to be done."""
        return f"{self.sudo} systemctl restart {NAME}".strip() if self.follows and self.active else "true"

    @property
    def environment(self) -> str:
        """The environment of an earlier deploy to which the service is pinned, as ``venvs/NAME``; else empty."""
        found = re.search(r"/fer-edge/(venvs/[^/]+)/bin/device$", self.program)
        return found[1] if found else ""

    def line(self) -> str:
        """Return which service runs what was deployed; where none does, what to do."""
        if self.follows:
            return (
                "the service runs it"
                if self.active
                else f"the service is stopped: sudo systemctl start {NAME}"
            )
        if self.program:
            return (
                f"the service {NAME} runs {self.program}, or a model of its own options, and not this; change it with "
                f"'{INSTALL} --overwrite -- OPTIONS', then deploy again"
            )
        return (
            f"nothing runs it yet: ~/{PROGRAM} run; for a service '{INSTALL} -- OPTIONS', then deploy again"
        )


def parse_facts(answer: str) -> dict[str, str]:
    """Return the ``NAME=VALUE`` lines of a host's answer; other lines are left out."""
    pairs = (line.split("=", 1) for line in answer.splitlines() if "=" in line)
    return {name: value.strip() for name, value in pairs}


def read_service(host: Host, doing: str) -> Service:
    """Return the service of ``host``; EdgeError if it would have to be restarted and may not be."""
    facts = parse_facts(host.run(ASK, doing))
    if facts.get("LoadState", "not-found") == "not-found":
        return Service()
    started = facts.get("ExecStart", "")
    path, words = re.search(r"path=(.*?) ;", started), re.search(r"argv\[\]=(.*?) ;", started)
    program = path[1] if path else "nothing"
    own_model = re.search(r" --model\b", words[1] if words else "")
    if program != f"{facts.get('Home')}/{PROGRAM}" or own_model:
        return Service(program)
    if "Root" not in facts:
        raise EdgeError(
            f"{host.name}: the service {NAME} must be restarted and sudo asks for a password there; "
            "allow 'sudo -n' to this user, or deploy as root"
        )
    active = facts.get("ActiveState") not in ("inactive", "failed")
    return Service(program, True, active, "sudo -n" if facts["Root"] == "sudo" else "")
