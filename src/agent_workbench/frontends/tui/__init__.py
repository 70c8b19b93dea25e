"""The terminal workbench. Importing this costs nothing; `run` imports the rest."""

from __future__ import annotations

from pathlib import Path


def run(database: Path | None = None) -> None:
    """Open the workbench on a database (the usual one unless named) and return when the person quits.

    Raises:
        StorageError: If the database cannot be used.
    """
    import asyncio

    from agent_workbench.frontends.tui.app import WorkbenchApp
    from agent_workbench.services.shared import open_workbench

    async def show() -> None:
        shared = await asyncio.to_thread(open_workbench, database)
        try:
            await WorkbenchApp(shared).run_async()
        finally:
            await shared.close()

    asyncio.run(show())
