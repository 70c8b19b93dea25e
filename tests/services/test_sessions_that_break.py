"""The fault table in real sessions: for every wire format, with everything stored, and what a person sees of it.

After each: one end with one line, the session goes on, what is stored can be sent to every API, one record in the log
for each failed request with the provider's own id, and what was used is counted.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from agent_workbench.configs.modules import Catalog
from agent_workbench.conversation.events import Event, Notice, Retrying, TextDelta, TurnFinished
from agent_workbench.conversation.messages import ToolCall
from agent_workbench.conversation.usage import Usage
from agent_workbench.engine import repair
from agent_workbench.plugins import load_catalog
from agent_workbench.services.log import log_path
from agent_workbench.services.shared import SharedContext
from fakes.providers import KINDS, Kind, check_sendable
from fakes.turns import TURNS, Lookup, config_text, lookup_module
from fakes.wire import Broken, Reply, WireServer, fails, says

SPARE = """\
  - module: provider-mock
    config: {delay: 0, priority: 200, responses: [From the spare.]}
"""
every = pytest.mark.parametrize("kind", KINDS, ids=str)


@asynccontextmanager
async def talking(
    bench: SharedContext, kind: Kind, *script: Reply, tool: Lookup | None = None
) -> AsyncIterator[tuple[WireServer, str]]:
    """Open a server with a script, and a session of a config that speaks to it."""
    module = lookup_module(tool or Lookup())
    known = Catalog({**load_catalog().modules, module.id: module})
    bench.bundles.catalog = known
    async with WireServer(*script) as server:
        config = await bench.configs.create_config("broken", config_text(kind, server.url))
        yield server, (await bench.sessions.create_session(config.config_id)).session_id


async def said(bench: SharedContext, session_id: str, text: str) -> list[Event]:
    return [event async for event in bench.sessions.stream_message(session_id, text)]


def records() -> list[dict[str, str]]:
    """Return what the log holds."""
    return [json.loads(line) for line in log_path().read_text().splitlines()] if log_path().exists() else []


@every
@pytest.mark.parametrize("name", TURNS)
async def test_a_session_that_was_hit_says_so_once_and_goes_on(bench: SharedContext, kind: Kind, name: str):
    row, tool = TURNS[name], Lookup()
    async with talking(bench, kind, *row.script, tool=tool) as (server, session_id):
        events = await said(bench, session_id, "go")
        ends = [event for event in events if isinstance(event, TurnFinished)]
        assert ends == [events[-1]]
        assert (ends[0].status, ends[0].error_kind) == (row.status, row.fault)
        assert bool(ends[0].error) is bool(row.fault)
        assert "\n" not in ends[0].error
        assert tuple(sorted(tool.asked)) == row.asked

        stored = [one.message for one in await bench.sessions.messages(session_id)]
        assert row.kept in "".join(message.text for message in stored[1:])
        check_sendable(repair.sendable(stored), [tool.spec])
        (turn,) = await bench.sessions.turns(session_id)
        assert (turn.state, turn.error, turn.usage) == (row.status, ends[0].error, ends[0].usage)

        failures = len([event for event in events if isinstance(event, Retrying)]) + bool(row.fault)
        assert [one["session_id"] for one in records()] == [session_id] * failures
        answered = [one for one in records() if "connection" not in one["error"]]
        assert all(one["request_id"] == "req_fake" for one in answered)

        server.script[:] = [says("I am back.")]
        answer = await bench.sessions.send_message(session_id, "and now?")
        assert (answer["status"], answer["response"]) == ("completed", "I am back.")
        assert server.refused == []


@every
async def test_the_line_of_the_config_that_a_failure_is_about_is_named(bench: SharedContext, kind: Kind):
    async with talking(bench, kind, fails(401, "auth")) as (_, session_id):
        end = (await said(bench, session_id, "go"))[-1]
    assert isinstance(end, TurnFinished)
    assert end.error.endswith("(broken:5).")
    assert end.config_path == f"providers[{kind.module}].config.api_key"


@every
async def test_the_log_never_holds_a_key(bench: SharedContext, kind: Kind):
    repeated = replace(fails(401, "auth", "you sent sk-proj-1234567890abcdefghij1234567890 and key-fake"))
    async with talking(bench, kind, repeated) as (_, session_id):
        await said(bench, session_id, "go")
    text = log_path().read_text()
    assert "sk-proj" not in text
    assert "key-fake" not in text
    assert log_path().stat().st_mode & 0o077 == 0


async def test_a_turn_that_ended_well_leaves_nothing_in_the_log(bench: SharedContext):
    async with talking(bench, KINDS[0], says("Fine.")) as (_, session_id):
        await said(bench, session_id, "go")
    assert records() == []


@every
@pytest.mark.parametrize("status", [400, 413])
async def test_a_conversation_that_is_too_long_is_sent_once_more_with_less(
    bench: SharedContext, kind: Kind, status: int
):
    refusal = fails(status, "context" if status == 400 else "too_large")
    async with talking(bench, kind, refusal, says("Short.")) as (server, session_id):
        events = await said(bench, session_id, "go")
    assert isinstance(events[-1], TurnFinished)
    assert events[-1].status == "completed"
    assert len(server.requests) == 2
    assert [event.text for event in events if isinstance(event, Notice)] == [
        "the conversation is too long for the model: sending less of it"
    ]


@every
async def test_another_provider_is_asked_where_the_first_does_not_answer(bench: SharedContext, kind: Kind):
    text = config_text(kind, "{url}").replace("tools:", SPARE + "tools:")
    async with talking(bench, kind, fails(500), fails(500), fails(500)) as (server, _):
        config = await bench.configs.create_config("two", text.replace("{url}", server.url))
        session_id = (await bench.sessions.create_session(config.config_id)).session_id
        events = await said(bench, session_id, "go")
    assert isinstance(events[-1], TurnFinished)
    assert events[-1].status == "completed"
    stored = await bench.sessions.messages(session_id)
    assert (stored[-1].message.text, stored[-1].message.model) == ("From the spare.", "mock")
    waits = [event.reason for event in events if isinstance(event, Retrying)]
    assert waits[-1].endswith("asking provider-mock instead")


@every
@pytest.mark.parametrize(
    ("at", "kept"), [(-1, ""), (b"pon a", "Once u")], ids=("before the first byte", "in the middle of words")
)
async def test_silence_ends_a_turn_in_the_time_that_the_config_allows(
    bench: SharedContext, kind: Kind, at: bytes | int, kept: str
):
    silent = replace(says("Once upon a time", broken=Broken(stall=at)), delta=6)
    async with talking(bench, kind) as (server, _):
        server.script[:] = [says("Warm."), silent]
        text = config_text(kind, server.url).replace("max_retries: 2", "max_retries: 0\n      timeout: 0.5")
        config = await bench.configs.create_config("silent", text)
        session_id = (await bench.sessions.create_session(config.config_id)).session_id
        await said(bench, session_id, "warm up")
        end = (await said(bench, session_id, "go"))[-1]
        assert isinstance(end, TurnFinished)
        assert (end.status, end.error_kind) == ("failed", "timeout")
        assert "timeout" in end.error
        last = (await bench.sessions.messages(session_id))[-1].message
        assert last.text == (kept or "go")
        server.script[:] = [says("Back.")]
        assert (await bench.sessions.send_message(session_id, "continue"))["response"] == "Back."
        assert server.refused == []


async def test_a_wait_for_another_attempt_can_be_cancelled_at_once(bench: SharedContext):
    kind = KINDS[0]
    async with talking(bench, kind, fails(429, "rate_limit", headers={"retry-after": "100"})) as (_, session_id):
        events = bench.sessions.follow(session_id)
        bench.sessions.start(session_id, "go")
        async with asyncio.timeout(10):
            async for event in events:
                if isinstance(event, Retrying):
                    break
        assert event.delay_s >= 100
        began = time.monotonic()
        assert await bench.sessions.cancel(session_id)
        assert time.monotonic() - began < 1
        (turn,) = await bench.sessions.turns(session_id)
        assert turn.state == "cancelled"


@every
@pytest.mark.parametrize("foreground", [True, False], ids=["left", "cancelled"])
async def test_what_a_stopped_reply_had_used_is_counted_as_far_as_it_was_said(
    bench: SharedContext, kind: Kind, foreground: bool
):
    reply = says("One two three four five.", tokens=Usage(1000, 100), broken=Broken(stall=b"four"))
    async with talking(bench, kind, says("Before.", tokens=Usage(10, 1)), reply) as (_, session_id):
        await said(bench, session_id, "hello")
        events = bench.sessions.stream_message(session_id, "go") if foreground else bench.sessions.follow(session_id)
        if not foreground:
            bench.sessions.start(session_id, "go")
        async with asyncio.timeout(20):
            async for event in events:
                if isinstance(event, TextDelta):
                    break
        await events.aclose()
        if not foreground:
            assert await bench.sessions.cancel(session_id)
        before, turn = await bench.sessions.turns(session_id)
        assert (before.usage.input_tokens, turn.state) == (10, "cancelled")
        said_first = kind.module == "provider-anthropic"  # the others say it with the reply's end
        assert (turn.usage.input_tokens, turn.usage.output_tokens) == (1000 if said_first else None, None)
        assert (await bench.sessions.messages(session_id))[-1].message.stop_reason == "interrupted"


@every
async def test_what_a_turn_costs_ends_it_before_the_next_request(bench: SharedContext, kind: Kind):
    call = says(ToolCall("c1", "lookup", {"key": "a"}), tokens=Usage(1000, 100))
    async with talking(bench, kind) as (server, _):
        server.script[:] = [call, says("never")]
        prices = "max_retries: 2\n      prices: {fake-1: {input: 1000, output: 1000}}"
        text = config_text(kind, server.url).replace("max_retries: 2", prices)
        text += "session: {orchestrator: {module: loop-basic, config: {max_cost: 1}}}\n"
        config = await bench.configs.create_config("dear", text)
        session_id = (await bench.sessions.create_session(config.config_id)).session_id
        end = (await said(bench, session_id, "go"))[-1]
    assert isinstance(end, TurnFinished)
    assert (end.status, end.error) == (
        "limited", "the turn cost $1.1000 of its $1; tell it to continue, or raise max_cost"
    )  # fmt: skip
    assert len(server.requests) == 1


@every
async def test_a_limit_that_cannot_be_measured_is_said_once_instead_of_silently_not_holding(
    bench: SharedContext, kind: Kind
):
    call = ToolCall("c1", "lookup", {"key": "a"})
    async with talking(bench, kind) as (server, _):
        server.script[:] = [says(call), says("done")]
        text = config_text(kind, server.url).replace("default_model: fake-1", "default_model: nobody-knows-this-one")
        text += "session: {orchestrator: {module: loop-basic, config: {max_cost: 1}}}\n"
        config = await bench.configs.create_config("unpriced", text)
        session_id = (await bench.sessions.create_session(config.config_id)).session_id
        events = await said(bench, session_id, "go")
    told = [event.text for event in events if isinstance(event, Notice) and "max_cost does not hold" in event.text]
    assert len(told) == 1
    assert isinstance(events[-1], TurnFinished)
    assert (events[-1].status, events[-1].usage.cost) == ("completed", None)


async def test_a_model_that_pauses_is_said_and_gone_on_with(bench: SharedContext):
    kind = next(one for one in KINDS if one.module == "provider-anthropic")  # the only format that has pauses
    async with talking(bench, kind, says("half", stop="pause"), says("whole")) as (server, session_id):
        events = await said(bench, session_id, "go")
        assert "the model paused; tell it to continue" in [one.text for one in events if isinstance(one, Notice)]
        for end in (events[-1], (await said(bench, session_id, "continue"))[-1]):
            assert isinstance(end, TurnFinished)
            assert end.status == "completed"
    assert server.refused == []
