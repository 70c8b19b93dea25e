"""Whole turns over broken wires: the fault table at the level of a session, for every wire format.

After each: one end of the turn, one readable line, no tool run that was not whole, and a transcript that every API
accepts, repaired as it is whenever it is sent.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from engine_kit import played, session

from agent_workbench.conversation.events import (
    Event,
    Notice,
    ReplyFinished,
    ResultsReady,
    Retrying,
    ToolFinished,
    TurnFinished,
)
from agent_workbench.conversation.messages import Message, Text, ToolCall, user
from agent_workbench.conversation.usage import Usage
from agent_workbench.engine import repair
from agent_workbench.engine.ports import Provider
from fakes.providers import KINDS, Kind, check_sendable
from fakes.turns import TURNS, Lookup, call, cut
from fakes.wire import Broken, Reply, WireServer, fails, says

every = pytest.mark.parametrize("kind", KINDS, ids=str)


@asynccontextmanager
async def talking(kind: Kind, *script: Reply) -> AsyncIterator[tuple[WireServer, Provider]]:
    """Open a server with a script, and a provider that talks to it and retries without waiting."""
    async with WireServer(*script) as server:
        provider: Provider = kind.make(server.url, min_retry_delay=0, max_retries=2)
        try:
            yield server, provider
        finally:
            await provider.close()


def transcript(events: Sequence[Event]) -> list[Message]:
    """Return what a session would have stored."""
    return [event.message for event in events if isinstance(event, ReplyFinished | ResultsReady)]


@every
@pytest.mark.parametrize("name", TURNS)
async def test_a_turn_ends_once_and_leaves_a_session_that_goes_on(kind: Kind, name: str):
    row, tool = TURNS[name], Lookup()
    async with talking(kind, *row.script) as (server, provider):
        config = session(provider, tool)
        events = await played(config, "go")
        assert server.refused == []

        ends = [event for event in events if isinstance(event, TurnFinished)]
        assert ends == [events[-1]]
        assert (ends[0].status, ends[0].error_kind) == (row.status, row.fault)
        assert bool(ends[0].error) is bool(row.fault)
        assert "\n" not in ends[0].error
        assert tuple(sorted(tool.asked)) == row.asked

        history = [user("go"), *transcript(events)]
        assert row.kept in "".join(message.text for message in history[1:])
        check_sendable(repair.sendable(history), [tool.spec])

        server.script[:] = [says("I am back.")]
        again = await played(config, [*history, user("and now?")])
        assert transcript(again)[-1].text == "I am back."
        assert server.refused == []


@every
async def test_every_call_has_a_result_in_call_order_whatever_became_of_it(kind: Kind):
    calls = (
        call("c1", "a"),
        call("c2", name="nope"),
        ToolCall("c3", "lookup", raw="{"),
        call("c4", 7),
        call("c5", "b"),
    )
    async with talking(kind, says(*calls), says("Done.")) as (_, provider):
        events = await played(session(provider, Lookup()), "go")
    (results,) = (event.message.tool_results for event in events if isinstance(event, ResultsReady))
    assert [(result.call_id, result.is_error) for result in results] == [
        ("c1", False), ("c2", True), ("c3", True), ("c4", True), ("c5", False),
    ]  # fmt: skip
    assert len([event for event in events if isinstance(event, ToolFinished)]) == 5


@every
async def test_tokens_of_all_steps_are_counted_and_unknown_ones_stay_unknown(kind: Kind):
    script = (says(call(), tokens=Usage(100, 10)), says("x", tokens=Usage(200, 20)))
    async with talking(kind, *script) as (server, provider):
        counted = (await played(session(provider, Lookup()), "go"))[-1]
        server.script[:] = [says("x", tokens=None)]
        unknown = (await played(session(provider), "go"))[-1]
    assert isinstance(counted, TurnFinished)
    assert isinstance(unknown, TurnFinished)
    assert (counted.usage.input_tokens, counted.usage.output_tokens) == (300, 30)
    assert unknown.usage == Usage(unpriced=1)


@every
async def test_what_a_broken_request_used_is_counted_as_far_as_it_was_said(kind: Kind):
    tokens = Usage(100, 10)
    words = replace(cut("Once upon a time", at=b"pon a"), tokens=tokens)
    nothing = replace(says("Once", tokens=tokens), broken=Broken(error="overloaded", insert=b""), parts=())
    async with talking(kind, nothing, words) as (_, provider):
        events = await played(session(provider), "go")
    again, kept, end = (
        next(e for e in reversed(events) if isinstance(e, one)) for one in (Retrying, ReplyFinished, TurnFinished)
    )
    assert isinstance(again, Retrying)
    assert isinstance(kept, ReplyFinished)
    assert isinstance(end, TurnFinished)
    said = 100 if kind.module == "provider-anthropic" else None  # the others count at the very end only
    assert (again.usage.input_tokens, kept.usage.input_tokens) == (said, said)
    assert end.usage.input_tokens == (said * 2 if said else None)
    assert kept.usage.output_tokens is None
    assert (again.request_id, kept.request_id, end.request_id) == ("req_fake",) * 3


@every
@pytest.mark.parametrize(
    ("reply", "key"),
    [(fails(401, "auth"), "api_key"), (fails(404, "model"), "default_model"), (fails(500), ""),
     (Reply(body=b"<html>", headers={"content-type": "text/html"}), "base_url")],
    ids=("a wrong key", "no such model", "overload", "a login page"),
)  # fmt: skip
async def test_the_value_to_look_at_is_named_where_one_can_help(kind: Kind, reply: Reply, key: str):
    async with talking(kind, reply, reply, reply) as (_, provider):
        end = (await played(session(provider), "go"))[-1]
    assert isinstance(end, TurnFinished)
    assert end.config_path == (f"providers[{kind.module}].config.{key}" if key else "")


@every
async def test_waits_are_shown_and_a_cut_off_reply_says_so(kind: Kind):
    async with talking(kind, fails(503), says("Once", stop="max_tokens")) as (_, provider):
        events = await played(session(provider), "go")
    assert len([event for event in events if isinstance(event, Retrying)]) == 1
    assert any(isinstance(event, Notice) and "cut off" in event.text for event in events)
    assert Message("assistant", (Text("Once"),), "fake-1", "max_tokens") in transcript(events)
