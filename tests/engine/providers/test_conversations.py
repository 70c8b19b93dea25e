"""What each provider over HTTP makes of replies that work, against a server that checks every request."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from agent_workbench.conversation.messages import Image, Message, Text, Thinking, ToolCall, ToolResult, user
from agent_workbench.conversation.usage import Usage
from agent_workbench.engine.ports import (
    ModelConfig,
    Provider,
    ReplyDone,
    ReplyItem,
    ReplyText,
    ReplyThinking,
    ReplyToolCall,
    Request,
)  # fmt: skip
from fakes.providers import KINDS, TOOLS, Kind
from fakes.wire import Broken, Reply, WireServer, says

every = pytest.mark.parametrize("kind", KINDS, ids=str)
PIXEL = Image("image/png", "iVBORw0KGgo=", "dot.png")


def ask(*messages: Message, **more: Any) -> Request:
    return Request("Be brief.", messages or (user("hi"),), TOOLS, **more)


async def collect(provider: Provider, request: Request) -> list[ReplyItem]:
    try:
        return [item async for item in provider.stream(request)]
    finally:
        await provider.close()


async def reply(kind: Kind, scripted: Reply, **config: Any) -> ReplyDone:
    async with WireServer(scripted) as server:
        done = (await collect(kind.make(server.url, **config), ask()))[-1]
    assert isinstance(done, ReplyDone)
    return done


@every
async def test_words_come_in_pieces_and_the_whole_reply_last(kind: Kind):
    async with WireServer(says("Hello, größe Welt 😀!")) as server:
        items = await collect(kind.make(server.url), ask())
    pieces = [item.text for item in items if isinstance(item, ReplyText)]
    assert len(pieces) > 2
    assert "".join(pieces) == "Hello, größe Welt 😀!"
    assert items[-1] == ReplyDone(
        Message("assistant", (Text("Hello, größe Welt 😀!"),), "fake-1", "end"), items[-1].usage, "req_fake"
    )


@every
@pytest.mark.parametrize("size", [1, 2, 3, 7])
async def test_a_stream_split_anywhere_reads_the_same(kind: Kind, size: int):
    whole = says(Thinking("Hm 🤔"), "größe 😀", ToolCall("c1", "bash", {"command": "ls 'ü'"}))
    split = says(*whole.parts, broken=Broken(split=size))
    assert (await reply(kind, split)).message == (await reply(kind, whole)).message


@every
async def test_parallel_calls_come_while_they_are_written_and_whole_in_order(kind: Kind):
    calls = (
        ToolCall("c1", "read_file", {"path": "ä.txt"}),
        ToolCall("c2", "bash", {"command": "ls"}),
        ToolCall("c3", "bash"),
    )
    async with WireServer(says("Looking.", *calls)) as server:
        items = await collect(kind.make(server.url), ask())
    assert items[-1].message.parts == (Text("Looking."), *calls)
    assert items[-1].message.stop_reason == "tool_calls"
    written = [item for item in items if isinstance(item, ReplyToolCall)]
    assert "".join(item.arguments for item in written if item.call_id == "c2") == '{"command": "ls"}'
    assert {item.name for item in written if item.call_id == "c1"} == {"read_file"}


@every
async def test_a_whole_tool_loop_is_accepted_with_its_thoughts(kind: Kind):
    call = ToolCall("c1", "read_file", {"path": "a"})
    async with WireServer(says(Thinking("I should look."), "Looking.", call), says("It says 42.")) as server:
        provider = kind.make(server.url)
        first = (await collect(provider, ask()))[-1].message
        answer = Message("tool", (ToolResult("c1", "42"),))
        second = (await collect(provider, ask(user("hi"), first, answer)))[-1].message
        assert server.refused == []
    thought = next(part for part in first.parts if isinstance(part, Thinking))
    assert (thought.text, thought.origin) == ("I should look.", kind.module)
    assert second.text == "It says 42."


@every
async def test_thoughts_are_shown_as_they_come(kind: Kind):
    async with WireServer(says(Thinking("Deep thought."), "42")) as server:
        items = await collect(kind.make(server.url), ask())
    assert "".join(item.text for item in items if isinstance(item, ReplyThinking)) == "Deep thought."


@every
async def test_tokens_are_counted_as_a_sum_that_includes_the_cache(kind: Kind):
    counted = (await reply(kind, says("x", tokens=Usage(100, 20, 60, None, 5)))).usage
    assert (counted.input_tokens, counted.output_tokens, counted.cache_read_tokens) == (100, 20, 60)
    assert counted.reasoning_tokens == 5


@every
async def test_tokens_that_are_not_reported_are_unknown_and_not_nothing(kind: Kind):
    assert (await reply(kind, says("x", tokens=None))).usage == Usage()


@every
async def test_a_reply_costs_what_its_config_says(kind: Kind):
    prices = {"dear-1": {"input": "2", "output": "10"}}
    done = await reply(kind, says("x", tokens=Usage(1000, 100)), prices=prices, default_model="dear-1")
    assert done.usage.cost == Decimal("0.003")


STOPS = ("end", "max_tokens", "refusal")


@every
@pytest.mark.parametrize("stop", STOPS)
async def test_why_a_reply_ended_is_told(kind: Kind, stop: Any):
    assert (await reply(kind, says("x", stop=stop))).message.stop_reason == stop


@every
async def test_an_empty_reply_is_an_empty_message(kind: Kind):
    message = (await reply(kind, says())).message
    assert (message.parts, message.stop_reason) == ((), "end")


@every
@pytest.mark.parametrize("written", ['{"path": "a', "[1]", "nonsense", '"text"', '{"n": NaN}', "{" * 100_000])
async def test_arguments_that_are_no_object_are_kept_as_written(kind: Kind, written: str):
    scripted = says(ToolCall("c1", "read_file", raw=written), stop="tool_calls")
    (call,) = (await reply(kind, Reply(scripted.parts, "tool_calls", delta=50_000))).message.tool_calls
    assert (call.raw, call.arguments) == (written, {})


@every
@pytest.mark.parametrize("written", ["", '{"path": "a'])
async def test_a_call_cut_by_the_token_limit_is_never_whole(kind: Kind, written: str):
    (call,) = (await reply(kind, says(ToolCall("c1", "bash", raw=written), stop="max_tokens"))).message.tool_calls
    assert call.raw == written


@every
async def test_a_call_without_arguments_has_none(kind: Kind):
    assert (await reply(kind, says(ToolCall("c1", "bash", raw="")))).message.tool_calls == (ToolCall("c1", "bash"),)


@every
async def test_lone_surrogates_go_neither_in_nor_out(kind: Kind):
    async with WireServer(says("fine")) as server:
        history = (
            user("a\ud800b"), Message("assistant", (ToolCall("c1", "bash", {"k": "\udfff"}),)),
            Message("tool", (ToolResult("c1", "\ud83d broken"),)),
        )  # fmt: skip
        await collect(kind.make(server.url), ask(*history))
        assert "a\ufffdb" in server.requests[-1].body.decode()


@every
async def test_pictures_are_sent_in_messages_and_in_results(kind: Kind):
    call = ToolCall("c1", "read_file", {"path": "dot.png"})
    result = ToolResult("c1", "a picture", images=(PIXEL, Image("image/tiff", "AAAA", "old.tiff")))
    async with WireServer(says("A dot.")) as server:
        history = (user("look", PIXEL), Message("assistant", (call,)), Message("tool", (result,)))
        await collect(kind.make(server.url), ask(*history))
        sent = server.requests[-1].body.decode()
    assert sent.count(PIXEL.data) == 2
    assert "old.tiff" in sent
    assert "AAAA" not in sent


@every
async def test_the_session_s_model_limit_and_temperature_win_over_the_config(kind: Kind):
    async with WireServer(says("ok")) as server:
        own = {"default_model": "old-1", "max_tokens": 100, "temperature": 0.1, "extended_thinking": False}
        await collect(kind.make(server.url, **own), ask(model=ModelConfig("", "claude-haiku-4-5", "", 2000, 0.5)))
        body = server.requests[-1].json
    assert body["model"] == "claude-haiku-4-5"
    assert body["temperature"] == 0.5
    assert 2000 in (body.get("max_tokens"), body.get("max_output_tokens"))


@every
async def test_fields_of_one_s_own_and_headers_are_sent(kind: Kind):
    async with WireServer(says("ok")) as server:
        own = {"extra_body": {"service_tier": "standard_only"}, "headers": {"X-Team": "blue"}}
        await collect(kind.make(server.url, **own), ask())
        request = server.requests[-1]
    assert request.json["service_tier"] == "standard_only"
    assert request.headers["x-team"] == "blue"


@every
async def test_a_connection_serves_the_next_request_too(kind: Kind):
    async with WireServer(says("one"), says("two")) as server:
        provider = kind.make(server.url)
        for _ in range(2):
            assert [item async for item in provider.stream(ask())][-1]
        assert server.connections == 1
        await provider.close()


@every
async def test_models_are_listed_from_the_server(kind: Kind):
    async with WireServer(models=("gpt-b", "gpt-c")) as server:
        provider = kind.make(server.url)
        assert set(await provider.models()) == {"gpt-b", "gpt-c"}
        await provider.close()
        await provider.close()


@every
async def test_leaving_a_stream_ends_its_request(kind: Kind):
    endless = Broken(stall=b"story")
    async with WireServer(says("a long story " * 99, broken=endless)) as server:
        provider = kind.make(server.url)
        stream = provider.stream(ask())
        assert await anext(stream)
        await stream.aclose()
        await server.client_left.wait()
        await provider.close()


@every
async def test_the_environment_adds_nothing_to_a_request(kind: Kind, monkeypatch: pytest.MonkeyPatch):
    for name in ("ANTHROPIC_CUSTOM_HEADERS", "OPENAI_CUSTOM_HEADERS"):
        monkeypatch.setenv(name, "x-leak: yes\nauthorization: Bearer other")
    for name in ("ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL", "ANTHROPIC_PROFILE", "OPENAI_BASE_URL", "OPENAI_ORG_ID"):
        monkeypatch.setenv(name, "http://leak.invalid")
    async with WireServer(says("ok")) as server:
        await collect(kind.make(server.url), ask())
        headers = server.requests[-1].headers
    assert headers["authorization"] == "Bearer key-fake"
    assert not [name for name, value in headers.items() if "leak" in name + value]


@every
async def test_the_phase_of_words_goes_back_to_openai_and_to_nobody_else(kind: Kind):
    said = (Text("I will look.", "commentary"), Text("It is 42.", "final_answer"))
    async with WireServer(says(*said), says("ok")) as server:
        provider = kind.make(server.url)
        first = [item async for item in provider.stream(ask())][-1]
        assert isinstance(first, ReplyDone)
        await collect(provider, ask(user("hi"), Message("assistant", said, "fake-1", "end"), user("sure?")))
    sent = server.requests[1].json
    if kind.module == "provider-openai":
        assert first.message.parts == said
        assert [item.get("phase") for item in sent["input"]] == [None, "commentary", "final_answer", None]
    else:
        assert first.message.text == "I will look.It is 42."
        assert "phase" not in server.requests[1].body.decode()
