"""`awb run`: one prompt, one answer."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agent_workbench.configs.words import counted
from agent_workbench.conversation.events import Event, TurnFinished
from agent_workbench.conversation.messages import Image, Message, Part, Text
from agent_workbench.errors import CannotWrite, NotFound, SessionBusy, UsageError
from agent_workbench.frontends.cli.console import Console, Terminal
from agent_workbench.frontends.cli.opening import sources_option, with_workbench
from agent_workbench.frontends.cli.output import emit_json, narrate
from agent_workbench.frontends.cli.permissions import MODES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent_workbench.engine.permissions import Rule
    from agent_workbench.engine.ports import Frontend
    from agent_workbench.services.consent import Beforehand
    from agent_workbench.services.shared import SharedContext
    from agent_workbench.storage.records import Session

DEFAULT_CONFIG = "hello"
#: How often a prompt that is queued looks whether the session is free, in seconds.
QUEUE_S = 0.5
#: What a turn that did not end well makes the program exit with.
STATUS_CODES = {"completed": 0, "cancelled": 128 + signal.SIGINT, "failed": 1, "limited": 1}


@click.command("run")
@click.argument("prompt", nargs=-1, required=True)
@click.option(
    "-c", "--config", "config", envvar="AWB_CONFIG", metavar="CONFIG",
    help=f"The config of a new session: id, name or bundle file. [AWB_CONFIG, else {DEFAULT_CONFIG}]",
)  # fmt: skip
@click.option("-s", "--session", "session", metavar="SESSION", help="Go on in this session.")
@click.option("--continue", "go_on", is_flag=True, help="Go on in the newest session of this folder.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object when the answer is whole.")
@click.option("--stream-json", is_flag=True, help="Print every event as a line of JSON, as it happens.")
@click.option("--mode", type=click.Choice(MODES), help="Run in this permission mode. [the config's, else ask]")
@click.option(
    "--fast-edit", "mode", flag_value="fast-edit",
    help="Allow edits of files in this folder without asking: --mode fast-edit.",
)  # fmt: skip
@click.option(
    "--yes-tools", multiple=True, metavar="PATTERN",
    help="Allow these calls beforehand: edit_file, 'write_file(out/**)', bash. May be repeated.",
)  # fmt: skip
@click.option("-m", "--model", metavar="MODEL", help="Use this model instead of the config's.")
@click.option("--queue", is_flag=True, help="Where a turn runs in the session, wait for its end instead of giving up.")
@click.option(
    "-f", "--file", "files", multiple=True, type=click.Path(path_type=Path), metavar="FILE",
    help="Send this file along: text, or a picture. May be repeated.",
)  # fmt: skip
@click.option(
    "--image", "images", multiple=True, type=click.Path(path_type=Path), metavar="FILE",
    help="Send this picture along (PNG, JPEG, GIF, WebP). May be repeated.",
)  # fmt: skip
@click.option(
    "--record", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="Write the session to FILE as a bundle that plays it again, offline.",
)  # fmt: skip
@click.option(
    "--wire", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="Write the requests as they were sent and the answers as they arrived to FILE, as JSON, secrets as dots.",
)  # fmt: skip
@sources_option
@with_workbench
async def command(
    bench: SharedContext,
    prompt: tuple[str, ...],
    config: str | None,
    session: str | None,
    go_on: bool,
    as_json: bool,
    stream_json: bool,
    mode: str | None,
    yes_tools: tuple[str, ...],
    model: str | None,
    queue: bool,
    files: tuple[Path, ...],
    images: tuple[Path, ...],
    record: Path | None,
    wire: Path | None,
) -> int:
    """Send PROMPT to an agent and print its answer.

    The answer goes to stdout as it comes, everything else to stderr. PROMPT - reads standard input. Where no terminal
    is there to ask, whatever needs permission is denied.
    """
    from agent_workbench.services.consent import beforehand_rules

    _refuse_contradictions(config, session, go_on, as_json, stream_json)
    rules = beforehand_rules(yes_tools)
    text, from_stdin = read_prompt(prompt)
    message = _with_files(text, files, images)  # refused before a session is started for it
    current = await _session(bench, config or DEFAULT_CONFIG, "last" if go_on else session, _settings(mode, model))
    console = Console(quiet=as_json or stream_json)
    report = Report(current.session_id, lines=stream_json)
    frontend = _frontend(bench, current, rules, Terminal(console, attended=_attended(from_stdin)))
    async with aclosing(_turn(bench, current.session_id, message, frontend, queue=queue)) as events:
        async for event in events:
            report.take(event)
            console.show(event)
    report.close(as_json)
    await _keep(bench, current, record, wire)
    if not (as_json or stream_json):
        console.say(f"· session {current.session_id}")
    return STATUS_CODES[report.finished.status]


def _refuse_contradictions(
    config: str | None, session: str | None, go_on: bool, as_json: bool, stream_json: bool
) -> None:
    if sum((config is not None and not _from_environment("config"), session is not None, go_on)) > 1:
        raise UsageError("name one of --config, --session and --continue: a session knows its config")
    if as_json and stream_json:
        raise UsageError("choose one of --json and --stream-json")


def _attended(from_stdin: bool) -> bool:
    """Whether a person sits there to be asked."""
    return not from_stdin and sys.stdin.isatty() and sys.stderr.isatty()


def _frontend(bench: SharedContext, session: Session, rules: Sequence[Rule], person: Terminal) -> Beforehand:
    from agent_workbench.services.consent import Beforehand

    workspace = Path(session.workspace or bench.workspace)
    return Beforehand(rules, person, bench.sessions, session.session_id, workspace)


async def _keep(bench: SharedContext, session: Session, record: Path | None, wire: Path | None) -> None:
    if record is not None:
        await _record(bench, session, record)
    if wire is not None:
        _write_wire(bench, session, wire)


async def _turn(
    bench: SharedContext, session_id: str, message: Message, frontend: Frontend, *, queue: bool
) -> AsyncGenerator[Event, None]:
    """Yield a turn's events; with `queue` it begins once the one that another process runs is over.

    Raises:
        SessionBusy: If a turn runs in the session, without `queue`.
    """
    import asyncio

    told = began = False
    while True:
        try:
            async with aclosing(bench.sessions.stream_message(session_id, message, frontend=frontend)) as events:
                async for event in events:
                    began = True
                    yield event
            return
        except SessionBusy as error:
            if began:
                raise
            if not queue:
                raise SessionBusy(f"{error} --queue waits for its end.") from error
        if not told:
            told = True
            narrate("· a turn runs in this session; the prompt is sent when it is over")
        await asyncio.sleep(QUEUE_S)  # nothing of another process wakes us


def _with_files(text: str, files: tuple[Path, ...], images: tuple[Path, ...]) -> Message:
    """Make the message: the prompt, then what is sent along in the order of the options.

    Raises:
        UsageError: If a file cannot be read, or is nothing that a model can be sent; if there is nothing to send.
    """
    from agent_workbench.services.sessions import as_message
    from agent_workbench.services.workspace import attachment

    parts: list[Part] = [Text(text)]
    for path in (*files, *images):
        try:
            part = attachment(path, str(path))
        except (OSError, ValueError) as error:
            raise UsageError(f"{path} cannot be sent along: {getattr(error, 'strerror', None) or error}") from error
        if path in images and not isinstance(part, Image):
            raise UsageError(f"{path} is no PNG, JPEG, GIF or WebP picture; --file sends it as text")
        parts.append(part)
    return as_message(Message("user", tuple(parts)))


def _write_wire(bench: SharedContext, session: Session, path: Path) -> None:
    from agent_workbench.services import console
    from agent_workbench.services.files import write_file

    found = [console.entry_to_json(entry) for entry in console.wire(bench, session.session_id)]
    write_file(path, json.dumps(found, ensure_ascii=False, indent=2, default=str) + "\n", private=True)
    narrate(f"· wrote {path}: {counted(len(found), 'record')} of the wire")


async def _record(bench: SharedContext, session: Session, path: Path) -> None:
    from agent_workbench.services.files import write_file
    from agent_workbench.services.recording import recorded

    now = await bench.sessions.find_session(session.session_id)
    text = await recorded(bench, now)
    try:
        write_file(path, text, private=True)
    except CannotWrite as error:
        raise UsageError(str(error)) from error
    narrate(f"· recorded in {path}")


class Report:
    """Gathers what a turn comes to; with `lines` it prints each event as a line of JSON.

    The lines are those of the HTTP stream: `connected` first, the events, `response`, and one `done` or `error`.
    """

    def __init__(self, session_id: str, *, lines: bool) -> None:
        from agent_workbench.services.outcome import Outcome

        self._session_id = session_id
        self._lines = lines
        self._outcome = Outcome()
        self._line({"type": "connected", "session_id": session_id})

    @property
    def finished(self) -> TurnFinished:
        """How the turn ended."""
        return self._outcome.finished

    def take(self, event: Event) -> None:
        """Note an event."""
        from agent_workbench.conversation.codec import event_to_json

        self._outcome.take(event)
        self._line(event_to_json(event))

    def close(self, as_json: bool) -> None:
        """Print what the turn came to."""
        from agent_workbench.conversation.codec import usage_to_json

        self._line({"type": "response", "content": self._outcome.response})
        self._line(self._outcome.ending())
        if as_json:
            emit_json({
                "session_id": self._session_id,
                "response": self._outcome.response,
                "usage": usage_to_json(self.finished.usage),
                "status": self.finished.status,
                "denied": self._outcome.denied,
                **({} if self._outcome.is_complete else {"error": self.finished.error}),
            })  # fmt: skip

    def _line(self, value: dict[str, Any]) -> None:
        if self._lines:
            emit_json(value, lines=True)


def read_prompt(words: tuple[str, ...]) -> tuple[str, bool]:
    """Return the prompt, and whether any of it came from standard input (a word `-`)."""
    if "-" not in words:
        return " ".join(words), False
    parts = [_stdin() if word == "-" else word for word in words]
    return "\n\n".join(part for part in parts if part), True


def _stdin() -> str:
    return sys.stdin.buffer.read().decode("utf-8", "replace").rstrip("\n")


def _from_environment(parameter: str) -> bool:
    source = click.get_current_context().get_parameter_source(parameter)
    return source is click.core.ParameterSource.ENVIRONMENT


def _settings(mode: str | None, model: str | None) -> dict[str, Any]:
    """Return the session's own settings that the options stand for."""
    return {**({"permission_mode": mode} if mode else {}), **({"model": model} if model else {})}


async def _session(bench: SharedContext, config: str, chosen: str | None, settings: dict[str, Any]) -> Session:
    """Find the session to go on in, or start one."""
    from agent_workbench.frontends.cli.config_trust import agreed_to_run
    from agent_workbench.services.naming import named
    from agent_workbench.services.texts import find_text

    if chosen is None:
        kept = await named(bench, await find_text(bench.configs, config), agreed_to_run)
        return await bench.sessions.create_session(kept.config_id, settings=settings or None)
    try:
        session = await bench.sessions.find_session(chosen)
    except NotFound as error:
        if chosen != "last":
            raise
        raise NotFound(
            "there is no session to continue in this folder; without --continue, a new one starts"
        ) from error
    if settings:
        session = await bench.sessions.change_settings(session.session_id, **settings)
    return session
