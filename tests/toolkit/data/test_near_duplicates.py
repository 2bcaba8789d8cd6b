"""Which faces have another cut or light of the same photograph among others."""

import cv2
import numpy as np

from toolkit.data.near_duplicates import has_near_copy


def smooth_faces(count):
    coarse = np.random.default_rng(0).integers(0, 256, (count, 6, 6), dtype=np.uint8)
    return np.stack([cv2.resize(face, (48, 48), interpolation=cv2.INTER_CUBIC) for face in coarse])


def test_another_cut_of_a_photograph_is_a_near_copy():
    known, strangers = np.split(smooth_faces(20), [12])
    mirrored, darker = known[0][:, ::-1], (known[1] * 0.7).astype(np.uint8)
    nearer = cv2.resize(known[2][1:-1, 1:-1], (48, 48))
    found = has_near_copy(np.stack([mirrored, darker, nearer, *strangers]), known)
    assert found.tolist() == [True] * 3 + [False] * 8
