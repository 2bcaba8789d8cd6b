"""Tiny data sets on disk, in every layout that people have."""

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from toolkit.data.class_names import FER2013_CLASSES
from toolkit.data.dataset import Dataset
from toolkit.data.ferplus import VOTE_COLUMNS

USAGES = ("Training", "PublicTest", "PrivateTest")
# Prints by how many KiB a process grows at most that reads a data set, after a smaller one.
PEAK = """
import re, sys
from pathlib import Path
from toolkit.data.readers.loading import load_dataset
def peak_kib():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
load_dataset(sys.argv[1])  # what Python and pyarrow need once
before = peak_kib()
assert len(load_dataset(sys.argv[2])) == int(sys.argv[3])
print(peak_kib() - before)
"""


def make_faces(count: int, seed: int = 0) -> np.ndarray:
    """Return (count, 48, 48) uint8 patches that all differ."""
    rng = np.random.default_rng(seed)
    rough = rng.integers(0, 256, (count, 6, 6), dtype=np.uint8)
    return np.stack([cv2.resize(patch, (48, 48), interpolation=cv2.INTER_CUBIC) for patch in rough])


def png(face: np.ndarray) -> bytes:
    return cv2.imencode(".png", face)[1].tobytes()


def write_image(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image)


def write_csv(path: Path, rows: list[tuple], header=("emotion", "pixels", "Usage")) -> None:
    with open(path, "w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(header)
        writer.writerows(rows)


def csv_row(label: object, face: np.ndarray, usage: str) -> tuple:
    return label, " ".join(map(str, face.ravel())), usage


@pytest.fixture
def faces() -> np.ndarray:
    """21 different faces, three for each class of FER2013."""
    return make_faces(21)


@pytest.fixture
def kaggle_csv(tmp_path, faces) -> Path:
    """A fer2013.csv of 21 faces: for each class one Training, one PublicTest, one PrivateTest."""
    rows = [csv_row(number // 3, face, USAGES[number % 3]) for number, face in enumerate(faces)]
    write_csv(tmp_path / "fer2013.csv", rows)
    return tmp_path / "fer2013.csv"


@pytest.fixture
def ferplus_csv(kaggle_csv) -> Path:
    """The FER+ votes beside it: eight votes for the label and two for 'unknown', the last face not judged."""
    column_of = dict(zip(FER2013_CLASSES, (4, 5, 6, 1, 3, 2, 0), strict=True))
    rows = []
    for number in range(21):
        votes = [0] * len(VOTE_COLUMNS)
        votes[column_of[FER2013_CLASSES[number // 3]]] = 8
        votes[VOTE_COLUMNS.index("unknown")] = 2
        rows.append((USAGES[number % 3], f"fer{number:07d}.png", *votes))
    path = kaggle_csv.with_name("fer2013new.csv")
    write_csv(path, rows, ("Usage", "Image name", *VOTE_COLUMNS))
    return path


@pytest.fixture
def split_folders(tmp_path, faces) -> Path:
    """Train/, VALID/ and test/ with the folders Happiness, sad and Anger; a PNG, a JPEG and a BMP each."""
    root = tmp_path / "faces"
    numbers = iter(range(21))
    for split in ("Train", "VALID", "test"):
        for name in ("Happiness", "sad"):
            for suffix in (".png", ".JPG", ".bmp"):
                number = next(numbers)
                write_image(root / split / name / f"{number}{suffix}", faces[number])
        write_image(root / split / "Anger" / "a.jpeg", faces[next(numbers)])
    return root


@pytest.fixture(scope="session")
def shared_fer2013(shared_dir) -> Dataset:
    """FER2013's Training ('train') and PublicTest ('validation') faces with their votes; skipped where absent."""
    tables = np.load(shared_dir / "data" / "fer2013" / "labels.npz")
    sheets = sorted((shared_dir / "data" / "fer2013").glob("faces-*.png"))
    tiles = [
        cv2.imread(str(sheet), cv2.IMREAD_GRAYSCALE).reshape(64, 48, 64, 48).swapaxes(1, 2)
        for sheet in sheets
    ]
    images = np.concatenate([part.reshape(-1, 48, 48) for part in tiles])[: len(tables["labels"])]
    return Dataset(
        images=images,
        labels=tables["labels"].astype(np.int64),
        classes=FER2013_CLASSES,
        splits=np.array(["train", "validation"])[tables["usage"]],
        names=np.array([f"row {number + 1}" for number in range(len(images))]),
        votes=tables["ferplus_votes"],
        source="FER2013",
    )
