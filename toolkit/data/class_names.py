"""The names of the expressions: FER2013's order, FER+'s eighth, and common synonyms."""

import unicodedata
from collections.abc import Iterable

from device.errors import UsageError

FER2013_CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
FERPLUS_CLASSES = (*FER2013_CLASSES, "contempt")

# The orders in which public data sets number the expressions; Keras' folders go by the alphabet.
PUBLISHED_ORDERS = {
    "FER2013": FER2013_CLASSES,
    "FER+": ("neutral", "happy", "surprise", "sad", "angry", "disgust", "fear", "contempt"),
    "RAF-DB": ("surprise", "fear", "disgust", "happy", "sad", "angry", "neutral"),
    "AffectNet": ("neutral", "happy", "sad", "surprise", "fear", "disgust", "angry", "contempt"),
    "CK+": ("neutral", "angry", "contempt", "disgust", "fear", "happy", "sad", "surprise"),
}

# FER+ and other data sets name some expressions by the noun; a few are misspelt in data sets that many people have.
SYNONYMS = {
    "anger": "angry",
    "disgusted": "disgust",
    "fearful": "fear",
    "afraid": "fear",
    "scared": "fear",
    "happiness": "happy",
    "joy": "happy",
    "sadness": "sad",
    "surprised": "surprise",
    "suprise": "surprise",
    "suprised": "surprise",
    "netural": "neutral",
    "neutrality": "neutral",
    "contemptuous": "contempt",
}
# Numbers that people put before a name to keep an order: 0_angry, 03-Happiness.
NUMBERING = "0123456789_-. "


def normal_class_name(name: str) -> str:
    """Return FER2013's or FER+'s name for an expression in any letter case, numbered or a synonym; other names as they
    are, in Unicode's composed form: file systems spell the same letter in one or two characters."""
    plain = name.lower().strip(NUMBERING)
    plain = SYNONYMS.get(plain, plain)
    return plain if plain in FERPLUS_CLASSES else unicodedata.normalize("NFC", name.strip())


def ordered_classes(names: Iterable[str]) -> tuple[str, ...]:
    """Return ``names`` in the order of FERPLUS_CLASSES if all are among them, else in alphabetical order."""
    unique = set(names)
    if unique <= set(FERPLUS_CLASSES):
        return tuple(name for name in FERPLUS_CLASSES if name in unique)
    return tuple(sorted(unique))


def other_orders(labels: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Return the orders in which ``labels`` may have been meant, by name, without the one they are in."""
    spelled = {normal_class_name(label): label for label in labels}
    orders = {"alphabetical": tuple(sorted(labels)), "reversed": labels[::-1]}
    for name, published in PUBLISHED_ORDERS.items():
        if set(spelled) <= set(published):
            orders[name] = tuple(spelled[one] for one in published if one in spelled)
    return {name: order for name, order in orders.items() if order != labels}


def checked_classes(given: str | Iterable[str], fewest: int = 1) -> tuple[str, ...]:
    """Return the normalised names of classes, which a text has commas between; UsageError for an empty or repeated one,
    or fewer than ``fewest``.

    >>> checked_classes("Happiness,sad")
    ('happy', 'sad')
    """
    typed = [part.strip() for part in (given.split(",") if isinstance(given, str) else given)]
    text = ",".join(typed)
    names = tuple(normal_class_name(part) for part in typed)
    if "" in names:
        raise UsageError(
            f"expected class names separated by commas for `classes`, such as happy,sad; received '{text}'"
        )
    for name in names:
        same = [part for part, normal in zip(typed, names, strict=True) if normal == name]
        if len(same) > 1:
            raise UsageError(f"`classes`: {' and '.join(same)} are both '{name}'; name each class once")
    if len(names) < fewest:
        raise UsageError(f"`classes` needs at least two classes; received '{text}'; add one")
    return names
