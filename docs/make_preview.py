"""Write docs/pictures/preview.png: the preview page on the demo source, in headless Chromium.

python docs/make_preview.py
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

OUT = Path(__file__).parent / "pictures" / "preview.png"
SIZE_WH = (900, 480)
LOOK_MS = 6000  # of the page's own time: the faces have been found and named by then


def main() -> None:
    command = [
        sys.executable,
        "-m",
        "device",
        "run",
        "--source",
        "demo:live",
        "--preview",
        "127.0.0.1:0",
        "--json",
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        try:
            address = next(found[0] for line in running.stderr if (found := re.search(r"http://\S+", line)))
            with tempfile.TemporaryDirectory() as profile:
                subprocess.run(
                    [
                        *("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
                        *(
                            "--disable-background-networking",
                            "--hide-scrollbars",
                            f"--user-data-dir={profile}",
                        ),
                        *(f"--virtual-time-budget={LOOK_MS}", f"--window-size={SIZE_WH[0]},{SIZE_WH[1]}"),
                        *(f"--screenshot={OUT}", address),
                    ],
                    check=True,
                    capture_output=True,
                )
        finally:
            running.terminate()


if __name__ == "__main__":
    main()
