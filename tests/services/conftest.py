"""A workbench over a real file, with configs that run on the offline provider."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent_workbench.services.shared import SharedContext, open_workbench


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[SharedContext]:
    """An empty workbench (no samples) working in an empty folder."""
    folder = tmp_path / "work"
    folder.mkdir()
    shared = open_workbench(tmp_path / "bench.db", workspace=folder, samples=False)
    yield shared
    await shared.close()


@pytest.fixture
def kills(all_kills: int) -> int:
    """How many processes are killed in the middle of a turn: one of five, the others while they only write."""
    return all_kills // 5
