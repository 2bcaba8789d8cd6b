"""Google's ``litert quantize``, where it is installed: the same network through it, as a baseline in the table."""

import shutil
import subprocess
from pathlib import Path

import numpy as np

from device.child_processes import last_line
from device.files import temporary_folder
from toolkit.quantization.quantizer import QuantizationResult, Quantizer
from toolkit.quantization.recipe import Recipe

PROGRAM = "litert"
RECIPE = "static_wi8_ai8"
BASELINE = Recipe(f"litert {RECIPE}", "int8", "int8", "float32", True, "Google's litert quantize")
TIMEOUT_S = 600
CALIBRATION_SCRIPT = """
import numpy as np
def get_calibration_data():
    return {{None: [{{{name!r}: face[None]}} for face in np.load({faces!r})]}}
"""


def quantize_by_litert(quantizer: Quantizer) -> QuantizationResult | str | None:
    """Return its result, measured as ours are but not to be written; why it failed; None if not installed."""
    program = shutil.which(PROGRAM)
    if program is None:
        return None
    with temporary_folder() as here:
        source, out, script, faces = (
            here / name for name in ("float32.tflite", "out.tflite", "faces.py", "faces.npy")
        )
        source.write_bytes(quantizer.conversion.float_file)
        np.save(faces, np.concatenate(list(quantizer.conversion.calibration_inputs())))
        script.write_text(CALIBRATION_SCRIPT.format(name=_input_name(source), faces=str(faces)))
        command = [program, "quantize", str(source), "--recipe", RECIPE]
        command += ["--calibration-data", str(script), "--output", str(out)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"litert did not finish: {error}"
        if done.returncode or not out.is_file():
            said = last_line(done.stderr, done.stdout) or "it said nothing"
            return f"litert exits {done.returncode}: {said}"
        return quantizer.measured_result(BASELINE, out.read_bytes())


def _input_name(path: Path) -> str:
    """Return what the signature calls the input; the converter's own name for it ends in ':0' and the like."""
    from ai_edge_litert.interpreter import Interpreter

    from device.quiet import silenced

    with silenced(2):
        (signature,) = Interpreter(model_path=str(path)).get_signature_list().values()
    return str(signature["inputs"][0])
