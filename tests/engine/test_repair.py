from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from agent_workbench.conversation.messages import Image, Message, Text, Thinking, ToolCall, ToolResult, user
from agent_workbench.engine.repair import interrupted, sendable

IDS = st.sampled_from(["a", "b", "c", ""])
WORDS = st.sampled_from(["hello", "", "  "])
CALLS = st.builds(lambda call_id: ToolCall(call_id, "t"), IDS)
RESULTS = st.builds(lambda call_id: ToolResult(call_id, "r"), IDS)
SPOKEN = st.one_of(st.builds(Text, WORDS), st.just(Image("image/png", "")))
SAID = st.one_of(st.builds(Text, WORDS), st.builds(Thinking, WORDS), CALLS)
MESSAGES = st.one_of(
    st.builds(lambda parts: Message("user", tuple(parts)), st.lists(SPOKEN, max_size=3)),
    st.builds(lambda parts: Message("assistant", tuple(parts)), st.lists(SAID, max_size=4)),
    st.builds(lambda parts: Message("tool", tuple(parts)), st.lists(RESULTS, max_size=4)),
)
HISTORIES = st.lists(MESSAGES, max_size=8)


@given(HISTORIES)
@settings(max_examples=600, deadline=None)
def test_every_call_has_exactly_one_result_right_behind_it_and_nothing_else_has(history):
    sent = sendable(history)
    ids = [call.call_id for message in sent for call in message.tool_calls]
    assert len(ids) == len(set(ids))
    assert all(ids)
    for index, message in enumerate(sent):
        assert message.parts
        if message.role == "tool":
            assert sent[index - 1].role == "assistant"
            assert [r.call_id for r in message.tool_results] == [c.call_id for c in sent[index - 1].tool_calls]
        elif message.tool_calls:
            assert sent[index + 1].role == "tool"
        if message.role == "assistant":
            assert not isinstance(message.parts[-1], Thinking)


@given(HISTORIES)
@settings(max_examples=400, deadline=None)
def test_repair_is_deterministic_idempotent_and_leaves_the_stored_history_alone(history):
    before = list(history)
    sent = sendable(history)
    assert sendable(history) == sent
    assert sendable(sent) == sent
    assert history == before


@given(HISTORIES)
@settings(max_examples=300, deadline=None)
def test_a_person_s_words_and_a_model_s_words_are_never_lost(history):
    def words(messages):
        return ["".join(m.text.split()) for m in messages if m.role in ("user", "assistant") and m.text.strip()]

    assert words(sendable(history)) == words(history)


@given(HISTORIES)
@settings(max_examples=300, deadline=None)
def test_a_cut_anywhere_is_closed_by_one_message_at_most(history):
    closing = interrupted(history)
    assert len(closing) <= 1
    assert interrupted([*history, *closing]) == ()


def test_a_whole_history_is_sent_as_it_is():
    history = (
        user("go"),
        Message("assistant", (Text("yes"), ToolCall("a", "t"), ToolCall("b", "t"))),
        Message("tool", (ToolResult("a", "1"), ToolResult("b", "2"))),
        Message("assistant", (Text("done"),)),
    )
    assert sendable(history) == history


def test_an_id_used_again_in_a_later_reply_is_renamed_with_its_result():
    once = [Message("assistant", (ToolCall("a", "t"),)), Message("tool", (ToolResult("a", "first"),))]
    twice = [*once, Message("assistant", (ToolCall("a", "t"),)), Message("tool", (ToolResult("a", "second"),))]
    sent = sendable(twice)
    assert [c.call_id for m in sent for c in m.tool_calls] == ["a", "a_2"]
    assert sent[3].tool_results[0] == ToolResult("a_2", "second")


def test_what_had_finished_keeps_its_result_when_a_turn_was_cut():
    history = [user("go"), Message("assistant", (ToolCall("a", "t"), ToolCall("b", "t")))]
    (closing,) = interrupted(history, [ToolResult("b", "fine")], reason="cancelled")
    assert [(r.content, r.is_error) for r in closing.tool_results] == [("cancelled", True), ("fine", False)]
