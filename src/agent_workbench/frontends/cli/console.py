"""A conversation on a plain terminal: events as lines, permission questions as a line that waits for an answer."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

import click

from agent_workbench.conversation.clean import Cleaner, clean, clean_line
from agent_workbench.conversation.events import (
    Answer,
    Decision,
    Event,
    Notice,
    Question,
    ReplyFinished,
    Retrying,
    TextDelta,
    ToolFinished,
    ToolStarted,
    TurnFinished,
)
from agent_workbench.frontends.cli.output import emit_exactly, narrate

if TYPE_CHECKING:
    from agent_workbench.conversation.messages import ToolCall

KEYS: dict[Decision, tuple[str, str]] = {
    "allow": ("y", "yes, once"),
    "allow_session": ("s", "yes, in this session"),
    "allow_always": ("a", "yes, always"),
    "deny": ("n", "no (words behind it are the reason)"),
}
OFFERED: tuple[Decision, ...] = ("allow", "allow_session")
"""`allow_always` would change the config: that is done in the workbench, where the change is shown first."""


class Console:
    """Shows a turn: the reply's words on stdout as they come, everything else as lines on stderr."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._cleaner = Cleaner() if sys.stdout.isatty() else None
        self._open_line = False

    def show(self, event: Event) -> None:
        """Show one event."""
        match event:
            case TextDelta(text) if not self._quiet:
                self._write(self._cleaner.feed(text) if self._cleaner else text)
            case ReplyFinished():
                self.end_line()
            case ToolStarted(call):
                self.say(f"· {call.name} {summary(call)}")
            case ToolFinished(call, result) if result.is_error:
                self.say(f"✗ {call.name}: {clean_line(result.content, 200)}")
            case Retrying(attempt, delay_s, reason):
                self.say(
                    f"… {reason}; trying again in {delay_s:.0f} s (attempt {attempt})" if delay_s else f"… {reason}"
                )
            case Notice(text):
                self.say(f"· {text}")
            case TurnFinished(status, error=error) if status != "completed":
                self.say(f"{status}: {error or 'the turn was stopped'}")
            case _:
                pass

    def say(self, text: str) -> None:
        """Narrate, on a line of its own."""
        self.end_line()
        narrate(text)

    def end_line(self) -> None:
        """End the line that the reply left open."""
        if self._cleaner:
            self._write(self._cleaner.finish())
        if self._open_line:
            self._write("\n")

    def _write(self, text: str) -> None:
        if text:
            emit_exactly(text)
            sys.stdout.flush()
            self._open_line = not text.endswith("\n")


class Terminal:
    """Asks the person at the terminal; where nobody is there, the answer is no.

    What was typed before the question appeared is thrown away, so that it cannot answer a question unseen.
    """

    def __init__(self, console: Console, *, attended: bool) -> None:
        self._console = console
        self._attended = attended

    async def ask(self, question: Question) -> Answer:
        """Show the question with its exact preview and wait for a line."""
        if not self._attended:
            name = question.call.name
            self._console.say(f"? {name} {summary(question.call)}: {question.reason}; --yes-tools {name} allows it")
            return Answer("deny", "nobody was there to ask")
        offered = [scope for scope in question.scopes if scope in OFFERED]
        self._console.say(self._described(question))
        for scope in (*offered, "deny"):
            key, meaning = KEYS[scope]
            rules = f": {', '.join(question.rules)}" if scope == "allow_session" else ""
            narrate(f"  [{key}] {meaning}{rules}")
        forget_typed()
        while True:
            click.echo("› ", nl=False, err=True)
            answer = read_answer(await typed_line(), offered)
            if answer is not None:
                return answer
            narrate(f"  answer with {', '.join(KEYS[scope][0] for scope in offered)} or n")

    @staticmethod
    def _described(question: Question) -> str:
        preview = "\n".join(f"    {line}" for line in clean(question.preview).splitlines())
        paths = "".join(f"\n    {path}" for path in question.paths)
        return f"? {question.call.name} wants to run: {question.reason}{paths}\n{preview}".rstrip()


def read_answer(line: str, offered: list[Decision]) -> Answer | None:
    """Return what a typed line means; None where it means nothing, a denial at the end of input."""
    if not line:
        return Answer("deny", "the terminal was closed")
    key, _, reason = line.strip().partition(" ")
    letter = {"yes": "y", "no": "n"}.get(key.lower(), key.lower())
    for scope in (*offered, "deny"):
        if letter == KEYS[scope][0]:
            return Answer(scope, reason.strip())
    return None


def forget_typed() -> None:
    """Throw away what was typed and not read yet."""
    import termios

    termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)


async def typed_line() -> str:
    """Return the next line typed, empty at the end of input. Can be cancelled, unlike a thread in `input()`."""
    import asyncio  # 25 ms that `--help` does without

    loop = asyncio.get_running_loop()
    typed: asyncio.Future[str] = loop.create_future()
    stdin = sys.stdin.fileno()

    def read() -> None:
        if not typed.done():  # a terminal hands over one line at a time
            typed.set_result(os.read(stdin, 4096).decode("utf-8", "replace"))

    loop.add_reader(stdin, read)
    try:
        return await typed
    finally:
        loop.remove_reader(stdin)


def summary(call: ToolCall) -> str:
    """Return a call's arguments on one short line."""
    words = []
    for value in call.arguments.values():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
        words.append(clean_line(text, 60))
    return clean_line(" ".join(words), 120)
