"""Files of the user's own networks by name, ``FILE.py[:build]`` or a ``.keras``: known without opening one."""

from pathlib import Path

from device.errors import EdgeError

FUNCTION = "build"
KERAS_SUFFIXES = (".keras", ".h5", ".hdf5")


def split_name(name: str) -> tuple[Path, str]:
    """Return file and function of ``FILE.py[:build]`` or ``FILE.keras``."""
    path, colon, function = name.rpartition(":")
    return (Path(path), function) if colon and path.endswith(".py") else (Path(name), FUNCTION)


def is_own(name: str) -> bool:
    """Return whether ``name`` names a file."""
    return split_name(name)[0].suffix in (".py", *KERAS_SUFFIXES)


def refuse_absent(name: str) -> None:
    """Raise EdgeError if ``name`` names a file that is not there."""
    path, function = split_name(name)
    if is_own(name) and not path.is_file():
        wanted = (
            "Keras model" if path.suffix in KERAS_SUFFIXES else f"Python file with {function}(class_count)"
        )
        raise EdgeError(f"no architecture at {path}; expected a {wanted}; check the name")
