"""The last answers of several sessions, to be held against each other."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from agent_workbench.conversation.usage import Usage
from agent_workbench.services.sessions import SessionManager


@dataclass(frozen=True, slots=True)
class Answered:
    """What a session last answered, and what that took. `seconds` is None while it writes."""

    session_id: str
    title: str
    model: str
    revision: int
    prompt: str
    answer: str
    usage: Usage = Usage()
    seconds: float | None = None
    tools: tuple[str, ...] = ()
    """The tools that were called, in order."""
    state: str = "idle"
    """How the turn ended, or `running`."""


async def last_answers(sessions: SessionManager, session_ids: Sequence[str]) -> Sequence[Answered]:
    """Return what each session last answered, in the order of the ids.

    Raises:
        NotFound: If there is no such session.
    """
    return await asyncio.gather(*(last_answer(sessions, one) for one in session_ids))


async def last_answer(sessions: SessionManager, session_id: str) -> Answered:
    """Return what a session last answered; without any turn, an empty answer (NotFound where there is none)."""
    session = await sessions.find_session(session_id)
    turns = [turn for turn in await sessions.turns(session_id) if turn.steps or turn.model]
    if not turns:
        return Answered(session_id, session.title, str(session.settings.get("model", "")), 0, "", "")
    turn = turns[-1]
    said = [one.message for one in await sessions.messages(session_id) if one.turn_id == turn.turn_id]
    prompt = next((message.text for message in said if message.role == "user"), "")
    answer = next((message.text for message in reversed(said) if message.role == "assistant" and message.text), "")
    model = next((message.model for message in reversed(said) if message.model), turn.model)
    seconds = (turn.finished_at - turn.started_at).total_seconds() if turn.finished_at else None
    tools = tuple(call.name for message in said for call in message.tool_calls)
    return Answered(
        session_id, session.title, model, turn.config_revision, prompt, answer, turn.usage, seconds, tools, turn.state
    )
