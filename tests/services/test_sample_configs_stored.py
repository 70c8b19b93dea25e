"""The samples of a first start: each once, whoever starts at the same moment, and never again."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

from agent_workbench.services.samples import sample_files, store_samples
from agent_workbench.storage.database import open_store

FIRST = """
import sys
from pathlib import Path
from agent_workbench.services.shared import open_workbench
print("ready", flush=True)
sys.stdin.readline()
open_workbench(Path(sys.argv[1]), workspace=Path(sys.argv[2]))
"""


def names(path: Path) -> list[str]:
    store = open_store(path)
    found, _ = store.configs.list_configs()
    store.close()
    return sorted(config.name for config in found)


async def test_two_first_starts_at_once_store_each_sample_once(tmp_path: Path):
    path = tmp_path / "first.db"
    command = [sys.executable, "-c", FIRST, str(path), str(tmp_path)]
    starts = [await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE) for _ in range(2)]
    for start in starts:
        assert start.stdout is not None
        await start.stdout.readline()
    await asyncio.gather(*(start.communicate(b"go\n") for start in starts))
    assert [start.returncode for start in starts] == [0, 0]
    assert names(path) == sorted(file.stem for file in sample_files())


def test_a_sample_that_was_deleted_stays_away(tmp_path: Path):
    store = open_store(tmp_path / "b.db")
    assert store_samples(store) == len(list(sample_files()))
    newest = store.configs.list_configs()[0][0]
    assert newest.name == "hello"
    store.configs.delete(newest.config_id)
    assert store_samples(store) == 0
    store.close()
    assert "hello" not in names(tmp_path / "b.db")
