"""Children: sessions that an agent starts for another agent, run to their end inside a tool call of their parent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from agent_workbench.configs.delegation import preference
from agent_workbench.conversation.clean import clean_line
from agent_workbench.conversation.events import (
    Answer,
    Event,
    Question,
    ReplyFinished,
    ResultsReady,
    StepStarted,
    TextDelta,
    ToolFinished,
    ToolStarted,
    TurnFinished,
    TurnStarted,
)
from agent_workbench.conversation.messages import user
from agent_workbench.conversation.usage import Usage
from agent_workbench.engine.ports import Limits, ToolContext
from agent_workbench.engine.spawning import Errand, Returned
from agent_workbench.errors import LimitReached, NotFound
from agent_workbench.services.agents import Agents, Role
from agent_workbench.services.mounting import Agent
from agent_workbench.services.settings import SessionSettings
from agent_workbench.services.waiting import through
from agent_workbench.storage.ports import SessionStore
from agent_workbench.storage.records import Session

FOLLOWED = ("permission_mode", "grants")
"""What a child takes over from its parent before each of its steps."""

Stream = Callable[..., AsyncGenerator[Event, None]]


class Children:
    """The `Spawner` of one process. `stream` runs a turn, as `SessionManager.stream_message` does."""

    def __init__(self, store: SessionStore, agents: Agents, stream: Stream) -> None:
        self._store = store
        self._agents = agents
        self._stream = stream
        self._running: dict[str, _Run] = {}

    async def run(self, errand: Errand, context: ToolContext) -> Returned:
        """Run an errand as a child of the calling session (see `Spawner`)."""
        parent = await asyncio.to_thread(self._store.get, context.session_id)
        if parent is None:
            raise NotFound(f"there is no session {context.session_id}")
        child = await self._child(errand, parent, context.call_id)
        run = self._running[child.session_id] = _Run(self, child.session_id, errand, context)
        try:
            return await self._run(run)
        finally:
            del self._running[child.session_id]

    def runs(self, session_id: str) -> Iterator[_Run]:
        """Yield a running child and those that it works for, the nearest first."""
        while session_id in self._running:
            yield self._running[session_id]
            session_id = self._running[session_id].context.session_id

    async def used(self, session_id: str, turn_id: str) -> Usage:
        """Return what a turn used, as it was stored at its end."""
        turns = await asyncio.to_thread(self._store.turns, session_id)
        return next((turn.usage for turn in turns if turn.turn_id == turn_id), Usage())

    def follow_parent(self, session_id: str, parent_id: str) -> None:
        """Let a child have its parent's permission mode and grants as they are now."""
        parent, child = self._store.get(parent_id), self._store.get(session_id)
        if parent is not None and child is not None:
            self._follow(child, parent)

    # --- inside

    async def _run(self, run: _Run) -> Returned:
        frontend = _Upward(run.errand.agent, run.context)
        said = user(run.errand.instruction)
        try:
            async with aclosing(self._stream(run.session_id, said, frontend=frontend)) as events:
                async for event in events:
                    await run.take(event)
                    if run.over:
                        break
        finally:
            await through(run.settle())
        return run.returned()

    async def _child(self, errand: Errand, parent: Session, call_id: str) -> Session:
        """Return the child's session: made now, or one of before.

        Raises:
            LimitReached: If it would be too deep.
            NotFound: If there is no such agent, or the session to go on with is no child of the parent.
        """
        above = SessionSettings.of(parent.settings)
        if above.depth >= errand.max_depth:
            raise LimitReached(f"agents may work for agents {errand.max_depth} deep, and this would be deeper")
        if errand.session_id:
            return await asyncio.to_thread(self._known, errand.session_id, parent)
        role = Role(errand.agent, tuple(dict.fromkeys([*above.without, *errand.without])))
        folder = Path(parent.workspace or ".")
        agent, _ = await self._agents.of(parent.config_id, parent.pinned_revision, folder, role=role)
        provider, model = _chosen(errand, agent, above)
        settings = {"agent": role.name, "without": list(role.without), "depth": above.depth + 1}
        settings |= {key: value for key, value in (("provider", provider), ("model", model)) if value}
        return await asyncio.to_thread(
            self._store.create,
            parent.config_id,
            title=clean_line(f"{errand.agent}: {errand.instruction}", 60),
            user_id=parent.user_id,
            workspace=parent.workspace,
            parent_session_id=parent.session_id,
            pinned_revision=parent.pinned_revision,
            tags={"agent": errand.agent, "call": call_id},
            settings=_following(parent.settings, settings),
        )

    def _known(self, session_id: str, parent: Session) -> Session:
        child = self._store.get(session_id)
        if child is None or child.parent_session_id != parent.session_id or not child.settings.get("agent"):
            raise NotFound(f"the session {session_id!r} is none that this one started")
        return self._follow(child, parent)

    def _follow(self, child: Session, parent: Session) -> Session:
        """Change what is followed in one transaction, so that no other change of the child's settings is lost."""
        if _following(parent.settings, child.settings) == child.settings:
            return child
        change = self._store.change_settings
        return change(child.session_id, lambda stored: _following(parent.settings, stored))[1]


def _chosen(errand: Errand, agent: Agent, above: SessionSettings) -> tuple[str, str]:
    """Return the provider and the model of a child: the errand's, else the agent's, else its parent's own.

    Raises:
        NotFound: If the errand names a provider that the config does not have.
    """
    known = [provider.id for provider in agent.providers]
    if errand.provider:
        for one in known:
            if one in (errand.provider, f"provider-{errand.provider}"):
                return one, errand.model
        raise NotFound(f"the config has no provider {errand.provider!r} (it has {', '.join(known)})")
    preferred = preference(agent.plan, errand.agent)
    if errand.model:
        return preferred[0], errand.model
    return preferred if any(preferred) else (above.provider, above.model)


def _following(parent: Mapping[str, Any], child: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in child.items() if key not in FOLLOWED}
    return {**kept, **{key: parent[key] for key in FOLLOWED if key in parent}}


@dataclass
class _Run:
    """One child's turn as its parent's call sees it."""

    children: Children
    session_id: str
    errand: Errand
    context: ToolContext
    text: str = ""
    steps: int = 0
    usage: Usage = Usage()
    """What was counted so far, that of its own children included."""
    turn_id: str = ""
    over: str = ""
    """Why it was stopped, where it was."""
    finished: TurnFinished | None = None

    async def take(self, event: Event) -> None:
        """Show an event, count it, and say whether the child must stop."""
        match event:
            case TurnStarted(turn_id):
                self.turn_id = turn_id
            case StepStarted():
                self.over = next(filter(None, map(_used_up, self._lefts())), "")
            case TextDelta(text):
                self.context.emit(text)
            case ReplyFinished(message, usage):
                self.text = message.text or self.text
                self.steps += 1
                self._count(usage)
                self.context.emit("\n")
            case ToolStarted(call):
                self.context.emit(f"· {self.errand.agent} calls {call.name}\n")
            case ToolFinished(call, result) if result.is_error:
                self.context.emit(f"✗ {call.name}: {clean_line(result.content, 200)}\n")
            case ResultsReady():
                await asyncio.to_thread(self.children.follow_parent, self.session_id, self.context.session_id)
            case TurnFinished():
                self.finished = event
            case _:
                pass

    def returned(self) -> Returned:
        """Return what came of it."""
        if self.finished is None:
            return Returned(self.session_id, self.text, "limited", self.over, self.steps, self.usage)
        status, error = self.finished.status, self.finished.error
        return Returned(self.session_id, self.text, status, error, self.steps, self.usage)

    async def settle(self) -> None:
        """Count what no reply told of: requests that failed, and the one that was given up where it was stopped."""
        if self.turn_id:
            rest = await self.children.used(self.session_id, self.turn_id) - self.usage
            if rest != Usage():
                self._count(rest)

    def _count(self, usage: Usage) -> None:
        for run in self.children.runs(self.session_id):
            run.usage += usage
            run.context.spend(usage)

    def _lefts(self) -> Iterator[Limits]:
        return (run.context.left() for run in self.children.runs(self.session_id))


def _used_up(left: Limits) -> str:
    """Say which limit of a turn is used up, or nothing."""
    named = (
        ("steps", left.max_steps),
        ("tokens", left.max_tokens),
        ("cost", left.max_cost),
        ("time", left.max_seconds),
    )
    for name, value in named:
        if value is not None and value <= 0:
            return f"the turn that it works for has used up its {name}"
    return ""


@dataclass(frozen=True)
class _Upward:
    """The front end of a child: its questions are its parent's, and say who asks."""

    agent: str
    context: ToolContext

    async def ask(self, question: Question) -> Answer:
        """Ask whoever the parent would ask."""
        call_id = f"{self.context.call_id}/{question.call.call_id}"
        named = replace(
            question, call=replace(question.call, call_id=call_id), reason=f"{self.agent}: {question.reason}"
        )
        return await self.context.ask(named)
