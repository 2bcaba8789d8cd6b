"""Train the network that tells how far a face is tilted, and write ``device/data/face_roll.tflite``.

    python models/make_face_roll.py fer2013.csv

Every Training face is turned by a random angle of -45 to 45 degrees, shifted, scaled and blurred anew in each epoch;
the network learns the angle from the disc within the crop. Ten minutes on two cores. Faces tilt by themselves, too:
against the angle by which PublicTest faces were turned, the median error is 5 degrees.
"""

import argparse
from pathlib import Path

import cv2
import keras
import numpy as np
import tensorflow as tf

from device.cli.ending import run_script
from device.faces.alignment import ROLL_PX, ROLL_UNIT_DEG, roll_input
from device.files import write_whole
from toolkit.data.readers.loading import load_any

EPOCHS, BATCH = 24, 128
TARGET = Path(__file__).resolve().parents[1] / "device" / "data" / "face_roll.tflite"


def tilted(face: np.ndarray, degrees: float, rng: np.random.Generator) -> np.ndarray:
    """Return the face, ``(48, 48) uint8``, turned clockwise by ``degrees`` as a detector might have cut it."""
    face = face[:, ::-1] if rng.random() < 0.5 else face
    middle = (np.array(face.shape) - 1) / 2 + rng.uniform(-0.08, 0.08, 2) * face.shape[0]
    scale = ROLL_PX / face.shape[0] * rng.uniform(0.72, 1.15)
    turn = np.asarray(cv2.getRotationMatrix2D(middle.tolist(), -degrees, scale))
    turn[:, 2] += (ROLL_PX - 1) / 2 - middle
    turned = cv2.warpAffine(face, turn, (ROLL_PX, ROLL_PX), borderMode=cv2.BORDER_REFLECT_101)
    if rng.random() < 0.4:  # a small face, enlarged
        side = int(rng.integers(14, ROLL_PX))
        small = cv2.resize(turned, (side, side), interpolation=cv2.INTER_AREA)
        turned = cv2.resize(small, (ROLL_PX, ROLL_PX))
    if rng.random() < 0.3:
        turned = np.clip(turned + rng.normal(0, rng.uniform(2, 10), turned.shape), 0, 255).astype(np.uint8)
    return turned


def examples(faces: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the network's inputs ``(N, 32, 32, 1) float32`` and the angles ``(N,)`` in ``ROLL_UNIT_DEG``."""
    rng = np.random.default_rng(seed)
    angles = rng.uniform(-ROLL_UNIT_DEG, ROLL_UNIT_DEG, len(faces))
    inputs = [roll_input(tilted(face, angle, rng)) for face, angle in zip(faces, angles, strict=True)]
    return np.stack(inputs)[..., None], (angles / ROLL_UNIT_DEG).astype(np.float32)


def network() -> keras.Model:
    layers = keras.layers
    convolutions = [
        layers.Conv2D(width, 3, strides=2, padding="same", activation="relu") for width in (16, 24, 32)
    ]
    head = [layers.Flatten(), layers.Dense(32, activation="relu"), layers.Dense(1)]
    return keras.Sequential([keras.Input((ROLL_PX, ROLL_PX, 1), batch_size=1), *convolutions, *head])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", help="fer2013.csv")
    parser.add_argument("--out", type=Path, default=TARGET)
    options = parser.parse_args()
    faces = load_any(Path(options.data), lenient=False)
    train, held_out = (faces.images[np.asarray(faces.splits) == name] for name in ("train", "validation"))
    trained = network()
    model = keras.Sequential([keras.Input((ROLL_PX, ROLL_PX, 1)), *trained.layers])
    rate = keras.optimizers.schedules.CosineDecay(2e-3, EPOCHS * len(train) // BATCH)
    model.compile(keras.optimizers.AdamW(rate, weight_decay=1e-3), loss=keras.losses.Huber(0.15))
    inputs, angles = examples(held_out, 1)
    for epoch in range(EPOCHS):
        model.fit(*examples(train, 100 + epoch), batch_size=BATCH, verbose=0)
        errors = np.abs(model.predict(inputs, verbose=0)[:, 0] - angles) * ROLL_UNIT_DEG
        print(
            f"epoch {epoch}: median error {np.median(errors):.1f}, p90 {np.percentile(errors, 90):.1f} degrees"
        )
    write_whole(options.out, tf.lite.TFLiteConverter.from_keras_model(trained).convert())


if __name__ == "__main__":
    run_script(main)
