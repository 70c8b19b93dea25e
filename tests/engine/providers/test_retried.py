"""Providers, retries and fallback together, over real sockets: what a person sees when a server has a bad day."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from agent_workbench.conversation.events import Retrying
from agent_workbench.conversation.messages import Text, Thinking, ToolCall, user
from agent_workbench.engine.ports import ReplyDone, ReplyText, Request
from agent_workbench.engine.retry import Backoff, stream_with_retries
from agent_workbench.errors import ProviderError
from fakes.providers import KINDS, TOOLS, Kind, check_sendable
from fakes.wire import Broken, WireServer, fails, says

every = pytest.mark.parametrize("kind", KINDS, ids=str)
REQUEST = Request("Be brief.", (user("hi"),), TOOLS)


async def played(kind: Kind, server: WireServer, **config: Any) -> tuple[list[Any], list[float]]:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    provider = kind.make(server.url, **config)
    try:
        stream = stream_with_retries([provider], REQUEST, sleep=sleep, chance=lambda: 0.0)
        return [item async for item in stream], slept
    finally:
        await provider.close()


PASSING = {
    "429 with a wait": (fails(429, "rate_limit", headers={"retry-after": "20"}), 20.0),
    "429 in milliseconds": (fails(429, "rate_limit", headers={"retry-after-ms": "1500"}), 1.5),
    "429 with garbage": (fails(429, "rate_limit", headers={"retry-after": "later"}), 1.0),
    "500": (fails(500), 1.0),
    "529": (fails(529, "overloaded"), 1.0),
    "HTML 502": (fails(502, body=b"<html>"), 1.0),
    "reset at once": (says("hi", broken=Broken(cut=-1)), 1.0),
    "reset before the first word": (says("hi", broken=Broken(cut=5)), 1.0),
    "an overload inside the stream": (says(broken=Broken(error="overloaded")), 1.0),
}


@every
@pytest.mark.parametrize("name", PASSING)
async def test_a_fault_that_passes_is_waited_out_in_sight(kind: Kind, name: str):
    broken, wait = PASSING[name]
    async with WireServer(broken, says("Hello.")) as server:
        items, slept = await played(kind, server)
    assert isinstance(items[0], Retrying)
    assert slept == [wait] == [items[0].delay_s]
    assert items[-1].message.parts == (Text("Hello."),)


@every
@pytest.mark.parametrize(
    "first", [Thinking("Hm, hm, hm."), Text("Hello there"), ToolCall("c1", "bash", {"command": "ls"})]
)
async def test_nothing_that_was_shown_is_asked_for_again(kind: Kind, first: Any):
    body = b"".join(kind.wire.stream(says(first, "the end")))
    place = body.index(b"the end") if b"the end" in body else len(body) // 2
    async with WireServer(says(first, "the end", broken=Broken(cut=place)), says("again")) as server:
        with pytest.raises(ProviderError) as caught:
            await played(kind, server)
        assert len(server.requests) == 1
    assert caught.value.kind == "interrupted"


@every
async def test_an_hour_is_not_waited(kind: Kind):
    async with WireServer(fails(429, "rate_limit", headers={"retry-after": "3600"})) as server:
        with pytest.raises(ProviderError, match="asks to wait until"):
            await played(kind, server)
        assert len(server.requests) == 1


@pytest.mark.parametrize("spare", KINDS, ids=str)
@every
async def test_another_provider_takes_over_with_its_own_model(kind: Kind, spare: Kind):
    async with WireServer(*[fails(503)] * 2) as tired, WireServer(says("From the spare.")) as fresh:
        first, second = kind.make(tired.url), spare.make(fresh.url, default_model="spare-1")
        stream = stream_with_retries([first, second], REQUEST, backoff=Backoff(attempts=2, first_s=0.0))
        items = [item async for item in stream]
        await first.close()
        await second.close()
    assert items[-1].message.text == "From the spare."
    assert fresh.requests[0].json["model"] == "spare-1"


@every
async def test_a_session_may_change_its_provider_at_every_step(kind: Kind):
    history = [user("hi")]
    for turn, other in enumerate([kind, *KINDS, kind]):
        async with WireServer(says(Thinking(f"Hm {turn}."), f"Answer {turn}.")) as server:
            provider = other.make(server.url)
            done = [item async for item in provider.stream(Request("", tuple(history), TOOLS))][-1]
            assert isinstance(done, ReplyDone)
            history += [done.message, user("and then?")]
            assert server.refused == []
            await provider.close()
    check_sendable(history)


async def test_many_sessions_stream_at_once_through_one_provider():
    async with WireServer(*[says("Hello there, all of you.")] * 60) as server:
        provider = KINDS[0].make(server.url)

        async def one() -> str:
            items = [item async for item in provider.stream(REQUEST)]
            return "".join(item.text for item in items if isinstance(item, ReplyText))

        answers = await asyncio.gather(*(one() for _ in range(60)))
        await provider.close()
    assert set(answers) == {"Hello there, all of you."}


@every
@pytest.mark.parametrize("place", [-1, 0, b"time"], ids=["before headers", "before words", "in words"])
async def test_cancelling_ends_a_request_at_once_and_frees_its_connection(kind: Kind, place: Any):
    async with WireServer(says("Once upon a time", delta=4, broken=Broken(stall=place)), says("back")) as server:
        provider = kind.make(server.url)

        async def run() -> None:
            async for _ in provider.stream(REQUEST):
                pass

        task = asyncio.create_task(run())
        await server.arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 30)
        await asyncio.wait_for(server.client_left.wait(), 30)
        assert [item async for item in provider.stream(REQUEST)][-1].message.text == "back"
        await provider.close()
