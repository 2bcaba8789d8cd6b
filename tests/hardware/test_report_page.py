"""The report in a real browser: no error, no request, every chart in view, light and dark, wide, narrow and in print.

Needs Chromium (Debian: apt install chromium). ``make test-browser`` runs it; without a browser it is skipped.
"""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER = os.environ.get("FER_EDGE_BROWSER") or next(
    (path for name in BROWSERS if (path := shutil.which(name))), None
)
QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
)  # fmt: skip
SIZES = {"desktop": (1280, 900), "phone": (500, 800)}
# Chromium's headless window is at least 500 pixels wide; a frame makes the page as narrow as a phone.
MEASURE = """<script>addEventListener("load", () => {
  const root = document.documentElement, boxes = [...document.querySelectorAll("svg.chart")].map(chart => {
    const box = chart.getBoundingClientRect();
    return [box.left, box.right, box.width, box.height, chart.querySelectorAll("text").length];
  });
  const style = getComputedStyle(document.body);
  document.title = "MEASURED" + JSON.stringify({boxes, width: innerWidth, overflow: root.scrollWidth - innerWidth,
    paper: style.backgroundColor, ink: style.color});
});</script></head>"""
# From the start of navigation to the end of loading, every chart laid out; not the start of the browser.
CLOCK = """<script>addEventListener("load", () => {
  for (const chart of document.querySelectorAll("svg.chart text")) chart.getBoundingClientRect();
  const laid = performance.now(), times = performance.timing;
  document.title = "OPENED" + JSON.stringify({laid, load: times.loadEventStart - times.navigationStart});
});</script></head>"""
BUSY = "<script>for (const start = performance.now(); performance.now() < start + 1100;);</script>"
OPENS_WITHIN_MS = 1000

pytestmark = [
    pytest.mark.toolkit,
    pytest.mark.skipif(BROWSER is None, reason="no Chromium here; apt install chromium"),
]


def browse(tmp_path: Path, page: Path, *options: str) -> subprocess.CompletedProcess:
    profile = tmp_path / "profile"
    shutil.rmtree(profile, ignore_errors=True)
    command = [BROWSER, *QUIET, f"--user-data-dir={profile}", *options, page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=180)


def without_policy(page: Path) -> str:
    """Return the page's text without the policy that forbids it scripts."""
    return re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page.read_text())


def scheme(dark: bool) -> str:
    return f"--blink-settings=preferredColorScheme={0 if dark else 1}"


@pytest.fixture(scope="module")
def page(tmp_path_factory, toolkit_command, evaluated, timed, face_folders) -> Path:
    out = tmp_path_factory.mktemp("report") / "report.html"
    inspected = out.with_name("data.json")
    inspected.write_text(toolkit_command("data", "inspect", face_folders, "--json").stdout)
    done = toolkit_command("report", evaluated, timed, inspected, "--out", out)
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(scope="module")
def measured(tmp_path_factory, page):
    """A function that opens the page with a script that measures it, and returns what it found."""
    folder = tmp_path_factory.mktemp("measured")
    text = without_policy(page)
    (folder / "page.html").write_text(text.replace("</head>", MEASURE))

    def measure(size: str, dark: bool) -> dict:
        width, height = SIZES[size]
        options = (
            f"--window-size={width},{height}",
            scheme(dark),
            "--virtual-time-budget=3000",
            "--dump-dom",
        )
        done = browse(folder, folder / "page.html", *options)
        return json.loads(re.search(r"<title>MEASURED(.*?)</title>", done.stdout)[1])

    return measure


def test_no_error_on_the_console_and_no_request_leaves_the_page(tmp_path, page):
    log = tmp_path / "net.json"
    done = browse(tmp_path, page, "--enable-logging=stderr", "--v=0", f"--log-net-log={log}", "--dump-dom")
    assert "Accuracy against latency" in done.stdout
    assert "CONSOLE" not in done.stderr, done.stderr
    asked = set(re.findall(r'"url":"([^"]+)"', log.read_text()))
    # The browser itself asks its maker for the time and such.
    own = re.compile(r"file:|data:|chrome|about:|https?://[\w.-]+\.(google|googleapis|gstatic)\.com/")
    assert [address for address in asked if not own.match(address)] == []


def test_the_checks_would_notice_a_request_and_an_error(tmp_path, page):
    text = without_policy(page)
    guilty = tmp_path / "guilty.html"
    guilty.write_text(
        text.replace("</head>", '<img src="http://127.0.0.1:9/x.png"><script>nonsense()</script></head>')
    )
    log = tmp_path / "net.json"
    done = browse(tmp_path, guilty, "--enable-logging=stderr", "--v=0", f"--log-net-log={log}", "--dump-dom")
    assert "CONSOLE" in done.stderr
    assert "http://127.0.0.1:9/x.png" in log.read_text()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_chart_is_in_view(measured, size, dark):
    found = measured(size, dark)
    assert len(found["boxes"]) >= 6
    assert found["overflow"] <= 0
    for left, right, width, height, texts in found["boxes"]:
        assert left >= 0
        assert right <= found["width"]
        assert width > 150
        assert height > 60
        assert texts > 3
    brightness = [
        np.mean([int(part) for part in re.findall(r"\d+", found[key])[:3]]) for key in ("paper", "ink")
    ]
    assert (brightness[0] < 60 < 200 < brightness[1]) if dark else (brightness[1] < 60 < 200 < brightness[0])


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_charts_are_painted_in_colours_of_the_page(tmp_path, page, dark):
    picture = tmp_path / "page.png"
    browse(tmp_path, page, "--window-size=1280,3000", scheme(dark), f"--screenshot={picture}")
    seen = cv2.imread(str(picture)).reshape(-1, 3)[:, ::-1]
    wanted = {"quantized": (0x5C, 0xB3, 0xF5), "paper": (0x12, 0x17, 0x1D)} if dark else {
        "quantized": (0x0F, 0x62, 0xA8), "paper": (0xFF, 0xFF, 0xFF)}  # fmt: skip
    for name, colour in wanted.items():
        assert (seen == colour).all(axis=1).sum() > 300, name


def test_prints_to_pdf_on_light_paper(tmp_path, page):
    pdf = tmp_path / "report.pdf"
    browse(tmp_path, page, "--no-pdf-header-footer", f"--print-to-pdf={pdf}", scheme(True))
    content = pdf.read_bytes()
    assert content.startswith(b"%PDF")
    assert 1 <= len(re.findall(rb"/Type\s*/Page\b", content)) <= 12


@pytest.fixture(scope="module")
def ten_models(tmp_path_factory, toolkit_command, evaluated, timed) -> Path:
    """A report of ten models."""
    folder = tmp_path_factory.mktemp("ten")
    documents = [json.loads(path.read_text()) for path in (evaluated, timed)]
    for document in documents:
        first = json.dumps(document["models"][1])
        digest = document["models"][1]["model"]["sha256"]
        for index in range(8):
            copy = first.replace(digest, f"{index:064d}").replace("twin_int8", f"variant-{index}_int8")
            document["models"].append(json.loads(copy))
    paths = [folder / "evaluated.json", folder / "timed.json"]
    for path, document in zip(paths, documents, strict=True):
        path.write_text(json.dumps(document))
    done = toolkit_command("report", *paths, "--out", folder / "ten.html")
    assert done.returncode == 0, done.stderr
    return folder / "ten.html"


def test_ten_models_stay_small(tmp_path, ten_models):
    assert ten_models.stat().st_size < 3_000_000
    done = browse(tmp_path, ten_models, "--virtual-time-budget=1000", "--dump-dom")
    assert done.stdout.count('class="chart"') > 12


def test_ten_models_open_within_a_second(tmp_path, ten_models):
    text = without_policy(ten_models)
    page = tmp_path / "clocked.html"
    page.write_text(text.replace("</head>", CLOCK))
    rounds = [opened(browse(tmp_path, page, "--dump-dom").stdout) for _ in range(3)]
    # The best of three: another program's burst is no fault of the page.
    assert min(found["laid"] for found in rounds) < OPENS_WITHIN_MS, rounds
    assert all(found["load"] <= found["laid"] + 1 for found in rounds)
    # The clock is real: a page that is held up shows it.
    page.write_text(text.replace("</head>", BUSY + CLOCK))
    assert opened(browse(tmp_path, page, "--dump-dom").stdout)["laid"] > OPENS_WITHIN_MS


def opened(dom: str) -> dict:
    return json.loads(re.search(r"<title>OPENED(.*?)</title>", dom)[1])
