"""Running a program so that it can always be stopped: its own process group, a clean environment, capped output."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from agent_workbench.engine.tools.descendants import Descendants

GRACE_SECONDS = 0.5
"""How long a group may tidy up after SIGTERM before SIGKILL; stopping a turn must take less than a second."""

REAP_SECONDS = 5.0
"""How long the end of a killed program is waited for; only one that hangs in the kernel takes longer than a moment."""

#: A folder that holds `HEAD`, `objects` and `refs` is a repository to git, with a `config` that names programs, unless
#: git is told to take none that is not called `.git`. A file tool could make such a folder.
GIT = {"GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.bareRepository",
       "GIT_CONFIG_VALUE_0": "explicit"}  # fmt: skip

#: What a child gets of our environment. Everything else, keys above all, stays here.
KEPT = ("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "TERM", "COLUMNS",
        "VIRTUAL_ENV", "XDG_RUNTIME_DIR", "SSL_CERT_FILE", "SSL_CERT_DIR")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finished:
    """How a program ended. `output` has the head and tail where there was more than the cap."""

    code: int | None
    output: str
    timed_out: bool = False


def clean_environment(extra: Mapping[str, str] | None = None, *, passing: Sequence[str] = ()) -> dict[str, str]:
    """Return the environment for a child: the allow-list, what is passed on by name, and what is set."""
    kept = {name: os.environ[name] for name in (*KEPT, *passing) if name in os.environ}
    if "PATH" in kept:  # an empty or relative entry would take programs from the workspace
        kept["PATH"] = os.pathsep.join(entry for entry in kept["PATH"].split(os.pathsep) if os.path.isabs(entry))
    return {**kept, "TERM": "dumb", **GIT, "PAGER": "cat", **(extra or {})}


async def run_program(
    argv: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    timeout: float,
    emit: Callable[[str], None] = lambda text: None,
    stdin: bytes | None = None,
    limit: int = 200_000,
) -> Finished:
    """Run a program to its end, its time limit, or cancellation; the whole process group is gone afterwards.

    Where it is stopped, what left the group is gone, too; one that ends by itself may leave such a process behind.
    Standard output and error come together, in the order written. `limit` is in characters.

    Raises:
        OSError: If it cannot be started.
    """
    descendants = Descendants()
    process = await asyncio.create_subprocess_exec(
        *argv, cwd=folder, env={**environment, **descendants.environment}, start_new_session=True,
        stdin=asyncio.subprocess.DEVNULL if stdin is None else asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    kept = _Kept(limit)
    timed_out, ended = False, False
    try:
        async with asyncio.timeout(timeout):
            await asyncio.gather(_feed(process, stdin), _drain(process, kept, emit), process.wait())
        ended = True
    except TimeoutError:
        timed_out = True
    finally:
        await stop_group(process, None if ended else descendants)
    return Finished(None if timed_out else process.returncode, kept.text(), timed_out)


async def _feed(process: asyncio.subprocess.Process, stdin: bytes | None) -> None:
    if process.stdin is None or stdin is None:
        return
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(stdin)
        await process.stdin.drain()
    process.stdin.close()


async def _drain(process: asyncio.subprocess.Process, kept: _Kept, emit: Callable[[str], None]) -> None:
    assert process.stdout is not None
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    while chunk := await process.stdout.read(65_536):
        text = decoder.decode(chunk)
        kept.add(text)
        emit(text)
    kept.add(decoder.decode(b"", final=True))


async def stop_group(process: asyncio.subprocess.Process, descendants: Descendants | None = None) -> None:
    """Stop the group, first politely; members that outlived their leader die too, and `descendants` that left it."""
    with descendants or Descendants() as outside:
        if descendants is not None:
            await asyncio.to_thread(outside.look, process.pid)  # while their parents are there to know them by
            outside.signal(signal.SIGTERM)
        if process.returncode is None:
            _signal(process.pid, signal.SIGTERM)
            await _ended(process, GRACE_SECONDS)
        _signal(process.pid, signal.SIGKILL)
        await _ended(process, REAP_SECONDS)
        if descendants is not None:
            await asyncio.to_thread(outside.kill, process.pid)
    for _ in range(40):  # the kernel kills the rest of the group a moment later; 200 ms is far more than it takes
        if not _signal(process.pid, 0):
            break
        await asyncio.sleep(0.005)
    transport = getattr(process, "_transport", None)
    if transport is not None:  # a grandchild that left the group may hold the pipe open
        transport.close()


async def _ended(process: asyncio.subprocess.Process, seconds: float) -> None:
    """Wait until a program has ended; `Process.wait` also waits, maybe for ever, for whoever else holds its pipes."""
    until = time.monotonic() + seconds
    while process.returncode is None and time.monotonic() < until:  # noqa: ASYNC110 - nobody sets an event for us
        await asyncio.sleep(0.005)


def _signal(group: int, number: int) -> bool:
    """Signal a group; return whether there still was one."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


class _Kept:
    """The head and the tail of what was printed, in bounded memory."""

    def __init__(self, limit: int) -> None:
        self._head, self._tail, self._dropped = "", "", 0
        self._limit = limit // 2

    def add(self, text: str) -> None:
        room = self._limit - len(self._head)
        self._head += text[:room]
        self._tail += text[max(room, 0) :]
        if len(self._tail) > 2 * self._limit:
            self._dropped += len(self._tail) - self._limit
            self._tail = self._tail[-self._limit :]

    def text(self) -> str:
        """Return what was kept; how it was cut depends on its length alone, not on the pieces that it came in."""
        tail = self._tail[-self._limit :]
        dropped = self._dropped + len(self._tail) - len(tail)
        if not dropped:
            return self._head + tail
        return f"{self._head}\n[… {dropped:,} characters left out …]\n{tail}"
