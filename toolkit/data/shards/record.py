"""A labelled picture as a shard holds it, not decoded yet."""

from dataclasses import dataclass

from toolkit.data.files.image_files import LARGEST_PICTURE_BYTES


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
