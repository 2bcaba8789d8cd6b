"""The names of the expressions: FER2013's order, and the synonyms under which people keep them."""

from collections.abc import Iterable

from device.errors import EdgeError

FER2013_CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")

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
    """Return FER2013's name for an expression in any letter case or synonym; other names as they are."""
    plain = name.strip().lower()
    plain = SYNONYMS.get(plain, plain)
    return plain if plain in FER2013_CLASSES else name.strip()


def ordered_classes(names: Iterable[str]) -> tuple[str, ...]:
    """Return ``names`` in FER2013's order if all are FER2013's, else in alphabetical order."""
    unique = set(names)
    if unique <= set(FER2013_CLASSES):
        return tuple(name for name in FER2013_CLASSES if name in unique)
    return tuple(sorted(unique))


def parse_classes(text: str) -> tuple[str, ...]:
    """Return the normalised names of a comma-separated option; EdgeError for an empty or repeated one."""
    names = tuple(normal_class_name(part) for part in text.split(","))
    if "" in names or len(set(names)) < len(names):
        raise EdgeError(
            f"expected different class names separated by commas, such as happy,sad; received '{text}'"
        )
    return names
