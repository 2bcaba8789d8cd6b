"""A labelled picture as a shard holds it, not decoded yet."""

from dataclasses import dataclass

from device.errors import EdgeError

# No photograph of a face is larger; a file that says so is hostile or no picture.
LARGEST_PICTURE_BYTES = 32 * 2**20


@dataclass(frozen=True)
class Record:
    """name: the shard and the place in it; label: the class as the data tells it, a name or a number of 0 or more;
    content: the bytes of an image file; problem: why there are none, or ''."""

    name: str
    label: str
    content: bytes
    problem: str = ""

    @classmethod
    def of(cls, name: str, label: str, content: bytes | None) -> "Record":
        """Return a record of what a shard holds, ``content`` None for no picture."""
        if content is None:
            return cls(
                name, label, b"", "no picture, at most a path to one; expected the bytes of an image file"
            )
        if len(content) > LARGEST_PICTURE_BYTES:
            return cls(name, label, b"", f"a picture of {len(content) / 2**20:.0f} MiB; it is not decoded")
        return cls(name, label, content)


def checked_label(value: object, where: str) -> str:
    """Return what ``label_text`` does of a ``value`` found at ``where``; EdgeError where there is no label."""
    label = label_text(value)
    if not label:
        raise EdgeError(
            f"{where}: expected a label, a number from 0 or a name in UTF-8; received '{str(value)[:20]}'; correct or "
            "remove it, or leave out a split without labels"
        )
    return label


def label_text(value: object) -> str:
    """Return the label that a number (3, 3.0), a name or text of either stands for; '' for none, such as -1, or for
    text that was no UTF-8."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return ""
    text = str(value).strip()
    try:
        number = float(text)
    except ValueError:
        return "" if "\ufffd" in text else text
    return str(int(number)) if number.is_integer() and number >= 0 else ""
