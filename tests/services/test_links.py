"""Links between configs and files as a screen uses them: cheap to ask about, and never a change lost."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agent_workbench.errors import RevisionConflict
from agent_workbench.services.links import Links
from agent_workbench.services.shared import SharedContext

TEXT = "# mine\ntools: []\n# end\n"


@pytest.fixture
async def file(bench: SharedContext) -> Path:
    """The file of a linked config."""
    config = await bench.configs.create_config("mine", TEXT)
    path = bench.workspace / "mine.yaml"
    bench.configs.links.link(config.config_id, path)
    return path


def test_what_is_equal_is_read_once_and_then_only_looked_at(
    bench: SharedContext, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    links = bench.configs.links
    assert links.changed() == []
    reads: list[str] = []
    change_of = Links.change_of
    monkeypatch.setattr(Links, "change_of", lambda self, one: reads.append(one) or change_of(self, one))
    assert links.changed() == []
    assert reads == []
    os.utime(file, (1, 1))
    assert links.changed() == []
    assert len(reads) == 1


def test_a_change_carries_both_texts_and_what_they_had_in_common(bench: SharedContext, file: Path) -> None:
    file.write_text(TEXT + "hooks: []\n")
    (change,) = bench.configs.links.changed()
    assert (change.kind, change.base, change.in_config, change.in_file) == ("file", TEXT, TEXT, TEXT + "hooks: []\n")
    assert "+hooks: []" in change.diff()
    assert bench.configs.links.changed() == [change]


async def test_a_decision_about_an_old_difference_is_refused(bench: SharedContext, file: Path) -> None:
    file.write_text(TEXT + "hooks: []\n")
    (change,) = bench.configs.links.changed()
    file.write_text(TEXT + "spawn: {}\n")
    with pytest.raises(RevisionConflict):
        bench.configs.links.write(change)
    await bench.configs.update_config(change.config_id, yaml_content="x: 1\n")
    with pytest.raises(RevisionConflict):
        bench.configs.links.take(change)
    assert file.read_text() == TEXT + "spawn: {}\n"
    saved = await bench.configs.get_config(change.config_id)
    assert saved is not None
    assert saved.yaml_content == "x: 1\n"


async def test_a_save_that_ended_before_the_file_was_marked_heals_itself(bench: SharedContext, file: Path) -> None:
    (linked,) = bench.configs.links.linked()
    new = TEXT + "hooks: []\n"
    bench.store.configs.update(linked.config_id, yaml_content=new)
    (change,) = bench.configs.links.changed()
    assert change.kind == "config"
    file.write_text(new)
    assert bench.configs.links.changed() == []
    (linked,) = bench.configs.links.linked()
    assert linked.tags["linked"] == "2"


async def test_without_the_common_text_both_count_as_changed(bench: SharedContext, file: Path) -> None:
    (linked,) = bench.configs.links.linked()
    file.write_text("theirs: 1\n")
    await bench.configs.update_config(linked.config_id, yaml_content="ours: 1\n")
    await bench.configs.prune(linked.config_id, keep=1)
    (change,) = bench.configs.links.changed()
    assert (change.kind, change.base) == ("both", None)
    assert not change.merged().is_clean
