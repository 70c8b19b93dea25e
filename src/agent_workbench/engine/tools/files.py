"""Opening files so that what was approved is what is touched.

A path is resolved once, checked, and then opened component by component without following any link: whatever is
swapped in between fails. Only regular files are read or replaced; writes are atomic.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from agent_workbench.engine.permissions import Place, locate
from agent_workbench.engine.permissions.places import PathPattern

MAX_FILE = 20_000_000
"""Bytes of a file that a tool reads into memory."""

# O_PATH, where there is one, needs no right to list the folders above the workspace, only to pass through them.
_FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


_WRITABLE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
_POWERS = stat.S_ISUID | stat.S_ISGID
"""Rights of a program that a new content must not inherit; the kernel takes them away at a write, too."""


class FileRefused(PermissionError):
    """A file that a tool does not touch; the words are for the model and the person."""

    def __str__(self) -> str:
        return str(self.args[0])


def lines_of(text: str) -> list[str]:
    """Return the lines as editors number them: form feeds and Unicode's separators end none."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return lines if lines[-1] else lines[:-1]


def place(path: str, workspace: Path) -> Place:
    """Resolve a path as a tool was given it.

    Raises:
        FileRefused: If it cannot be resolved.
    """
    try:
        return locate(path, workspace)
    except ValueError as error:
        raise FileRefused(f"{path[:200]!r}: {error}") from error


def permitted(
    where: Place, *, allowed: Sequence[str] | None, denied: Sequence[str], files: Sequence[str] = (), base: Path
) -> None:
    """Hold a path against a tool's configured folders; denied ones win, and None allows all.

    Raises:
        FileRefused: If it is denied, or allowed ones are listed and it is in none of them.
    """
    for text in denied:
        if any(PathPattern.parse(text, base).touches(path) for path in where.both):
            raise FileRefused(f"{where.given} is under the configured denied path {text}")
    if allowed is None or any(where.resolved == locate(text, base).resolved for text in files):
        return
    if not any(where.inside(locate(text, base).lexical) for text in allowed):
        raise FileRefused(f"{where.given} is in none of the configured allowed paths ({', '.join(allowed) or 'none'})")


@contextlib.contextmanager
def _folder(path: Path, *, create: bool = False) -> Iterator[int]:
    """Open a resolved folder without following a link at any component."""
    current = os.open(path.anchor or "/", _FOLDER)
    try:
        for part in path.parts[1:]:
            try:
                following = os.open(part, _FOLDER, dir_fd=current)
            except FileNotFoundError:
                if not create:
                    raise
                with contextlib.suppress(FileExistsError):
                    os.mkdir(part, dir_fd=current)
                following = os.open(part, _FOLDER, dir_fd=current)
            os.close(current)
            current = following
        yield current
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            raise FileRefused(f"{path} is not the folder it was when it was approved") from error
        raise
    finally:
        os.close(current)


def _regular(name: str, folder: int) -> os.stat_result | None:
    """Return the status of a regular file, or None where there is nothing of that name."""
    try:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(status.st_mode):
        kind = "a folder" if stat.S_ISDIR(status.st_mode) else "no regular file"
        raise FileRefused(f"{name} is {kind}")
    return status


def read_bytes(path: Path, limit: int = MAX_FILE) -> bytes:
    """Read a regular file at a resolved path.

    Raises:
        FileRefused: For a link, folder, pipe, socket or device, and for more than `limit` bytes.
        OSError: As the file system says (not there, not readable).
    """
    with _folder(path.parent) as folder:
        _regular(path.name, folder)
        try:
            descriptor = os.open(
                path.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY, dir_fd=folder
            )
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise FileRefused(f"{path} became a link after it was approved") from error
            raise
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise FileRefused(f"{path} is no regular file")
        if status.st_size > limit:
            raise FileRefused(f"{path} has {status.st_size:,} bytes; a tool reads {limit:,} at most")
        return file.read(limit + 1)[:limit]


def write_bytes(path: Path, content: bytes) -> None:
    """Replace or make a file at a resolved path, whole or not at all; a replaced one keeps its mode and owner.

    It does not keep set-user-id and set-group-id.

    Missing folders are made. The content is on disk before the name points to it.

    Raises:
        FileRefused: If something else than a regular file is there, or one that nobody may write.
        OSError: As the file system says; the old content is then untouched.
    """
    with _folder(path.parent, create=True) as folder:
        old = _regular(path.name, folder)
        if old is not None and not old.st_mode & _WRITABLE:
            raise FileRefused(f"{path.name} is read-only")  # replacing it by its folder's rights would pass over that
        temporary = f".{path.name[:80]}.{secrets.token_hex(6)}.tmp"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(temporary, flags, 0o666 if old is None else 0o600, dir_fd=folder)
        try:
            with open(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                if old is not None:
                    with contextlib.suppress(PermissionError):
                        os.fchown(descriptor, old.st_uid, old.st_gid)
                    os.fchmod(descriptor, stat.S_IMODE(old.st_mode) & ~_POWERS)
                os.fsync(descriptor)
            os.rename(temporary, path.name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:  # whatever ends it, a cancelled turn too, leaves no temporary file
            with contextlib.suppress(OSError):
                os.unlink(temporary, dir_fd=folder)
            raise
        _synced(folder)


def _synced(folder: int) -> None:
    """Put a rename on disk, where the folder may be opened for it."""
    with contextlib.suppress(OSError):
        descriptor = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=folder)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
