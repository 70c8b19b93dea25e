"""A session that another process runs, as its followers here see it: from what that process stores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from agent_workbench.conversation.codec import event_from_json
from agent_workbench.conversation.events import (
    ApprovalAnswered,
    ApprovalRequired,
    Event,
    Notice,
    ReplyFinished,
    ResultsReady,
    TextDelta,
    ThinkingDelta,
    TurnFinished,
    TurnStarted,
    TurnStatus,
    UserSaid,
)
from agent_workbench.conversation.messages import Message, Thinking
from agent_workbench.storage.ports import SessionStore
from agent_workbench.storage.records import StoredEvent, StoredMessage, Turn

ASKED_THERE = "The process that runs this turn waits there for an answer: "


class News(NamedTuple):
    """An event as `Hub.publish` takes it."""

    event: Event
    seq: int = 0
    key: str = ""


@dataclass
class Mirror:
    """What was told of one session that runs elsewhere."""

    session_id: str
    running: bool = False
    since: datetime = field(default_factory=lambda: datetime.now(UTC))
    last_event: int = 0
    text: str = ""
    thoughts: str = ""

    def read(self, store: SessionStore, seen: int) -> list[News]:
        """Return what is new, in the order it happened.

        `seen` is the place of the last message that was told. Reads only; safe in a thread.
        """
        session = store.get(self.session_id)
        if session is None:
            return []
        news: list[News] = []
        runs = session.state == "running"
        if not (runs or self.running or session.message_count > seen):
            return []
        turns = store.turns(self.session_id)
        if not self.running and turns:
            news.append(News(TurnStarted(turns[-1].turn_id, turns[-1].config_revision, turns[-1].model)))
        messages = store.messages(self.session_id, after=seen)
        news += self._happened(messages, self._events(store))
        if any(one.message.role != "user" for one in messages):
            self.text = self.thoughts = ""
        if runs:
            news += [News(event) for event in self._streamed(store.partial(self.session_id))]
        elif turns:
            news.append(News(_ended(turns[-1]), key=turns[-1].turn_id))
            self.text = self.thoughts = ""
        self.running = runs
        return news

    def _events(self, store: SessionStore) -> Sequence[StoredEvent]:
        found = store.events(self.session_id, after=self.last_event)
        fresh = [event for event in found if self.last_event or event.created_at > self.since]
        self.last_event = found[-1].event_id if found else self.last_event
        return fresh

    @staticmethod
    def _happened(messages: Sequence[StoredMessage], events: Sequence[StoredEvent]) -> list[News]:
        """Return messages and events by the time they were stored."""
        timed = [(one.created_at, News(_told(one.message), one.seq)) for one in messages]
        for stored in events:
            event = event_from_json(stored.data)
            if isinstance(event, ApprovalRequired):
                event = Notice(f"{ASKED_THERE}{event.question.call.name}", "warning")
            if event is not None and not isinstance(event, ApprovalAnswered):
                timed.append((stored.created_at, News(event, key=str(stored.event_id))))
        return [news for _, news in sorted(timed, key=lambda one: one[0])]

    def _streamed(self, partial: Message | None) -> Iterator[Event]:
        if partial is None:
            return
        thoughts = "".join(part.text for part in partial.parts if isinstance(part, Thinking))
        if len(thoughts) > len(self.thoughts):
            yield ThinkingDelta(thoughts[len(self.thoughts) :])
            self.thoughts = thoughts
        if len(partial.text) > len(self.text):
            yield TextDelta(partial.text[len(self.text) :])
            self.text = partial.text


def _told(message: Message) -> Event:
    match message.role:
        case "user":
            return UserSaid(message)
        case "assistant":
            return ReplyFinished(message)
        case _:
            return ResultsReady(message)


def _ended(turn: Turn) -> TurnFinished:
    """Return how a turn ended; one that is still open was left by a process that died."""
    if turn.state == "running":
        return TurnFinished("failed", turn.usage, turn.steps, "the process that ran this turn ended before it was done")
    status: TurnStatus = turn.state
    return TurnFinished(status, turn.usage, turn.steps, turn.error)
