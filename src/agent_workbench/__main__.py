"""The program: `awb` alone opens the workbench, `awb COMMAND` does one thing and ends."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from agent_workbench.errors import UsageError
from agent_workbench.frontends.cli.app import cli
from agent_workbench.frontends.cli.opening import Serving, Settings

if TYPE_CHECKING:
    from agent_workbench.services.shared import SharedContext


def main() -> None:
    """Run the command line and exit with its code."""
    cli.main(prog_name="awb", obj=Settings(open_screen=open_screen, start_server=start_server))


def open_screen(database: Path | None, workspace: str) -> None:
    """Open the workbench's screen; it is imported only now, because it costs 20 times what `--help` does."""
    from agent_workbench.frontends.tui import run

    run(database, workspace)


async def start_server(bench: SharedContext, serving: Serving, say: Callable[[str], None]) -> None:
    """Serve until cancelled.

    Raises:
        UsageError: If what it needs is not installed, or the address cannot be taken.
    """
    try:
        from agent_workbench.frontends.server.access import kept_token, token_path
        from agent_workbench.frontends.server.callers import names_of
        from agent_workbench.frontends.server.serve import serve
        from agent_workbench.frontends.server.state import Limits, ServerSettings
    except ModuleNotFoundError as error:
        raise UsageError(f"the server needs {error.name}: `pip install 'agent-workbench[server]'`") from error

    limits = Limits(turns=serving.max_turns, approval_s=serving.approval_s, idle_s=serving.idle_s)
    token = kept_token() if serving.auth else ""
    settings = ServerSettings(token, names_of(serving.host, serving.hosts), serving.origins, limits)

    def ready(address: str) -> None:
        say(f"serving {bench.database} at {address}, its pages at {address}/docs")
        say(f"clients send the token of {token_path()}" if token else "no token is asked for")

    await serve(bench, settings, host=serving.host, port=serving.port, ready=ready)


if __name__ == "__main__":
    main()
