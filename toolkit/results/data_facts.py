"""What is in a data set, as ``toolkit data inspect --json`` tells it, for a report: counts, no face, no file name."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from device.errors import EdgeError
from device.text import counted, printable
from toolkit.data.dataset import SPLITS
from toolkit.data.inspection import SCHEMA, SCHEMA_VERSION, Leak
from toolkit.results.decode import decode


@dataclass(frozen=True)
class DataFacts:
    """What is in a data set and what is wrong with it; ``near_pairs`` None: not looked for."""

    source: str
    synthetic: bool
    faces: int
    counts: dict[str, dict[str, int]]
    redundant: int
    copy_groups: int
    conflicting_groups: int
    near_pairs: int | None
    constant: int
    broken: int
    leaks: tuple[Leak, ...]

    def __post_init__(self) -> None:
        numbers = [number for split in self.counts.values() for number in split.values()]
        if not self.counts or any(type(number) is not int or number < 0 for number in numbers):
            raise ValueError("counts are not numbers of faces by split and class")
        if set(self.counts) - set(SPLITS) or len({tuple(split) for split in self.counts.values()}) > 1:
            raise ValueError(f"expected the splits {', '.join(SPLITS)}, each with the same classes")
        if self.faces != sum(numbers):
            raise ValueError(f"{self.faces} faces, but {sum(numbers)} by split and class")

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes in their order."""
        return tuple(next(iter(self.counts.values())))

    @property
    def name(self) -> str:
        """The last part of the source."""
        return Path(self.source).name or self.source

    def findings(self) -> list[str]:
        """Return what to know before trusting figures made with this data, a line each."""
        lines = [
            f"{counted(leak.faces, 'face')} of '{leak.into}' also in '{leak.source}' ({leak.source_rows:,} rows)"
            + (f", {leak.near_faces:,} more nearly" if leak.near_faces else "")
            for leak in self.leaks
            if leak.faces or leak.near_faces
        ]
        if len(self.counts) > 1 and not lines:
            lines.append("no face stands in two splits")
        lines.append(f"{self.redundant:,} redundant copies in {self.copy_groups:,} groups of identical faces")
        lines.append(f"{self.conflicting_groups:,} groups of identical faces with conflicting labels")
        if self.near_pairs is not None:
            lines.append(f"{self.near_pairs:,} pairs of nearly identical faces")
        return [*lines, f"{self.constant:,} constant images", f"{self.broken:,} broken images, left out"]


def data_facts_of(content: Any, path: str) -> DataFacts:
    """Return the facts that a report's JSON carries on; EdgeError if they are damaged."""
    try:
        return decode(DataFacts, content)
    except ValueError as error:
        raise EdgeError(f"{path} holds damaged facts of a data set ({error}); write it again") from error


def is_inspection(content: dict[str, Any]) -> bool:
    """Return whether ``content`` is what ``toolkit data inspect --json`` prints, of whatever version."""
    return content.get("schema") == SCHEMA


def read_inspection(content: dict[str, Any], path: str) -> DataFacts:
    """Return the facts in what ``toolkit data inspect --json`` printed; EdgeError if it is damaged or too new."""
    again = "run 'toolkit data inspect' again"
    if content.get("schema_version") != SCHEMA_VERSION:
        raise EdgeError(
            f"{path} has inspection schema version {printable(repr(content.get('schema_version')), 60)}, expected "
            f"{SCHEMA_VERSION}; {again}"
        )
    try:
        copies, near = content["duplicates"], content["near_duplicates"]
        facts = {
            **{key: content[key] for key in ("source", "synthetic", "faces", "counts")},
            "redundant": copies["redundant"],
            "copy_groups": copies["groups"],
            "conflicting_groups": copies["conflicting_groups"],
            "near_pairs": None if near is None else near["count"],
            "constant": len(content["constant"]),
            "broken": len(content["broken"]),
            "leaks": [
                {**leak, "source": leak["from"], "source_rows": leak[f"rows_in_{leak['from']}"]}
                for leak in content["leaks"]
            ],
        }
        return decode(DataFacts, facts)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise EdgeError(
            f"{path} is a damaged inspection ({type(error).__name__}: {error}); {again}"
        ) from error
