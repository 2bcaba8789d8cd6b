"""What stands in a folder: the folders in it, and the files at any depth, without hidden ones and archive leftovers."""

import os
from collections.abc import Iterator
from pathlib import Path

from toolkit.data.files.image_files import holds_image

TRAINING_FILE = "checkpoint.npz"  # beside it are a training's pictures of curves and samples
# macOS' archives, Synology's thumbnails, what disks have at their root; a dot begins .ipynb_checkpoints and
# .Trash-1000, copies of what was.
LEFTOVERS = (".", "__MACOSX", "@eaDir", "$RECYCLE.BIN", "System Volume Information", "lost+found")


def folder_of(root: Path) -> Path:
    """Return the folder of the data set at ``root``: that of a file, or the folder itself."""
    return root if root.is_dir() else root.parent


def subfolders(folder: Path) -> list[Path]:
    """Return the folders in ``folder``, and links to folders, by name; a link to what it stands in is none."""
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries if _is_folder(entry)]
    return [folder / name for name in sorted(names) if _holds_data(folder, folder, name)]


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    """As ``entry.is_dir``, which asks the disk for links alone, and fails at a link to itself."""
    return os.path.isdir(entry) if entry.is_symlink() else entry.is_dir()


def walk(folder: Path) -> Iterator[tuple[Path, list[str], list[str]]]:
    """Yield each folder from ``folder`` down, linked ones too, with the names of the folders and of the files in it.

    Both are sorted. A link to a folder that it stands in leads nowhere. OSError if one is unreadable.
    """
    waiting = [folder]
    while waiting:  # and no os.walk, which before Python 3.12 calls itself for each folder in a folder
        base = waiting.pop()
        with os.scandir(base) as entries:
            is_folder = {entry.name: _is_folder(entry) for entry in entries}
        folders = sorted(name for name in is_folder if is_folder[name] and _holds_data(folder, base, name))
        files = sorted(name for name in is_folder if not (is_folder[name] or name.startswith(".")))
        yield base, folders, files
        waiting += (base / name for name in reversed(folders))


def files_under(folder: Path) -> Iterator[Path]:
    """Yield the files of ``walk``.

    >>> tables = [path for path in files_under(Path("faces")) if path.suffix == ".csv"]
    """
    for base, _, names in walk(folder):
        yield from (base / name for name in names)


def images_under(folder: Path) -> Iterator[Path]:
    """Yield the image files of ``files_under``."""
    return filter(holds_image, files_under(folder))


def image_folders(folder: Path) -> Iterator[Path]:
    """Yield each folder of ``walk`` that holds an image file."""
    for base, _, names in walk(folder):
        if any(holds_image(base / name) for name in names):
            yield base


def _holds_data(root: Path, base: Path, name: str) -> bool:
    """Return whether the folder ``name`` in ``base``, found from ``root`` down, may be part of a data set."""
    training = os.path.exists(base / name / TRAINING_FILE)
    return not (training or name.startswith(LEFTOVERS) or _leads_back(root, base, name))


def _leads_back(root: Path, base: Path, name: str) -> bool:
    """Return whether ``name`` in ``base``, found from ``root`` down, is a link to what it was found in."""
    if not (base / name).is_symlink():
        return False
    target = Path(os.path.realpath(base / name))
    way = (Path(os.path.realpath(one)) for one in (base, *base.parents) if one == root or root in one.parents)
    return any(target in (one, *one.parents) for one in way)
