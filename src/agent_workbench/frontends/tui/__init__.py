"""The terminal workbench. Importing this costs nothing; `run` imports the rest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent_workbench.services.shared import SharedContext


def run(database: Path | None = None, workspace: str = "") -> None:
    """Open the workbench on a database (the usual one unless named) and return when the person quits.

    With the name of a workspace, the panes that were kept under it are open, and not those of the last time.
    Ends as well, keeping what is written, when the terminal is closed (SIGHUP) or the system asks (SIGTERM).

    Raises:
        SystemExit: After a bug, once it is shown.
        StorageError: If the database cannot be used.
        NotFound: If there is no workspace of that name.
    """
    import asyncio
    import signal

    from agent_workbench.frontends.tui.app import WorkbenchApp
    from agent_workbench.paths import database_path
    from agent_workbench.storage.glimpse import glimpse

    shared: list[SharedContext] = []

    def opened() -> SharedContext:
        from agent_workbench.services.arrangements import arrangement_now
        from agent_workbench.services.shared import open_workbench

        shared.append(open_workbench(database))
        if workspace:
            arrangement_now(shared[0], workspace)
        return shared[0]

    async def show() -> None:
        app = WorkbenchApp(opened=opened, glimpse=glimpse(database or database_path()), workspace=workspace)
        for number in (signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, app.end)
        try:
            await app.run_async()
        finally:
            for one in shared:
                await one.close()
        if app.failure is not None:
            raise app.failure
        if app.return_code:  # a bug, which the application has shown
            raise SystemExit(app.return_code)

    asyncio.run(show())
