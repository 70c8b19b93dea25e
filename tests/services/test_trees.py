"""How far up the includes of a file may reach: its tree, and no further."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent_workbench.services.bundles import tree_of


def make(top: Path, *files: str) -> Path:
    """Make files below a folder, and return the folder of the last."""
    for name in files:
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return (top / files[-1]).parent


@pytest.mark.parametrize(
    ("files", "top"),
    [
        (("a/b/agent.yaml",), "a/b"),
        (("a/bundle.md", "a/b/agent.yaml"), "a"),
        (("bundle.yaml", "a/b/agent.yaml"), "."),
        ((".git/HEAD", "a/b/agent.yaml"), "."),
        (("bundle.md", "a/.git/HEAD", "a/b/agent.yaml"), "a"),
    ],
)
def test_the_tree_of_a_file_is_its_repository_or_the_highest_bundle_above(
    files: tuple[str, ...], top: str, tmp_path: Path
) -> None:
    assert tree_of(make(tmp_path, *files)) == (tmp_path / top).resolve()


def test_the_current_folder_is_a_tree_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make(tmp_path, "work/a/b/agent.yaml")
    monkeypatch.chdir(tmp_path / "work")
    assert tree_of(folder) == tmp_path / "work"


def test_the_home_folder_is_nobodys_tree(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert tree_of(make(tmp_path, ".git/HEAD", "bundle.yaml", "a/agent.yaml")) == tmp_path / "a"
