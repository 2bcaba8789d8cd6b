"""Parts of the press faces that share no person, as far as a face recognition network can tell.

    python benchmarks/press_parts.py [--press ../shared/data/press] [--out benchmarks/press_parts.json]

The data names nobody, and the same people come back, some in the same photograph. Two faces whose features in the
published network of ``face-mobilenet`` (VGGFace2) have a cosine above SAME_PERSON belong together, and so does whoever
belongs to either. Groups are dealt to the parts, the largest first, each to the part that lacks most of the group's
rarest class. Run once: the answer is committed.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from press import CLASSES, PARTS, load_press

from device.cli.ending import run_script
from device.files import write_whole
from toolkit.training.architectures import load_pretrained

SHARES = (0.6, 0.2, 0.2)
SAME_PERSON = 0.65
SEED = 0


def people(features: np.ndarray) -> np.ndarray:
    """Return the number of each face's group, (N,) int64, from its features, (N, D) float32."""
    centred = features - features.mean(axis=0)
    centred /= np.linalg.norm(centred, axis=1, keepdims=True)
    close = np.argwhere(np.triu(centred @ centred.T > SAME_PERSON, 1))
    parent = np.arange(len(features))

    def root(face: int) -> int:
        while parent[face] != face:
            parent[face] = parent[parent[face]]
            face = parent[face]
        return face

    for one, other in close:
        parent[root(one)] = root(other)
    return np.unique([root(face) for face in range(len(features))], return_inverse=True)[1]


def deal(groups: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the part of each face, (N,) indices into PARTS: whole groups, every class by SHARES."""
    counts = np.zeros((groups.max() + 1, len(CLASSES)), np.int64)
    np.add.at(counts, (groups, labels), 1)
    totals = counts.sum(axis=0)
    wanted = np.outer(SHARES, totals).astype(float)
    order = np.random.default_rng(SEED).permutation(len(counts))
    order = order[np.argsort(-counts[order].sum(axis=1), kind="stable")]
    part_of = np.zeros(len(counts), np.int64)
    for group in order:
        rarest = min(np.flatnonzero(counts[group]), key=lambda label: totals[label])
        part = int(np.argmax(wanted[:, rarest] / np.array(SHARES)))
        part_of[group] = part
        wanted[part] -= counts[group]
    return part_of[groups]


def main() -> None:
    """Group, deal and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--press", type=Path, default=Path("../shared/data/press"))
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    asked = parser.parse_args()
    faces = load_press(asked.press)
    network = load_pretrained("face-mobilenet", "faces")
    features = [
        np.asarray(network.predict_on_batch(faces.images[start : start + 256, ..., None].astype(np.float32)))
        for start in range(0, len(faces), 256)
    ]
    groups = people(np.concatenate(features))
    parts = deal(groups, faces.labels)
    document = {
        "faces_sha256": faces.fingerprint(),
        "seed": SEED,
        "same_person_cosine": SAME_PERSON,
        "groups": int(groups.max() + 1),
        "parts": PARTS,
        "part_of_face": "".join(map(str, parts)),
    }
    write_whole(asked.out, json.dumps(document, indent=1) + "\n")
    for number, part in enumerate(PARTS):
        print(part, np.bincount(faces.labels[parts == number], minlength=len(CLASSES)).tolist())


if __name__ == "__main__":
    run_script(main)
