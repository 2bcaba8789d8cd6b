"""The names of the expressions: FER2013's order, FER+'s eighth, and the synonyms under which people keep them."""

from collections.abc import Iterable

from device.errors import EdgeError

FER2013_CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
FERPLUS_CLASSES = (*FER2013_CLASSES, "contempt")

# FER+ and other data sets name some expressions by the noun.
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
}


def normal_class_name(name: str) -> str:
    """Return FER2013's or FER+'s name for an expression in any letter case or synonym; other names as they are."""
    plain = name.strip().lower()
    plain = SYNONYMS.get(plain, plain)
    return plain if plain in FERPLUS_CLASSES else name.strip()


def ordered_classes(names: Iterable[str]) -> tuple[str, ...]:
    """Return ``names`` in the order of FERPLUS_CLASSES if all are among them, else in alphabetical order."""
    unique = set(names)
    if unique <= set(FERPLUS_CLASSES):
        return tuple(name for name in FERPLUS_CLASSES if name in unique)
    return tuple(sorted(unique))


def parse_classes(text: str) -> tuple[str, ...]:
    """Return the normalised names of a comma-separated option; EdgeError for an empty or repeated one."""
    names = tuple(normal_class_name(part) for part in text.split(","))
    if "" in names or len(set(names)) < len(names):
        raise EdgeError(
            f"expected different class names separated by commas, such as happy,sad; received '{text}'"
        )
    return names
