"""Writes a turn down as it happens: nothing is shown as done before it is stored."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from agent_workbench.conversation.codec import event_to_json
from agent_workbench.conversation.events import (
    ApprovalAnswered,
    ApprovalRequired,
    Event,
    Notice,
    ReplyFinished,
    ResultsReady,
    Retrying,
    StepStarted,
    TextDelta,
    ThinkingDelta,
    ToolFinished,
    ToolStarted,
    TurnFinished,
    UserSaid,
)
from agent_workbench.conversation.messages import Message, Part, Text, Thinking, ToolCall, ToolResult
from agent_workbench.conversation.usage import Usage
from agent_workbench.errors import SessionBusy, StorageError
from agent_workbench.services.partials import Partials
from agent_workbench.services.waiting import ended, through
from agent_workbench.storage.ports import SessionStore
from agent_workbench.storage.records import Lease, Partial

LEASE_S = 30.0
#: How long a turn waits for a disk that is full or a database that is locked, and how often it tries.
PATIENCE_S = 60.0
RETRY_S = 1.0

LOST = "another process took this session over, so this turn was stopped here"
R = TypeVar("R")


class Publish(Protocol):
    """Shows an event to whoever looks.

    `seq` is the place of the message that was stored with it, `key` the id of the event that it was stored as.
    """

    def __call__(self, event: Event, seq: int = 0, key: str = "") -> None: ...


class Recorder:
    """One turn's writer. `take` returns when the event is stored and published, so the loop cannot outrun the disk.

    A write is never cut off in the middle by a cancellation. While the disk refuses, the turn waits and says so.
    """

    def __init__(
        self,
        store: SessionStore,
        lease: Lease,
        turn_id: str,
        publish: Publish,
        partials: Partials,
        *,
        lease_s: float = LEASE_S,
        patience_s: float = PATIENCE_S,
        retry_s: float = RETRY_S,
    ) -> None:
        self._store = store
        self._lease = lease
        self._turn_id = turn_id
        self._publish, self._partials = publish, partials
        self._lease_s, self._patience_s, self._retry_s = lease_s, patience_s, retry_s
        self._lock = asyncio.Lock()
        self._text: list[str] = []
        self._thinking: list[str] = []
        self._model = ""
        self._open: list[ToolCall] = []
        self._started: set[str] = set()
        self._results: dict[str, list[ToolResult]] = {}
        self._unseen: list[ToolFinished] = []
        self._began = False
        self._keeper: asyncio.Task[None] | None = None
        self._when_lost: Callable[[], None] = lambda: None
        self.seq = 0
        """The place of the last message that was stored."""
        self.closed = False
        """Whether nothing is left to store."""
        self.lost = False
        """Whether another process holds the session by now: nothing of this turn can be stored any more."""
        self.usage = Usage()
        self.models: dict[str, Usage] = {}
        """What each model used, in the order in which they came to answer."""
        self.steps = 0

    def keep(self, when_lost: Callable[[], None]) -> None:
        """Renew the lease and save the streamed words from now on; `when_lost` is called where that is refused."""
        self._when_lost = when_lost
        self._partials.keep(self)
        self._keeper = asyncio.create_task(self._renewing(), name="keeps the lease")

    def partial(self) -> Partial | None:
        """Return the words that were streamed since the last stored message."""
        words = None if self.lost else self._words()
        return Partial(self._lease, self._turn_id, words, self.seq) if words is not None else None

    def lose(self) -> None:
        """Stop the turn: another process holds its session."""
        self.lost = True
        self._when_lost()

    def spend(self, used: Usage) -> None:
        """Count what was used by a request or a call that was given up, of which no event tells."""
        self.usage += used

    def late(self, finished: ToolFinished) -> None:
        """Keep the result of a call that ended in the instant in which the turn was stopped; `finish` stores it."""
        self._unseen.append(finished)

    async def take(self, event: Event) -> None:
        """Store what an event means, then publish it.

        Raises:
            SessionBusy: If another process holds the session.
            StorageError: If the disk refused for longer than we wait.
        """
        match event:
            case TextDelta(text):
                self._streamed(self._text, text, event)
            case ThinkingDelta(text):
                self._streamed(self._thinking, text, event)
            case ReplyFinished(message):
                kept = {key: value for key, value in event_to_json(event).items() if key != "message"}
                await self._append(message, event, ("reply", kept))
            case ResultsReady(message):
                await self._append(message, event)
            case UserSaid(message) if self._began:
                await self._append(message, event)
            case UserSaid():  # the turn's first message was stored with the lease
                self._began = True
                self._publish(event, self.seq)
            case ToolStarted() | ToolFinished() | Retrying() | ApprovalRequired() | ApprovalAnswered() | Notice():
                await self._note(event)
            case _:
                if isinstance(event, StepStarted):
                    self._model = event.model
                self._publish(event)

    async def finish(self, finished: TurnFinished) -> TurnFinished:
        """Close the turn: open calls get results, words that were streamed are kept as interrupted.

        Never raises for storage: where nothing can be stored the turn ends as failed, and may be finished again later.
        """
        if self._keeper is not None:
            await ended(self._keeper)
        await self._partials.forget(self)
        if finished.usage != Usage():  # the engine's own end: it also knows of requests that brought no reply
            self.usage = finished.usage
        if self.lost:
            self.closed = True
            return self._end("failed", LOST, SessionBusy.title)
        try:
            async with self._lock:
                await self._close(finished)
            self.closed = True
        except SessionBusy as error:
            self.lost = self.closed = True
            return self._end("failed", finished.error or LOST, error.title)
        except StorageError as error:
            return self._end("failed", f"the end of this turn could not be saved: {error}", error.title)
        return replace(finished, usage=self.usage, steps=self.steps)

    # --- inside

    def _end(self, status: Any, error: str, kind: str) -> TurnFinished:
        return TurnFinished(status, self.usage, self.steps, error, kind)

    def _streamed(self, pieces: list[str], text: str, event: Event) -> None:
        pieces.append(text)
        self._partials.changed(self)
        self._publish(event)

    async def _append(self, message: Message, event: Event, also: tuple[str, dict[str, Any]] | None = None) -> None:
        def write() -> int:
            return self._store.append(self._lease, self._turn_id, [message], event=also)

        await self._write(write, lambda seq: self._appended(message, event, seq))

    def _appended(self, message: Message, event: Event, seq: int) -> None:
        self.seq = seq
        self._settled(message)
        if isinstance(event, ReplyFinished):
            self._count(message.model or self._model, event.usage)
            self.steps += 1
        self._publish(event, seq)

    def _count(self, model: str, used: Usage) -> None:
        self.usage += used
        if used != Usage():
            self.models[model] = self.models.get(model, Usage()) + used

    def _settled(self, message: Message) -> None:
        """Take note of a stored message: what was streamed is in it, and its calls are what is open now."""
        if message.role != "user":
            self._text, self._thinking = [], []
            self._open, self._started, self._results = list(message.tool_calls), set(), {}

    async def _note(self, event: Event) -> None:
        if isinstance(event, ToolFinished):
            self.late(event)  # until it is stored: this may be cancelled while the disk refuses
        await self._write(lambda: self._record(event), lambda stored: self._noted(event, stored))

    def _record(self, event: Event) -> int:
        needs_you = {ApprovalRequired: True, ApprovalAnswered: False}.get(type(event))
        data = event_to_json(event)
        return self._store.record(self._lease, self._turn_id, str(data["type"]), data, needs_you=needs_you)

    def _noted(self, event: Event, stored: int) -> None:
        match event:
            case ToolStarted(call):
                self._started.add(call.call_id)
            case ToolFinished(call, result):
                self._unseen.remove(event)
                self._results.setdefault(call.call_id, []).append(result)
                self._count(self._model, event.usage)
            case Retrying(usage=used):
                self._count(self._model, used)
            case _:
                pass
        self._publish(event, key=str(stored))

    async def _write(self, call: Callable[[], R], then: Callable[[R], None]) -> None:
        """Make one write and what follows from it; where the disk refuses, wait, say so, and try again."""
        since = time.monotonic()
        told = False
        while True:
            try:
                async with self._lock:
                    await through(self._once(call, then))
                break
            except StorageError as error:
                if time.monotonic() - since >= self._patience_s:
                    raise
                if not told:
                    told = True
                    self._publish(Notice(f"Nothing can be saved, so the turn waits. {error}", "error"))
            await asyncio.sleep(self._retry_s)
        if told:
            self._publish(Notice("Saving works again; the turn goes on."))

    async def _once(self, call: Callable[[], R], then: Callable[[R], None]) -> None:
        then(await asyncio.to_thread(call))

    async def _close(self, finished: TurnFinished) -> None:
        """Store the end. Each part is forgotten once it is stored, so that this can be tried again."""
        for unseen in tuple(self._unseen):
            self._noted(unseen, await asyncio.to_thread(self._record, unseen))
        if self._open:
            known = {call_id: list(results) for call_id, results in self._results.items()}
            results: list[ToolResult] = []
            for call in self._open:
                if known.get(call.call_id):
                    results.append(known[call.call_id].pop(0))
                else:
                    results.append(self._made_up(call, finished.status))
                    self._publish(ToolFinished(call, results[-1]))
            message = Message("tool", tuple(results))
            await self._ending(message, ResultsReady(message))
        words = self._words()
        if words is not None:
            await self._ending(words, ReplyFinished(words))
        await asyncio.to_thread(
            self._store.end_turn,
            self._lease,
            self._turn_id,
            finished.status,
            usage=self.usage,
            steps=self.steps,
            error=finished.error,
            models=self.models,
        )

    async def _ending(self, message: Message, event: Event) -> None:
        self.seq = await asyncio.to_thread(self._store.append, self._lease, self._turn_id, [message])
        self._settled(message)
        self._publish(event, self.seq)

    def _made_up(self, call: ToolCall, status: str) -> ToolResult:
        if call.call_id in self._started:
            how = f"The turn was {status} while this ran. It may or may not have had an effect: check before repeating."
        else:
            how = f"Not run: the turn was {status} first."
        return ToolResult(call.call_id, how, is_error=True, details={"unfinished": True})

    def _words(self) -> Message | None:
        for pieces in (self._thinking, self._text):
            pieces[:] = ["".join(pieces)] if pieces else []
        parts: list[Part] = [Thinking(self._thinking[0])] if self._thinking else []
        parts += [Text(self._text[0])] if self._text else []
        return Message("assistant", tuple(parts), self._model, "interrupted") if parts else None

    async def _renewing(self) -> None:
        """Renew the lease, so that a tool may run for longer than one. A full disk is no reason to give it up."""
        while True:
            await asyncio.sleep(self._lease_s / 3)
            try:
                self._lease = await asyncio.to_thread(self._store.renew, self._lease, lease_s=self._lease_s)
            except StorageError:
                continue
            except SessionBusy:
                self.lose()
                return
