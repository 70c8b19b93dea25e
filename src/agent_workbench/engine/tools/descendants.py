"""What a program started that left its process group (`setsid`, a double fork), found again so that it can be ended.

A process is a program's descendant by its parents, or by a mark in the environment that it was started with: what has
left the group and lost its parent still has that, unless it was wiped on purpose. Linux only, through `/proc`;
elsewhere nothing is found.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
from collections.abc import Iterator
from types import TracebackType

MARK = "AWB_STARTED_BY"
"""The variable that holds the marks of a program and of those that it works for."""
ROUNDS = 5
"""How often is looked again for what was started while the others were being ended."""
_PROC = "/proc"


class Descendants:
    """The processes of one started program. `environment` is to be added to its own.

    A process is held by a descriptor, so that no signal can hit another that got its number later.
    """

    def __init__(self) -> None:
        self._token = secrets.token_hex(8)
        self._held: dict[int, int] = {}

    @property
    def environment(self) -> dict[str, str]:
        """The mark, behind those of whoever started us."""
        return {MARK: ":".join(filter(None, (os.environ.get(MARK), self._token)))}

    def look(self, leader: int) -> bool:
        """Take hold of what runs now, by its parents up to `leader` or by the mark; whether there was anything new."""
        before = len(self._held)
        for pid in self._found(leader):
            if pid not in self._held:
                with contextlib.suppress(OSError):  # it has ended meanwhile
                    self._held[pid] = os.pidfd_open(pid)
        return len(self._held) > before

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to all that are held; one that has ended gets none."""
        for descriptor in self._held.values():
            with contextlib.suppress(OSError):
                signal.pidfd_send_signal(descriptor, number)

    def kill(self, leader: int) -> None:
        """End all that are held, and what they started meanwhile."""
        self.signal(signal.SIGKILL)
        for _ in range(ROUNDS):
            if not self.look(leader):
                return
            self.signal(signal.SIGKILL)

    def __enter__(self) -> Descendants:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for descriptor in self._held.values():
            os.close(descriptor)
        self._held.clear()

    # --- inside

    def _found(self, leader: int) -> Iterator[int]:
        if not hasattr(os, "pidfd_open") or not os.path.isdir(_PROC):
            return
        parents = {pid: _parent(pid) for pid in _running()}
        mark = self._token.encode()
        for pid in parents:
            if pid != os.getpid() and (_is_below(pid, {leader, *self._held}, parents) or mark in _marks(pid)):
                yield pid


def _running() -> Iterator[int]:
    with contextlib.suppress(OSError):
        yield from (int(name) for name in os.listdir(_PROC) if name.isdigit())


def _parent(pid: int) -> int:
    """Return a process's parent, 0 where it has ended."""
    try:
        with open(f"{_PROC}/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return 0
    return int(fields[1]) if len(fields) > 1 and fields[0] != b"Z" else 0


def _is_below(pid: int, roots: set[int], parents: dict[int, int]) -> bool:
    for _ in range(len(parents)):
        pid = parents.get(pid, 0)
        if pid in roots or not pid:
            return pid in roots
    return False


def _marks(pid: int) -> bytes:
    """Return the marks that a process was started with; nothing where it is not ours to read."""
    try:
        with open(f"{_PROC}/{pid}/environ", "rb") as file:
            environment = file.read(1_000_000)
    except OSError:
        return b""
    return next((one for one in environment.split(b"\0") if one.startswith(MARK.encode())), b"")
