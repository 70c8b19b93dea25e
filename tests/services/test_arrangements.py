"""Arrangements of panes: kept under names, whoever else keeps some."""

from __future__ import annotations

import asyncio
from pathlib import Path

from agent_workbench.services.arrangements import arrangements, forget_arrangement, keep_arrangement
from agent_workbench.services.shared import SharedContext, open_workbench


async def test_arrangements_that_are_kept_at_the_same_time_are_all_there(bench: SharedContext, tmp_path: Path):
    other = open_workbench(bench.database, workspace=tmp_path)
    try:
        both = (bench, other)
        await asyncio.gather(*(keep_arrangement(both[n % 2], f"n{n}", {"sessions": [str(n)]}) for n in range(12)))
        assert set(await arrangements(other)) == {f"n{n}" for n in range(12)}
        await asyncio.gather(
            *(forget_arrangement(both[n % 2], f"n{n}") for n in range(11)), keep_arrangement(bench, "n11", {})
        )
        assert await arrangements(bench) == {"n11": {}}
    finally:
        await other.close()
