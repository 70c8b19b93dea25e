"""Memory, board and shared files: sessions that share, sessions that do not, and who may write."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from agent_workbench.conversation.events import Answer, Question, ToolFinished
from agent_workbench.conversation.messages import Message, ToolCall, ToolResult
from agent_workbench.engine.arguments import argument_fault
from agent_workbench.engine.ports import HookEvent, MountContext, Nobody, ToolContext, ToolOutcome
from agent_workbench.engine.tools import board, memory, shared_files
from agent_workbench.engine.tools.sharing import News
from agent_workbench.services.shared import SharedContext, open_workbench
from agent_workbench.storage.database import open_store
from agent_workbench.storage.ports import Store

MODULES = {"memory": memory.MODULE, "board": board.MODULE, "shared_files": shared_files.MODULE}


@pytest.fixture
def store(tmp_path: Path) -> Any:
    opened = open_store(tmp_path / "shared.db")
    yield opened
    opened.close()


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[SharedContext]:
    folder = tmp_path / "work"
    folder.mkdir()
    shared = open_workbench(tmp_path / "bench.db", workspace=folder, samples=False)
    yield shared
    await shared.close()


def made(store: Store | None, kind: str, folder: Path = Path("/work"), **config: Any) -> dict[str, Any]:
    module = MODULES[kind]
    assert module.create is not None
    resources = {kind: getattr(store, kind)} if store else {}
    things = module.create(module.config.model_validate(config), MountContext({}, folder, resources=resources))
    return {thing.id if isinstance(thing, News) else thing.spec.name: thing for thing in things}


async def call(tools: dict[str, Any], name: str, session: str = "one", **arguments: Any) -> ToolOutcome:
    tool = tools[name]
    assert argument_fault(tool, arguments) == ""
    context = ToolContext(session, Path("/work"))
    tool.intent(arguments, context)
    return await tool.run(arguments, context)


async def test_what_one_session_remembers_another_reads(store):
    tools = made(store, "memory")
    await call(tools, "memory_write", key="build", value={"command": "make"})
    outcome = await call(tools, "memory_read", "two", key="build")
    assert '"command": "make"' in outcome.content
    assert "revision 1, by session one" in outcome.content
    assert (await call(tools, "memory_read", "two", prefix="bu")).content == "build (revision 1)"
    assert (await call(tools, "memory_delete", key="build")).content == "Forgot build."
    assert "Nothing is remembered as" in (await call(tools, "memory_read", key="build")).content


async def test_two_writers_do_not_overwrite_each_other(store):
    tools = made(store, "memory")
    await call(tools, "memory_write", key="k", value=1, expected_revision=0)
    late = await call(tools, "memory_write", "two", key="k", value=2, expected_revision=0)
    assert late.is_error
    assert "changed in between" in late.content


async def test_files_are_shared_whole_with_a_diff_to_approve(store):
    tools = made(store, "shared_files")
    await call(tools, "shared_file_write", path="plan.md", content="one\ntwo\n")
    arguments = {"path": "plan.md", "content": "one\n2\n"}
    intent = tools["shared_file_write"].intent(arguments, ToolContext("two", Path("/work")))
    assert (intent.access, intent.subject, intent.preview_kind) == ("write", "plan.md", "diff")
    assert "-two" in intent.preview
    assert (await call(tools, "shared_file_read", "two", path="plan.md")).content == "one\ntwo\n"
    assert "plan.md (8 bytes, revision 1)" in (await call(tools, "shared_file_list", "two")).content


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a/../../b", "a\\b", "a//b", "./a", "a\0b"])
async def test_a_shared_path_never_leaves_its_scope(store, path):
    outcome = await call(made(store, "shared_files"), "shared_file_write", path=path, content="x")
    assert outcome.is_error
    assert not (await call(made(store, "shared_files"), "shared_file_list")).details["files"]


async def test_posts_are_read_by_topic_and_after_the_last(store):
    tools = made(store, "board")
    await call(tools, "board_post", body="first", topic="build")
    await call(tools, "board_post", body="second", topic="talk")
    both = await call(tools, "board_read", "two")
    assert both.details["posts"] == 2
    assert "second" not in (await call(tools, "board_read", "two", topic="build")).content
    assert "first" not in (await call(tools, "board_read", "two", after=1)).content


SCOPES = {
    "the same folder": (("/work", {}), ("/work", {}), True),
    "another folder": (("/work", {}), ("/other", {}), False),
    "a namespace over folders": (("/work", {"namespace": "n"}), ("/other", {"namespace": "n"}), True),
    "a namespace apart from the folder": (("/work", {"namespace": "n"}), ("/work", {}), False),
    "a namespace that is called like a folder": (("/work", {}), ("/x", {"namespace": "/work"}), False),
}


@pytest.mark.parametrize(("writer", "reader", "shares"), SCOPES.values(), ids=SCOPES.keys())
async def test_who_shares(store, writer, reader, shares):
    await call(made(store, "memory", Path(writer[0]), **writer[1]), "memory_write", key="k", value="secret")
    found = await call(made(store, "memory", Path(reader[0]), **reader[1]), "memory_read", key="k")
    assert ("secret" in found.content) is shares


@pytest.mark.parametrize("kind", MODULES)
def test_who_may_only_read_has_no_tool_that_writes(store, kind):
    names = made(store, kind, access="read", notify=False)
    assert names
    context = ToolContext("s", Path("/work"))
    assert {tool.intent({"path": "x"}, context).access for tool in names.values()} == {"read"}


@pytest.mark.parametrize("kind", MODULES)
async def test_without_a_database_each_tool_says_so(kind):
    arguments = {"key": "k", "value": 1, "path": "p", "content": "c", "body": "b"}
    for tool in made(None, kind).values():
        known = {key: value for key, value in arguments.items() if key in tool.spec.input_schema["properties"]}
        outcome = await tool.run(known, ToolContext("s", Path("/work")))
        assert "not available here" in outcome.content


@pytest.mark.parametrize(("kind", "name"), [("memory", "memory_write"), ("board", "board_post")])
async def test_what_is_too_large_is_refused(store, kind, name):
    tool = made(store, kind)[name]
    arguments = {"key": "k", "value": "x" * 200_000} if kind == "memory" else {"body": "x" * 30_000}
    refused = argument_fault(tool, arguments) or (await tool.run(arguments, ToolContext("s", Path("/")))).content
    assert "at most" in refused or refused.startswith("body: ")


async def test_the_model_is_told_what_others_changed_since_its_conversation_looked(store):
    tools = made(store, "board")
    news = tools["news of the board"]

    async def told(history: Any, session: str = "one") -> str:
        return (await news.handle(HookEvent("provider:request", session, {"history": history}))).text

    assert await told(()) == ""
    await call(tools, "board_post", "two", body="the build\nis broken", topic="build")
    await call(tools, "board_post", "one", body="my own")
    assert "#1 build: the build is broken" in (await told(()))
    assert "my own" not in await told(())
    outcome = await call(tools, "board_read", "one")
    read = (
        Message("assistant", (ToolCall("c", "board_read"),)),
        Message("tool", (ToolResult("c", outcome.content, details=outcome.details),)),
    )
    assert await told(read) == ""
    await call(tools, "board_post", "two", body="fixed")
    assert "fixed" in await told(read)


class Person:
    def __init__(self) -> None:
        self.questions: list[Question] = []

    async def ask(self, question: Question) -> Answer:
        self.questions.append(question)
        return Answer("allow")


async def test_two_sessions_of_one_folder_work_together(bench: SharedContext) -> None:
    def config(*responses: Any) -> str:
        return f"""
providers: [{{module: provider-mock, config: {{delay: 0, responses: {list(responses)}}}}}]
tools: [{{module: tool-memory}}, {{module: tool-board}}, {{module: tool-shared-files}}]
"""

    def calls(name: str, **arguments: Any) -> dict[str, Any]:
        return {"tool_calls": [{"name": name, "arguments": arguments}]}

    writer = await bench.configs.create_config("writer", config(calls("memory_write", key="k", value="v"), "ok"))
    reader = await bench.configs.create_config("reader", config(calls("memory_read", key="k"), "ok"))
    first = await bench.sessions.create_session(writer.config_id)
    second = await bench.sessions.create_session(reader.config_id)
    person = Person()
    await bench.sessions.send_message(first.session_id, "go", frontend=person)
    assert [question.rules for question in person.questions] == [("memory_write(k)",)]
    stream = bench.sessions.stream_message(second.session_id, "go", frontend=Nobody())
    (result,) = [event.result async for event in stream if isinstance(event, ToolFinished)]
    assert result.content.startswith('"v"')
