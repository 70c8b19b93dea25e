from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from agent_workbench.conversation.events import ToolFinished
from agent_workbench.conversation.messages import Message, ToolCall, ToolResult, user
from agent_workbench.engine.arguments import argument_fault
from agent_workbench.engine.permissions import parse_rule
from agent_workbench.engine.ports import MountContext, ToolContext, ToolOutcome
from agent_workbench.engine.tools import matcher, search, todo
from engine.engine_kit import calling, of, played, scripted, session


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    for name, text in {
        "a.py": "import os\n# TODO one\n",
        "src/b.py": "# TODO two\nx = 1\n# todo three\n",
        "src/c.ts": "// TODO four\n",
        "node_modules/d.py": "# TODO not mine\n",
        ".env": "KEY=TODO secret\n",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "binary").write_bytes(b"TODO\0")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "e.py").write_text("# TODO outside\n")
    (folder / "door").symlink_to(outside)
    (folder / "door.py").symlink_to(outside / "e.py")
    os.mkfifo(folder / "pipe.py")
    return folder


async def call(name: str, workspace: Path, config: dict[str, Any] | None = None, **arguments: object) -> ToolOutcome:
    made = search.create(search.SearchConfig.model_validate(config or {}), MountContext({}, workspace))
    tool = next(tool for tool in made if tool.spec.name == name)
    arguments = {key.replace("_dash_", "-"): value for key, value in arguments.items()}
    assert argument_fault(tool, arguments) == ""
    context = ToolContext("s1", workspace)
    tool.intent(arguments, context)
    return await tool.run(arguments, context)


async def test_grep_finds_lines_and_passes_over_what_is_not_the_person_s(workspace):
    outcome = await call("grep", workspace, pattern="TODO", output_mode="content")
    assert outcome.content.splitlines() == ["a.py:2:# TODO one", "src/b.py:1:# TODO two", "src/c.ts:1:// TODO four"]
    assert outcome.details["total_matches"] == 3


GREPS = {
    "files by default": ({"pattern": "TODO"}, "a.py\nsrc/b.py\nsrc/c.ts"),
    "counts": ({"pattern": "TODO", "output_mode": "count"}, "a.py:1\nsrc/b.py:1\nsrc/c.ts:1"),
    "ignoring case": ({"pattern": "todo", "-i": True, "output_mode": "count", "path": "src"}, "src/b.py:2\nsrc/c.ts:1"),
    "by glob": ({"pattern": "TODO", "glob": "*.{ts,tsx}"}, "src/c.ts"),
    "by type": ({"pattern": "TODO", "type": "py"}, "a.py\nsrc/b.py"),
    "one file": ({"pattern": "import", "path": "a.py", "output_mode": "content", "-n": False}, "a.py:import os"),
    "around": ({"pattern": "x = 1", "output_mode": "content", "-C": 1},
               "src/b.py-1-# TODO two\nsrc/b.py:2:x = 1\nsrc/b.py-3-# todo three"),
    "over lines": ({"pattern": "two.x", "multiline": True}, "src/b.py"),
    "pages": ({"pattern": "TODO", "head_limit": 1, "offset": 1}, "src/b.py\n[1 more; go on with offset=2]"),
    "nothing": ({"pattern": "nope"}, "No matches."),
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "wanted"), GREPS.values(), ids=GREPS.keys())
async def test_grep_as_asked(workspace, arguments, wanted):
    assert (await call("grep", workspace, **arguments)).content == wanted


PATTERNS = {
    "TODO": True, "TODO|FIXME": True, r"^def \w": True, "(?i)todo": True, "(foo|bar)": True, r"\(a\)": True,
    "a.b": True, "colou?r": True, r"a\+b": True, ".*x": False, "a?a?": False,
    "(a+)+$": False, "(a|a)*b": False, ".*.*x": False, "(x){5}": False, r"\w+\s*=": False, r"a\\+b+": False,
}  # fmt: skip


@pytest.mark.parametrize("pattern", PATTERNS)
def test_only_patterns_that_cannot_hang_are_matched_in_this_process(pattern):
    assert matcher.is_tame(pattern) is PATTERNS[pattern]


async def test_a_pattern_that_is_none_is_an_error_result(workspace):
    assert (await call("grep", workspace, pattern="(")).is_error


@pytest.mark.parametrize("multiline", [True, False])
@pytest.mark.parametrize("pattern", ["a", "a|b", "^"])
async def test_a_file_of_a_million_matches_is_searched_in_time(workspace, pattern, multiline):
    (workspace / "many").write_text("a\n" * 450_000)
    began = time.process_time()
    outcome = await call("grep", workspace, pattern=pattern, path="many", multiline=multiline, output_mode="count")
    assert outcome.content == "many:50000"
    assert time.process_time() - began < 3


async def test_a_match_over_lines_is_shown_on_its_own_line(workspace):
    (workspace / "feeds").write_bytes(b"one\x0c\r\ntwo\x85\xe2\x80\xa8\rthree needle\n")
    for multiline in (True, False):
        arguments = {"pattern": "needle", "path": "feeds", "output_mode": "content", "multiline": multiline}
        assert (await call("grep", workspace, **arguments)).content == "feeds:3:three needle"


@pytest.mark.parametrize("arguments", [{"pattern": "(" * 5000}, {"pattern": "x", "glob": "{a}" * 5000}])
async def test_what_is_nested_too_deeply_is_an_error_result(workspace, arguments):
    assert "nested too deeply" in (await call("grep", workspace, **arguments)).content


async def test_a_pattern_that_never_ends_is_stopped(workspace, monkeypatch):
    monkeypatch.setattr(search, "MAX_SECONDS", 1.0)
    (workspace / "evil").write_text("a" * 40 + "!\n")
    outcome = await call("grep", workspace, pattern="(a+)+$", path="evil")
    assert outcome.is_error
    assert "narrow it down" in outcome.content


GLOBS = {
    "everywhere": ({"pattern": "**/*.py"}, {"a.py", "src/b.py"}),
    "one folder": ({"pattern": "*.py"}, {"a.py"}),
    "from a path": ({"pattern": "*.ts", "path": "src"}, {"src/c.ts"}),
    "folders": ({"pattern": "*", "type": "dir"}, {"src"}),
    "without some": ({"pattern": "**/*.py", "exclude": ["b.*"]}, {"a.py"}),
    "climbing stays below": ({"pattern": "../../**/*.ts"}, {"src/c.ts"}),
    "an absolute pattern stays below": ({"pattern": "/src/*.py"}, {"src/b.py"}),
}


@pytest.mark.parametrize(("arguments", "wanted"), GLOBS.values(), ids=GLOBS.keys())
async def test_glob_as_asked(workspace, arguments, wanted):
    for name in ("pipe.py", "door.py", "door"):
        (workspace / name).unlink()
    assert set((await call("glob", workspace, **arguments)).content.splitlines()) == wanted


async def test_configured_paths_hold_for_searching(workspace):
    denied = await call("grep", workspace, {"denied_paths": ["src"]}, pattern="TODO")
    assert denied.content == "a.py"
    with pytest.raises(PermissionError):
        await call("grep", workspace, {"allowed_paths": ["src"]}, pattern="TODO", path="..")


@pytest.mark.parametrize("text", ["read_file(src/**)", "grep(src)", "*(b.py)", "READ_FILE(src/B.py)"])
async def test_what_may_not_be_read_may_not_be_searched_either(workspace, text):
    tools = search.create(search.SearchConfig(), MountContext({}, workspace))
    model = scripted(calling(("grep", {"pattern": "TODO", "output_mode": "content"})), "done")
    rules = (parse_rule(text, "deny", "user"),)
    events = await played(session(model, *tools, workspace=workspace, rules=rules))
    content = of(events, ToolFinished)[0].result.content
    assert "a.py" in content
    assert "b.py" not in content


async def test_results_are_bounded(workspace):
    for number in range(30):
        (workspace / f"f{number:02}.txt").touch()
    outcome = await call("glob", workspace, {"max_results": 10}, pattern="*.txt")
    assert outcome.content.splitlines()[-1] == "[20 more]"


# --- to-dos -----------------------------------------------------------------------------------------------------------

ITEMS = [
    {"content": "Dig", "status": "completed"},
    {"content": "Plant", "status": "in_progress", "activeForm": "Planting"},
    {"content": "Water", "status": "pending"},
]


def wrote(call_id: str, *items: dict[str, str], failed: bool = False) -> list[Message]:
    call = ToolCall(call_id, "todo", {"action": "create", "todos": list(items)})
    return [Message("assistant", (call,)), Message("tool", (ToolResult(call_id, "", is_error=failed),))]


async def listed(history: list[Message], **arguments: object) -> ToolOutcome:
    context = ToolContext("s1", Path("/"), history=tuple(history))
    return await todo.Todo().run({"action": "list", **arguments}, context)


async def test_the_list_is_the_last_one_written_in_the_conversation():
    history = [user("go"), *wrote("1", ITEMS[0]), *wrote("2", *ITEMS), *wrote("3", failed=True)]
    assert (await listed(history)).content == "1 of 3 done\n✓ Dig\n→ Planting\n☐ Water"


async def test_writing_shows_the_new_list_and_an_empty_one_says_so():
    assert (await listed([], action="create", todos=ITEMS)).content.startswith("1 of 3 done")
    assert (await listed([])).content == "The list is empty."


async def test_a_list_without_items_or_with_a_wrong_state_does_not_fit():
    for arguments in ({"action": "create"}, {"action": "create", "todos": [{"content": "x", "status": "someday"}]}):
        assert argument_fault(todo.Todo(), arguments)
