"""A program in a terminal of its own: a real pty, with a screen to read, keys to press and an end to wait for.

Nothing here sleeps: a wait reads what the program writes until the screen shows what is awaited, or a deadline passes.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

import pyte

#: What the usual keys send.
KEYS: Mapping[str, str] = {
    "enter": "\r", "escape": "\x1b", "tab": "\t", "up": "\x1b[A", "down": "\x1b[B", "home": "\x1b[H", "end": "\x1b[F",
    "f1": "\x1bOP", "f2": "\x1bOQ", "f3": "\x1bOR", "f4": "\x1bOS", "f5": "\x1b[15~", "f7": "\x1b[18~",
    "shift+tab": "\x1b[Z",
}  # fmt: skip
#: Seconds that a wait lasts at most; a busy machine needs some of them.
PATIENCE = 30.0


class Never(AssertionError):
    """What was awaited did not come; says what was on the screen instead."""


class Terminal:
    """Runs a command in a pty. `raw` holds every byte that it wrote, `seconds` since it was started."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path | None = None,
        size: tuple[int, int] = (120, 40),
    ) -> None:
        self.screen = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self.screen)
        self.raw = bytearray()
        self.master, self.slave = pty.openpty()
        self.resize(*size)
        self.before = termios.tcgetattr(self.slave)
        self.started = time.perf_counter()
        own = {key: value for key, value in env.items() if key not in ("COLUMNS", "LINES")}
        self.process = subprocess.Popen(
            command, stdin=self.slave, stdout=self.slave, stderr=self.slave, env=own, cwd=cwd,
            start_new_session=True, preexec_fn=_take_terminal,
        )  # fmt: skip

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for end in (self.master, self.slave):
            with contextlib.suppress(OSError):
                os.close(end)

    # --- what the person sees

    @property
    def lines(self) -> list[str]:
        """The rows of the screen."""
        return self.screen.display

    @property
    def text(self) -> str:
        """The screen as text."""
        return "\n".join(line.rstrip() for line in self.screen.display)

    def read(self, seconds: float) -> bool:
        """Take in what was written, waiting so long at most for the first of it; False where there was nothing."""
        ready, _, _ = select.select([self.master], [], [], max(0.0, seconds))
        if not ready:
            return False
        with contextlib.suppress(OSError):  # the other end is closed
            if data := os.read(self.master, 1 << 16):
                self.raw += data
                self._stream.feed(data)
                return True
        return False

    def until(self, *shown: str | Callable[[], object], what: str = "", patience: float = PATIENCE) -> float:
        """Read until all of these words are on the screen (or calls are true) and return the seconds since the start.

        Raises:
            Never: If the deadline passes or the program ends before.
        """
        deadline = time.perf_counter() + patience
        while True:
            text = self.text
            if all(one in text if isinstance(one, str) else one() for one in shown):
                return time.perf_counter() - self.started
            left = deadline - time.perf_counter()
            if left <= 0 or (not self.read(min(left, 0.1)) and self.process.poll() is not None):
                raise Never(f"{what or shown} was never shown; the screen was:\n{self.text}")

    # --- what the person does

    def press(self, *keys: str) -> None:
        """Press keys by name: `ctrl+s`, `alt+1`, `enter`, or a letter."""
        for key in keys:
            self.send(_bytes_of(key))

    def type(self, words: str) -> None:
        """Write."""
        self.send(words.encode())

    def send(self, data: bytes) -> None:
        """Send bytes as the terminal would, reading meanwhile so that neither side waits for the other."""
        while data:
            _, writable, _ = select.select([], [self.master], [], 0)
            if writable:
                data = data[os.write(self.master, data[:512]) :]
            else:
                self.read(0.05)

    def resize(self, columns: int, rows: int) -> None:
        """Give the terminal another size."""
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.screen.resize(rows, columns)
        if hasattr(self, "process"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.process.pid, signal.SIGWINCH)

    def hang_up(self) -> None:
        """Close the terminal, as a closed window does."""
        os.close(self.slave)
        os.close(self.master)

    def ended(self, patience: float = PATIENCE) -> float:
        """Wait for the end, reading what is still written, and return the seconds that it took.

        Raises:
            Never: If it does not end.
        """
        began = time.perf_counter()
        while self.process.poll() is None:
            if time.perf_counter() - began > patience:
                raise Never(f"it does not end; the screen was:\n{self.text}")
            try:
                self.read(0.01)
            except (OSError, ValueError):  # hung up: nothing is to be read
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.process.wait(0.01)
        taken = time.perf_counter() - began
        with contextlib.suppress(OSError, ValueError):
            while self.read(0):
                pass
        return taken

    # --- what the system knows

    def memory(self) -> int:
        """Return the resident bytes of the program alone."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def cpu(self) -> float:
        """Return the CPU seconds that it used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _take_terminal() -> None:
    """Make the pty the controlling terminal, so that closing it hangs up."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _bytes_of(key: str) -> bytes:
    kind, plus, name = key.partition("+")
    if plus and kind == "ctrl":
        return bytes([ord(name.upper()) & 0x1F])
    if plus and kind == "alt":
        return b"\x1b" + KEYS.get(name, name).encode()
    return KEYS.get(key, key).encode()
