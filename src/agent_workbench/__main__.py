"""The program: `awb` alone opens the workbench, `awb COMMAND` does one thing and ends."""

from __future__ import annotations

from pathlib import Path

from agent_workbench.frontends.cli.app import cli
from agent_workbench.frontends.cli.opening import Settings


def main() -> None:
    """Run the command line and exit with its code."""
    cli.main(prog_name="awb", obj=Settings(open_screen=open_screen))


def open_screen(database: Path | None) -> None:
    """Open the workbench's screen; it is imported only now, because it costs 20 times what `--help` does."""
    from agent_workbench.frontends.tui import run

    run(database)


if __name__ == "__main__":
    main()
