"""The splits that people's names of folders, files and usages stand for."""

import re
from pathlib import PurePath

SPLIT_OF_WORD = {
    "train": "train",
    "training": "train",
    "trainval": "train",
    "publictest": "validation",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
    "privatetest": "test",
    "eval": "test",
}
# What people add to the name of a split's folder: training_set, train_class, test-images, data_train, trainset.
ADDED_WORDS = {"set", "data", "dataset", "class", "classes", "images", "faces", "split", "folder", "dir", ""}
BETWEEN_WORDS = re.compile(r"[\W_\d]+")


def split_of(folder_name: str) -> str:
    """Return the split that a folder's name stands for, such as 'train' for 'training_set' or '1_trainset', or ''."""
    words = [word for word in BETWEEN_WORDS.split(folder_name.lower()) if word not in ADDED_WORDS]
    return _split_of_word(words[0]) if len(words) == 1 else ""


def split_within(name: str) -> str:
    """Return the one split that a word of a name tells, such as 'train' for 'fer_train', or ''."""
    splits = {_split_of_word(word) for word in BETWEEN_WORDS.split(name.lower())} - {""}
    return splits.pop() if len(splits) == 1 else ""


def split_told(name: PurePath) -> str:
    """Return the split that a path's last part tells, else the part before it, and so on; '' where none does."""
    return next(filter(None, map(split_within, reversed(name.parts))), "")


def _split_of_word(word: str) -> str:
    plain = next((word.removesuffix(added) for added in ADDED_WORDS if added and word.endswith(added)), word)
    return SPLIT_OF_WORD.get(word) or SPLIT_OF_WORD.get(plain, "")
