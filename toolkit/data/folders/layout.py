"""Where the pictures of a data set stand, and what the folders around them say of each: its class and its split."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from device.errors import EdgeError
from toolkit.data.class_names import FERPLUS_CLASSES, normal_class_name
from toolkit.data.files.split_names import class_and_split, split_of, split_within
from toolkit.data.files.walk import images_under, subfolders, walk
from toolkit.data.folders.contents import contents_in_words

# Detection data sets keep pictures and boxes apart: images/train/… beside labels/train/…
PICTURES_FOLDER, BOXES_FOLDERS = "images", {"labels", "annotations"}
GIVEN_NAMES = ("joy",)  # of persons, which are words for expressions too
EXPECTED = (
    "expected train/ validation/ test/ with a folder of PNG, JPEG, BMP, WebP, TIFF or GIF images for each class, a "
    "folder for each class alone, a labels.csv beside the pictures, picture,label, or an expression in the name of "
    "every picture, happy_1.png"
)


@dataclass(frozen=True)
class ImageFile:
    """An image file and what its folders, or a list of labels, say of it."""

    path: Path
    split: str
    folder_class: str


def find_images(root: Path) -> list[ImageFile]:
    """Return the image files under ``root`` in the order of their names; EdgeError if the layout is another."""
    folders = subfolders(root)
    splits = splits_among(folders)
    for place in (root, *splits):
        named = {folder.name.lower() for folder in subfolders(place)}
        if PICTURES_FOLDER in named and BOXES_FOLDERS & named:
            raise EdgeError(
                f"{place} is a data set for detection: its {PICTURES_FOLDER}/ stand apart from their labels, which "
                "give boxes; expected a folder for each class, or a labels.csv beside them, picture,label: cut the "
                "faces out by their boxes first, unless they fill the pictures"
            )
    if splits:
        files = _with_class([list(_by_class(class_place(folder), split)) for folder, split in splits.items()])
    elif only := only_folder(folders):
        return find_images(only)
    else:
        files = list(_by_class(root, "train"))
    if not files:
        raise EdgeError(f"{root} holds {contents_in_words(root)}; {EXPECTED}")
    return files


def only_folder(folders: list[Path]) -> Path | None:
    """Return the one of ``folders`` that holds all classes: an archive unpacked into a folder of its own, or images/
    beside meta/, which has no pictures. None where several hold pictures, or the one is a class."""
    holding = [folder for folder in folders if len(folders) == 1 or next(images_under(folder), None)]
    if len(holding) != 1 or not subfolders(holding[0]):
        return None
    is_class = normal_class_name(holding[0].name) in FERPLUS_CLASSES
    return holding[0] if _expressions_below(holding[0]) or (len(folders) == 1 and not is_class) else None


def splits_among(folders: list[Path]) -> dict[Path, str]:
    """Return the split of each of ``folders`` that is one; none without folders in any of them.

    A name of several words, 'fer_train', tells the split of a folder only where it holds folders of its own.
    """
    found = {}
    for folder in folders:
        held = bool(subfolders(folder))
        if split := split_of(folder.name) or (split_within(folder.name) if held else ""):
            found[folder] = split
    return found if any(subfolders(folder) for folder in found) else {}


def class_places(root: Path) -> list[Path]:
    """Return the folders in which class folders stand: a place for each split, or ``root``, or the only folder in it
    that holds all classes."""
    folders = subfolders(root)
    splits = splits_among(folders)
    if not splits and (only := only_folder(folders)):
        return class_places(only)
    return [class_place(split) for split in splits] or [root]


def class_place(split: Path) -> Path:
    """Return where the class folders of a split stand: in it, or in the one folder in it that holds them."""
    inner = subfolders(split)
    while (
        len(inner) == 1
        and (len(subfolders(inner[0])) > 1 or _expressions_below(inner[0]))
        and normal_class_name(inner[0].name) not in FERPLUS_CLASSES
    ):
        split, inner = inner[0], subfolders(inner[0])
    return split


def _by_class(place: Path, split: str) -> Iterator[ImageFile]:
    """Yield the pictures in the class folders of ``place``, of ``split`` unless their names or folders say another."""
    folders = [
        folder for folder in subfolders(place) if not (split_of(folder.name) and not subfolders(folder))
    ]
    together = told_together(folders)
    if not together and all(split_within(folder.name) and not subfolders(folder) for folder in folders):
        return  # FER2013Train beside FER2013Test: splits without classes
    inner = splits_in_classes(folders)
    for folder in folders:
        _refuse_group_of_classes(place, folder)
        name, named_split = together.get(folder, (folder.name, split))
        _refuse_other_expression(folder, name)
        parts = [part for part in subfolders(folder) if part in inner]
        for part in parts:
            yield from (ImageFile(path, inner[part], name) for path in images_under(part))
        for path in images_under(folder):
            if not any(part in path.parents for part in parts):
                yield ImageFile(path, named_split, name)


def told_together(folders: list[Path]) -> dict[Path, tuple[str, str]]:
    """Return the class and the split of each of ``folders`` that tells both by its name, or nothing.

    All that hold pictures have to tell both, or two classes two splits each: a train_station is no class 'station'.
    """
    told = {folder: found for folder in folders if (found := class_and_split(folder.name))}
    splits_of_class = Counter(name for name, _ in set(told.values()))
    all_tell = all(folder in told or next(images_under(folder), None) is None for folder in folders)
    certain = all_tell and len(splits_of_class) > 1
    return told if certain or sum(count > 1 for count in splits_of_class.values()) > 1 else {}


def splits_in_classes(folders: list[Path]) -> dict[Path, str]:
    """Return the split of each folder in the class ``folders`` that is called as one, happy/train; or nothing.

    Where not all folders in a class are, each class has to hold a train or a test: a person may be called Val.
    """
    told = {folder: {part: split_of(part.name) for part in subfolders(folder)} for folder in folders}
    certain = all({"train", "test"} & set(parts.values()) for parts in told.values())
    return {
        part: split
        for parts in told.values()
        for part, split in parts.items()
        if split and (certain or all(parts.values()))
    }


def _with_class(parts: list[list[ImageFile]]) -> list[ImageFile]:
    """Return the pictures of all splits, ``parts``, but of those whose only folder is a class in no other split, as
    in SFEW's Test/Test_Aligned_Faces: they have no class."""
    names = [{normal_class_name(file.folder_class) for file in part} for part in parts]
    kept = []
    for at, part in enumerate(parts):
        others = set().union(*names[:at], *names[at + 1 :])
        if len(others) < 2 or len(names[at]) > 1 or names[at] & (others | set(FERPLUS_CLASSES)):
            kept += part
    return kept


def _refuse_group_of_classes(place: Path, folder: Path) -> None:
    """Raise EdgeError where a folder that should be a class holds several folders named by expressions."""
    if normal_class_name(folder.name) in FERPLUS_CLASSES:
        return
    if names := _expressions_below(folder):
        raise EdgeError(
            f"{place}: the folder '{folder.name}' holds a folder for each expression ({', '.join(names[:3])}), so it "
            "is no class; name the splits train, validation and test, or put the pictures of each class together"
        )


def _refuse_other_expression(folder: Path, name: str) -> None:
    """Raise EdgeError where the folder of an expression holds, at any depth, that of another one."""
    own = normal_class_name(name)
    if own not in FERPLUS_CLASSES:
        return
    for base, inner, _ in walk(folder):
        for one in inner:
            named = normal_class_name(one) in set(FERPLUS_CLASSES) - {own} and one.lower() not in GIVEN_NAMES
            if named and next(images_under(base / one), None):
                raise EdgeError(
                    f"{folder}, the class '{own}', holds a folder '{(base / one).relative_to(folder)}', whose pictures "
                    f"would count as '{own}'; move it beside the folders of the other expressions, or call it otherwise"
                )


def _expressions_below(folder: Path) -> list[str]:
    """Return the expressions that folders side by side in ``folder``, at any depth, are named by; [] for one alone."""
    for _, inner, _ in walk(folder):
        names = {normal_class_name(name) for name in inner} & set(FERPLUS_CLASSES)
        if len(names) > 1:
            return sorted(names)
    return []
