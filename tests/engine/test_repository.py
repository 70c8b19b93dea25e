"""What a model is told of a repository: all that git knows, in time, with nothing run that the repository names."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from agent_workbench.engine.hooks import repository as reading
from agent_workbench.engine.hooks.repository import repository
from agent_workbench.engine.hooks.status_context import StatusConfig, StatusContext
from agent_workbench.engine.ports import HookEvent


def git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=n", "-c", "user.email=n@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A repository with two commits, a changed file and a new one."""
    folder = tmp_path / "tree"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "topic")
    for number in (1, 2):
        (folder / "a.txt").write_text(f"{number}\n")
        git(folder, "add", ".")
        git(folder, "commit", "-q", "-m", f"commit {number}")
    (folder / "a.txt").write_text("3\n")
    (folder / "new.txt").write_text("n\n")
    return folder


async def told(folder: Path, **config: Any) -> list[str]:
    hook = StatusContext(StatusConfig(**config), folder)
    lines = (await hook.handle(HookEvent("prompt:submit", "s"))).text.splitlines()
    return lines[next(number for number, line in enumerate(lines) if line.startswith(("Git", "Not"))) : -1]


async def test_branch_changes_and_commits_are_told(tree: Path):
    lines = await told(tree)
    assert lines[:5] == ["Git branch: topic", "Git status:", " M a.txt", "?? new.txt", "Newest commits:"]
    assert [line.split(" ", 1)[1] for line in lines[5:]] == ["commit 2", "commit 1"]


async def test_a_folder_inside_is_told_the_same_and_each_part_can_be_left_out(tree: Path):
    (tree / "sub").mkdir()
    assert await told(tree / "sub") == await told(tree)
    assert await told(tree, git_include_status=False, git_include_commits=0) == ["Git branch: topic"]
    git(tree, "checkout", "-q", "--force", "topic")
    (tree / "new.txt").unlink()
    assert await told(tree, git_include_commits=0) == ["Git branch: topic", "Git status: nothing is changed"]


async def test_nothing_that_a_repository_names_is_run(tree: Path, tmp_path: Path):
    ran = tmp_path / "ran"
    (tree / ".gitattributes").write_text("* filter=f diff=d\n")
    for key in ("filter.f.clean", "filter.f.process", "core.fsmonitor", "diff.d.textconv", "core.pager", "core.editor"):
        git(tree, "config", key, f"touch {ran}; cat")
    git(tree, "config", "filter.f.required", "true")
    assert " M a.txt" in await told(tree)
    assert not ran.exists()


async def test_many_changes_are_counted_and_not_all_named(tree: Path):
    for number in range(40):
        (tree / f"more{number}").touch()
    lines = await told(tree, git_include_commits=0)
    assert (len(lines), lines[-1]) == (33, "… and 12 more")


async def test_what_git_cannot_say_is_said_and_keeps_nothing_waiting(tree: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(reading, "GIT_SECONDS", 0)
    assert await told(tree) == ["Git branch: topic", "Git says no more: git took too long"]
    monkeypatch.setenv("PATH", "/nowhere")
    assert (await told(tree))[1].startswith("Git says no more: [Errno 2]")


async def test_a_worktree_is_read_and_a_pointer_that_nothing_points_back_to_is_not(tree: Path, tmp_path: Path):
    git(tree, "worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
    assert (await told(tmp_path / "side"))[:2] == ["Git branch: side", "Git status: nothing is changed"]
    liar = tmp_path / "liar"
    liar.mkdir()
    (liar / ".git").write_text(f"gitdir: {tree}/.git\n")
    assert repository(liar) is None
    (tmp_path / "link").mkdir()
    (tmp_path / "link/.git").symlink_to(tree / ".git")
    assert repository(tmp_path / "link") is None


async def test_a_repository_without_a_commit_says_what_is_new(tmp_path: Path):
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "a.txt").touch()
    lines = await told(tmp_path)
    assert lines[:3] == ["Git branch: main", "Git status:", "?? a.txt"]
    assert lines[3].startswith("Git says no more: ")
