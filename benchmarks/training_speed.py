"""Whether training waits for its images, what fused batch normalisation gains, and whether memory grows with the data.

    python benchmarks/training_speed.py --arch compact

Steps on one ready batch, and steps of a training that draws and augments its faces, are timed in turn in one process;
the ratio of their medians is what the processor spends on training. The plain step is Keras' own batch normalisation.
Memory is what the process holds for itself (RssAnon, without the pages of the faces' file, which the system drops when
it needs them), with 30,000 faces on disk and with 300,000. Writes docs/figures/training_speed.json and .md.
"""

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from device.cli.ending import run_script

ROUNDS, STEPS = 7, 30
REST_S = 0.5
FEW, MANY = 30_000, 300_000
OUT = Path(__file__).resolve().parent.parent / "docs" / "figures" / "training_speed"


def made_up_faces(count: int):
    """Return a data set of ``count`` faces on disk: the shipped synthetic ones, over and over."""
    from toolkit.data.dataset import Dataset
    from toolkit.data.files.face_store import new_face_store
    from toolkit.data.stored_faces import stored
    from toolkit.data.synthesis import load_synthetic

    synthetic = load_synthetic()
    store = new_face_store(count, memory_bytes=0)
    rows = np.arange(count) % len(synthetic)
    for start in range(0, count, 4096):
        store[start : start + 4096] = synthetic.images[rows[start : start + 4096]]
    names = np.full(count, "made up")
    return Dataset(stored(store), synthetic.labels[rows], synthetic.classes, np.full(count, "train"), names)


def new_trainer(arch: str, faces: int):
    """Return a trainer of ``arch`` on ``faces`` made-up faces."""
    from toolkit.data.train_split import TrainingData
    from toolkit.training.recipe import TrainingRecipe
    from toolkit.training.trainer import Trainer

    data = made_up_faces(faces)
    recipe = TrainingRecipe(arch=arch, epochs=1)
    return Trainer(TrainingData(data, data.select(np.arange(64)), 0), recipe, Path(tempfile.mkdtemp()), [])


def own_memory_mib() -> float:
    """Return RssAnon of this process in MiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("RssAnon")).split()[1]) / 1024


def measure_memory(arch: str, faces: int) -> None:
    """Print what the process holds after a few dozen steps on ``faces`` faces."""
    trainer = new_trainer(arch, faces)
    for number, batch in enumerate(trainer.batches.epoch(0)):
        trainer.train_batch(batch)
        if number == 30:
            break
    print(own_memory_mib())


def plain_model(trainer):
    """Return the trainer's network as Keras builds it, compiled alike, without the acceleration."""
    import keras

    from toolkit.training.architectures import build_network

    keras.config.set_dtype_policy(trainer.recipe.dtype_policy)
    model = build_network(trainer.recipe.arch, len(trainer.classes))
    keras.config.set_dtype_policy("float32")
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    optimizer = keras.optimizers.SGD(0.01, momentum=0.9, nesterov=True)
    model.compile(optimizer, loss, jit_compile=False)
    return model


def measure_speed(arch: str) -> dict:
    """Return faces a second of the training, of its bare step and of Keras' plain step, each a median."""
    trainer = new_trainer(arch, FEW)
    size = trainer.recipe.batch_size
    stream = itertools.chain.from_iterable(map(trainer.batches.epoch, itertools.count()))
    ready = next(stream)
    plain = plain_model(trainer)
    steps = {
        "training": lambda: trainer.train_batch(next(stream)),
        "bare step": lambda: trainer.train_batch(ready),
        "plain step": lambda: plain.train_on_batch(ready.images, ready.targets),
    }
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for turn in range(ROUNDS + 1):
        for name, step in steps.items():
            # The queue is full after a rest: the training empties it before its clock starts, and has to wait from then
            # on; the others start when the queue takes no more of the processor.
            time.sleep(REST_S)
            for _ in range(8 if name == "training" else 1):
                step()
            started = time.perf_counter()
            for _ in range(STEPS):
                step()
            if turn:
                seconds[name].append((time.perf_counter() - started) / STEPS)
    return {name: size / float(np.median(values)) for name, values in seconds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--arch", default="compact")
    parser.add_argument("--memory-of", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    from toolkit.quiet_tensorflow import import_quietly

    import_quietly()
    if args.memory_of:
        measure_memory(args.arch, args.memory_of)
        return
    memory = {}
    for faces in (FEW, MANY):
        command = [sys.executable, __file__, "--arch", args.arch, "--memory-of", str(faces)]
        memory[faces] = float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    speed = measure_speed(args.arch)
    result = {
        "arch": args.arch,
        "cores": len(os.sched_getaffinity(0)),
        "faces_per_s": speed,
        "memory_mib": memory,
    }
    OUT.with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n")
    OUT.with_suffix(".md").write_text(page(result))
    print(page(result))


def page(result: dict) -> str:
    """Return the figures as Markdown."""
    speed = result["faces_per_s"]
    meanings = {
        "training": "training: faces drawn, augmented, learnt from",
        "bare step": "bare step: one ready batch",
        "plain step": "the same with Keras' own batch normalisation",
    }
    rows = [
        f"| {meanings[name]} | {rate:,.0f} | {rate / speed['bare step']:.2f} |"
        for name, rate in speed.items()
    ]
    held = [
        f"{mib:,.0f} MiB with {int(faces):,} faces on disk" for faces, mib in result["memory_mib"].items()
    ]
    return f"""# How fast training is

Written by `python benchmarks/training_speed.py`; {result["arch"]}, bfloat16, batches of 128, {result["cores"]} cores,
one run, medians of {ROUNDS} rounds in turn.

| | faces a second | against the bare step |
|---|---|---|
{chr(10).join(rows)}

Memory of the process: {", ".join(held)}.
"""


if __name__ == "__main__":
    run_script(main)
