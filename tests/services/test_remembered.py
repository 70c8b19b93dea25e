"""What front ends keep: values by key, unsaved texts, and files of the person's own."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from agent_workbench.errors import CannotWrite, RevisionConflict
from agent_workbench.services.drafts import draft_of, forget_draft, keep_draft
from agent_workbench.services.files import save_changed
from agent_workbench.services.shared import SharedContext, open_workbench


async def test_what_is_kept_is_recalled_by_another_process(bench: SharedContext, tmp_path: Path):
    other = open_workbench(bench.database, workspace=tmp_path)
    try:
        before = await other.version()
        await bench.remembered.keep("screen", {"theme": "ink"})
        assert await other.remembered.recall("screen") == other.remembered.recall_now("screen") == {"theme": "ink"}
        assert await other.version() != before
        assert await other.remembered.recall("nothing", "as shipped") == "as shipped"
    finally:
        await other.close()


async def test_changes_at_the_same_time_all_count(bench: SharedContext):
    await asyncio.gather(*(bench.remembered.change("n", lambda n: (n or 0) + 1) for _ in range(10)))
    assert await bench.remembered.recall("n") == 10


async def test_a_draft_is_there_until_it_is_forgotten(bench: SharedContext):
    assert await draft_of(bench, "c1") is None
    await keep_draft(bench, "c1", "", revision=3)
    assert await draft_of(bench, "c1") == ""
    await forget_draft(bench, "c1")
    assert await draft_of(bench, "c1") is None


def test_a_file_of_the_persons_is_made_with_its_folder_and_replaced_whole(tmp_path: Path):
    path = tmp_path / "new" / "keymap.yaml"
    save_changed(path, "", "preset: vim\r\n")
    save_changed(path, "preset: vim\r\n", "preset: emacs\r\n")
    assert path.read_bytes() == b"preset: emacs\r\n"
    assert os.listdir(path.parent) == ["keymap.yaml"]


def test_what_another_program_wrote_meanwhile_stays(tmp_path: Path):
    path = tmp_path / "settings.yaml"
    path.write_text("offline: true\n")
    with pytest.raises(RevisionConflict):
        save_changed(path, "", "offline: false\n")
    assert path.read_text() == "offline: true\n"


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotWrite, match="file"):
        save_changed(tmp_path / "file" / "settings.yaml", "", "offline: true\n")
