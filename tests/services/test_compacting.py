"""Compaction by hand: what it leaves out is told, recorded and taken along; the transcript stays as it is."""

from __future__ import annotations

from contextlib import suppress

import pytest
from services_kit import config_text, session_of, texts, until

from agent_workbench.conversation.events import Notice
from agent_workbench.errors import NotFound, UsageError
from agent_workbench.services.console import next_request
from agent_workbench.services.notices import notices
from agent_workbench.services.shared import SharedContext

LONG = "word " * 400


async def long_session(bench: SharedContext, turns: int = 12) -> str:
    """Start a session and say something long in it a few times; the third time it is about a harbour."""
    session_id = await session_of(bench, config_text(*(f"answer {n} {LONG}" for n in range(turns + 4))))
    for number in range(turns):
        await bench.sessions.send_message(session_id, f"question {number}" + (" of the harbour" if number == 2 else ""))
    return session_id


async def test_the_next_request_carries_half_and_everything_that_was_said_stays(bench: SharedContext):
    session_id = await long_session(bench)
    said, before = await texts(bench, session_id), len(await next_request(bench, session_id))
    following = bench.sessions.follow(session_id)
    told = await bench.sessions.compact_session(session_id)
    assert "old messages left out" in told.text
    assert told == await until(following, Notice)
    assert len(await next_request(bench, session_id)) < before * 0.6
    assert await texts(bench, session_id) == said
    assert told.text in [one.notice.text for one in await notices(bench, session_id)]


async def test_what_holds_the_words_stays_whole_and_the_line_says_how_much_that_is(bench: SharedContext):
    session_id = await long_session(bench)
    told = await bench.sessions.compact_session(session_id, "  the HARBOUR ")
    assert told.text.endswith("1 that hold “the HARBOUR” stay whole")
    sent = await next_request(bench, session_id)
    assert "question 2 of the harbour" in sent
    assert "question 3" not in sent


async def test_each_time_it_is_less_until_there_is_nothing_left_to_leave_out(bench: SharedContext):
    session_id = await long_session(bench)
    sizes = []
    with suppress(UsageError):
        for _ in range(8):
            await bench.sessions.compact_session(session_id)
            sizes.append(len(await next_request(bench, session_id)))
    with pytest.raises(UsageError, match="nothing more can be left out"):
        await bench.sessions.compact_session(session_id)
    assert sizes == sorted(sizes, reverse=True)
    assert len(sizes) > 1
    assert "question 0" in await next_request(bench, session_id)


async def test_the_turn_after_it_says_what_its_request_does_without(bench: SharedContext):
    session_id = await long_session(bench)
    await bench.sessions.compact_session(session_id)
    told = [
        event.text
        async for event in bench.sessions.stream_message(session_id, "go on")
        if isinstance(event, Notice) and event.data.get("compaction")
    ]
    assert len(told) == 1


@pytest.mark.parametrize(("messages", "compacted"), [(None, True), (10, False)], ids=["of all", "before it"])
async def test_a_fork_takes_it_along_where_it_has_what_it_is_about(
    bench: SharedContext, messages: int | None, compacted: bool
):
    session_id = await long_session(bench)
    await bench.sessions.compact_session(session_id)
    forked = await bench.sessions.fork_session(session_id, up_to=messages)
    assert bool(forked.settings.get("compactions")) is compacted


async def test_what_cannot_be_done_is_refused_and_nothing_is_kept(bench: SharedContext):
    session_id = await long_session(bench, turns=1)
    with pytest.raises(UsageError, match="nothing more can be left out"):
        await bench.sessions.compact_session(session_id)
    with pytest.raises(UsageError, match="no message holds all of “lighthouse keeper”"):
        await bench.sessions.compact_session(session_id, "lighthouse keeper")
    with pytest.raises(NotFound):
        await bench.sessions.compact_session("none")
    assert (await bench.sessions.find_session(session_id)).settings == {}
