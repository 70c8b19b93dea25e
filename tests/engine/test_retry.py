"""Retrying: visible, bounded, cancellable, and never after something was shown."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

import pytest

from agent_workbench.conversation.events import Retrying
from agent_workbench.conversation.messages import Message, Text, user
from agent_workbench.engine.ports import ModelConfig, Provider, ReplyDone, ReplyItem, ReplyText, Request
from agent_workbench.engine.retry import Backoff, stream_with_retries
from agent_workbench.errors import ProviderError, ProviderFault, UsageError

REQUEST = Request("", (user("hi"),), model=ModelConfig(model="big-1"))
DONE = ReplyDone(Message("assistant", (Text("hello"),)))


def fault(kind: ProviderFault = "server", retryable: bool = True, **more: Any) -> ProviderError:
    return ProviderError(f"{kind} fault.", kind=kind, retryable=retryable, **more)


class Scripted:
    """A provider that plays one list of items and faults for each request."""

    default_model = "own-1"

    def __init__(self, *script: Sequence[ReplyItem | ProviderError], id: str = "scripted") -> None:
        self.id = id
        self.script = list(script)
        self.asked: list[Request] = []
        self.backoff: Backoff | None = None

    async def stream(self, request: Request) -> AsyncIterator[ReplyItem]:
        self.asked.append(request)
        for item in self.script.pop(0):
            if isinstance(item, ProviderError):
                raise item
            yield item

    async def models(self) -> Sequence[str]:
        return ()

    async def close(self) -> None: ...


class Clock:
    """A sleep that only remembers."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


async def collect(providers: Sequence[Provider], clock: Clock, **more: Any) -> list[ReplyItem | Retrying]:
    chance = more.pop("chance", lambda: 0.0)
    stream = stream_with_retries(providers, REQUEST, sleep=clock.sleep, chance=chance, **more)
    return [item async for item in stream]


async def test_a_reply_that_works_is_passed_on_as_it_comes():
    clock = Clock()
    assert await collect([Scripted([ReplyText("hello"), DONE])], clock) == [ReplyText("hello"), DONE]
    assert clock.slept == []


async def test_each_wait_is_shown_before_it_is_waited_and_grows():
    clock = Clock()
    items = await collect([Scripted([fault()], [fault()], [fault()], [DONE])], clock)
    assert items == [
        Retrying(1, 1.0, "server fault"), Retrying(2, 2.0, "server fault"), Retrying(3, 4.0, "server fault"), DONE,
    ]  # fmt: skip
    assert clock.slept == [1.0, 2.0, 4.0]


async def test_attempts_are_bounded_and_the_fault_comes_out_with_what_is_left_to_do():
    clock, provider = Clock(), Scripted(*[[fault()]] * 9)
    with pytest.raises(
        ProviderError, match=r"^server fault\. Asked 4 times: try again later, or choose another model\.$"
    ):
        await collect([provider], clock)
    assert len(provider.asked) == Backoff().attempts


async def test_a_server_that_cannot_be_reached_is_what_to_look_at():
    with pytest.raises(ProviderError, match="Asked 4 times: see that it runs and can be reached from here"):
        await collect([Scripted(*[[fault("connection")]] * 9)], Clock())


async def test_a_provider_s_own_patience_holds_unless_another_is_given():
    provider = Scripted(*[[fault()]] * 9)
    provider.backoff = Backoff(attempts=2, first_s=5.0)
    clock = Clock()
    with pytest.raises(ProviderError):
        await collect([provider], clock)
    assert clock.slept == [5.0]
    with pytest.raises(ProviderError):
        await collect([provider], clock, backoff=Backoff(attempts=1))
    assert clock.slept == [5.0]


async def test_jitter_takes_at_most_half_of_the_wait_away_and_never_what_was_asked_for():
    clock = Clock()
    await collect([Scripted([fault()], [fault(retry_after=7)], [DONE])], clock, chance=lambda: 0.999)
    assert clock.slept == [pytest.approx(0.5005), 7]


@pytest.mark.parametrize("asked", [0.25, 1.5, 119.0, 120.0])
async def test_what_the_provider_asks_for_is_honoured_up_to_two_minutes(asked: float):
    clock = Clock()
    await collect([Scripted([fault("rate_limit", retry_after=asked)], [DONE])], clock)
    assert clock.slept == [max(asked, 1.0)]


@pytest.mark.parametrize(
    ("asked", "says"),
    [(121.0, "until 10:02."), (3600.0, "until 11:00."), (86_400.0, "until 10:00 on 2026-11-22."), (1e15, "until ")],
)
async def test_a_longer_wait_stops_and_says_when_to_come_back(asked: float, says: str):
    clock, provider = Clock(), Scripted([fault("rate_limit", retry_after=asked)])
    with pytest.raises(ProviderError) as caught:
        await collect([provider], clock, now=lambda: datetime(2026, 11, 21, 10, 0))
    assert says in str(caught.value)
    assert caught.value.retry_after == asked
    assert not caught.value.retryable
    assert clock.slept == []


@pytest.mark.parametrize("kind", ["auth", "quota", "model", "invalid_request", "context_exceeded", "setup"])
async def test_what_waiting_cannot_mend_is_not_tried_again(kind: ProviderFault):
    clock, provider = Clock(), Scripted([fault(kind, retryable=False)])
    with pytest.raises(ProviderError) as caught:
        await collect([provider], clock)
    assert caught.value.kind == kind
    assert len(provider.asked) == 1
    assert clock.slept == []


async def test_nothing_is_asked_for_twice_once_something_was_shown():
    clock, provider, spare = Clock(), Scripted([ReplyText("he"), fault("interrupted")]), Scripted([DONE], id="spare")
    stream = stream_with_retries([provider, spare], REQUEST, sleep=clock.sleep)
    assert await anext(stream) == ReplyText("he")
    with pytest.raises(ProviderError, match="interrupted"):
        await anext(stream)
    assert spare.asked == []


async def test_the_next_provider_is_asked_with_its_own_model_when_the_first_gives_up():
    clock, first, spare = Clock(), Scripted(*[[fault()]] * 2), Scripted([DONE], id="spare")
    items = await collect([first, spare], clock, backoff=Backoff(attempts=2))
    assert items[-2:] == [Retrying(2, 0.0, "server fault; asking spare instead"), DONE]
    assert spare.asked[0].model == ModelConfig(provider="spare", model="")
    assert first.asked[0].model == ModelConfig(model="big-1")


@pytest.mark.parametrize("kind", ["auth", "model", "invalid_request", "context_exceeded", "setup"])
async def test_what_is_wrong_with_the_request_or_the_config_is_not_handed_on(kind: ProviderFault):
    spare = Scripted([DONE], id="spare")
    with pytest.raises(ProviderError):
        await collect([Scripted([fault(kind, retryable=False)]), spare], Clock())
    assert spare.asked == []


async def test_a_used_up_quota_goes_to_the_next_provider_at_once():
    clock = Clock()
    items = await collect([Scripted([fault("quota", retryable=False)]), Scripted([DONE], id="spare")], clock)
    assert items[-1] == DONE
    assert clock.slept == []


async def test_when_every_provider_fails_the_first_ones_fault_is_reported():
    first, spare = Scripted([fault("quota", False)]), Scripted([fault("auth", False)], id="spare")
    with pytest.raises(ProviderError) as caught:
        await collect([first, spare], Clock())
    assert caught.value.kind == "quota"


async def test_cancelling_ends_a_wait_at_once():
    waiting = asyncio.Event()

    async def sleep(seconds: float) -> None:
        waiting.set()
        await asyncio.Event().wait()

    async def run() -> None:
        async for _ in stream_with_retries([Scripted([fault()])], REQUEST, sleep=sleep):
            pass

    task = asyncio.create_task(run())
    await waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_leaving_early_closes_the_provider_s_stream():
    closed = asyncio.Event()

    class Endless(Scripted):
        async def stream(self, request: Request) -> AsyncIterator[ReplyItem]:
            try:
                while True:
                    yield ReplyText("more ")
            finally:
                closed.set()

    stream = stream_with_retries([Endless()], REQUEST)
    assert await anext(stream) == ReplyText("more ")
    await stream.aclose()
    assert closed.is_set()


async def test_without_a_provider_there_is_nothing_to_ask():
    with pytest.raises(UsageError, match="providers"):
        await collect([], Clock())
