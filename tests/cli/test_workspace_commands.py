"""`awb workspace` and `awb --workspace`: what was kept in the workbench, from a shell."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from cli_kit import Awb
from test_completion_and_backup import completed

from agent_workbench import paths
from agent_workbench.services.arrangements import Arrangement, keep_arrangement
from agent_workbench.services.shared import open_workbench


@pytest.fixture
def review(awb: Awb) -> list[str]:
    """Keep a workspace of two sessions, one of which is deleted by now; return their ids."""
    ids = [awb("run", f"my name is {name}", "--json").json["session_id"] for name in ("Ada", "Bo")]
    config = awb("config", "show", "hello", "--json").json["config_id"]

    async def keep() -> None:
        bench = open_workbench(paths.database_path())
        await keep_arrangement(bench, "review", Arrangement(config=config, sessions=tuple(ids)))
        await keep_arrangement(bench, "alone", Arrangement())
        await bench.close()

    asyncio.run(keep())
    awb("session", "delete", ids[1], "-y")
    return ids


def test_workspaces_are_listed_by_name_with_what_is_in_them(awb: Awb, review: list[str]) -> None:
    told = awb("workspace", "list", "--json").json["workspaces"]
    assert [(one["name"], len(one["sessions"]), one["deleted"], one["config"]) for one in told] == [
        ("alone", 0, 0, ""), ("review", 1, 1, "hello"),
    ]  # fmt: skip
    assert [line.split() for line in awb("workspace", "list").out.splitlines()[1:]] == [
        ["alone", "0"], ["review", "1", "1", "hello"],
    ]  # fmt: skip


def test_without_any_it_is_said_how_one_comes_to_be(awb: Awb) -> None:
    assert "/workspaces" in awb("workspace", "list").err


def test_a_workspace_is_shown_by_its_panes_and_what_is_gone_is_said(awb: Awb, review: list[str]) -> None:
    shown = awb("workspace", "show", "review")
    assert shown.out.splitlines()[1].split()[0] == "1"
    assert review[0] in shown.out
    assert review[1] not in shown.out
    assert "1 session of it: deleted" in shown.err
    assert awb("workspace", "show", "review", "--json").json["sessions"][0]["session_id"] == review[0]


def test_a_workspace_is_renamed_and_deleted_and_its_sessions_stay(awb: Awb, review: list[str]) -> None:
    assert awb("workspace", "rename", "review", "two\n reviewers", "--json").json == {"name": "two reviewers"}
    assert "did you mean" in awb("workspace", "show", "two reviewer", code=4).err
    assert "already" in awb("workspace", "rename", "alone", "two reviewers", code=5).err
    assert awb("workspace", "delete", "two reviewers", "--yes", "--json").json["deleted"] is True
    awb("workspace", "delete", "two reviewers", "--yes", code=4)
    assert awb("session", "list", "--json").json["total"] == 1


def test_a_workspace_before_a_command_is_refused(awb: Awb) -> None:
    assert "before a command" in awb("--workspace", "review", "session", "list", code=2).err


@pytest.mark.parametrize("words", ["awb workspace show re", "awb workspace delete re", "awb --workspace re"])
def test_a_shell_is_offered_the_names(awb: Awb, review: list[str], monkeypatch: pytest.MonkeyPatch, words: str) -> None:
    assert completed(words, monkeypatch) == ["plain,review"]


def test_the_names_are_offered_without_making_a_database(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWB_DB", str(tmp_path / "none.db"))
    assert completed("awb workspace show ", monkeypatch) == []
    assert not (tmp_path / "none.db").exists()
