"""One host over the user's own ``ssh``: its keys, its configuration, no password prompt."""

import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from device.child_processes import fate_of, last_line
from device.errors import EdgeError
from device.files import sha256_of
from device.text import printable

CONNECT_TIMEOUT_S = 15
# The host itself decides whether the file is whole: what a lost connection cut short is removed there, unasked.
COPY = """
trap '' HUP PIPE
mkdir -p "$(dirname {place})" || exit 1
cat > {partial} || {{ rm -f {partial}; exit 1; }}
found=$(sha256sum < {partial} | cut -d ' ' -f 1)
if test "$found" = {wanted}; then mv {partial} {place} && sync || exit 1; else rm -f {partial}; fi
echo "$found"
"""
# What a host says of its own accord, before and after, is no answer.
BEGIN, END = "fer-edge: the answer begins", "fer-edge: the answer ends"
MARKED = f"""
echo '{BEGIN}'
(
%s
)
status=$?
echo '{END}'
exit $status
"""
LOST = 255  # ssh's own exit status where the connection failed


class ConnectionLost(EdgeError):
    """The host could not be reached, or went away."""


class RemoteFailure(EdgeError):
    """A command on the host failed; ``output`` is what it printed on standard output."""

    def __init__(self, message: str, output: str = ""):
        super().__init__(message)
        self.output = output


@dataclass(frozen=True)
class Host:
    """A host as ``ssh`` knows it (user@name or an alias); ``config`` is its ``-F``, ``options`` are its ``-o``."""

    name: str
    config: Path | None = None
    options: tuple[str, ...] = field(default=())

    def command(self, script: str) -> list[str]:
        """Return the ssh command line that runs ``script`` in the host's POSIX shell."""
        config = ["-F", str(self.config)] if self.config else []
        # Never ask: a deploy to several hosts has nobody to answer. A silent host is given up after 3 x 10 s.
        settings = ["BatchMode=yes", f"ConnectTimeout={CONNECT_TIMEOUT_S}", "ServerAliveInterval=10"]
        chosen = _as_options((*settings, *self.options))
        return ["ssh", "-T", *config, *chosen, "--", self.name, "sh -c " + shlex.quote(MARKED % script)]

    def attempt(self, command: str) -> str:
        """Return what a user types to run ``command`` there."""
        return shlex.join(["ssh", *_as_options(self.options), self.name, *command.split()])

    def run(self, script: str, doing: str, stdin: Path | None = None, timeout_s: float = 120) -> str:
        """Run ``script`` and return what it printed; ``doing`` says in errors what for.

        Raises ConnectionLost where the host cannot be reached or goes away, RemoteFailure where the script fails.
        """
        with open(stdin or "/dev/null", "rb") as given:
            try:
                done = subprocess.run(
                    self.command(script), stdin=given, capture_output=True, timeout=timeout_s
                )
            except FileNotFoundError:
                raise EdgeError("ssh is not installed here; apt install openssh-client") from None
            except subprocess.TimeoutExpired:
                raise ConnectionLost(
                    f"{self.name}: no answer within {timeout_s:.0f} s while {doing}"
                ) from None
        said, complaints = _lines(done.stdout), _lines(done.stderr)
        answer = said.partition(f"{BEGIN}\n")[2].partition(f"{END}\n")[0]
        if done.returncode == LOST:
            reason = last_line(complaints) or "connection lost"
            raise ConnectionLost(f"{self.name}: {reason}, while {doing}; try: {self.attempt('true')}")
        if done.returncode:
            reason = last_line(complaints, answer) or fate_of(done.returncode)
            raise RemoteFailure(f"{self.name}: {reason} (while {doing})", answer)
        if BEGIN not in said:
            raise RemoteFailure(
                f"{self.name}: no answer of a POSIX shell (while {doing}); try: {self.attempt('true')}"
            )
        return answer

    def send(self, path: Path, target: str, doing: str) -> None:
        """Copy ``path`` to ``target`` on the host unless it is there already; whole and verified, or not at all."""
        wanted, place = sha256_of(path), shlex.quote(target)
        digest = f"sha256sum {place} 2>/dev/null | cut -d ' ' -f 1"
        if self.run(digest, doing).strip() == wanted:
            return
        copy = COPY.format(place=place, partial=shlex.quote(f"{target}.part") + "-$$", wanted=wanted)
        found = self.run(copy, doing, stdin=path, timeout_s=600).strip()
        if found != wanted:
            raise RemoteFailure(
                f"{self.name}: {path.name} arrived altered (SHA-256 {found[:12]}, expected {wanted[:12]}) while {doing}"
            )


def _as_options(settings: Sequence[str]) -> list[str]:
    return [part for setting in settings for part in ("-o", setting)]


def _lines(told: bytes) -> str:
    """Return what a host told as text, every line fit for a terminal."""
    lines = told.decode("utf-8", "replace").split("\n")
    return "\n".join(printable(line.rstrip("\r")) for line in lines)
