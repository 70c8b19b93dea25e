"""`awb backup`: everything in one file, to keep or to take to another machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent_workbench.errors import Conflict, UsageError
from agent_workbench.frontends.cli.opening import json_option, with_workbench
from agent_workbench.frontends.cli.output import emit_json, narrate

if TYPE_CHECKING:
    from agent_workbench.services.shared import SharedContext


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--force", is_flag=True, help="Replace FILE where it exists.")
@json_option
@with_workbench
async def command(bench: SharedContext, file: Path, force: bool, as_json: bool) -> None:
    """Write all configs and sessions to FILE, a database of its own, while others go on working.

    `--db FILE` or AWB_DB uses it, here or on another machine; put where `awb doctor` names the database, it takes that
    one's place. Keys are not in it.
    """
    if file.exists() and file.samefile(bench.database):
        raise UsageError(f"{file} is the database itself; name another file")
    if file.exists() and not force:
        raise Conflict(f"{file} exists; --force replaces it")
    await bench.back_up(file)
    if as_json:
        emit_json({"file": str(file), "size": file.stat().st_size})
    else:
        narrate(f"wrote {file}; `awb --db {file}` opens it")
