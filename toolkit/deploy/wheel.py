"""Whether a wheel is one of fer-edge and whole, looked at here before any host is."""

import email
import re
import zipfile
from pathlib import Path, PurePosixPath

from device.errors import EdgeError
from device.files import regular_size
from device.text import one_line
from device.zip_files import DAMAGE

NAME = re.compile(r"fer_edge-([^-]+)(?:-\d[^-]*)?-py3-none-any\.whl")
MOST_BYTES = 100 << 20  # of the file, and of all that it unpacks to; a wheel of today has 2 MB


def verify_wheel(path: Path) -> None:
    """Raise EdgeError unless ``path`` is a wheel of fer-edge, whole, for any machine, and of moderate size.

    >>> verify_wheel(Path("dist/fer_edge-1.0-py3-none-any.whl"))
    """
    named = NAME.fullmatch(path.name)
    if named is None:
        raise EdgeError(
            f"{path} is no wheel of fer-edge: expected a name such as fer_edge-1.0-py3-none-any.whl, "
            "as 'make dist' makes"
        )
    try:
        if regular_size(path) > MOST_BYTES:
            raise ValueError(f"it has over {MOST_BYTES >> 20} MB")
        with zipfile.ZipFile(path) as archive:
            _verify_members(archive, f"fer_edge-{named[1]}.dist-info/METADATA", named[1])
    except OSError as error:
        raise EdgeError(f"cannot read the wheel {path}: {error.strerror}; name another") from error
    except (KeyError, *DAMAGE) as error:
        raise EdgeError(
            f"{path} is a damaged wheel ({one_line(error)}); make it again with 'make dist'"
        ) from error


def _verify_members(archive: zipfile.ZipFile, metadata: str, version: str) -> None:
    """Raise ValueError, BadZipFile or KeyError unless the members are those of this version's wheel, each as it was."""
    if sum(info.file_size for info in archive.infolist()) > MOST_BYTES:
        raise ValueError(f"it would unpack to over {MOST_BYTES >> 20} MB")
    for info in archive.infolist():
        name = PurePosixPath(info.filename)
        if name.is_absolute() or ".." in name.parts or "\\" in info.filename:
            raise ValueError(f"{info.filename!r} leads out of its folder")
    told = email.message_from_bytes(archive.read(metadata))
    if (told["Name"], told["Version"]) != ("fer-edge", version):
        raise ValueError(f"it calls itself {told['Name']} {told['Version']}")
    if damaged := archive.testzip():
        raise ValueError(f"{damaged} is not as it was packed")
