"""A command that a person runs in a session: through its tool and rules, its output read with the next message."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import AsyncGenerator
from contextlib import AbstractContextManager, aclosing, suppress
from functools import partial

from agent_workbench.conversation.clean import clean_line
from agent_workbench.conversation.events import (
    ApprovalRequired,
    Event,
    ResultsReady,
    StepStarted,
    ToolFinished,
    TurnFinished,
    UserSaid,
)
from agent_workbench.conversation.messages import Message, ToolCall, ToolResult, user
from agent_workbench.engine.calls import Calls
from agent_workbench.engine.hooks.dispatch import Hooks
from agent_workbench.engine.ports import Frontend
from agent_workbench.engine.running import Ledger
from agent_workbench.errors import UsageError, WorkbenchError
from agent_workbench.services.consent import Beforehand
from agent_workbench.services.questions import Anybody, Questions
from agent_workbench.services.shared import SharedContext
from agent_workbench.services.turn import TITLE_LENGTH
from agent_workbench.storage.ports import SessionStore
from agent_workbench.storage.records import Lease, TurnState

TOOL = "bash"
LEASE_S = 30.0
RAN = "I ran a command myself:\n\n"
"""What a report begins with."""


async def run_command(
    bench: SharedContext, session_id: str, command: str, frontend: Frontend | None = None
) -> AsyncGenerator[Event, None]:
    """Run a command and yield what happens; `UserSaid` holds the command with its output, the last is `TurnFinished`.

    The model is not asked: it reads the output with the next message. The session's rules decide. Where they ask,
    `frontend` is asked, without one whoever answers by `SessionManager.answer`. Closing the iterator stops the
    command, and nothing is said.

    Raises:
        NotFound: If there is no such session.
        UsageError: If the command is empty, or the session has no bash tool.
        SessionBusy: If a turn runs in the session.
        InvalidBundle: If its config cannot run.
    """
    store = bench.store.sessions
    if not command.strip():
        raise UsageError("there is no command after the !")
    config = await bench.sessions.effective(session_id)
    if config.tools.get(TOOL) is None:
        raise UsageError("this config has no shell: add tool-bash to its tools to run commands here")
    call = ToolCall(f"shell-{uuid.uuid4().hex[:8]}", TOOL, {"command": command})
    reply = Message("assistant", (call,), stop_reason="tool_calls")
    now = partial(bench.sessions.effective, session_id)
    questions = Questions()
    person: Frontend = Anybody(store, session_id, questions)
    if frontend is not None:
        person = Beforehand((), frontend, bench.sessions, session_id, config.workspace)
    calls = Calls(config, person, Hooks(config.hooks, session_id), (reply,), Ledger(), now)
    with bench.sessions.own(session_id):
        asking = bench.sessions.asking_beside(session_id, questions)
        async with aclosing(_held(store, session_id, config.revision, calls, command, asking)) as events:
            async for event in events:
                if isinstance(event, ApprovalRequired) and frontend is None:
                    questions.expect(event.question)  # before it is seen, so that no answer comes too early
                yield event


async def _held(
    store: SessionStore,
    session_id: str,
    revision: int,
    calls: Calls,
    command: str,
    asking: AbstractContextManager[None],
) -> AsyncGenerator[Event, None]:
    """Run the call as a turn of its own, so that no other turn begins meanwhile; `asking` while it is held."""
    turn_id, owner = uuid.uuid4().hex, f"shell:{uuid.uuid4().hex}"

    def begin() -> Lease:
        return store.begin_turn(
            session_id, turn_id, None, owner=owner, config_revision=revision, model="", lease_s=LEASE_S
        )

    lease = await asyncio.to_thread(begin)
    keeping = asyncio.create_task(_keep(store, lease))
    said = False
    try:
        yield StepStarted(0)
        with asking:
            async with aclosing(calls.settle()) as events:
                async for event in events:
                    if isinstance(event, ResultsReady):
                        continue
                    yield event
                    if isinstance(event, ToolFinished):
                        message = user(report(command, event.result))
                        await asyncio.to_thread(store.append, lease, turn_id, [message])
                        said = True
                        await asyncio.to_thread(_entitle, store, session_id, command)
                        yield UserSaid(message)
    finally:
        keeping.cancel()
        state: TurnState = "completed" if said else "cancelled"
        await asyncio.shield(asyncio.to_thread(store.end_turn, lease, turn_id, state))
    yield TurnFinished("completed")


def _entitle(store: SessionStore, session_id: str, command: str) -> None:
    """Call a session that has no title yet by the first command in it."""
    session = store.get(session_id)
    if session is not None and not session.title:
        store.update(session_id, title=clean_line(f"!{command}", TITLE_LENGTH))


async def _keep(store: SessionStore, lease: Lease) -> None:
    """Renew the lease while the command runs."""
    while True:
        await asyncio.sleep(LEASE_S / 3)
        with suppress(WorkbenchError):  # taken over, or the disk refuses: storing the output will say so
            lease = await asyncio.to_thread(store.renew, lease, lease_s=LEASE_S)


def report(command: str, result: ToolResult) -> str:
    """Return what the model reads of a command: itself and its output, fenced with more backticks than it holds."""
    longest = max((len(run) for run in re.findall(r"`+", result.content)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{RAN}{fence}\n$ {command}\n{result.content.rstrip()}\n{fence}"


def command_in(text: str) -> str:
    """Return the command of such a report, its first line where it had several; nothing of another text."""
    match = re.match(r"`+\n\$ (.*)", text.removeprefix(RAN)) if text.startswith(RAN) else None
    return match[1] if match else ""
