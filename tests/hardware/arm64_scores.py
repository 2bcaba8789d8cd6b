"""Runs inside the emulated system: what the device's own code makes of crops, and LiteRT's log on standard error.

Usage: arm64_scores.py CROPS.npy, (N, 48, 48) uint8. Prints a JSON list of N lists: the stored int8 outputs.
"""

import contextlib
import json
import sys

import numpy as np

import device.model.expression_model
import device.model.interpreters.litert

device.model.interpreters.litert.silenced = lambda *descriptors: contextlib.nullcontext()
model = device.model.expression_model.load_model()
print(json.dumps([model.infer(model.prepare(crop)).tolist() for crop in np.load(sys.argv[1])]))
