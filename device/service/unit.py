"""The systemd unit under which ``device run`` lives for months."""

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from device.errors import EdgeError
from device.service.credentials import hand_over

NAME = "fer-edge"
ENVIRONMENT = "fer-edge.env"
UNIT_FOLDER = Path("/etc/systemd/system")

UNIT = """\
# Written by 'device service install'; 'device service install --overwrite' writes it anew.
[Unit]
Description=fer-edge: facial expressions on this device
Documentation=man:systemd.service(5)
After=local-fs.target{after}
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
ExecStart={command}
# Fed only by a fresh frame with a finished inference: a silent camera restarts the service.
WatchdogSec=30
TimeoutStartSec=60
TimeoutStopSec=20
Restart=always
RestartSec=5

DynamicUser=yes
SupplementaryGroups=video{groups}
StateDirectory=fer-edge
StateDirectoryMode=0700
# Else glibc keeps freed memory in an arena a thread, up to eight a processor core.
Environment=FER_EDGE_HOME=%S/fer-edge MALLOC_ARENA_MAX=2
WorkingDirectory=%S/fer-edge
{secrets}UMask=0077
LimitCORE=0
MemoryMax=256M
TasksMax=64
OOMPolicy=stop

# Cameras and the firmware's mailbox, nothing else.
DevicePolicy=closed
DeviceAllow=char-video4linux rw
DeviceAllow=char-media rw
DeviceAllow=char-dma_heap rw
DeviceAllow=/dev/vcio rw
{devices}
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=strict
ProtectHome={home}
PrivateTmp=yes
PrivateUsers=yes
PrivateIPC=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
ProcSubset=all
KeyringMode=private
LockPersonality=yes
MemoryDenyWriteExecute=yes
RemoveIPC=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
{network}
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
"""
OFFLINE = "PrivateNetwork=yes\nRestrictAddressFamilies=AF_UNIX AF_NETLINK\nIPAddressDeny=any"
ONLINE = "RestrictAddressFamilies=AF_UNIX AF_NETLINK AF_INET AF_INET6"


@dataclass(frozen=True)
class Needs:
    """What a run needs beyond a camera, whether its options ask for it or a settings file does.

    read: paths of files. credentials: files with secrets that a settings file names, by option.
    """

    network: bool = False
    accelerator: bool = False
    gpio: bool = False
    read: tuple[str, ...] = ()
    credentials: Mapping[str, str] = field(default_factory=dict)

    def device_lines(self) -> str:
        """Return the lines of the unit that open devices."""
        kinds = {"usb_device": self.accelerator, "gpiochip": self.gpio}
        return "".join(f"DeviceAllow=char-{kind} rw\n" for kind, needed in kinds.items() if needed)

    def groups(self) -> str:
        """Return the groups that own these devices: libedgetpu's udev rule says plugdev, Raspberry Pi OS' gpio."""
        return "".join(
            f" {name}" for name, needed in {"plugdev": self.accelerator, "gpio": self.gpio}.items() if needed
        )


def unit_text(
    arguments: Sequence[str],
    program: str | None = None,
    folder: Path = UNIT_FOLDER,
    needs: Needs | None = None,
) -> str:
    """Return the unit that runs ``device run`` with ``arguments``; ``program`` None: this installation's.

    What ``needs`` does not name the service cannot touch: no network, no accelerator, no pins. An address with a
    password is not in the unit, which everybody may read, but in the file ``ENVIRONMENT`` beside it in ``folder``.
    """
    needs, program = needs or Needs(), program or program_path()
    handover = hand_over(arguments, needs.credentials)
    command = " ".join(_quoted(part) for part in (program, "run", "-q", *handover.arguments))
    secrets = f"EnvironmentFile={folder / ENVIRONMENT}\n" if handover.environment else ""
    return UNIT.format(
        command=command,
        secrets=secrets + handover.credential_lines,
        after=" network-online.target\nWants=network-online.target" if needs.network else "",
        network=ONLINE if needs.network else OFFLINE,
        devices=needs.device_lines(),
        groups=needs.groups(),
        # What is under /home must be readable to be run or read; nothing there can be written.
        home="read-only"
        if any(map(_under_home, (program, os.path.realpath(program), *needs.read)))
        else "yes",
    )


def program_path() -> str:
    """Return the path of the ``device`` script that was called, its links kept: the service follows them anew.

    So a service installed as ~/fer-edge/current/bin/device runs whatever ``toolkit deploy`` made current. Where
    ``device`` was not called by a path, the script of this Python. EdgeError if there is none.
    """
    called = Path(os.path.abspath(sys.argv[0]))
    beside = Path(sys.executable).with_name("device")
    script = next((path for path in (called, beside) if path.name == "device" and path.is_file()), None)
    found = str(script) if script else shutil.which("device")
    if found is None:
        raise EdgeError(
            "the script 'device' is not installed beside this Python; pip install fer-edge into it"
        )
    return found


def _under_home(path: str) -> bool:
    return path.startswith(("/home/", "/root/"))


def _quoted(argument: str) -> str:
    """Quote for ExecStart=, where % and $ are systemd's own, but for what it names itself."""
    if argument.startswith("${CREDENTIALS_DIRECTORY}/"):
        return argument
    escaped = argument.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"' if not escaped or any(one in escaped for one in " \t'\";") else escaped
