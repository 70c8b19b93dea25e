"""Writes a turn down as it happens: nothing is shown as done before it is stored."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from agent_workbench.conversation.codec import event_to_json
from agent_workbench.conversation.events import (
    ApprovalAnswered,
    ApprovalRequired,
    Event,
    Notice,
    ReplyFinished,
    ResultsReady,
    Retrying,
    TextDelta,
    ThinkingDelta,
    ToolFinished,
    ToolStarted,
    TurnFinished,
    UserSaid,
)
from agent_workbench.conversation.messages import Message, Part, Text, Thinking, ToolResult
from agent_workbench.conversation.usage import Usage
from agent_workbench.storage.ports import SessionStore
from agent_workbench.storage.records import Lease, TurnState

#: The reply being streamed is written down at most this often (4 times a second).
PARTIAL_EVERY_S = 0.25
LEASE_S = 30.0


class Recorder:
    """One turn's writer. `take` returns when the event is stored, so the loop cannot run ahead of the disk."""

    def __init__(self, store: SessionStore, lease: Lease, turn_id: str) -> None:
        self._store = store
        self._lease = lease
        self._turn_id = turn_id
        self._text: list[str] = []
        self._thinking: list[str] = []
        self._saved_at = 0.0
        self._open: dict[str, ToolResult | None] = {}
        self._began = False
        self._closed = False
        self.usage = Usage()
        self.steps = 0

    async def take(self, event: Event) -> None:
        """Store what an event means."""
        match event:
            case TextDelta(text):
                self._text.append(text)
                await self._partial()
            case ThinkingDelta(text):
                self._thinking.append(text)
                await self._partial()
            case ReplyFinished():
                await self._reply(event)
            case ToolStarted() | ToolFinished() | Retrying() | ApprovalRequired() | ApprovalAnswered() | Notice():
                await self._noted(event)
            case UserSaid(message):
                if self._began:  # the turn's first message was stored with the lease
                    await self._append(message)
                self._began = True
            case ResultsReady(message):
                await self._append(message)
                self._open = {}
            case _:
                pass

    async def finish(self, finished: TurnFinished) -> TurnFinished:
        """Close the turn: open calls get their results, a partial reply is kept as interrupted."""
        if self._closed:
            return finished
        self._closed = True
        if self._open:
            results = tuple(
                result or ToolResult(call_id, f"not finished: the turn was {finished.status}", is_error=True)
                for call_id, result in self._open.items()
            )
            await self._append(Message("tool", results))
        if self._text or self._thinking:
            await self._save_partial()
        state: TurnState = finished.status
        await asyncio.to_thread(
            self._store.end_turn,
            self._lease,
            self._turn_id,
            state,
            usage=self.usage,
            steps=self.steps,
            error=finished.error,
            keep_partial=True,
        )
        return TurnFinished(finished.status, self.usage, self.steps, finished.error, finished.error_kind)

    async def _reply(self, reply: ReplyFinished) -> None:
        self._text, self._thinking = [], []
        self.usage = self.usage + reply.usage
        self.steps += 1
        self._open = {call.call_id: None for call in reply.message.tool_calls}
        await self._append(reply.message)
        data = {key: value for key, value in event_to_json(reply).items() if key != "message"}
        await asyncio.to_thread(self._store.record, self._lease, self._turn_id, "usage", data)

    async def _noted(self, event: Event) -> None:
        if isinstance(event, ToolFinished):
            self._open[event.call.call_id] = event.result
        waiting = isinstance(event, ApprovalRequired)
        if waiting or isinstance(event, ApprovalAnswered):
            await asyncio.to_thread(self._store.update, self._lease.session_id, needs_you=waiting)
        data: dict[str, Any] = event_to_json(event)
        await asyncio.to_thread(self._store.record, self._lease, self._turn_id, str(data["type"]), data)

    async def _append(self, message: Message) -> None:
        await asyncio.to_thread(self._store.append, self._lease, self._turn_id, [message])

    async def _partial(self) -> None:
        if time.monotonic() - self._saved_at >= PARTIAL_EVERY_S:
            await self._save_partial()

    async def _save_partial(self) -> None:
        self._saved_at = time.monotonic()
        parts: list[Part] = [Thinking("".join(self._thinking))] if self._thinking else []
        parts += [Text("".join(self._text))] if self._text else []
        partial = Message("assistant", tuple(parts), stop_reason="interrupted")
        await asyncio.to_thread(self._store.save_partial, self._lease, self._turn_id, partial)

    async def hold(self) -> None:
        """Renew the lease until cancelled, so that a tool may run for longer than a lease."""
        while True:
            await asyncio.sleep(LEASE_S / 3)
            self._lease = await asyncio.to_thread(self._store.renew, self._lease, lease_s=LEASE_S)
