"""Files of configs: read without hanging, written whole or not at all."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from agent_workbench.configs.reader import decode
from agent_workbench.errors import InvalidYAML, NotFound, RevisionConflict
from agent_workbench.services.sources import MAX_BYTES


def read_text(path: Path) -> str:
    """Return the text of a regular file of at most `MAX_BYTES`.

    Raises:
        NotFound: If there is none, or it cannot be read.
        InvalidYAML: If it is not UTF-8, or too large to be a bundle.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(handle, "rb") as file:
            info = os.fstat(handle)
            if not stat.S_ISREG(info.st_mode):
                raise NotFound(f"{path} is not a regular file")
            if info.st_size > MAX_BYTES:
                raise InvalidYAML(
                    f"{path} has {info.st_size:,} bytes, more than the {MAX_BYTES:,} that a bundle may have"
                )
            return decode(file.read(MAX_BYTES + 1), source=str(path))
    except OSError as error:
        raise NotFound(f"{path} cannot be read: {error.strerror or error}") from error


def replace_file(path: Path, old: str | None, new: str) -> None:
    """Write a file whole or not at all, keeping its mode; `old` is what it must hold, None where that is no matter.

    Raises:
        RevisionConflict: If the file holds something else.
    """
    target = Path(os.path.realpath(path))
    if old is not None and target.read_bytes() != old.encode():
        raise RevisionConflict(f"{target} was changed by another program meanwhile", expected=0, actual=0)
    descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(new.encode())
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, target.stat().st_mode & 0o7777 if target.exists() else 0o644)
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
