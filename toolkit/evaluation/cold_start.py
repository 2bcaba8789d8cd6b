"""The first answer of one model in a process of its own, so that memory and loading are the model's alone.

    python -m toolkit.evaluation.cold_start MODEL OPTIONS

prints, as JSON, how long importing, loading and the first answer took and the most memory that was held. OPTIONS: those
of ``ModelOptions`` in JSON.
"""

import json
import re
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np


def measure(path: str, options: dict[str, Any]) -> dict[str, float]:
    """Return import_ms, load_ms, first_inference_ms and peak_memory_mb."""
    start = time.perf_counter()
    if not path.endswith(".tflite"):
        import keras  # noqa: F401  # it is what takes the time
    from toolkit.models.options import ModelOptions
    from toolkit.models.predictors import load_predictor

    imported = time.perf_counter()
    model = load_predictor(path, ModelOptions(**options))
    loaded = time.perf_counter()
    model.predict(np.zeros((1, 48, 48), np.uint8))
    done = time.perf_counter()
    peak = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    return {
        "import_ms": 1000 * (imported - start),
        "load_ms": 1000 * (loaded - imported),
        "first_inference_ms": 1000 * (done - loaded),
        "peak_memory_mb": int(peak[1]) / 1024 if peak else 0.0,
    }


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], json.loads(sys.argv[2]))))
