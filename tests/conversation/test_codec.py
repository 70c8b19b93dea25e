"""JSON to and from messages, usage and events."""

from __future__ import annotations

import json
import sqlite3
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_workbench.conversation import codec, events
from agent_workbench.conversation.messages import Image, Message, Part, Text, Thinking, ToolCall, ToolResult, user
from agent_workbench.conversation.usage import Usage

words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
any_text = st.text(st.characters(), max_size=20) | st.sampled_from(["\ud800", "\udfff\ud800", "\ud83d\ude00", "a\0b"])
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)
odd = st.recursive(
    st.none() | st.integers() | st.floats() | any_text | st.binary(max_size=4) | st.decimals() | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text | st.integers(), inner, max_size=3),
    max_leaves=8,
)


def parts(text: st.SearchStrategy[str], data: st.SearchStrategy[Any]) -> st.SearchStrategy[Part]:
    image = st.builds(Image, text, text, text)
    return st.one_of(
        st.builds(Text, text),
        image,
        st.builds(Thinking, text, text, text),
        st.builds(ToolCall, text, text, st.dictionaries(text, data, max_size=3), st.none() | text),
        st.builds(
            ToolResult, text, text, st.booleans(), st.lists(image, max_size=2).map(tuple), st.dictionaries(text, data)
        ),
    )


def messages(text: st.SearchStrategy[str], data: st.SearchStrategy[Any]) -> st.SearchStrategy[Message]:
    return st.builds(
        Message,
        st.sampled_from(["user", "assistant", "tool"]),
        st.lists(parts(text, data), max_size=4).map(tuple),
        text,
        st.sampled_from([None, "end", "tool_calls", "interrupted", "error"]),
    )


@given(messages(words, plain))
def test_a_message_comes_back_as_it_went(message: Message) -> None:
    assert codec.message_from_json(json.loads(codec.dumps(codec.message_to_json(message)))) == message


@given(messages(any_text, odd))
def test_whatever_a_message_holds_becomes_valid_utf8_without_nul(message: Message) -> None:
    written = codec.dumps(codec.message_to_json(message))
    assert "\0" not in written
    assert "\\u0000" not in written
    written.encode()
    once = codec.message_from_json(json.loads(written))
    assert codec.message_from_json(json.loads(codec.dumps(codec.message_to_json(once)))) == once


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | any_text,
                    lambda inner: st.lists(inner) | st.dictionaries(any_text, inner)))  # fmt: skip
def test_reading_never_fails_whatever_the_json(data: Any) -> None:
    codec.message_from_json(data)
    codec.part_from_json(data)
    codec.usage_from_json(data)
    codec.event_from_json(data)


@given(
    st.dictionaries(
        st.sampled_from(["role", "parts", "model", "stop_reason", "type", "text", "arguments", "cost", "images"]),
        plain | st.lists(st.dictionaries(st.sampled_from(["type", "text", "call_id", "images"]), plain)),
    )
)
def test_reading_survives_fields_of_the_wrong_type(data: dict[str, Any]) -> None:
    codec.message_from_json(data)
    codec.part_from_json({**data, "type": "tool_result"})
    codec.usage_from_json(data)
    codec.event_from_json({**data, "type": "question"})


CALL = ToolCall("c1", "bash", {"command": "ls"})
RESULT = ToolResult("c1", "a.txt", details={"files": 1})
QUESTION = events.Question(CALL, "it runs a command", "ls", "command", ("/w",), ("allow",), ("bash(ls)",))
EVENTS: list[events.Event] = [
    events.TurnStarted("t", 3, "m"),
    events.UserSaid(user("hi", Image("image/png", "AAAA"))),
    events.StepStarted(1, "m"),
    events.TextDelta("wörd"),
    events.ThinkingDelta("hm"),
    events.ToolCallDelta("c1", "bash", '{"co'),
    events.ReplyFinished(Message("assistant", (Text("hi"), CALL), "m", "tool_calls"), Usage(1, 2), 0.5, "req"),
    events.ToolStarted(CALL),
    events.ToolOutput("c1", "a"),
    events.ToolFinished(CALL, RESULT, 0.25),
    events.ResultsReady(Message("tool", (RESULT,))),
    events.ApprovalRequired(QUESTION),
    events.ApprovalAnswered("c1", events.Answer("deny", "no")),
    events.Retrying(2, 1.5, "overloaded"),
    events.Notice("changed", "warning", {"from": 7, "to": 8}),
    events.TurnFinished("limited", Usage(1, None, cost=Decimal("0.0001")), 3, "too much", "cost"),
]


@pytest.mark.parametrize("event", EVENTS, ids=codec.event_kind)
def test_every_event_comes_back_as_it_went(event: events.Event) -> None:
    assert codec.event_from_json(json.loads(codec.dumps(codec.event_to_json(event)))) == event


def test_every_kind_of_event_is_in_the_table_above() -> None:
    assert {type(event) for event in EVENTS} == set(events.Event.__args__)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param({"type": "text", "text": "a", "colour": "red"}, Text("a"), id="an unknown key is ignored"),
        pytest.param({"type": "image", "media_type": "m", "data": "d"}, Image("m", "d"), id="a missing key is too"),
        pytest.param(
            {"type": "tool_result", "call_id": "1", "content": "x", "is_error": "yes"}, ToolResult("1", "x"),
            id="a value of the wrong type is the default",
        ),
        pytest.param(
            {"type": "hologram", "data": 1},
            Text("[a part of the kind 'hologram', which this version cannot read]"), id="an unknown kind says so",
        ),
        pytest.param({"type": "tool_call"}, Text("[an unreadable tool_call]"), id="a part without its core says so"),
        pytest.param(["text"], Text("[a part of the kind 'None', which this version cannot read]"), id="not a map"),
    ],
)  # fmt: skip
def test_parts_of_other_versions_are_read_as_far_as_possible(data: Any, expected: Part) -> None:
    assert codec.part_from_json(data) == expected


def test_events_of_other_versions_are_left_out() -> None:
    assert codec.event_from_json({"type": "teleported"}) is None
    assert codec.event_from_json({"type": "tool_started"}) is None
    assert codec.event_from_json({"type": "step_started", "step": 2, "new": 1}) == events.StepStarted(2)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("a\0b", "a\ufffdb", id="NUL"),
        pytest.param("x\ud800", "x\ufffd", id="lone surrogate"),
        pytest.param("\ud83d\ude00", "😀", id="surrogate pair"),
        pytest.param(float("nan"), "nan", id="NaN"),
        pytest.param(float("-inf"), "-inf", id="infinity"),
        pytest.param(Path("/a"), "/a", id="path"),
        pytest.param({1: (2, {3})}, {"1": [2, [3]]}, id="keys, tuples and sets"),
        pytest.param(1 << 20_000, hex(1 << 20_000), id="an integer that Python would not print"),
    ],
)
def test_what_json_cannot_hold_becomes_harmless(value: Any, expected: Any) -> None:
    assert codec.clean(value) == expected


def test_bottomless_nesting_is_cut_so_that_sqlite_can_still_read_it() -> None:
    deep: Any = "core"
    for _ in range(5000):
        deep = [deep]
    written = codec.dumps({"deep": deep})
    connection = sqlite3.connect(":memory:")
    assert connection.execute("SELECT json_valid(?)", (written,)).fetchone()[0] == 1
    connection.close()


@pytest.mark.parametrize("text", [None, "", "{", "[" * 100_000, "1" * 10_000, "nonsense"])
def test_broken_json_text_reads_as_the_default(text: str | None) -> None:
    assert codec.loads(text, "default") == "default"


@given(st.builds(Usage, *[st.none() | st.integers(0, 10**12)] * 5,
                 cost=st.none() | st.decimals(allow_nan=False, allow_infinity=False)))  # fmt: skip
def test_usage_keeps_every_digit_and_what_is_unknown(usage: Usage) -> None:
    assert codec.usage_from_json(json.loads(codec.dumps(codec.usage_to_json(usage)))) == usage
    assert (codec.usage_to_json(usage).get("cost") is None) == (usage.cost is None)
