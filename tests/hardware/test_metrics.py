"""``device run --metrics`` scraped by the distribution's own Prometheus on loopback.

Needs prometheus (Debian: apt install prometheus) and prometheus_client.
"""

import json
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROMETHEUS = shutil.which("prometheus")

pytestmark = pytest.mark.skipif(PROMETHEUS is None, reason="apt install prometheus")
pytest.importorskip("prometheus_client")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ask(port: int, query: str) -> list[dict]:
    """Return the result vector of a PromQL query."""
    address = f"http://127.0.0.1:{port}/api/v1/query?" + urllib.parse.urlencode({"query": query})
    with urllib.request.urlopen(address, timeout=10) as answer:
        return json.load(answer)["data"]["result"]


@pytest.fixture
def scraping(tmp_path):
    """A device that runs the live demo, and a Prometheus that looks at it every second: the latter's port."""
    device, prometheus = free_port(), free_port()
    settings = {
        "global": {"scrape_interval": "1s"},
        "scrape_configs": [{"job_name": "fer", "static_configs": [{"targets": [f"127.0.0.1:{device}"]}]}],
    }
    (tmp_path / "prometheus.yml").write_text(json.dumps(settings))  # JSON is YAML
    commands = (
        [sys.executable, "-m", "device", "run", "--source", "demo:live", "--metrics", str(device), "-q"],
        [
            PROMETHEUS,
            f"--config.file={tmp_path}/prometheus.yml",
            f"--storage.tsdb.path={tmp_path}/data",
            f"--web.listen-address=127.0.0.1:{prometheus}",
            "--log.level=error",
        ],
    )
    running = [subprocess.Popen(command, cwd=ROOT) for command in commands]
    yield prometheus
    for process in running:
        process.send_signal(signal.SIGTERM)
    for process in running:
        process.wait(timeout=30)


def test_prometheus_reads_frames_latency_and_expressions(scraping):
    deadline_s = time.monotonic() + 90
    frames: list[dict] = []
    while not frames or float(frames[0]["value"][1]) < 30:
        assert time.monotonic() < deadline_s, frames
        time.sleep(1)
        try:
            frames = ask(scraping, "fer_edge_frames_total")
        except OSError:  # not up yet
            continue
    expressions = ask(scraping, "fer_edge_faces")
    assert len(expressions) == 7
    assert (
        ask(scraping, 'histogram_quantile(0.5, fer_edge_stage_seconds_bucket{stage="frame"})')[0]["value"][1]
        != "NaN"
    )
    assert ask(scraping, "fer_edge_model_info")[0]["metric"]["sha256"]
    assert ask(scraping, "up")[0]["value"][1] == "1"


def test_every_query_of_the_dashboard_has_an_answer(scraping):
    """The panels of docs/grafana_dashboard.json, but for what this machine's board does not tell."""
    panels = json.loads((ROOT / "docs" / "grafana_dashboard.json").read_text())["panels"]
    queries = [target["expr"] for panel in panels for target in panel["targets"]]
    told = [query for query in queries if "temperature" not in query and "throttled" not in query]
    assert len(told) >= 5
    deadline_s = time.monotonic() + 90
    while told:
        assert time.monotonic() < deadline_s, told
        time.sleep(1)
        try:
            told = [query for query in told if not ask(scraping, query)]
        except OSError:
            continue
