"""`awb config`: make, edit, check and explain configs."""

from __future__ import annotations

import click

from agent_workbench.frontends.cli import (
    config_checks,
    config_edits,
    config_entries,
    config_fixes,
    config_history,
    config_keep,
    config_links,
    config_store,
    config_trust,
)
from agent_workbench.frontends.cli.listing import Listing


@click.group("config", cls=Listing)
def command() -> None:
    """Make, edit, check and explain configs.

    CONFIG is an id, a name that only one config has, or a path to a bundle file. `-` reads standard input where a
    text is expected.
    """


for part in (
    config_store, config_trust, config_keep, config_edits, config_entries, config_checks, config_fixes, config_history,
    config_links,
):  # fmt: skip
    for one in part.COMMANDS:
        command.add_command(one)
