"""The splits that people's names of folders, files and usages stand for."""

import itertools
import re
import unicodedata
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
# The same in other languages, without accents.
WORDS_ABROAD = {
    "train": "entrenamiento entrainement apprentissage treino treinamento addestramento trainings egitim обучение "
    "тренировка 训练 訓練 学習 학습 훈련",
    "validation": "validacion validacao validierung validierungs convalida dogrulama валидация 验证 驗證 検証 검증",
    "test": "prueba pruebas teste prova тест 测试 測試 テスト 테스트",
}
SPLIT_OF_WORD |= {word: split for split, words in WORDS_ABROAD.items() for word in words.split()}
# What people add to the name of a split's folder: training_set, train_class, test-images, data_train, trainset.
ADDED_WORDS = {
    "set", "data", "dataset", "class", "classes", "images", "faces", "split", "folder", "dir", "daten", "集", "",
}  # fmt: skip
BETWEEN_WORDS = re.compile(r"[\W_\d]+")
WORD = re.compile(r"[^\W_\d]+")


def split_of(folder_name: str) -> str:
    """Return the split that a folder's name stands for, such as 'train' for 'training_set' or '1_trainset', or ''."""
    words = [word for word in _words(folder_name) if word not in ADDED_WORDS]
    return _split_of_word("".join(words)) if len(words) == 1 or "".join(words) in SPLIT_OF_WORD else ""


def split_within(name: str) -> str:
    """Return the one split that a word of a name tells, such as 'train' for 'fer_train', or ''."""
    words = _words(name)
    pairs = {SPLIT_OF_WORD.get(first + second, "") for first, second in itertools.pairwise(words)} - {""}
    splits = pairs or {_split_of_word(word) for word in words} - {""}
    return splits.pop() if len(splits) == 1 else ""


def class_and_split(folder_name: str) -> tuple[str, str] | None:
    """Return the class and the split that a folder's name tells, ('happy', 'train') for 'happy_train' or 'train-happy';
    None where it does not begin or end in a split."""
    words = list(WORD.finditer(unicodedata.normalize("NFC", folder_name)))
    for word in (words[0], words[-1]) if words else ():
        rest = (word.string[: word.start()] + word.string[word.end() :]).strip(" _-.")
        if rest and (split := split_of(word[0])):
            return rest, split
    return None


def split_told(name: PurePath) -> str:
    """Return the split that a path's last part tells, else the part before it, and so on; '' where none does."""
    return next(filter(None, map(split_within, reversed(name.parts))), "")


def _words(name: str) -> list[str]:
    """Return the words of a name in small letters without accents, which a Mac writes apart from their letters."""
    apart = unicodedata.normalize("NFD", name.lower())
    plain = "".join(letter for letter in apart if not unicodedata.combining(letter))
    return BETWEEN_WORDS.split(unicodedata.normalize("NFC", plain))


def _split_of_word(word: str) -> str:
    longest_first = sorted(filter(None, ADDED_WORDS), key=len, reverse=True)  # 'dataset' before 'set'
    plain = next((word.removesuffix(added) for added in longest_first if word.endswith(added)), word)
    return SPLIT_OF_WORD.get(word) or SPLIT_OF_WORD.get(plain, "")
