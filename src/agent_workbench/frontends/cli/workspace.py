"""`awb workspace`: the arrangements of panes that were kept under a name in the workbench."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from agent_workbench.configs.words import counted
from agent_workbench.frontends.cli.config_store import confirmed
from agent_workbench.frontends.cli.opening import json_option, with_workbench
from agent_workbench.frontends.cli.output import emit_json, emit_table, narrate

if TYPE_CHECKING:
    from agent_workbench.services.arrangements import Arrangement
    from agent_workbench.services.shared import SharedContext


@click.group("workspace")
def command() -> None:
    """List, read, rename and delete workspaces: open panes that were kept under a name.

    The workbench keeps them (/workspaces), and `awb --workspace NAME` opens with one.
    """


@command.command("list")
@json_option
@with_workbench
async def list_workspaces(bench: SharedContext, as_json: bool) -> None:
    """List the workspaces by name."""
    from agent_workbench.services.arrangements import arrangements

    told = [await _told(bench, name, kept) for name, kept in (await arrangements(bench)).items()]
    if as_json:
        emit_json({"workspaces": told})
        return
    rows = [(one["name"], len(one["sessions"]), one["deleted"] or "", one["config"]) for one in told]
    emit_table(("NAME", "PANES", "DELETED", "CONFIG"), rows)
    if not told:
        narrate("None is kept; /workspaces in the workbench keeps one.")


@command.command("show")
@click.argument("workspace")
@json_option
@with_workbench
async def show(bench: SharedContext, workspace: str, as_json: bool) -> None:
    """Print the sessions of a workspace, in the order of their panes."""
    from agent_workbench.services.arrangements import find_arrangement

    told = await _told(bench, workspace, await find_arrangement(bench, workspace))
    if as_json:
        emit_json(told)
        return
    rows = [
        (number, one["title"] or "untitled", one["state"], one["config"], one["session_id"])
        for number, one in enumerate(told["sessions"], 1)
    ]
    emit_table(("PANE", "TITLE", "STATE", "CONFIG", "ID"), rows)
    if told["deleted"]:
        narrate(f"{counted(told['deleted'], 'session')} of it: deleted")


async def _told(bench: SharedContext, name: str, kept: Arrangement) -> dict[str, Any]:
    """Return a workspace as JSON, without the sessions that were deleted, whose number it says."""
    from agent_workbench.services.arrangements import sessions_of

    config = await bench.configs.get_config(kept.config) if kept.config else None
    sessions = [
        {"session_id": one.session_id, "title": one.title, "state": one.state, "config": one.config_name}
        for one in await sessions_of(bench, kept)
    ]
    return {
        "name": name, "config": config.name if config is not None else "", "sessions": sessions,
        "deleted": len(kept.sessions) - len(sessions),
    }  # fmt: skip


@command.command("rename")
@click.argument("workspace")
@click.argument("name")
@json_option
@with_workbench
async def rename(bench: SharedContext, workspace: str, name: str, as_json: bool) -> None:
    """Give a workspace the name NAME."""
    from agent_workbench.conversation.clean import clean_line
    from agent_workbench.services.arrangements import NAME_LENGTH, rename_arrangement

    new = clean_line(name, NAME_LENGTH).strip()
    await rename_arrangement(bench, workspace, new)
    if as_json:
        emit_json({"name": new})
    else:
        narrate(f"renamed {workspace} to {new}")


@command.command("delete")
@click.argument("workspace")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@json_option
@with_workbench
async def delete(bench: SharedContext, workspace: str, yes: bool, as_json: bool) -> None:
    """Delete a workspace; its sessions stay. On a terminal you are asked first."""
    from agent_workbench.services.arrangements import find_arrangement, forget_arrangement

    await find_arrangement(bench, workspace)
    if not (yes or confirmed(f"delete the workspace {workspace}? Its sessions stay.")):
        raise click.Abort
    await forget_arrangement(bench, workspace)
    if as_json:
        emit_json({"name": workspace, "deleted": True})
    else:
        narrate(f"deleted {workspace}")
