"""Regular files, read without hanging: no device, no pipe, nothing that the kernel makes up, nothing without end."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

#: A file beyond this is no bundle and no context.
MAX_BYTES = 1_000_000
#: Whose files are none, although they look regular. `/dev` itself holds no regular files, and `/dev/shm` honest ones.
KERNEL = ("/proc", "/sys")


class TooLarge(OSError):
    """A file has more than `MAX_BYTES`."""


def regular_bytes(path: str | Path) -> bytes:
    """Return what a regular file holds; devices, pipes and big files are refused, also where they appear in between.

    Raises:
        OSError: If it cannot be read, or is none of those that are.
        TooLarge: If it has more than `MAX_BYTES`.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(handle, "rb") as file:
        info = os.fstat(handle)
        if not stat.S_ISREG(info.st_mode) or _is_kernels(path, info):
            raise OSError(f"{path} is not a regular file")
        if info.st_size > MAX_BYTES:
            raise TooLarge(f"it has {info.st_size:,} bytes, more than the {MAX_BYTES:,} that are read")
        return file.read(MAX_BYTES + 1)


def _is_kernels(path: str | Path, info: os.stat_result) -> bool:
    """Whether a file is made up by the kernel: `/proc/self/environ` would show every key that there is."""
    for folder in KERNEL:
        with suppress(OSError):
            if info.st_dev == os.stat(folder).st_dev or is_within(os.path.realpath(path), folder):
                return True
    return False


def is_within(path: str, folder: str) -> bool:
    """Whether a path is a folder or below it, by whole names; both are resolved."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")
