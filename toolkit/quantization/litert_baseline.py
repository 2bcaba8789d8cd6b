"""Google's ``litert quantize``, where it is installed: the same network through it, as a baseline in the table."""

import shutil
import subprocess

import numpy as np

from device.child_processes import last_words
from device.errors import EdgeError
from toolkit.outputs import temporary_folder
from toolkit.quantization.conversion.recipe import Recipe
from toolkit.quantization.conversion.reference import reference_interpreter
from toolkit.quantization.quantizer import QuantizationResult, Quantizer

PROGRAM = "litert"
RECIPE = "static_wi8_ai8"
BASELINE = Recipe(f"litert {RECIPE}", "int8", "int8", "float32", "Google's litert quantize")
TIMEOUT_S = 600
CALIBRATION_SCRIPT = """
import numpy as np
def get_calibration_data():
    return {{None: [{{{name!r}: face[None]}} for face in np.load({faces!r})]}}
"""


def quantize_by_litert(quantizer: Quantizer) -> QuantizationResult | None:
    """Return its result, measured as ours are but not to be written; None if it is not installed, EdgeError if it
    fails."""
    program = shutil.which(PROGRAM)
    if program is None:
        return None
    with temporary_folder() as here:
        source, out, script, faces = (
            here / name for name in ("float32.tflite", "out.tflite", "faces.py", "faces.npy")
        )
        float_file = quantizer.conversion.float_file
        source.write_bytes(float_file)
        # What the signature calls the input; the converter's own name for it ends in ':0' and the like.
        (signature,) = reference_interpreter(float_file).get_signature_list().values()
        np.save(faces, np.concatenate(list(quantizer.conversion.calibration_inputs())))
        script.write_text(CALIBRATION_SCRIPT.format(name=signature["inputs"][0], faces=str(faces)))
        command = [program, "quantize", str(source), "--recipe", RECIPE]
        command += ["--calibration-data", str(script), "--output", str(out)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise EdgeError(f"litert did not finish: {error}") from error
        if done.returncode or not out.is_file():
            raise EdgeError(f"litert fails: {last_words(done)}")
        return quantizer.measured_result(BASELINE, out.read_bytes())
