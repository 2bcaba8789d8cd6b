"""What the names of picture files tell: expressions and persons, as data sets publish them or as people write them."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np

from toolkit.data.class_names import FERPLUS_CLASSES, normal_class_name

# How published data sets name their pictures, without the ending. KDEF (its averages: without session and number) by
# https://www.kdef.se/home/about%20akdef.html, CK+ by the ReadMe beside its pictures, CREMA-D by its README, for frames
# of its films with anything behind; by programs that read them JAFFE (KA.AN1.39), BU-3DFE (F0001_AN01WH_F2D), FACES
# (004_o_m_a_a), NimStim (01F_AN_C; CA is calm), and RaFD, which writes the expression as a word
# (Rafd090_01_Caucasian_female_angry_frontal).
PUBLISHED = {
    "JAFFE": r"(?P<person>[A-Z]{2})[._](?P<code>AN|DI|FE|HA|NE|SA|SU)\d[._]\d+",
    "KDEF": r"[AB]?(?P<person>[FM](?:\d\d)?)(?P<code>AF|AN|DI|HA|NE|SA|SU)(?:FL|HL|S|HR|FR)",
    "CK+": r"(?P<person>S\d{3})_\d{3}_\d{8}",
    "CREMA-D": r"(?P<person>1\d{3})_[A-Z]{3}_(?P<code>ANG|DIS|FEA|HAP|NEU|SAD)_(?:LO|MD|HI|XX?)(?:[\W_].*)?",
    "BU-3DFE": r"(?P<person>[FM]\d{4})_(?P<code>AN|DI|FE|HA|NE|SA|SU)\d\d[A-Z]{2}_F[23]D",
    "FACES": r"(?P<person>\d{3})_[ymo]_[mf]_(?P<code>[adfhns])_[ab]",
    "NimStim": r"(?P<person>\d\d[FM])_(?P<code>AN|CA|DI|FE|HA|NE|SA|SP)_[COX]",
    "RaFD": r"Rafd\d{3}_(?P<person>\d\d)(?:_[a-z]+)+",
}
PATTERNS = {name: re.compile(pattern, re.IGNORECASE) for name, pattern in PUBLISHED.items()}
EXPRESSION_CODES = {"AF": "fear", "AN": "angry", "DI": "disgust", "FE": "fear", "HA": "happy", "NE": "neutral",
                    "SA": "sad", "SP": "surprise", "SU": "surprise",
                    "ANG": "angry", "DIS": "disgust", "FEA": "fear", "HAP": "happy", "NEU": "neutral", "SAD": "sad",
                    "A": "angry", "D": "disgust", "F": "fear", "H": "happy", "N": "neutral", "S": "sad"}  # fmt: skip
# Of KDEF's 4,900 pictures two are misnamed, AF31V.JPG and AM31H.JPG.
MISNAMED_SHARE = 0.01
# AF01ANS.JPG becomes AF01ANS_JPG.png where its face is cut out, AF01ANS_JPG.rf.0f3a….jpg at Roboflow,
# AF01ANS.jpg.5b2c….ingestion-6d7e….jpg at Edge Impulse.
FORMER_ENDING = re.compile(
    r"[._](?:png|jpe?g|bmp|webp|tiff?|gif)(?:\.rf\.[0-9a-z]+|\.[0-9a-z]+(?:\.ingestion-[\w.-]+)?)?$",
    re.IGNORECASE,
)
NEGATIONS = {"not", "no", "non"}
WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True)
class Named:
    """expressions: what each name tells, '' where nothing; rule: an example, and the data set that names so."""

    expressions: tuple[str, ...]
    rule: str


def expressions_of(names: Sequence[str]) -> Named | None:
    """Return the expressions that the files' ``names`` tell, with folders before them or not.

    None unless all follow one rule and tell two expressions or more. A rule is that of a published data set, which one
    in a hundred may miss, or a word at one place: happy_1, sad_2.
    """
    stems = list(map(_stem, names))
    data_set, codes = _told(stems, "code")
    expressions = [EXPRESSION_CODES.get(code, "") for code in codes] or _words_at_one_place(stems)
    if len(set(expressions) - {""}) < 2:
        return None
    first = next(at for at, expression in enumerate(expressions) if expression)
    example = f"{PurePath(names[first]).name} is {expressions[first]}"
    return Named(tuple(expressions), f"{example}, as in {data_set}" if data_set else example)


def why_no_expressions(names: Sequence[str]) -> str:
    """Return why ``names``, some of which have the word of an expression, tell no expressions; '' where none has."""
    with_word = [name for name in names if len(_expressions_among(WORD.findall(_stem(name)))) == 1]
    if not with_word:
        return ""
    told, others = PurePath(with_word[0]).name, sorted(set(names) - set(with_word))
    if others:
        return f"{told} tells an expression by its name, {PurePath(others[0]).name} none"
    return f"their names, such as {told}, tell one expression alone, or several by no one rule"


def persons_of(names: Iterable[str]) -> np.ndarray | None:
    """Return whom each of the files' ``names`` tells, (N,) str, or None where they are named as no published data set
    names them."""
    stems = list(map(_stem, names))
    _, persons = _told(stems, "person")
    return (
        np.array([person or stem for person, stem in zip(persons, stems, strict=True)]) if persons else None
    )


def persons_in_both(first: np.ndarray, second: np.ndarray) -> int | None:
    """Return how many persons the names of the files of both parts, (N,) and (M,) str, tell; None for no persons."""
    persons = persons_of([*first, *second])
    return None if persons is None else len(np.intersect1d(persons[: len(first)], persons[len(first) :]))


def _told(stems: list[str], group: str) -> tuple[str, list[str]]:
    """Return the data set that names its pictures like ``stems``, and the ``group`` of its pattern in each, '' in a
    misnamed one; '' and nothing where there is no such data set."""
    for data_set, pattern in PATTERNS.items():
        if group in pattern.groupindex:
            told = [match[group].upper() if (match := pattern.fullmatch(stem)) else "" for stem in stems]
            if stems and told.count("") <= MISNAMED_SHARE * len(stems):
                return data_set, told
    return "", []


def _words_at_one_place(stems: list[str]) -> list[str]:
    """Return the expression that is one of the words of each name, or nothing.

    Its place is the same in all, from the front or from the back, and what stands around an expression stands around
    another, too: of happy_birthday and sad_farewell nobody knows that they are labels.
    """
    words = [WORD.findall(stem.lower()) for stem in stems]
    found = [_expressions_among(some) for some in words]
    if any(len(places) != 1 for places in found):
        return []
    places = [next(iter(one)) for one in found]
    from_back = {len(some) - place for some, place in zip(words, places, strict=True)}
    if len(set(places)) > 1 and len(from_back) > 1:
        return []
    expressions = [one[place] for one, place in zip(found, places, strict=True)]
    around = defaultdict(set)
    for some, place, expression in zip(words, places, expressions, strict=True):
        around[(*some[:place], "", *some[place + 1 :])].add(expression)
    compared = set().union(*(several for several in around.values() if len(several) > 1))
    return expressions if compared == set(expressions) else []


def _expressions_among(words: list[str]) -> dict[int, str]:
    """Return the expressions among ``words`` by their places."""
    normal = {place: normal_class_name(word) for place, word in enumerate(words)}
    return {
        place: name
        for place, name in normal.items()
        if name in FERPLUS_CLASSES and (not place or words[place - 1].lower() not in NEGATIONS)
    }


def _stem(name: str) -> str:
    return FORMER_ENDING.sub("", PurePath(name).stem)
