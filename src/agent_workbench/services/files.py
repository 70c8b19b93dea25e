"""Files of configs: read without hanging, written whole or not at all."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from agent_workbench.configs.reader import decode
from agent_workbench.errors import CannotWrite, InvalidYAML, NotFound, RevisionConflict
from agent_workbench.services.regular import TooLarge, regular_bytes

SHARED, PRIVATE = 0o666, 0o600
"""Modes of new files, before the umask: a bundle, and what holds a conversation."""


def read_text(path: Path) -> str:
    """Return the text of a regular file of at most 1 MB.

    Raises:
        NotFound: If there is none, or it cannot be read.
        InvalidYAML: If it is not UTF-8, or too large to be a bundle.
    """
    try:
        return decode(regular_bytes(path), source=str(path))
    except TooLarge as error:
        raise InvalidYAML(f"{path} cannot be read: {error}") from error
    except OSError as error:
        raise NotFound(f"{path} cannot be read: {error.strerror or error}") from error


def replace_file(path: Path, old: str | None, new: str, *, mode: int = SHARED) -> None:
    """Write a file whole or not at all; `old` is what it must hold, None where that is no matter.

    A new file gets `mode` as far as the umask lets it, another keeps its own.

    Raises:
        RevisionConflict: If the file holds something else.
        CannotWrite: If the disk refuses; the file is what it was then.
    """
    try:
        _replace(Path(os.path.realpath(path)), old, new, mode)
    except OSError as error:
        raise CannotWrite(f"{path} cannot be written: {error.strerror or error}") from error


def write_file(path: Path, text: str, *, private: bool = False) -> None:
    """Write a text to a file, whole or not at all, or to a device or pipe. A `private` one is made for nobody else.

    Raises:
        CannotWrite: If the disk refuses.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        try:
            path.write_bytes(text.encode())
        except OSError as error:
            raise CannotWrite(f"{path} cannot be written: {error.strerror or error}") from error
    else:
        replace_file(path, None, text, mode=PRIVATE if private else SHARED)


def save_changed(path: Path, old: str, new: str) -> None:
    """Write what a person made of a file of their own, with the folders that it needs; `""` is none so far.

    Raises:
        RevisionConflict: If the file holds something else than `old` meanwhile.
        CannotWrite: If the disk refuses; the file is what it was then.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotWrite(f"{path.parent} cannot be made: {error.strerror or error}") from error
    replace_file(path, old if path.exists() else None, new)


def _replace(target: Path, old: str | None, new: str, mode: int) -> None:
    with alone(target.parent):
        if old is not None and target.read_bytes() != old.encode():
            raise RevisionConflict(f"{target} was changed by another program meanwhile", expected=0, actual=0)
        swap(target, new, mode=mode)


def swap(target: Path, text: str, *, mode: int) -> None:
    """Put a text in place of a file, whole or not at all; one that is new gets `mode` as far as the umask lets it.

    Raises:
        OSError: If the disk refuses; the file is what it was then.
    """
    known = target.stat().st_mode & 0o7777 if target.exists() else None
    temporary = target.with_name(f".{target.name[:80]}.{secrets.token_hex(6)}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(temporary, flags, mode if known is None else PRIVATE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        if known is not None:
            os.chmod(temporary, known)
        os.replace(temporary, target)
    except BaseException:  # whatever ends it, an interrupt too, leaves no temporary file
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep other processes of this program out while a file of the folder is read and replaced."""
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
