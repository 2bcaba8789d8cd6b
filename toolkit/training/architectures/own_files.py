"""Files of the user's own networks by name, ``FILE.py[:build]`` or a ``.keras``: known without opening one."""

from pathlib import Path

from device.errors import EdgeError
from device.files import lasting_path, same_file

FUNCTION = "build"
KERAS_SUFFIXES = (".keras", ".h5", ".hdf5")


def split_name(name: str) -> tuple[Path, str]:
    """Return file and function of ``FILE.py[:build]`` or ``FILE.keras``."""
    path, colon, function = name.rpartition(":")
    return (Path(path), function) if colon and path.endswith(".py") else (Path(name), FUNCTION)


def is_own(name: str) -> bool:
    """Return whether ``name`` names a file."""
    return split_name(name)[0].suffix in (".py", *KERAS_SUFFIXES)


def from_anywhere(name: str) -> str:
    """Return ``name`` as a command in another folder finds it: the path of a file is absolute."""
    return str(lasting_path(Path(name).parent) / Path(name).name) if is_own(name) else name


def same_architecture(old: str, new: str) -> bool:
    """Return whether ``new`` names what ``old`` did: the file may be reached by another path, or have been moved."""
    if not is_own(old) or Path(old).name != Path(new).name:
        return old == new
    there = split_name(old)[0]
    return not there.exists() or same_file(there, split_name(new)[0])


def refuse_absent(name: str) -> None:
    """Raise EdgeError if ``name`` names a file that is not there."""
    path, function = split_name(name)
    if is_own(name) and not path.is_file():
        wanted = (
            "Keras model" if path.suffix in KERAS_SUFFIXES else f"Python file with {function}(class_count)"
        )
        raise EdgeError(f"no architecture at {path}; expected a {wanted}; check the name")
