"""Files: where one may be written, locks, reading what is small, writing whole or not at all."""

import contextlib
import errno
import fcntl
import hashlib
import logging
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, cast

from device.errors import EdgeError

log = logging.getLogger(__name__)

SHORT_BYTES = 64 << 10  # a settings file with every option and its help has a tenth
TEMPORARY = ".fer-edge-"  # begins the name of what is not yet whole: short, so that any name has room for it
OWNER_ONLY = 0o600  # pictures of people, and what holds a password


def native_path(path: str | Path) -> str:
    """Return ``path`` as OpenCV can take it, whatever its bytes and the locale: text that is no UTF-8 crashes it.

    A ``Path`` is made absolute: of '12:30.mkv' FFmpeg would ask the protocol '12'. A ``str`` may be an address.

    OpenCV makes UTF-8 of a ``str``. Where that is not the path's own bytes, these are returned, which newer versions
    take too; their type hints do not know that, and 4.11 does not.
    """
    text = str(path.absolute()) if isinstance(path, Path) else path
    own = os.fsencode(text)
    with contextlib.suppress(UnicodeEncodeError):
        if text.encode() == own:
            return text
    return cast(str, own)


def sha256_of(path: str | Path) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def same_file(one: str | Path, other: str | Path) -> bool:
    """Return whether both paths lead to one file or folder that exists, through links too."""
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


def lasting_path(path: Path) -> Path:
    """Return ``path`` as a command in another folder finds it: absolute, without '..' unless that follows a link."""
    plain = Path(os.path.abspath(path))
    return plain if same_file(plain, path) else path.absolute()


def refuse_existing(path: str | Path, overwrite: bool) -> None:
    """Raise EdgeError if ``path`` exists and ``overwrite`` is false; a link that leads nowhere exists too."""
    there = Path(path).exists()  # a name that is too long is told in any case
    if (there or os.path.lexists(path)) and not overwrite:
        raise EdgeError(f"{path} exists already; pass `overwrite` to replace it, or name another file")


def way_out(error: OSError) -> str:
    """Return what to do where the system refused a write: free space where that is short, else choose another place."""
    short = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return "free space or choose another place" if short else "choose another place"


def refuse_place(folder: str | Path) -> None:
    """Raise EdgeError unless a file can be written in ``folder``; nothing is left there."""
    try:
        tempfile.TemporaryFile(dir=folder).close()  # what a folder's mode does not tell, /proc does
    except OSError as error:
        raise EdgeError(f"cannot write in {folder}: {error.strerror}; choose another place") from error


def refuse_unwritable(path: str | Path, overwrite: bool) -> None:
    """Raise EdgeError if ``path`` cannot be begun later: as ``refuse_existing``, or an attempt to write fails.

    What is there stays as it is, and nothing is left where nothing was.
    """
    path = Path(path)
    if path.is_dir():
        raise EdgeError(f"cannot write {path}: it is a folder; choose another place")
    refuse_existing(path, overwrite)
    if not path.exists():
        try:
            refuse_place(Path(os.path.realpath(path)).parent if path.is_symlink() else path.parent)
        except EdgeError as error:
            raise EdgeError(f"{path}: {error}") from error
    elif path.is_file():  # a pipe would wait for its reader
        try:
            open(path, "ab").close()
        except OSError as error:
            raise EdgeError(f"cannot write {path}: {error.strerror}; choose another place") from error


def refuse_full(path: str | Path, kept_free_mb: int, begun: bool = False) -> None:
    """Raise EdgeError where less than ``kept_free_mb`` MB are free on the disk of ``path``, a file that is ``begun`` or
    still to make."""
    path = Path(path)
    if shutil.disk_usage(path if path.exists() else path.parent).free < kept_free_mb * 1_000_000:
        raise EdgeError(
            f"{f'{path} ends here' if begun else f'cannot write {path}'}: less than {kept_free_mb} MB of the disk are "
            "free; free space or choose another place"
        )


def regular_size(path: str | Path) -> int:
    """Return the bytes of a file; OSError where it is no regular one: a pipe may wait, a device may never end."""
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is no regular file")
    return status.st_size


def read_regular(path: str | Path, most_bytes: int) -> bytes:
    """Return the content of a file; OSError where it cannot be read, is no regular file or has over ``most_bytes``."""
    size = regular_size(path)
    if size > most_bytes:
        raise OSError(errno.EFBIG, f"it has {size >> 10:,} KB, expected at most {most_bytes >> 10:,}")
    return Path(path).read_bytes()


def read_short(path: str | Path, most_bytes: int = SHORT_BYTES) -> str:
    """Return the text of a small file that a person wrote; UnicodeDecodeError where it is no UTF-8.

    OSError where it cannot be read, is no regular file or has more than ``most_bytes``.

    >>> first, *others = read_short("labels.txt").splitlines()
    """
    return read_regular(path, most_bytes).decode("utf-8-sig")  # Windows' editors begin with a mark


@contextlib.contextmanager
def locked(folder: str | Path, wait_s: float = 30.0) -> Iterator[None]:
    """Keep other programs that lock ``folder`` out of it, made as by ``folder_for``; what a killed one held is free.

    EdgeError if another holds it for longer than ``wait_s``. A file system without locks locks nothing.

    >>> with locked(state_folder()): ...
    """
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(folder_for(folder))
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise EdgeError(f"cannot use {folder}: {error.strerror}; choose another place") from error
        held.callback(os.close, handle)
        _wait_for_lock(handle, folder, wait_s)
        yield


def _wait_for_lock(handle: int, folder: str | Path, wait_s: float) -> None:
    until_s, told = time.monotonic() + wait_s, False
    while not _has_locked(handle):
        if time.monotonic() >= until_s:
            waited = f", for {wait_s:g} s at least" if wait_s else ""
            raise EdgeError(f"another program works in {folder}{waited}; let it end, then try again")
        if not told:
            log.info("waiting for another program that works in %s", folder)
            told = True
        time.sleep(0.05)


def hold(file: IO[Any], path: str | Path) -> None:
    """Keep other programs that hold it out of ``file``, open for writing, until it is closed; ``path`` is its name.

    EdgeError if another holds it. A file system without locks locks nothing.
    """
    if not _has_locked(file):
        raise EdgeError(f"another program writes {path}; let it end, or name another file")


def _has_locked(file: int | IO[Any]) -> bool:
    """Lock ``file``; return False where another program has."""
    with contextlib.suppress(OSError):  # such as NFS without its lock daemon
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


@contextlib.contextmanager
def folder_for(folder: str | Path) -> Iterator[None]:
    """Make ``folder``, and those above it, for what the body writes there; those made go again if it ends early and
    they are empty.

    >>> with folder_for("runs/one"): ...
    """
    folder = Path(folder)
    made = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:  # Ctrl-C, too
        with contextlib.suppress(OSError):  # what another program wrote there stays
            for place in made:
                place.rmdir()
        raise


@contextlib.contextmanager
def whole_file(
    path: str | Path, overwrite: bool = True, mode: int = 0o644, sync: bool = True
) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; on success it is synced and renamed over ``path``, else removed.

    ``mode`` says who may read it: everybody, because what root installs is read by the service's user. Without
    ``sync`` nothing waits for the disk, and a power cut may cost what was written in the last seconds.
    Raises EdgeError if ``path`` exists, then or in the end, and ``overwrite`` is false, or if the disk or folder
    refuses the write.
    """
    path = Path(path)
    try:
        refuse_existing(path, overwrite)
        with folder_for(path.parent):
            # The suffix is kept because savers such as Keras choose their format by it.
            handle, name = tempfile.mkstemp(prefix=TEMPORARY, suffix=path.suffix, dir=path.parent)
            os.close(handle)
            partial = Path(name)
            try:
                yield partial
                if sync:
                    with open(partial, "rb") as written:
                        os.fsync(written.fileno())
                os.chmod(partial, mode)
                refuse_existing(path, overwrite)  # another program may have written it meanwhile
                os.replace(partial, path)
            finally:
                partial.unlink(missing_ok=True)
    except OSError as error:
        raise EdgeError(f"cannot write {path}: {error.strerror or error}; {way_out(error)}") from error


def write_whole(
    path: str | Path, content: str | bytes, overwrite: bool = True, mode: int = 0o644, sync: bool = True
) -> None:
    """Write text (UTF-8) or bytes to ``path``, whole or not at all; see ``whole_file`` for the rest."""
    with whole_file(path, overwrite, mode, sync) as partial:
        partial.write_bytes(_as_bytes(content))


def write_together(contents: Mapping[Path, str | bytes], overwrite: bool = True) -> None:
    """Write text (UTF-8) or bytes to each path: all files whole, or none where one cannot be written.

    >>> write_together({Path("a.html"): page, Path("a.json"): document}, overwrite=False)
    """
    with contextlib.ExitStack() as begun:
        for path, content in contents.items():
            partial = begun.enter_context(whole_file(path, overwrite))
            partial.write_bytes(_as_bytes(content))


def _as_bytes(content: str | bytes) -> bytes:
    """Return text as UTF-8, what is none, such as a byte of a file's name, escaped."""
    return content.encode(errors="backslashreplace") if isinstance(content, str) else content
