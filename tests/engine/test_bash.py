from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_workbench.engine.ports import MountContext, ToolContext, ToolOutcome
from agent_workbench.engine.tools import bash, processes
from agent_workbench.errors import PermissionRuleError


@pytest.fixture(autouse=True)
def _without_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bash, "sandbox", lambda: "")


async def run(workspace: Path, command: str, emit=lambda text: None, **config: object) -> ToolOutcome:
    (tool,) = bash.create(bash.BashConfig.model_validate(config), MountContext({}, workspace))
    context = ToolContext("s1", workspace, emit=emit)
    assert tool.intent({"command": command}, context).preview == command
    return await tool.run({"command": command}, context)


async def test_output_and_errors_come_together_with_the_exit_code(tmp_path):
    outcome = await run(tmp_path, "echo out; echo err >&2; exit 3")
    assert outcome.content == "out\nerr\n\n[exit code 3]"
    assert outcome.is_error
    assert (await run(tmp_path, "true")).content == "(no output)"


async def test_it_works_in_the_workspace_with_a_clean_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-canary")
    monkeypatch.setenv("HARMLESS", "seen")
    outcome = await run(tmp_path, "pwd; env", environment=["HARMLESS"])
    assert str(tmp_path) in outcome.content
    assert "HARMLESS=seen" in outcome.content
    assert "sk-canary" not in outcome.content


async def test_output_streams_while_it_runs(tmp_path):
    seen: list[str] = []
    await run(tmp_path, "echo one; echo two", emit=seen.append)
    assert "".join(seen) == "one\ntwo\n"


async def test_a_flood_is_capped_with_head_and_tail(tmp_path):
    outcome = await run(tmp_path, "echo first; seq 1 200000; echo last")
    assert outcome.content.startswith("first")
    assert outcome.content.endswith("last")
    assert "left out" in outcome.content
    assert len(outcome.content) < 200_100


@given(st.lists(st.text("ab\n", max_size=40), max_size=30), st.sampled_from([20, 50, 100]))
def test_what_is_kept_depends_on_the_whole_output_and_not_on_its_pieces(pieces, limit):
    kept, at_once = processes._Kept(limit), processes._Kept(limit)
    for piece in pieces:
        kept.add(piece)
    whole = "".join(pieces)
    at_once.add(whole)
    assert kept.text() == at_once.text()
    assert kept.text() == whole if len(whole) <= limit else "left out" in kept.text()
    assert kept.text().startswith(whole[: limit // 2])
    assert kept.text().endswith(whole[-(limit // 2) :])


async def test_bytes_that_are_no_text_are_replaced(tmp_path):
    (await run(tmp_path, r"printf '\xff\xfe\xc3'")).content.encode()


async def test_the_standard_input_is_empty(tmp_path):
    assert (await run(tmp_path, "cat; echo done")).content == "done"


async def test_the_time_limit_stops_the_whole_group(tmp_path):
    started = time.monotonic()
    outcome = await run(tmp_path, "sleep 60 & echo $!; trap '' TERM; sleep 60; sleep 60", timeout=1)
    assert time.monotonic() - started < 4
    assert "stopped after 1 seconds" in outcome.content
    assert not alive(int(outcome.content.split()[0]))


async def test_cancelling_stops_the_whole_group_in_less_than_a_second(tmp_path):
    seen: list[str] = []
    began = asyncio.Event()

    def emit(text: str) -> None:
        seen.append(text)
        began.set()

    task = asyncio.create_task(run(tmp_path, "sleep 60 & echo $!; sleep 60", emit=emit))
    await began.wait()
    started = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - started < 1
    assert not alive(int("".join(seen).split()[0]))


async def test_a_child_left_in_the_background_does_not_outlive_the_command(tmp_path):
    outcome = await run(tmp_path, "sleep 60 >/dev/null 2>&1 & echo $!")
    assert not alive(int(outcome.content.split()[0]))


def alive(pid: int) -> bool:
    """Whether a process runs; a dead one may wait to be reaped by init."""
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False


async def test_a_denied_command_is_refused_by_the_tool_itself(tmp_path):
    outcome = await run(tmp_path, "touch x && \\rm x", denied_commands=["rm *"])
    assert outcome.is_error
    assert not (tmp_path / "x").exists()
    assert (await run(tmp_path, "echo \0")).is_error


async def test_memory_is_capped(tmp_path):
    outcome = await run(tmp_path, f"{sys.executable} -c 'bytearray(300_000_000)'", memory_mb=128)
    assert "MemoryError" in outcome.content
    assert outcome.is_error


def test_a_denied_command_that_is_no_pattern_is_refused_when_mounted(tmp_path):
    with pytest.raises(PermissionRuleError):
        bash.create(bash.BashConfig(denied_commands=[""]), MountContext({}, tmp_path))


async def test_a_missing_folder_is_an_error_result(tmp_path):
    assert (await run(tmp_path / "gone", "ls")).is_error


def test_the_question_says_whether_anything_confines_it(tmp_path, monkeypatch):
    tool, context = bash.Bash(bash.BashConfig()), ToolContext("s1", tmp_path)
    assert "Nothing confines it" in tool.intent({"command": "ls"}, context).note
    monkeypatch.setattr(bash, "sandbox", lambda: "/usr/bin/bwrap")
    assert "sandbox" in tool.intent({"command": "ls"}, context).note


def test_the_sandbox_binds_the_workspace_alone_for_writing(tmp_path):
    (tmp_path / ".git/hooks").mkdir(parents=True)
    words = bash._confined("bwrap", tmp_path, network=False)
    root = os.path.realpath(tmp_path)
    assert [words[i + 1] for i, word in enumerate(words) if word == "--bind"] == [root]
    assert f"{root}/.git/hooks" in words
    assert "--unshare-all" in words
    assert "--share-net" not in words
    assert "--share-net" in bash._confined("bwrap", tmp_path, network=True)


async def test_git_takes_no_folder_for_a_repository_that_is_only_made_like_one(tmp_path):
    done = await run(tmp_path, "git init -q --bare . && echo made")
    assert "made" in done.content
    (tmp_path / "config").write_text(
        "[core]\n\tbare = true\n\tfsmonitor = touch owned; false\n[alias]\n\tx = !touch owned\n"
    )
    assert "cannot use bare repository" in (await run(tmp_path, "git x; git status")).content
    assert not (tmp_path / "owned").exists()


async def test_a_search_path_with_entries_of_the_workspace_does_not_find_programs_there(tmp_path, monkeypatch):
    (tmp_path / "ls").write_text("#!/bin/sh\necho mine\n")
    (tmp_path / "ls").chmod(0o755)
    monkeypatch.setenv("PATH", f".::{os.environ['PATH']}")
    assert "mine" not in (await run(tmp_path, "ls")).content
