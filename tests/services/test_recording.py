"""Sessions recorded as scripts and played again: compacted ones, empty replies, and agents that worked for them."""

from __future__ import annotations

from typing import Any

import yaml
from services_kit import calls, session_of, texts

from agent_workbench.conversation.events import Notice, StepStarted
from agent_workbench.services.recording import recorded
from agent_workbench.services.shared import SharedContext


async def talked(bench: SharedContext, session_id: str, *said: str) -> list[str]:
    """Say things one after another; return what was told besides."""
    notices = []
    for words in said:
        async for event in bench.sessions.stream_message(session_id, words):
            if isinstance(event, Notice):
                notices.append(event.text)
    return notices


async def again(bench: SharedContext, session_id: str) -> str:
    """Return a session of what a session was recorded as."""
    session = await bench.sessions.get_session(session_id)
    assert session is not None
    return await session_of(bench, await recorded(bench, session))


def bundle(*responses: Any, **sections: Any) -> str:
    provider = {"module": "provider-mock", "config": {"delay": 0, "responses": list(responses)}}
    return str(yaml.safe_dump({"bundle": {"name": "b"}, "providers": [provider], **sections}))


SAID = [f"prompt {n}" for n in range(8)]


async def test_a_compacted_session_plays_again_to_the_same_words_and_is_compacted_again(bench: SharedContext):
    window = {"context": {"module": "context-simple", "config": {"max_tokens": 400, "protected_recent": 0.0}}}
    session_id = await session_of(bench, bundle(*(f"reply {n} " * 40 for n in range(8)), session=window))
    told = await talked(bench, session_id, *SAID)
    assert any("compacted" in notice for notice in told)
    copy = await again(bench, session_id)
    assert await talked(bench, copy, *SAID) == told
    assert await texts(bench, copy) == await texts(bench, session_id)


async def test_a_reply_without_words_takes_its_place_in_the_script(bench: SharedContext):
    session_id = await session_of(bench, bundle({"thinking": "hm"}, {}, "after"))
    await talked(bench, session_id, *SAID[:3])
    copy = await again(bench, session_id)
    await talked(bench, copy, *SAID[:3])
    assert await texts(bench, copy) == await texts(bench, session_id)
    assert (await texts(bench, copy))[-1] == ("assistant", "after")


async def test_agents_play_again_what_they_said_without_their_own_models(bench: SharedContext):
    def errand(words: str) -> tuple[str, dict[str, Any]]:
        return "delegate", {"agent": "helper", "instruction": words}

    helper = {
        "description": "Helps.",
        "instruction": "Help.",
        "providers": [{"module": "provider-mock", "id": "own", "config": {"delay": 0, "responses": ["well", "so"]}}],
    }
    tools = [{"module": "tool-delegate"}]
    text = bundle(calls(errand("one"), errand("two")), "both", tools=tools, agents={"helper": helper})
    session_id = await session_of(bench, text)
    await talked(bench, session_id, "go")
    copy = await again(bench, session_id)
    plan = (await bench.sessions.effective(copy)).providers
    assert [provider.id for provider in plan] == ["provider-mock"]
    await talked(bench, copy, "go")
    said = [[words.partition("\n[")[0] for _, words in await texts(bench, one)] for one in (session_id, copy)]
    assert said[0] == said[1]
    assert said[0][2].startswith("well")


async def test_a_prompt_that_failed_before_its_first_word_fails_again_and_moves_nothing(bench: SharedContext):
    look = {"text": "I look.", "tool_calls": [{"name": "todo", "arguments": {"action": "list"}}]}
    said = ["one", {"fault": "auth"}, "two", look, {"fault": "server"}, "three"]
    session_id = await session_of(bench, bundle(*said, tools=[{"module": "tool-todo"}]))
    await talked(bench, session_id, *SAID[:5])
    assert [words for role, words in await texts(bench, session_id) if role == "assistant"] == [
        "one", "two", "I look.", "three"
    ]  # fmt: skip
    copy = await again(bench, session_id)
    await talked(bench, copy, *SAID[:5])
    assert await texts(bench, copy) == await texts(bench, session_id)
    assert [turn.state for turn in await bench.sessions.turns(copy)] == [
        "completed", "failed", "completed", "failed", "completed"
    ]  # fmt: skip


async def test_what_was_said_into_a_running_turn_is_left_out_and_the_prompts_are_listed(bench: SharedContext):
    slow = {"text": "a few slow words", "delay": 0.02}
    session_id = await session_of(bench, bundle(slow, "steered", "last"))
    async for event in bench.sessions.stream_message(session_id, "begin"):
        if isinstance(event, StepStarted) and event.step == 1:
            bench.sessions.steer(session_id, "by the way")
    await talked(bench, session_id, "end")
    session = await bench.sessions.get_session(session_id)
    assert session is not None
    heading = [line for line in (await recorded(bench, session)).splitlines() if line.startswith("#   ")]
    assert heading == ["#   begin", "#   end"]
    assert [words for role, words in await texts(bench, session_id) if role == "assistant"] == [
        "a few slow words", "steered", "last"
    ]  # fmt: skip
