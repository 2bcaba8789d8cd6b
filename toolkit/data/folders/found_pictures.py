"""The pictures of a data set, found by what lists and files of labels call them."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from device.text import counted
from toolkit.data.files.image_files import PICTURE_NAMES
from toolkit.data.files.split_names import split_told
from toolkit.data.files.walk import images_under

# What RAF-DB's list calls train_00001.jpg has this at its end among the faces that are cut out.
ALIGNED = "_aligned"
WHOLE_PATH = re.compile(r"/|[A-Za-z]:")


@dataclass
class Pictures:
    """The pictures under ``root``, by their paths and by their names without suffix, both ``composed``."""

    root: Path
    paths: set[Path] = field(default_factory=set)
    by_path: dict[str, Path] = field(default_factory=dict)
    by_stem: dict[str, list[Path]] = field(default_factory=dict)

    @classmethod
    def under(cls, root: Path) -> "Pictures":
        found = cls(root)
        for path in images_under(root):
            found.paths.add(path)
            found.by_path[composed(str(path))] = path
            found.by_stem.setdefault(composed(path.stem.lower()), []).append(path)
        return found

    def named(self, text: str, beside: Path, split: str = "") -> Path:
        """Return the picture that a list in the folder ``beside`` calls ``text``, with folders and suffix or without.

        None in a folder of another split than ``split``, or than the folders in ``text`` tell, unless that is the whole
        path of another machine; where several are left, that in a folder of this one. A path to nothing where there is
        none.
        """
        written = composed(text.strip().replace("\\", "/"))
        name = PurePosixPath(written.lstrip("/"))
        for place in (beside, self.root):
            if (exact := self.by_path.get(composed(str(place / name)))) is not None:
                return exact
        stem = (name.stem if name.suffix.lower() in PICTURE_NAMES else name.name).lower()
        asked = split or split_told(name.parent)
        for wanted in (stem + ALIGNED, stem):
            found = self.by_stem.get(wanted, [])
            near = [path for path in found if beside in path.parents] or found
            if asked and (split or len(near) > 1 or not WHOLE_PATH.match(written)):
                near = [path for path in near if self.split_told(path) in ("", asked)]
                if len(near) > 1:
                    near = [path for path in near if self.split_told(path)]
            if len(near) == 1:
                return near[0]
        return beside / name

    def split_told(self, path: Path) -> str:
        """Return the split that the folders of one of the pictures tell, or ''."""
        return split_told(path.parent.relative_to(self.root))

    def left_out(self, labelled: Iterable[Path]) -> tuple[str, ...]:
        """Return a line where not all of the pictures are ``labelled``."""
        count = len(self.paths.difference(labelled))
        return (f"{counted(count, 'picture')} in no list of labels, left out",) if count else ()


def composed(text: str) -> str:
    """Return a text as Unicode composes it: a Mac writes accents apart from their letters."""
    return unicodedata.normalize("NFC", text)
