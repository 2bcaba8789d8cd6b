"""One deploy to one host, step by step.

On the host, in ``~/fer-edge``: ``wheels/`` and ``models/`` hold files by digest, ``venvs/`` an environment a wheel,
``releases/`` a folder a release with links to its two; ``current`` and ``previous`` are links to releases. Nothing that
runs is touched before ``current`` is switched, in one rename; a release that fails its smoke test is switched back by
the same script on the host, so a connection that drops in between leaves no unproven release.
"""

import json
import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from device.errors import EdgeError
from device.files import sha256_of
from toolkit.deploy.ssh import Host, RemoteFailure

FOLDER = "fer-edge"
FREE_MB_NEEDED = 700
OLDEST_PYTHON = (3, 11)
SMOKE_FRAMES = 20
STEPS = ("checking the board", "copying the wheel", "making the environment", "copying the model",
         "examining (device doctor)", "switching and testing", "benchmarking")  # fmt: skip

# Prints a line each: machine, bits, Python, free MB, board, host name.
FACTS = """
uname -m
getconf LONG_BIT
{python} -c 'import sys; print("%d.%d" % sys.version_info[:2])' || echo none
df -Pm "$HOME" | awk 'NR == 2 {{ print $4 }}'
(tr -d '\\0' < /proc/device-tree/model) 2>/dev/null || true
echo
uname -n
"""

ENVIRONMENT = """
set -e
cd "$HOME/{folder}"
trap '' HUP PIPE
# Where the connection of an earlier deploy was lost, its script may still be at work: wait for it, then go on.
exec 9> .environment.lock
flock 9
test -e venvs/{wheel}/ready && exit 0
rm -rf venvs/{wheel}
trap 'test -e venvs/{wheel}/ready || rm -rf venvs/{wheel}' EXIT
{python} -m venv --system-site-packages venvs/{wheel}
venvs/{wheel}/bin/python -m pip install --quiet --disable-pip-version-check wheels/{wheel}/{name}
touch venvs/{wheel}/ready
"""

SWITCH = """
cd "$HOME/{folder}" || exit 1
mkdir -p releases/{release} || exit 1
ln -sfn ../../venvs/{wheel} releases/{release}/venv || exit 1
ln -sfn ../../models/{model}.tflite releases/{release}/model.tflite || exit 1
before=$(readlink current || true)
point() {{ ln -sfn "$2" ".$1-$$" && mv -T ".$1-$$" "$1"; }}
back() {{
  if test -n "$before"; then point current "$before"; else rm -f current; fi
  rm -rf releases/{release}
}}
trap '' HUP PIPE
point current releases/{release} || exit 1
smoke="current/venv/bin/device run --source demo --max-frames {frames} --model current/model.tflite --json --quiet"
if timeout 300 $smoke > .smoke-$$ 2>&1
then
  if test -n "$before" && test "$before" != releases/{release}; then point previous "$before"; fi
  cat .smoke-$$
  rm -f .smoke-$$
else
  tail -n 1 .smoke-$$ >&2
  rm -f .smoke-$$
  back
  exit 1
fi
"""


@dataclass(frozen=True)
class Parcel:
    """What is deployed: a wheel and a model, by path and digest."""

    wheel: Path
    model: Path
    python: str = "python3"
    runs: int = 300

    @property
    def wheel_id(self) -> str:
        """The first digits of the wheel's SHA-256, the name of its environment on the host."""
        return sha256_of(self.wheel)[:12]

    @property
    def model_id(self) -> str:
        """The first digits of the model's SHA-256, its name on the host."""
        return sha256_of(self.model)[:12]


@dataclass(frozen=True)
class Outcome:
    """What became of one host: ``verdict`` is deployed, planned or failed; ``line`` says it in words."""

    host: str
    verdict: str
    line: str
    board: str = ""
    benchmark: dict[str, Any] | None = None
    smoke: dict[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the outcome without the raw measurements."""
        return {"host": self.host, "verdict": self.verdict, "line": self.line, "board": self.board}


def read_facts(host: Host, python: str) -> str:
    """Return the board's name; EdgeError if the host is not fit for a deploy."""
    answer = host.run(FACTS.format(python=shlex.quote(python)), STEPS[0]).split("\n")
    machine, bits, version, free_mb, *rest = [line.strip() for line in answer]
    if bits != "64":
        raise EdgeError(
            f"{host.name}: a {bits}-bit system ({machine}); LiteRT, OpenCV and numpy have no 32-bit wheels: "
            "install the 64-bit Raspberry Pi OS"
        )
    if version == "none" or tuple(int(part) for part in version.split(".")) < OLDEST_PYTHON:
        found = "no Python" if version == "none" else f"Python {version}"
        raise EdgeError(f"{host.name}: {found} as '{python}', expected 3.11 or newer; pass --python")
    if int(free_mb) < FREE_MB_NEEDED:
        raise EdgeError(
            f"{host.name}: {free_mb} MB free in the home folder, expected {FREE_MB_NEEDED}; free some"
        )
    named = [line for line in rest if line]
    return named[0] if named else machine


def deploy_to(host: Host, parcel: Parcel, progress: Callable[[str], None], dry_run: bool = False) -> Outcome:
    """Deploy ``parcel`` to ``host`` and return what became of it; never raises for what goes wrong on the host."""
    try:
        progress(STEPS[0])
        board = read_facts(host, parcel.python)
        if dry_run:
            return Outcome(
                host.name, "planned", f"fit ({board}); would go on with: {', '.join(STEPS[1:])}", board
            )
        return replace(_install(host, parcel, progress), board=board)
    except EdgeError as error:
        return Outcome(host.name, "failed", str(error).removeprefix(f"{host.name}: "))


def _install(host: Host, parcel: Parcel, progress: Callable[[str], None]) -> Outcome:
    wheel, model = parcel.wheel_id, parcel.model_id
    progress(STEPS[1])
    host.send(parcel.wheel, f"{FOLDER}/wheels/{wheel}/{parcel.wheel.name}", STEPS[1])
    progress(STEPS[2])
    names = {"folder": FOLDER, "wheel": wheel, "name": shlex.quote(parcel.wheel.name), "model": model}
    environment = ENVIRONMENT.format(python=shlex.quote(parcel.python), **names)
    host.run(environment, STEPS[2], timeout_s=1800)
    progress(STEPS[3])
    host.send(parcel.model, f"{FOLDER}/models/{model}.tflite", STEPS[3])
    progress(STEPS[4])
    command = f"cd {FOLDER} && venvs/{wheel}/bin/device"
    _examine(host, f"{command} doctor --source demo --model models/{model}.tflite --json")
    progress(STEPS[5])
    release = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{wheel[:6]}-{model[:6]}"
    smoke = host.run(SWITCH.format(release=release, frames=SMOKE_FRAMES, **names), STEPS[5], timeout_s=400)
    progress(STEPS[6])
    timing = f"{command} benchmark --model models/{model}.tflite --runs {parcel.runs} --json"
    benchmark = json.loads(host.run(timing, STEPS[6], timeout_s=600))
    p50_ms = benchmark["models"][0]["latency"]["p50_ms"]
    line = f"{parcel.model.name} runs as release {release}, p50 {p50_ms:.3f} ms a face"
    return Outcome(host.name, "deployed", line, benchmark=benchmark, smoke=_json_or_none(smoke))


def _examine(host: Host, command: str) -> None:
    """Run ``device doctor`` on the host; EdgeError with its first failure."""
    try:
        host.run(command, STEPS[4])
    except RemoteFailure as failure:
        checks = (_json_or_none(failure.output) or {}).get("checks", [])
        failed = [check for check in checks if check.get("status") == "fail"]
        if not failed:
            raise
        raise EdgeError(
            f"{host.name}: not fit, {failed[0]['name']}: {failed[0]['found']}; {failed[0]['remedy']}"
        ) from failure


def _json_or_none(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
