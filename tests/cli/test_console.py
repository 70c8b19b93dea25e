"""A conversation on a plain terminal: what is shown, what is asked, what an answer means."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from agent_workbench.conversation.events import Answer, Decision
from agent_workbench.frontends.cli.console import read_answer

BOTH: list[Decision] = ["allow", "allow_session"]
WRITER = """
bundle: {name: writer}
providers:
  - module: provider-mock
    config:
      delay: 0
      responses:
        - tool_calls: [{name: write_file, arguments: {file_path: "no\\u001b[31mtes.txt", content: hello}}]
        - {text: "done\\u001b]0;owned\\u0007", delay: 0}
tools: [{module: tool-filesystem}]
"""


@pytest.mark.parametrize(
    ("line", "offered", "answer"),
    [
        ("y\n", BOTH, Answer("allow")),
        ("YES\n", BOTH, Answer("allow")),
        ("s\n", BOTH, Answer("allow_session")),
        ("s\n", ["allow"], None),
        ("n\n", BOTH, Answer("deny")),
        ("n use another name\n", BOTH, Answer("deny", "use another name")),
        ("\n", BOTH, None),
        ("yy\n", BOTH, None),
        ("a\n", BOTH, None),
        ("", BOTH, Answer("deny", "the terminal was closed")),
    ],
)
def test_an_answer_means_only_what_was_offered(line: str, offered: list[Decision], answer: Answer | None) -> None:
    assert read_answer(line, offered) == answer


@dataclass
class Terminal:
    """A program on a terminal of its own."""

    master: int
    process: subprocess.Popen[bytes]
    seen: str = ""
    _deadline: float = field(default_factory=lambda: time.monotonic() + 30)

    def until(self, words: str) -> str:
        """Read until words appear."""
        while words not in self.seen:
            assert time.monotonic() < self._deadline, f"{words!r} did not appear in {self.seen!r}"
            self._read()
        return self.seen

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    def ended(self) -> int:
        """Read to the end and return the exit code."""
        while self._read():
            pass
        return self.process.wait(10)

    def _read(self) -> bool:
        if not select.select([self.master], [], [], 1)[0]:
            return self.process.poll() is None
        try:
            piece = os.read(self.master, 65536)
        except OSError:  # Linux says EIO when the other end is closed
            return False
        self.seen += piece.decode("utf-8", "replace")
        return bool(piece)


@contextmanager
def on_a_terminal(*args: str) -> Iterator[Terminal]:
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "agent_workbench", *args],
        stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
    )  # fmt: skip
    os.close(slave)
    try:
        yield Terminal(master, process)
    finally:
        process.kill()
        process.wait()
        os.close(master)


def test_a_person_is_asked_with_the_exact_call_and_no_control_byte_reaches_the_terminal(folder: Path) -> None:
    (folder / "writer.yaml").write_text(WRITER)
    with on_a_terminal("run", "go", "-c", "writer.yaml") as terminal:
        terminal.until("› ")
        assert "write_file wants to run" in terminal.seen
        assert "[y] yes, once" in terminal.seen
        terminal.type("maybe\n")
        terminal.until("answer with y")
        terminal.type("y\n")
        assert terminal.ended() == 0
    assert "done␛]0;owned␇" in terminal.seen
    assert "\x1b" not in terminal.seen
    assert "\x07" not in terminal.seen
    assert (folder / "no\x1b[31mtes.txt").read_text() == "hello"


def test_a_refusal_reaches_the_model_with_its_reason(folder: Path) -> None:
    (folder / "writer.yaml").write_text(WRITER)
    with on_a_terminal("run", "go", "-c", "writer.yaml") as terminal:
        terminal.until("› ")
        terminal.type("n not that name\n")
        assert terminal.ended() == 0
    assert "not that name" in terminal.seen.split("n not that name", 1)[1]
    assert os.listdir(folder) == ["writer.yaml"]


def test_control_c_at_a_question_ends_at_once_and_keeps_the_session_whole(folder: Path) -> None:
    (folder / "writer.yaml").write_text(WRITER)
    with on_a_terminal("run", "go", "-c", "writer.yaml") as terminal:
        terminal.until("› ")
        os.killpg(terminal.process.pid, 2)
        assert terminal.ended() == 130
    shown = subprocess.run(
        [sys.executable, "-m", "agent_workbench", "session", "show", "last", "--json"], capture_output=True, check=True
    )
    assert b'"status": "cancelled"' in shown.stdout
