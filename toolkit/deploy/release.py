"""One deploy to one host, step by step.

On the host, in ``~/fer-edge``: ``venvs/`` holds an environment a wheel, by digest; ``current`` and ``previous`` are
links to two of them. The new environment judges the new model before anything that runs is touched. Then, in one script
on the host: ``device install`` makes the model the one that runs, ``current`` is switched in one rename, the service
that runs ``current/bin/device`` is restarted, and all of it is taken back if that does not start: a connection that
drops in between leaves nothing half-switched. Environments that neither link names are dropped.
"""

import json
import logging
import re
import shlex
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from device.errors import EdgeError
from device.files import sha256_of
from device.service.unit import NAME
from toolkit.deploy.host_scripts import ENVIRONMENT, FACTS, SWITCH
from toolkit.deploy.service import Service, parse_facts, read_service
from toolkit.deploy.ssh import ConnectionLost, Host, RemoteFailure
from toolkit.results.device_json import benchmark_of

log = logging.getLogger(__name__)
FOLDER = "fer-edge"
FREE_MB_NEEDED = 700
OLDEST_PYTHON = (3, 11)
SMOKE_FRAMES = 20


class Step(StrEnum):
    """What a deploy does, one after the other, in its words."""

    CHECK = "checking the board"
    WHEEL = "copying the wheel"
    ENVIRONMENT = "making the environment"
    MODEL = "copying the model"
    EXAMINE = "examining (device doctor)"
    TRY = "trying"
    BENCHMARK = "benchmarking"
    SWITCH = "switching"


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
class HostOutcome:
    """What became of one host; ``line`` says it in words.

    ``verdict``: deployed (the service runs it), installed (nothing runs it yet), planned or failed.
    """

    host: str
    verdict: str
    line: str
    board: str = ""
    benchmark: dict[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the outcome without the raw measurements."""
        return {"host": self.host, "verdict": self.verdict, "line": self.line, "board": self.board}


def read_facts(host: Host, python: str) -> str:
    """Return the board's name; EdgeError if the host is not fit for a deploy."""
    facts = parse_facts(host.run(FACTS.format(python=shlex.quote(python)), Step.CHECK))
    machine, bits = facts.get("machine", ""), facts.get("bits", "")
    version, free_mb = facts.get("python", ""), facts.get("free_mb", "")
    if bits not in ("32", "64") or not re.fullmatch(r"[0-9]+", free_mb):
        raise EdgeError(
            f"{host.name}: gave an unexpected answer (bits {bits[:20]!r}, free MB {free_mb[:20]!r}); expected a Linux "
            f"board; try: {host.attempt('getconf LONG_BIT')}"
        )
    if bits != "64":
        raise EdgeError(
            f"{host.name}: a {bits}-bit system ({machine}); LiteRT, OpenCV and numpy have no 32-bit wheels: "
            "install the 64-bit Raspberry Pi OS"
        )
    numbers = re.fullmatch(r"([0-9]{1,3})\.([0-9]{1,3})", version)
    if numbers is None or (int(numbers[1]), int(numbers[2])) < OLDEST_PYTHON:
        found = f"Python {version[:20]}" if version else "no Python"
        raise EdgeError(f"{host.name}: {found} as '{python}', expected 3.11 or newer; pass `python`")
    if int(free_mb) < FREE_MB_NEEDED:
        raise EdgeError(
            f"{host.name}: {free_mb} MB free in the home folder, expected {FREE_MB_NEEDED}; free some"
        )
    return facts.get("board") or facts.get("name") or machine


def deploy_to(host: Host, parcel: Parcel, dry_run: bool = False) -> HostOutcome:
    """Deploy ``parcel`` to ``host`` and return what became of it; never raises for what goes wrong on the host."""
    try:
        _tell(host, Step.CHECK)
        board = read_facts(host, parcel.python)
        service = read_service(host, Step.CHECK)
        if dry_run:
            return HostOutcome(
                host.name, "planned", f"fit ({board}); would go on with: {', '.join(list(Step)[1:])}", board
            )
        return replace(_install(host, parcel, service), board=board)
    except EdgeError as error:
        return HostOutcome(host.name, "failed", str(error).removeprefix(f"{host.name}: "))
    except (ValueError, LookupError, TypeError) as error:
        # What a program there printed is not what ours prints.
        return HostOutcome(
            host.name, "failed", f"gave an unexpected answer ({type(error).__name__}: {error}); see it by ssh"
        )


def _tell(host: Host, step: Step) -> None:
    log.info(f"{host.name}: {list(Step).index(step) + 1}/{len(Step)} {step}")


def _install(host: Host, parcel: Parcel, service: Service) -> HostOutcome:
    wheel, model = parcel.wheel_id, parcel.model_id
    _tell(host, Step.WHEEL)
    host.send(parcel.wheel, f"{FOLDER}/wheels/{wheel}/{parcel.wheel.name}", Step.WHEEL)
    _tell(host, Step.ENVIRONMENT)
    names = {"folder": FOLDER, "wheel": wheel, "name": shlex.quote(parcel.wheel.name),
             "kept": service.environment}  # fmt: skip
    environment = ENVIRONMENT.format(python=shlex.quote(parcel.python), **names)
    host.run(environment, Step.ENVIRONMENT, timeout_s=1800)
    _tell(host, Step.MODEL)
    host.send(parcel.model, f"{FOLDER}/models/{model}.tflite", Step.MODEL)
    benchmark = _prove(host, f"{FOLDER}/venvs/{wheel}", model, parcel.runs)
    timed = benchmark_of(benchmark, f"{host.name}: what it printed").models[0].latencies[0]
    _tell(host, Step.SWITCH)
    switch = SWITCH.format(model=model, restart=service.restart, sudo=service.sudo, service=NAME, **names)
    try:
        host.run(switch, Step.SWITCH, timeout_s=400)
    except ConnectionLost as error:
        raise EdgeError(
            f"{error}; the board ends the switch by itself: deploy again to see it done"
        ) from error
    line = f"{parcel.model.name}, p50 {timed.inference['p50_ms']:.3f} ms a face; {service.line()}"
    verdict = "deployed" if service.follows and service.active else "installed"
    return HostOutcome(host.name, verdict, line, benchmark=benchmark)


def _prove(host: Host, environment: str, model: str, runs: int) -> dict[str, Any]:
    """Examine, try and time the copied ``model`` with the new ``environment``; return what it measured.

    Raises EdgeError where the board, the run or the model is not fit; nothing that runs has been touched.
    """
    asked, device = f"--model {FOLDER}/models/{model}.tflite --json", f"{environment}/bin/device"
    _tell(host, Step.EXAMINE)
    _examine(host, environment, f"{device} doctor --source demo {asked}")
    _tell(host, Step.TRY)
    trial = f"timeout 300 {device} run --source demo --max-frames {SMOKE_FRAMES} --quiet {asked}"
    host.run(trial, Step.TRY, timeout_s=400)
    _tell(host, Step.BENCHMARK)
    timing = host.run(f"{device} benchmark --runs {runs} {asked}", Step.BENCHMARK, timeout_s=600)
    document: dict[str, Any] = json.loads(timing)
    return document


def _examine(host: Host, environment: str, command: str) -> None:
    """Run ``device doctor`` of ``environment`` on the host; EdgeError with its first failure, or for no answer."""
    failure = None
    try:
        answer = host.run(command, Step.EXAMINE)
    except RemoteFailure as found:
        answer, failure = found.output, found
    checks = (_json_or_none(answer) or {}).get("checks", [])
    if not checks:
        said = failure or f"{host.name}: no answer of device doctor"
        raise EdgeError(
            f"{said}; where the environment there is damaged, remove ~/{environment} and deploy again"
        )
    if failed := [check for check in checks if check.get("status") == "fail"]:
        raise EdgeError(
            f"{host.name}: not fit, {failed[0]['name']}: {failed[0]['found']}; {failed[0]['remedy']}"
        )
    if failure:
        raise failure


def _json_or_none(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
