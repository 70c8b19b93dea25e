"""The database in use is nobody's to write, wherever it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent_workbench.configs.fetching import Failure, Location
from agent_workbench.engine.permissions import PermissionManager
from agent_workbench.engine.ports import Intent
from agent_workbench.services.shared import open_workbench
from agent_workbench.services.sources import Sources


@pytest.mark.parametrize("tail", ["", "-wal", "-shm", ".lock"])
async def test_a_database_named_on_the_command_line_is_protected_like_the_usual_one(tmp_path: Path, tail: str):
    shared = open_workbench(tmp_path / "mine.db", workspace=tmp_path, samples=False)
    try:
        intent = Intent("write", f"mine.db{tail}", (f"mine.db{tail}",))
        assert PermissionManager(tmp_path, mode="fast-edit").check("write_file", intent).decision == "deny"
    finally:
        await shared.close()


def test_an_include_with_a_control_character_is_a_problem_and_no_crash(tmp_path: Path):
    sources = Sources(cache=tmp_path, offline=True)
    for uri in ("git+https://x/a\0b", "https://x/\ud800", "./a\0b", "config:\x1b"):
        assert isinstance(sources.fetch(uri, Location("test", str(tmp_path), str(tmp_path))), Failure)
        sources.prefetch([uri], Location("test", str(tmp_path), str(tmp_path)))


def test_a_folder_called_tilde_is_granted_as_itself_and_never_as_the_home_folder(tmp_path: Path):
    manager = PermissionManager(tmp_path)
    asked = manager.check("write_file", Intent("write", "./~/notes.txt", ("./~/notes.txt",)))
    granted = manager.granting(asked.rules)
    assert granted.check("write_file", Intent("write", "./~/notes.txt", ("./~/notes.txt",))).decision == "allow"
    assert granted.check("write_file", Intent("write", "~/notes.txt", ("~/notes.txt",))).decision == "ask"
