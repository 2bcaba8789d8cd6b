"""Pictures whose labels stand in their names."""

from pathlib import Path

from device.text import a_few, counted
from toolkit.data.file_names import expressions_of, why_no_expressions
from toolkit.data.files.split_names import split_told
from toolkit.data.folders.found_pictures import Pictures
from toolkit.data.folders.layout import ImageFile


def named_images(pictures: Pictures) -> tuple[list[ImageFile], tuple[str, ...]]:
    """Return ``pictures`` with the expressions that all their names tell, and what to say of it.

    Nothing where they tell none, see ``expressions_of``. The splits are those of all the names, or of the folders.
    """
    paths = _relative(pictures)
    named = expressions_of(list(map(str, paths)))
    if named is None:
        return [], ()
    splits = [split_told(path.with_suffix("")) for path in paths]
    if not all(splits):
        splits = [split_told(path.parent) or "train" for path in paths]
    told = list(zip(paths, splits, named.expressions, strict=True))
    files = [ImageFile(pictures.root / path, split, name) for path, split, name in told if name]
    notes = [f"the labels are read from the names of the files: {named.rule}"]
    misnamed = [path.name for path, _, name in told if not name]
    if misnamed:
        notes.append(
            f"{counted(len(misnamed), 'picture')} whose name tells no expression, left out: {a_few(misnamed)}"
        )
    return files, tuple(notes)


def why_unnamed(pictures: Pictures) -> str:
    """Return why the names of ``pictures``, some of which tell an expression, are no labels, and the way out, or ''."""
    why = why_no_expressions(list(map(str, _relative(pictures))))
    return (
        f"{why}; name all in one way, happy_1.png, or put the pictures of each class together" if why else ""
    )


def _relative(pictures: Pictures) -> list[Path]:
    return [path.relative_to(pictures.root) for path in sorted(pictures.paths)]
