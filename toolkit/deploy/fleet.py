"""Several hosts side by side, and the results they send back."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from device.errors import EdgeError
from device.model.expression_model import load_model
from toolkit.deploy.release import HostOutcome, Parcel, deploy_to
from toolkit.deploy.ssh import Host
from toolkit.deploy.wheel import verify_wheel
from toolkit.results.device_json import benchmark_of
from toolkit.results.identity import identity_of
from toolkit.results.provenance import provenance
from toolkit.results.types import ModelResults, Results

MOST_AT_ONCE = 8


def newest_wheel(folder: Path = Path("dist")) -> Path:
    """Return the newest wheel in ``folder``; EdgeError if there is none."""
    wheels = sorted(folder.glob("fer_edge-*.whl"), key=lambda path: path.stat().st_mtime)
    if not wheels:
        raise EdgeError(f"no wheel in {folder}/; run 'make dist', or name one with `wheel`")
    return wheels[-1]


def make_parcel(model: str | None, wheel: str | None, python: str, runs: int) -> Parcel:
    """Return what to deploy, checked here first; model None: the one that the package carries."""
    chosen = Path(wheel) if wheel else newest_wheel()
    found = load_model(model).path
    verify_wheel(chosen)
    return Parcel(chosen, found, python, runs)


def deploy_all(hosts: Sequence[Host], parcel: Parcel, dry_run: bool = False) -> list[HostOutcome]:
    """Deploy to every host at once; each has its own lines of progress and its own outcome."""
    with ThreadPoolExecutor(max_workers=min(MOST_AT_ONCE, len(hosts))) as pool:
        return list(pool.map(lambda host: deploy_to(host, parcel, dry_run), hosts))


def collected(outcomes: Sequence[HostOutcome], parcel: Parcel) -> Results:
    """Return what the hosts measured as a results document; EdgeError if none did."""
    latencies, machines = [], {}
    for outcome in outcomes:
        if outcome.benchmark is None:
            continue
        # With the host's name: rows of boards that are alike stay apart in one report, from several files too.
        target = f"{outcome.board} ({outcome.host})"
        timed = benchmark_of(outcome.benchmark, outcome.host).models[0].latencies[0]
        rate = {"throughput_per_s": round(1000 / max(timed.inference["mean_ms"], 1e-6), 2)}
        latencies.append(replace(timed, target=target, cpu="", extra=rate))
        machines[target] = {key: value for key, value in outcome.benchmark.items() if key != "models"}
    if not latencies:
        raise EdgeError("no host was measured; there are no results to write")
    entry = ModelResults(identity_of(parcel.model, load_model(parcel.model)), latencies=tuple(latencies))
    return Results((entry,), "deploy", provenance={**provenance(), "boards": machines})
