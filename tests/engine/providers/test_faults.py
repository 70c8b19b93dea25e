"""The fault table: whatever breaks between here and a model is one typed, readable fault, for every wire format.

After each fault the provider answers the next request, and the history is still one that every API accepts.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import pytest

from agent_workbench.conversation.messages import Message, Text, Thinking, ToolCall, ToolResult, user
from agent_workbench.engine.ports import Provider, ReplyDone, ReplyItem, ReplyText, Request
from agent_workbench.errors import ProviderError, ProviderFault
from fakes.addresses import UNREACHABLE
from fakes.providers import KINDS, TOOLS, Kind, check_sendable
from fakes.wire import Broken, Reply, WireServer, fails, says

every = pytest.mark.parametrize("kind", KINDS, ids=str)
CALL = ToolCall("c1", "bash", {"command": "rm -r build"})
HISTORY = (
    user("clean up"), Message("assistant", (Thinking("Hm.", "?", "provider-elsewhere"), CALL)),
    Message("tool", (ToolResult("c1", "done"),)), Message("assistant", (Text("Done."),)), user("and now?"),
)  # fmt: skip
REQUEST = Request("Be brief.", HISTORY, TOOLS)
STORY = "once upon a time there was a long story"
HTML = b"<html><head><title>502 Bad Gateway</title></head><body>" + b"x" * 5000


@dataclass
class Outcome:
    """What a caller saw of a request that failed."""

    shown: list[ReplyItem]
    fault: ProviderError


async def outcome(provider: Provider, request: Request = REQUEST) -> Outcome:
    shown: list[ReplyItem] = []
    stream = provider.stream(request)
    try:
        async for item in stream:
            shown.append(item)
    except ProviderError as error:
        return Outcome(shown, error)
    raise AssertionError(f"no fault, but {shown[-1]}")


async def survives(kind: Kind, reply: Reply, **config: Any) -> Outcome:
    """Return what came of a broken reply, having checked that the session goes on."""
    async with WireServer(reply, says("I am back.")) as server:
        provider = kind.make(server.url, **config)
        try:
            seen = await outcome(provider)
            assert "\n" not in str(seen.fault)
            assert kind.module in str(seen.fault)
            check_sendable(HISTORY)
            reply.broken.release.set()
            done = [item async for item in provider.stream(REQUEST)][-1]
            assert isinstance(done, ReplyDone)
            assert done.message.text == "I am back."
            assert server.refused == []
        finally:
            await provider.close()
    return seen


@dataclass(frozen=True)
class Row:
    """One row of the table for answers with an error status."""

    name: str
    reply: Reply
    kind: ProviderFault
    retryable: bool
    says: str = ""

    def __str__(self) -> str:
        return self.name


REFUSALS = (
    Row("429", fails(429, "rate_limit"), "rate_limit", True, "ate limit"),
    Row("429 quota", fails(429, "quota"), "quota", False, "config.api_key"),
    Row("402", fails(402, "quota"), "quota", False, "config.api_key"),
    Row("400 out of credit", fails(400, "invalid", "Your credit balance is too low"), "quota", False),
    Row("401", fails(401, "auth"), "auth", False, "config.api_key"),
    Row("403", fails(403, "forbidden"), "auth", False, "config.api_key"),
    Row("404 model", fails(404, "model"), "model", False, "config.default_model"),
    Row("404 of a web server", fails(404, body=b"<h1>Not found</h1>"), "setup", False, "config.base_url"),
    Row("400 invalid", fails(400, "invalid", "messages.1: nonsense"), "invalid_request", False, "messages.1: nonsense"),
    Row("422", fails(422, "invalid"), "invalid_request", False),
    Row("400 context", fails(400, "context"), "context_exceeded", False),
    Row("413", fails(413, "too_large"), "context_exceeded", False),
    Row("413 of a proxy", fails(413, body=b"<title>413 Request Entity Too Large</title>"), "context_exceeded", False),
    Row("500", fails(500, "server"), "server", True),
    Row("502 HTML", fails(502, body=HTML, headers={"content-type": "text/html"}), "server", True, "502 Bad Gateway"),
    Row("503", fails(503, "overloaded"), "server", True),
    Row("504 empty", fails(504, body=b""), "server", True, "504"),
    Row("529", fails(529, "overloaded"), "server", True, "verloaded"),
    Row("500 broken JSON", fails(500, body=b'{"error": {"mess'), "server", True),
    Row("500 JSON of another shape", fails(500, body=b'[["?"]]'), "server", True),
    Row("500 with a word", fails(500, body=b'{"error": "out of memory"}'), "server", True, "out of memory"),
    Row("400 in a list", fails(400, body=b'[{"error": {"message": "key not valid"}}]'), "invalid_request", False),
    Row("404 of Ollama", fails(404, body=b'{"error":{"message":"model q not found"}}'), "model", False),
)  # fmt: skip


@every
@pytest.mark.parametrize("row", REFUSALS, ids=str)
async def test_an_error_status_is_named_and_says_what_to_change(kind: Kind, row: Row):
    seen = await survives(kind, row.reply)
    assert (seen.fault.kind, seen.fault.retryable) == (row.kind, row.retryable)
    assert row.says in str(seen.fault)
    assert seen.fault.status == row.reply.status
    assert seen.fault.request_id == "req_fake"
    assert seen.shown == []


def page(body: bytes, kind: str = "text/html", **broken: Any) -> Reply:
    return Reply(body=body, headers={"content-type": kind}, broken=Broken(**broken))


def events(*lines: str) -> Reply:
    return page("".join(f"data: {line}\n\n" for line in lines).encode(), "text/event-stream")


NONSENSE = (
    Row("HTML with 200", page(b"<title>Log in</title>" + b"x" * 10**6), "protocol", False, "Log in"),
    Row("empty HTML with 200", page(b""), "protocol", True),
    Row("empty stream", page(b"", "text/event-stream"), "protocol", True, "empty"),
    Row("JSON error with 200", page(b'{"error": {"message": "overloaded", "type": "overloaded_error"}}',
                                    "application/json"), "server", True, "overloaded"),
    Row("JSON without an error", page(b'{"ok": true}', "application/json"), "protocol", False),
    Row("broken JSON in an event", events('{"type": "mess'), "protocol", True),
    Row("an event that is no object", events("[1, 2]"), "protocol", True),
    Row("an event of another shape", events('{"type": "content_block_delta", "delta": 3, "choices": [4]}',
        '{"type": "response.output_text.delta"}'), "protocol", True),
    Row("deep nesting", events("[" * 100_000), "protocol", True),
    Row("an event beyond all bounds", events('{"x": "' + "y" * (17 * 2**20) + '"}'), "protocol", True),
)  # fmt: skip


@every
@pytest.mark.parametrize("row", NONSENSE, ids=str)
async def test_an_answer_that_is_no_stream_of_events_is_a_fault_and_no_exception(kind: Kind, row: Row):
    seen = await survives(kind, row.reply)
    assert (seen.fault.kind, seen.fault.retryable) == (row.kind, row.retryable)
    assert row.says in str(seen.fault)


CUTS = ("reset", "close", "clean")


@every
@pytest.mark.parametrize("ending", CUTS)
async def test_a_reply_cut_in_its_words_keeps_what_came_and_is_never_whole(kind: Kind, ending: Any):
    seen = await survives(kind, says(STORY, broken=Broken(cut=b"me ther", ending=ending)))
    assert seen.fault.kind == "interrupted"
    assert seen.fault.retryable
    assert STORY.startswith("".join(item.text for item in seen.shown if isinstance(item, ReplyText)))
    assert not any(isinstance(item, ReplyDone) for item in seen.shown)


@every
@pytest.mark.parametrize("ending", CUTS)
@pytest.mark.parametrize("place", [b"rm -", b"build"], ids=["inside", "at the end of"])
async def test_a_reply_cut_in_a_calls_arguments_never_yields_the_call(kind: Kind, ending: Any, place: bytes):
    seen = await survives(kind, replace(says(CALL, broken=Broken(cut=place, ending=ending)), delta=100))
    assert seen.fault.kind == "interrupted"
    assert not any(isinstance(item, ReplyDone) for item in seen.shown)


@every
async def test_a_stream_cut_at_any_byte_is_a_fault_until_its_stop_event_came(kind: Kind):
    reply = says(Thinking("Hm."), "Hé!", CALL, delta=40)
    body = b"".join(kind.wire.stream(reply))
    places = range(0, len(body), 97)
    script = [replace(reply, broken=Broken(cut=place, ending="clean")) for place in places]
    async with WireServer(*script) as server:
        provider = kind.make(server.url)
        ends = {place: await _kind_of_end(provider) for place in places}
        await provider.close()
    stop = (
        body.rindex({"openai": b"event: response.completed"}.get(str(kind), b"event: message_stop"))
        if (str(kind) != "chat-completions")
        else body.index(b'"finish_reason": "tool_calls"')
    )
    assert {end for place, end in ends.items() if place <= stop} <= {"interrupted", "protocol"}
    assert ends[0] == "protocol"


async def _kind_of_end(provider: Provider) -> str:
    try:
        async for _ in provider.stream(REQUEST):
            pass
    except ProviderError as error:
        return error.kind
    return "whole"


@every
async def test_a_connection_lost_before_the_first_byte_may_be_tried_again(kind: Kind):
    for ending in ("reset", "close"):
        seen = await survives(kind, says(STORY, broken=Broken(cut=-1, ending=ending)))
        assert (seen.fault.kind, seen.fault.retryable) == ("interrupted", True)


@every
@pytest.mark.parametrize("place", [-1, 0, b"me ther"], ids=["no headers", "no first byte", "in the words"])
async def test_silence_for_too_long_is_a_fault_that_names_its_setting(kind: Kind, place: Any):
    seen = await survives(kind, says(STORY, broken=Broken(stall=place)), timeout=0.15)
    assert (seen.fault.kind, seen.fault.retryable) == ("timeout", True)
    assert "config.timeout" in str(seen.fault)


EVENTS = (("overloaded", "server", True), ("rate_limit", "rate_limit", True), ("server", "server", True),
          ("quota", "quota", False), ("context", "context_exceeded", False))  # fmt: skip


@every
@pytest.mark.parametrize(("error", "named", "retryable"), EVENTS)
async def test_an_error_inside_a_stream_is_a_fault_of_its_own_kind(kind: Kind, error: Any, named: str, retryable: bool):
    seen = await survives(kind, says("Once upon", broken=Broken(error=error)))
    assert (seen.fault.kind, seen.fault.retryable) == (named, retryable)
    assert seen.fault.request_id == "req_fake"


STRANGE = {
    "unknown events": b'event: brand.new\ndata: {"type": "brand.new", "x": [1]}\n\n',
    "comments and empty events": b": keep-alive\n\n\n\ndata:\n\nid: 7\nretry: 10\n\n",
    "a line of 5 MB": b'data: {"type": "ping", "pad": "' + b"y" * (5 * 2**20) + b'"}\n\n',
    "other line ends": b'event: ping\r\ndata: {"type": "ping"}\r\n\r\n',
}


@every
@pytest.mark.parametrize("name", STRANGE)
async def test_what_is_unknown_in_a_stream_is_passed_over(kind: Kind, name: str):
    async with WireServer(says("Hello.", broken=Broken(insert=STRANGE[name]))) as server:
        provider = kind.make(server.url)
        done = [item async for item in provider.stream(REQUEST)][-1]
        await provider.close()
    assert done.message.text == "Hello."


@every
async def test_bytes_that_are_no_utf_8_do_not_end_a_reply(kind: Kind):
    insert = b'event: ping\ndata: {"type": "ping", "x": "\xff\xfe\xc3"}\n\n'
    async with WireServer(says("Hello.", broken=Broken(insert=insert))) as server:
        provider = kind.make(server.url)
        assert [item async for item in provider.stream(REQUEST)][-1].message.text == "Hello."
        await provider.close()


@every
@pytest.mark.parametrize("name", UNREACHABLE)
async def test_a_server_that_cannot_be_reached_may_come_back(kind: Kind, name: str):
    address, fault, words = UNREACHABLE[name]
    with address() as url:
        provider = kind.make(url, connect_timeout=0.1)
        seen = await outcome(provider)
        await provider.close()
    assert (seen.fault.kind, seen.fault.retryable) == (fault, True)
    assert url in str(seen.fault)
    assert words in str(seen.fault)


@every
async def test_a_broken_tls_handshake_is_not_tried_again(kind: Kind):
    async with WireServer() as server:
        provider = kind.make(server.url.replace("http:", "https:"))
        seen = await outcome(provider)
        await provider.close()
    assert (seen.fault.kind, seen.fault.retryable) == ("setup", False)
    assert "config.base_url" in str(seen.fault)


@every
@pytest.mark.parametrize("address", ["ftp://example.invalid", "no address", "http://[::1"])
async def test_an_address_that_is_none_is_named(kind: Kind, address: str):
    provider = kind.make("http://x", base_url=address)
    seen = await outcome(provider)
    await provider.close()
    assert seen.fault.kind == "setup"
    assert "config.base_url" in str(seen.fault)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.variable], ids=str)
async def test_a_missing_key_names_its_variable_and_its_line(kind: Kind):
    fault = (await outcome(kind.make("http://127.0.0.1:1", api_key=None))).fault
    assert (fault.kind, fault.retryable) == ("setup", False)
    assert kind.variable in str(fault)
    assert f"providers[{kind.module}].config.api_key" in str(fault)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.variable], ids=str)
async def test_the_key_of_the_environment_is_used_where_the_config_has_none(
    kind: Kind, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(kind.variable, "key-of-environment")
    async with WireServer(says("ok")) as server:
        provider = kind.make(server.url, api_key=None)
        assert [item async for item in provider.stream(REQUEST)]
        await provider.close()
    assert server.requests[0].headers["authorization"] == "Bearer key-of-environment"


@every
@pytest.mark.parametrize("key", ["schlüssel", "a\nb", "two words", "${ANTHROPIC_KEY}"])
async def test_a_key_that_cannot_be_sent_is_refused_without_showing_it(kind: Kind, key: str):
    fault = (await outcome(kind.make("http://127.0.0.1:1", api_key=key))).fault
    assert fault.kind == "setup"
    assert key not in str(fault)


@every
async def test_no_fault_shows_the_key(kind: Kind):
    repeated = "Incorrect API key provided: key-canary-123."
    for reply in (
        fails(401, "auth", repeated),
        fails(500, "server", repeated),
        page(b"<html>"),
        says("x", broken=Broken(cut=-1)),
    ):
        seen = await survives(kind, reply, api_key="key-canary-123")
        assert "canary" not in f"{seen.fault} {seen.fault.args}"


@every
async def test_a_list_of_models_that_cannot_be_read_is_a_fault(kind: Kind):
    async with WireServer(models=("m",)) as server:
        provider = kind.make(server.url + "/elsewhere")
        with pytest.raises(ProviderError) as caught:
            await provider.models()
        await provider.close()
    assert caught.value.kind == "setup"


REFUSED_THOUGHTS = "messages.1.content.0: Invalid `signature` in `thinking` block / encrypted reasoning content"


@pytest.mark.parametrize("kind", KINDS[:2], ids=str)
async def test_thoughts_that_are_not_taken_back_are_left_out_once(kind: Kind):
    async with WireServer(
        says(Thinking("Hm."), "One."), fails(400, "invalid", REFUSED_THOUGHTS), says("Two.")
    ) as server:
        provider = kind.make(server.url)
        first = [item async for item in provider.stream(REQUEST)][-1].message
        longer = replace(REQUEST, messages=(*HISTORY, first, user("go on")))
        assert [item async for item in provider.stream(longer)][-1].message.text == "Two."
        with_thoughts, without = (json.dumps(request.json) for request in server.requests[1:])
        await provider.close()
    assert "Hm." in with_thoughts
    assert "Hm." not in without


@pytest.mark.parametrize("kind", KINDS[:2], ids=str)
async def test_an_invalid_history_is_not_sent_for_ever(kind: Kind):
    signature = '{"id": "x"}' if kind.module == "provider-openai" else "sig"
    mine = Message("assistant", (Thinking("Hm.", signature, kind.module), Text("One.")))
    broken = replace(REQUEST, messages=(*HISTORY[:-1], user("x"), mine, user("go on")))
    async with WireServer(*[fails(400, "invalid", REFUSED_THOUGHTS)] * 5) as server:
        provider = kind.make(server.url)
        assert (await outcome(provider, broken)).fault.kind == "invalid_request"
        await provider.close()
    assert len(server.requests) <= 2
