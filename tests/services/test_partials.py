"""What saves streamed words: one transaction for all turns of a process, and nothing while nothing streams."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from services_kit import left_tasks

from agent_workbench.conversation.messages import Message, Text, Thinking
from agent_workbench.errors import StorageError
from agent_workbench.services.partials import EVERY_S, LONG, LONGEST_S, Partials, pause
from agent_workbench.storage.records import Lease, Partial


def streamed(name: str, text: str) -> Partial:
    """Return a partial of a turn of this name."""
    return Partial(Lease(name, "me", 1, datetime.now(UTC)), name, Message("assistant", (Text(text),)), 1)


class Talker:
    """A turn whose words are set by a test."""

    def __init__(self, name: str) -> None:
        self.name, self.text, self.lost = name, "", False

    def partial(self) -> Partial | None:
        return streamed(self.name, self.text) if self.text else None

    def lose(self) -> None:
        self.lost = True


class Kept:
    """A store that notes each transaction; what is in `refusing` fails, one for each call."""

    def __init__(self) -> None:
        self.written: list[dict[str, str]] = []
        self.stale: list[str] = []
        self.refusing: list[StorageError] = []
        self.wrote = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def save_partials(self, partials: Sequence[Partial]) -> Sequence[str]:
        if self.refusing:
            raise self.refusing.pop()
        self.written.append({one.turn_id: one.message.text for one in partials})
        self._loop.call_soon_threadsafe(self.wrote.set)
        return [one.turn_id for one in partials if one.turn_id in self.stale]


async def saved(store: Kept, count: int) -> None:
    """Wait until there were so many transactions."""
    async with asyncio.timeout(10):
        while len(store.written) < count:
            await store.wrote.wait()
            store.wrote.clear()


def talking(store: Any, *names: str) -> tuple[Partials, list[Talker]]:
    partials, talkers = Partials(store), [Talker(name) for name in names]
    for talker in talkers:
        partials.keep(talker)
    return partials, talkers


def says(partials: Partials, talker: Talker, text: str) -> None:
    talker.text += text
    partials.changed(talker)


async def test_the_words_of_all_turns_are_saved_in_one_transaction_and_only_those_that_changed():
    store = Kept()
    partials, (a, b) = talking(store, "a", "b")
    for talker in (a, b):
        says(partials, talker, "one")
    await saved(store, 1)
    for _ in range(3):
        says(partials, b, "+")
    await saved(store, 2)
    assert store.written == [{"a": "one", "b": "one"}, {"b": "one+++"}]
    await partials.forget(a)
    await partials.forget(b)
    assert left_tasks() == []


async def test_nothing_runs_while_nothing_streams():
    store = Kept()
    partials, (a,) = talking(store, "a")
    assert left_tasks() == []
    says(partials, a, "one")
    await saved(store, 1)
    await asyncio.wait(left_tasks(), timeout=10)
    assert left_tasks() == []
    says(partials, a, " two")
    await saved(store, 2)
    assert store.written[-1] == {"a": "one two"}
    await partials.forget(a)
    says(partials, a, " three")
    assert left_tasks() == []


async def test_a_turn_that_lost_its_session_is_told_and_the_others_go_on():
    store = Kept()
    store.stale = ["a", "gone"]
    partials, (a, b, gone) = talking(store, "a", "b", "gone")
    for talker in (a, b, gone):
        says(partials, talker, "one")
    forgetting = asyncio.create_task(partials.forget(gone))
    await saved(store, 1)
    await forgetting
    says(partials, b, " two")
    await saved(store, 2)
    assert (a.lost, b.lost, gone.lost) == (True, False, False)
    assert store.written[-1] == {"b": "one two"}
    await partials.forget(a)
    await partials.forget(b)


async def test_words_that_a_full_disk_refused_are_saved_when_it_works_again():
    store = Kept()
    store.refusing = [StorageError("full")]
    partials, (a,) = talking(store, "a")
    says(partials, a, "one")
    await saved(store, 1)
    assert store.written == [{"a": "one"}]
    await partials.forget(a)


@pytest.mark.parametrize(
    ("length", "seconds"), [(0, 0.0), (LONG, 0.0), (2 * LONG, 2 * EVERY_S), (100 * LONG, LONGEST_S)]
)
def test_a_long_reply_is_saved_less_often(length: int, seconds: float):
    half = "x" * (length // 2)
    message = Message("assistant", (Thinking(half), Text(half)))
    assert pause(Partial(streamed("a", "").lease, "a", message, 1)) == seconds


async def test_a_long_reply_does_not_hold_up_a_short_one_and_is_not_forgotten():
    store = Kept()
    partials, (long, short) = talking(store, "long", "short")
    says(partials, long, "x" * 3 * LONG)
    await saved(store, 1)
    says(partials, long, "y")
    says(partials, short, "one")
    await saved(store, 3)
    assert [sorted(one) for one in store.written] == [["long"], ["short"], ["long"]]
    assert store.written[-1]["long"].endswith("xy")
    await partials.forget(long)
    await partials.forget(short)
