"""A history made by one provider is accepted by every other, whatever it holds."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_workbench.conversation.messages import Image, Message, Part, Text, Thinking, ToolCall, ToolResult, user
from agent_workbench.engine import repair
from agent_workbench.engine.providers import anthropic, chat_completions, openai
from agent_workbench.engine.providers.portable import portable
from fakes import anthropic_format, responses_format
from fakes.providers import check_sendable

ORIGINS = (anthropic.ID, openai.ID, chat_completions.ID, "provider-elsewhere")
TEXTS = st.sampled_from(["", " ", "\n", "hi", "größe 😀", "a\ud800b", "null"])
IDS = st.sampled_from(["", "c1", "c2", "call 1", "toolu_" + "x" * 60, "ü", "a.b"])
NAMES = st.sampled_from(["bash", "read_file", "", "functions.read", "ä b", "n" * 90])
IMAGES = st.builds(
    Image, st.sampled_from(["image/png", "image/bmp", ""]), st.just("AAAA"), st.sampled_from(["", "a.png"])
)


@st.composite
def thoughts(draw: st.DrawFn) -> Thinking:
    """Genuine thoughts of each maker, and the unsigned ones of others."""
    text, origin = draw(st.sampled_from(["", "Hm.", "Deep 🤔"])), draw(st.sampled_from(ORIGINS))
    item = f"rs_{draw(st.integers(0, 10**9))}"
    genuine = {
        anthropic.ID: draw(st.sampled_from([anthropic_format.sign(text), "redacted:redacted-xyz"])),
        openai.ID: json.dumps({"id": item, "summary": [], "encrypted_content": responses_format.encrypt(item)}),
    }
    signature = draw(st.sampled_from([genuine.get(origin, "?"), ""]))
    return Thinking("" if signature.startswith("redacted:") else text, signature, origin)


CALLS = st.builds(
    ToolCall, IDS, NAMES, st.dictionaries(TEXTS, TEXTS, max_size=2), st.sampled_from([None, None, '{"a', "[1]", ""])
)
USERS = st.lists(st.one_of(st.builds(Text, TEXTS), IMAGES), max_size=3).map(lambda parts: Message("user", tuple(parts)))
REPLIES = st.lists(st.one_of(st.builds(Text, TEXTS), thoughts(), CALLS), max_size=5).map(
    lambda parts: Message("assistant", tuple(parts), "m", "end")
)
RESULTS = st.lists(
    st.builds(ToolResult, IDS, TEXTS, st.booleans(), st.lists(IMAGES, max_size=1).map(tuple)), max_size=4
).map(lambda parts: Message("tool", tuple(parts)))
HISTORIES = st.lists(st.one_of(USERS, REPLIES, RESULTS), max_size=7).map(lambda tail: (user("begin"), *tail))


@given(HISTORIES)
def test_whatever_was_stored_is_accepted_by_every_api_after_repair(history: tuple[Message, ...]):
    check_sendable(repair.sendable(history))
    check_sendable(repair.sendable(history), tools=())


@given(HISTORIES, st.sampled_from(ORIGINS))
def test_making_it_portable_twice_changes_nothing_more(history: tuple[Message, ...], origin: str):
    once = portable(repair.sendable(history), origin)
    assert portable(once, origin) == once


@given(HISTORIES, st.sampled_from(ORIGINS))
def test_words_are_never_lost(history: tuple[Message, ...], origin: str):
    whole = [part for message in repair.sendable(history) for part in message.parts if isinstance(part, Text)]
    kept = [part for message in portable(repair.sendable(history), origin) for part in message.parts]
    assert [part for part in whole if part not in kept] == []


def parts(messages: list[Message]) -> tuple[Part, ...]:
    return tuple(part for message in messages for part in message.parts)


@pytest.mark.parametrize("origin", ORIGINS[:2])
def test_a_thought_goes_back_to_whom_it_came_from_and_to_nobody_else(origin: str):
    mine, foreign = Thinking("Hm.", "sig", origin), Thinking("Oh.", "sig", "provider-elsewhere")
    history = (user("x"), Message("assistant", (mine, foreign, Text("y"))))
    assert parts(portable(history, origin)) == (Text("x"), mine, Text("y"))
    assert parts(portable(history, origin, thoughts=False)) == (Text("x"), Text("y"))


def test_ids_that_cannot_be_sent_are_renamed_with_their_results():
    history = (
        user("x"),
        Message("assistant", (ToolCall("an id, with blanks", "a"), ToolCall("ok", "b"))),
        Message("tool", (ToolResult("an id, with blanks", "1"), ToolResult("ok", "2"))),
        Message("assistant", (ToolCall("ok", "c"),)),
        Message("tool", (ToolResult("ok", "3"),)),
    )
    sent = parts(portable(history, anthropic.ID))
    calls = [part.call_id for part in sent if isinstance(part, ToolCall)]
    assert calls == [part.call_id for part in sent if isinstance(part, ToolResult)]
    assert len(set(calls)) == 3
    assert calls[1] == "ok"


def test_a_history_that_needs_nothing_is_passed_on_as_it_is():
    history = (
        user("x"),
        Message("assistant", (Text("y"), ToolCall("c1", "bash", {"command": "ls"}))),
        Message("tool", (ToolResult("c1", "out"),)),
    )
    assert tuple(portable(history, openai.ID)) == history


@pytest.mark.parametrize("signature", ["sig", "[1]", '{"id": 3}', "{"])
def test_reasoning_that_was_not_kept_whole_is_left_out(signature: str):
    history = (user("x"), Message("assistant", (Thinking("Hm.", signature, openai.ID), Text("y"))))
    assert [item["type"] for item in openai.translate(history)] == ["message", "message"]


def test_arguments_that_were_no_object_are_sent_as_what_they_were():
    call = ToolCall("c1", "bash", raw='{"command": "ls')
    (turn,) = (m for m in anthropic.translate((user("x"), Message("assistant", (call,)))) if m["role"] == "assistant")
    assert turn["content"][0]["input"] == {"INVALID_JSON": '{"command": "ls'}
