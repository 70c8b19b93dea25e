from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_workbench.conversation.events import Notice, ReplyFinished
from agent_workbench.conversation.messages import Image, Message, Text, ToolCall, ToolResult, user
from agent_workbench.engine import context, orchestrators
from agent_workbench.engine.context import ContextConfig, PersistentConfig, Window, holding, tokens
from agent_workbench.engine.ports import Limits, MountContext
from agent_workbench.engine.repair import sendable
from agent_workbench.engine.session_config import Compaction
from engine.engine_kit import of, played, scripted, session

HERE = MountContext({}, Path("/"))


def conversation(turns: int, size: int = 4000) -> list[Message]:
    """Make turns of question, call, large result and answer."""
    messages: list[Message] = []
    for number in range(turns):
        call = ToolCall(f"c{number}", "read_file", {"n": number})
        messages += [
            user(f"question {number}"),
            Message("assistant", (Text(f"looking {number}"), call)),
            Message("tool", (ToolResult(call.call_id, "x" * size),)),
            Message("assistant", (Text(f"answer {number}"),)),
        ]
    return [*messages, user("and now?")]


def window(**config: object) -> Window:
    return Window(ContextConfig.model_validate(config))


def test_below_the_threshold_everything_is_sent():
    history = conversation(3)
    view = window().view(history)
    assert (view.messages, view.dropped) == (tuple(history), "")


def test_old_results_shrink_first_and_what_happened_is_said():
    history = conversation(10)
    view = window(max_tokens=10_000, target_usage=0.9).view(history)
    assert len(view.messages) == len(history)
    assert "4 old tool results shortened" in view.dropped
    assert [len(m.tool_results[0].content) for m in view.messages if m.role == "tool"][-5:] == [4000] * 5


def test_then_old_exchanges_go_but_never_the_first_or_the_newest_words():
    history = conversation(40)
    view = window(max_tokens=4000).view(history)
    words = [message.text for message in view.messages]
    assert words[0] == "question 0"
    assert words[-1] == "and now?"
    assert any("left out here" in text for text in words)
    assert tokens(view.messages) < tokens(history) / 3
    assert "old messages left out" in view.dropped


def test_a_compacted_conversation_begins_the_same_in_the_following_requests():
    history, policy = conversation(60), window(max_tokens=20_000)
    ends = [index for index, message in enumerate(history) if message.role == "assistant"]
    views = [policy.view(history[:end]).messages for end in ends]
    kept = sum(later[: len(earlier)] == earlier for earlier, later in pairwise(views))
    assert kept >= len(views) * 0.9
    assert all(tokens(view) <= 20_000 for view in views)


@pytest.mark.parametrize(
    "first", ["short", "x" * 500_000], ids=["ordinary", "with a first message that fills the window"]
)
def test_looking_at_a_very_long_conversation_is_quick(first):
    history = [user(first), *conversation(5000, size=400)]
    started = time.process_time()
    window(max_tokens=100_000).view(history)
    assert time.process_time() - started < 3  # 0.4 s here; the square of the length would be minutes


def test_a_single_long_turn_is_compacted_too():
    history = [user("do it all"), *[message for message in conversation(40) if message.role != "user"]]
    view = window(max_tokens=4000).view(history)
    assert tokens(view.messages) < 8000
    assert view.messages[0].text == "do it all"


def test_without_auto_compact_only_a_squeeze_sends_less():
    history = conversation(40)
    policy = window(max_tokens=4000, auto_compact=False)
    assert policy.view(history).messages == tuple(history)
    assert tokens(policy.view(history, squeeze=True).messages) < tokens(history)


def test_old_pictures_go_with_their_results():
    picture = ToolResult("p", "a picture", images=(Image("image/png", "AAAA"),))
    history = [user("go"), Message("assistant", (ToolCall("p", "t"),)), Message("tool", (picture,)), *conversation(10)]
    view = window(max_tokens=8000, target_usage=0.9).view(history)
    assert view.messages[2].tool_results[0].images == ()


@given(st.integers(1, 30), st.integers(500, 60_000), st.floats(0, 1), st.integers(0, 8), st.booleans())
@settings(max_examples=150, deadline=None)
def test_pairs_stay_together_whatever_the_window(turns, size, recent, results, squeeze):
    history = conversation(turns)
    policy = window(max_tokens=size, protected_recent=recent, protected_tool_results=results)
    view = policy.view(history, squeeze=squeeze)
    assert sendable(view.messages) == view.messages
    assert view == policy.view(history, squeeze=squeeze)
    assert view.messages[-1] == history[-1]
    assert (view.messages == tuple(history)) == (view.dropped == "")


def test_memory_files_stand_in_the_system_prompt_and_missing_or_secret_ones_do_not(tmp_path):
    (tmp_path / "AGENTS.md").write_text("Be kind.\n")
    (tmp_path / ".env").write_text("KEY=1")
    (tmp_path / "empty.md").touch()
    config = PersistentConfig(memory_files=["AGENTS.md", "gone.md", ".env", "empty.md", "a\0b"])
    made = context.create_persistent(config, HERE)
    assert made.memory(tmp_path) == '<context name="AGENTS.md">\nBe kind.\n</context>'
    assert context.create(ContextConfig(), HERE).memory(tmp_path) == ""


async def test_the_loop_says_what_was_left_out_and_keeps_the_whole_history():
    history = conversation(40)
    config = session(scripted("fine", loop=True), history_policy=window(max_tokens=4000))
    events = await played(config, history)
    assert any("compacted" in notice.text and notice.data["compaction"] for notice in of(events, Notice))
    assert len(history) == 161


async def test_which_messages_were_left_out_or_shortened_is_on_record(tmp_path):
    history = conversation(40)
    config = session(scripted("fine", loop=True), history_policy=window(max_tokens=4000))
    (notice,) = [one for one in of(await played(config, history), Notice) if one.data.get("compaction")]
    view = window(max_tokens=4000).view(history)
    gone = {number for number, one in enumerate(history, 1) if one not in view.messages}
    assert set(notice.data["left_out"]) | set(notice.data["shortened"]) == gone
    assert f"{len(notice.data['left_out'])} old messages left out" in notice.text


async def test_a_provider_that_refuses_the_size_is_asked_once_more_with_less():
    sizes = []

    class Small:
        id, default_model = "small", "m"

        async def stream(self, request):
            from agent_workbench.errors import ProviderError

            sizes.append(tokens(request.messages))
            if len(sizes) == 1:
                raise ProviderError("too long", kind="context_exceeded")
            async for item in scripted("fits", loop=True).stream(request):
                yield item

    events = await played(session(Small(), history_policy=window()), conversation(20))
    assert sizes[1] < sizes[0]
    assert of(events, ReplyFinished)[0].message.text == "fits"


LOOPS = {
    "defaults": ({}, Limits(50), True, 0.0, ""),
    "no limit": ({"max_iterations": -1}, Limits(orchestrators.UNLIMITED_STEPS), True, 0.0, ""),
    "all": (
        {"max_iterations": 3, "max_tokens": 9, "max_cost": 0.5, "max_seconds": 1, "parallel_tools": False,
         "extended_thinking": True, "min_delay_between_calls_ms": 250},
        Limits(3, 9, 0.5, 1), False, 0.25, "high",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("config", "limits", "parallel", "delay", "effort"), LOOPS.values(), ids=LOOPS.keys())
def test_an_orchestrator_s_config_becomes_settings(config, limits, parallel, delay, effort):
    for module in (orchestrators.BASIC, orchestrators.STREAMING):
        assert module.create is not None
        made = module.create(module.config.model_validate(config), HERE)
        assert made == orchestrators.LoopSettings(limits, parallel, delay, effort)


def test_what_a_person_asks_for_sends_half_from_there_on_and_the_rest_begins_the_same():
    history = conversation(40)
    asked = Window(ContextConfig()).asked((Compaction(80),))
    assert asked.view(history[:79]).dropped == ""
    at = asked.view(history[:81])
    assert tokens(at.messages) <= tokens(history[:81]) / 2 + 100
    assert asked.view(history).messages[: len(at.messages) - 1] == at.messages[:-1]


@pytest.mark.parametrize("auto", [True, False])
def test_asking_twice_sends_a_quarter_whether_or_not_it_is_automatic(auto):
    history = [message for n in range(60) for message in (user(f"{n}"), Message("assistant", (Text("x" * 4000),)))]
    once = Window(ContextConfig(auto_compact=auto)).asked((Compaction(120),))
    sent = [tokens(policy.view(history).messages) for policy in (once, once.asked((Compaction(120),)))]
    assert [round(tokens(history) / size) for size in sent] == [2, 4]


def test_what_holds_all_the_words_is_sent_whole_also_when_the_window_is_full_later():
    history = conversation(40)
    history[6] = Message("tool", (ToolResult("c1", "Tabs are the PARSER's " + "x" * 4000),))
    asked = Window(ContextConfig(max_tokens=12_000)).asked((Compaction(20, "parser tabs"),))
    assert history[6] in asked.view(history).messages
    assert history[6] not in Window(ContextConfig(max_tokens=12_000)).view(history).messages
    assert holding(history, "parser tabs") == {6}
    assert holding(history, "parser spaces") == frozenset()


def test_a_place_behind_the_conversation_is_not_reached_yet():
    history = conversation(40)
    assert Window(ContextConfig()).asked((Compaction(10_000),)).view(history).messages == tuple(history)
