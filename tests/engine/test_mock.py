from __future__ import annotations

from pathlib import Path

import pytest

from agent_workbench.conversation.events import Answer, ReplyFinished, TextDelta, ThinkingDelta, ToolStarted
from agent_workbench.conversation.messages import Message, Text, Thinking, user
from agent_workbench.engine.ports import MountContext, Request
from agent_workbench.engine.providers.mock import MODULE, MockConfig, script_of
from agent_workbench.engine.tools.filesystem import MODULE as FILES
from agent_workbench.engine.tools.filesystem import FilesystemConfig
from engine.engine_kit import Echo, Person, of, played, scripted, session


def said(*words: str) -> list[Message]:
    """Make a conversation in which the mock answered with something in between."""
    messages: list[Message] = []
    for text in words:
        messages += [user(text), Message("assistant", (Text("(something)"),))]
    return messages[:-1]


async def answer(*words: str, **config: object) -> str:
    events = await played(session(scripted(**config)), said(*words))
    return of(events, ReplyFinished)[0].message.text


SPOKEN = {
    "greets": (["hi there"], "offline mock"),
    "remembers a name": (["my name is Ada", "what is my name?"], "Your name is Ada."),
    "the last name counts": (["my name is Ada", "call me Grace", "who am I?"], "Your name is Grace."),
    "remembers other facts": (["My favourite colour is dark green.", "what's my favourite colour?"], "is dark green."),
    "two facts at once": (["my name is Ada and my cat is Tom", "what is my cat?"], "Your cat is Tom."),
    "admits what it was not told": (["what is my name?"], "have not told me"),
    "says what it can do": (["what can you do?"], "call tools"),
    "helps": (["/help"], "call tools"),
    "shows markdown": (["show me some markdown"], "```python"),
    "counts": (["count to 3"], "1 2 3"),
    "is honest": (["are you a real model?"], "No model is behind me"),
    "echoes the rest, honestly": (["blue elephants"], "I match words and understand nothing"),
    "names a tool that is missing": (["list the files"], "`glob`, which this config does not mount"),
}


@pytest.mark.parametrize(("words", "wanted"), SPOKEN.values(), ids=SPOKEN.keys())
async def test_the_offline_conversation(words, wanted):
    assert wanted in await answer(*words)


async def test_a_name_is_met_and_greeted_later():
    assert await answer("my name is Ada") == "Nice to meet you, Ada!"
    assert (await answer("my name is Ada", "hello")).startswith("Hello, Ada!")


async def test_thoughts_are_streamed_when_asked_for():
    events = await played(session(scripted()), "think about tea")
    assert of(events, ThinkingDelta)
    assert isinstance(of(events, ReplyFinished)[0].message.parts[0], Thinking)


CALLED = {
    "list the files": ("glob", {"pattern": "*"}),
    "list files in src/": ("glob", {"pattern": "src/*"}),
    "read README.md": ("read_file", {"file_path": "README.md"}),
    "please show me the file src/a.py": ("read_file", {"file_path": "src/a.py"}),
    "search for TODO": ("grep", {"pattern": "TODO", "output_mode": "content"}),
    "write notes.txt with hello": ("write_file", {"file_path": "notes.txt", "content": "hello\n"}),
    "replace hello with goodbye in notes.txt":
        ("edit_file", {"file_path": "notes.txt", "old_string": "hello", "new_string": "goodbye"}),
    "run ls -la": ("bash", {"command": "ls -la"}),
    "list the todos": ("todo", {"action": "list"}),
}  # fmt: skip


@pytest.mark.parametrize("words", CALLED)
async def test_tools_are_called_when_asked_for_and_reported(words):
    tools = [Echo(name) for name in ("glob", "grep", "read_file", "write_file", "edit_file", "bash", "todo")]
    events = await played(session(scripted(), *tools), words)
    call = of(events, ToolStarted)[0].call
    assert (call.name, dict(call.arguments)) == CALLED[words]
    assert f"`{call.name}` answered" in of(events, ReplyFinished)[-1].message.text


async def test_a_reminder_of_a_hook_is_not_taken_for_the_person_s_words():
    reminder = user("<system-reminder>\nFinish your to-dos.\n</system-reminder>")
    assert await answer_to([*said("my name is Ada"), reminder]) == "Nice to meet you, Ada!"
    assert await answer_to([reminder]) == "Say something, and I will answer."


async def answer_to(messages: list[Message]) -> str:
    return of(await played(session(scripted()), messages), ReplyFinished)[0].message.text


async def test_a_newcomer_writes_and_reads_a_file_offline(tmp_path: Path):
    assert FILES.create is not None
    tools = FILES.create(FilesystemConfig(), MountContext({}, tmp_path))
    config = session(scripted(), *tools, workspace=tmp_path)
    await played(config, "write notes.txt with hello", Person(Answer("allow")))
    assert (tmp_path / "notes.txt").read_text() == "hello\n"
    events = await played(config, "read notes.txt")
    assert "hello" in of(events, ReplyFinished)[-1].message.text


async def test_a_script_is_followed_by_the_place_in_the_conversation():
    model = scripted("one", "two")
    first = await played(session(model), said("a"))
    again = await played(session(model), said("a"))
    second = await played(session(model), said("a", "b"))
    third = await played(session(model), said("a", "b", "c"))
    texts = [of(events, ReplyFinished)[0].message.text for events in (first, again, second, third)]
    assert texts == ["one", "one", "two", "(The script of this offline mock has ended.)"]


async def test_a_script_may_begin_again():
    assert await answer("a", "b", "c", responses=["one", "two"], loop=True) == "one"


async def test_scripted_usage_is_reported_and_else_estimated_at_no_cost():
    exact = await played(session(scripted({"text": "x", "usage": {"input_tokens": 7, "output_tokens": 3}})))
    assert (exact[-1].usage.input_tokens, exact[-1].usage.output_tokens) == (7, 3)
    estimated = await played(session(scripted("some words here")))
    assert estimated[-1].usage.output_tokens >= 3
    assert estimated[-1].usage.cost == 0


async def test_a_session_can_be_played_again_as_a_script():
    replies = [{"thinking": "hm", "tool_calls": [{"name": "echo", "arguments": {"n": 1}, "id": "a"}]}, "cut", "done"]
    replies[1] = {"text": "cut", "stop_reason": "pause"}
    first = await played(session(scripted(*replies), Echo()))
    spoken = [event.message for event in of(first, ReplyFinished)]
    script = script_of([user("go"), *spoken])
    again = await played(session(scripted(*script), Echo()))
    assert [event.message for event in of(again, ReplyFinished)] == spoken


async def test_words_stream_one_by_one():
    events = await played(session(scripted("one  two\n\nthree")))
    assert [event.text for event in of(events, TextDelta)] == ["one  ", "two\n\n", "three"]


async def test_the_entry_s_model_and_id_are_taken():
    assert MODULE.create is not None
    config = MockConfig.model_validate({"model": "mine", "delay": 0})
    provider = MODULE.create(config, MountContext({}, Path("/"), "second"))
    assert (provider.id, provider.default_model) == ("second", "mine")
    assert "mock" in await provider.models()
    await provider.close()
    items = [item async for item in provider.stream(Request("", ()))]
    assert items[-1].message.model == "mine"


async def test_scripted_calls_without_ids_get_distinct_ones():
    replies = [{"tool_calls": [{"name": "echo", "arguments": {"n": n}}, {"name": "echo"}]} for n in range(2)]
    events = await played(session(scripted(*replies, "done"), Echo()))
    ids = [event.call.call_id for event in of(events, ToolStarted)]
    assert len(ids) == len(set(ids)) == 4
