"""Text from outside, made fit for a terminal."""

import difflib
import re
from collections.abc import Iterable, Sequence

FEW = 5
# A password may be written with / @ : in it, so the longest reading counts, but of a file's path from / or ./ on.
# Without a scheme it is what `mqtt` takes, USER:PASSWORD@HOST.
PASSWORD = re.compile(r"^(?![./])((?:[\w+.-]+://)?+[^:]*):.*@", re.DOTALL)


def printable(text: object, longest: int | None = None) -> str:
    r"""Return ``str(text)`` in one line without anything that a terminal obeys.

    Control characters, line breaks, bidirectional overrides and stray surrogates become escapes such as
    ``\x1b``; letters of any script stay. ``longest``: characters kept, the rest becomes ``…``.

    >>> printable("happy\x1b[2J\n")
    'happy\\x1b[2J\\n'
    """
    said = str(text)
    if longest is not None and len(said) > longest:
        said = said[: max(0, longest - 1)] + "…"
    if said.isprintable():
        return said
    return "".join(
        character if character.isprintable() else ascii(character)[1:-1].replace("\\'", "'")
        for character in said
    )


def one_line(error: BaseException, longest: int | None = None) -> str:
    """Return what ``error`` says in one line, its first ``longest`` characters; its type where it says nothing."""
    # Backquotes would name an option of ours.
    return " ".join(str(error).replace("`", "'").split())[:longest] or type(error).__name__


def counted(number: int, one: str, several: str | None = None) -> str:
    """Return the number with its noun: ``several``, by default ``one`` and an s, unless it is 1.

    >>> counted(1, "frame"), counted(3, "class", "classes")
    ('1 frame', '3 classes')
    """
    return f"{number:,} {one if number == 1 else several or one + 's'}"


def a_few(names: Sequence[str]) -> str:
    """Return the first FEW of ``names``, and how many there are beside them.

    >>> a_few("abcdefg")
    'a, b, c, d, e and 2 more'
    """
    more = f" and {len(names) - FEW:,} more" if len(names) > FEW else ""
    return ", ".join(names[:FEW]) + more


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the one of ``known`` that is written nearly as ``name`` is, '' where none is."""
    return next(iter(difflib.get_close_matches(name, list(known), 1)), "")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a question that names the nearest of ``known``, with a space behind it; '' where none is near.

    >>> did_you_mean("sda", ("happy", "sad"))
    'did you mean sad? '
    """
    near = nearest(name, known)
    return f"did you mean {near}? " if near else ""


def has_password(address: str) -> bool:
    """Return whether ``address`` may hold a password, ``USER:PASSWORD@HOST`` with or without a scheme."""
    return bool(PASSWORD.search(address))


def without_password(address: str) -> str:
    """Return the address fit to be shown: where it has a password, with ``***`` in its place.

    >>> without_password("rtsp://me:secret@camera:554/1")
    'rtsp://me:***@camera:554/1'
    """
    return PASSWORD.sub(r"\1:***@", address)
