"""Whole turns over broken wires: the fault table at the level of a session, for every wire format.

After each: one end of the turn, one readable line, no tool run that was not whole, and a transcript that every API
accepts, repaired as it is whenever it is sent.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

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
from agent_workbench.conversation.messages import Message, Text, Thinking, ToolCall, user
from agent_workbench.conversation.usage import Usage
from agent_workbench.engine import repair
from agent_workbench.engine.ports import Intent, Provider, ToolContext, ToolOutcome, ToolSpec
from fakes.providers import KINDS, Kind, check_sendable
from fakes.wire import Broken, Reply, WireServer, fails, says

every = pytest.mark.parametrize("kind", KINDS, ids=str)
SCHEMA = {"type": "object", "properties": {"key": {"type": "string"}}, "required": ["key"]}


class Lookup:
    """A tool that remembers what it was asked."""

    spec = ToolSpec("lookup", "Look a key up.", SCHEMA)

    def __init__(self) -> None:
        self.asked: list[str] = []

    def intent(self, arguments: Any, context: ToolContext) -> Intent:
        return Intent("none")

    async def run(self, arguments: Any, context: ToolContext) -> ToolOutcome:
        self.asked.append(arguments["key"])
        return ToolOutcome(f"{arguments['key']} is 42 \ud800")


def call(call_id: str = "c1", key: Any = "a", name: str = "lookup") -> ToolCall:
    return ToolCall(call_id, name, {"key": key})


@dataclass(frozen=True)
class Row:
    """A script of replies, how the turn ends, the fault's kind, the keys that were really looked up, and words kept."""

    script: tuple[Reply, ...]
    status: str = "completed"
    fault: str = ""
    asked: tuple[str, ...] = ()
    kept: str = ""


def cut(*parts: Any, at: bytes, ending: Any = "reset") -> Reply:
    return replace(says(*parts, broken=Broken(cut=at, ending=ending)), delta=6)


CUT = ToolCall("c1", "lookup", raw='{"key"')
TURNS = {
    "a reply": Row((says("Hello."),), kept="Hello."),
    "a tool loop": Row((says(Thinking("Hm."), "Looking.", call()), says("It is 42.")), asked=("a",), kept="It is 42."),
    "parallel calls": Row((says(call("c1", "a"), call("c2", "b"), call("c3", "c")), says("All.")),
                          asked=("a", "b", "c")),
    "one of several is unknown": Row((says(call("c1"), call("c2", name="nope"), call("c3", "c")), says("Two.")),
                                     asked=("a", "c")),
    "a wrong schema": Row((says(call(key=7)), says("Sorry.")), kept="Sorry."),
    "broken arguments": Row((says(ToolCall("c1", "lookup", raw='{"key": "a"')), says("Sorry.")), kept="Sorry."),
    "arguments cut by the limit": Row((says(CUT, stop="max_tokens"), says("Again."))),
    "ids that occur twice": Row((says(call("c1"), call("c1", "b")), says("Hm.")), asked=("a",)),
    "ids used again later": Row((says(call("c1")), says(call("c1", "b")), says("Both.")), asked=("a", "b")),
    "an id no API takes": Row((says(call("an id: 1!" * 9)), says("Fine.")), asked=("a",)),
    "reset in words": Row((cut("Once upon a time", at=b"pon a"),), "failed", "interrupted", kept="Once"),
    "clean end in words": Row((cut("Once upon a time", at=b"pon a", ending="clean"),), "failed", "interrupted",
                              kept="Once"),
    "reset in arguments": Row((cut("Hm.", call(key="abcdef"), at=b"abc"),), "failed", "interrupted", kept="Hm."),
    "reset after a tool": Row((says(call()), cut("It is 42.", at=b"42"),), "failed", "interrupted", ("a",), "It"),
    "overload, then well": Row((fails(529, "overloaded"), fails(503), says("Back.")), kept="Back."),
    "nothing, then well": Row((says("x", broken=Broken(cut=-1)), says("Back.")), kept="Back."),
    "overload for good": Row((fails(529, "overloaded"),) * 3, "failed", "server"),
    "an error in the stream after words": Row((replace(says("Once upon", broken=Broken(error="overloaded"))),),
                                              "failed", "server", kept="Once upon"),
    "a wrong key": Row((fails(401, "auth"),), "failed", "auth"),
    "a used-up account": Row((fails(429, "quota"),), "failed", "quota"),
    "no such model": Row((fails(404, "model"),), "failed", "model"),
    "an invalid history": Row((fails(400, "invalid"),), "failed", "invalid_request"),
    "too long, with nothing to leave out": Row((fails(400, "context"),), "failed", "context_exceeded"),
    "an hour to wait": Row((fails(429, "rate_limit", headers={"retry-after": "3600"}),), "failed", "rate_limit"),
    "a login page": Row((Reply(body=b"<html>", headers={"content-type": "text/html"}),), "failed", "protocol"),
    "a refusal": Row((says("I will not.", stop="refusal"),), kept="I will not."),
    "an empty reply": Row((says(),)),
    "a thought alone": Row((says(Thinking("Hm.")),)),
    "cut by the limit": Row((says("Once upon", stop="max_tokens"),), kept="Once upon"),
    "no token counts": Row((says("Hello.", tokens=None),), kept="Hello."),
}  # fmt: skip


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
    assert unknown.usage == Usage()


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
