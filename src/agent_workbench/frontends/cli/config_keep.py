"""Keeping order among configs: copies, tags, and histories of a bearable length."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from agent_workbench.configs.words import counted
from agent_workbench.errors import NotFound, UsageError
from agent_workbench.frontends.cli.config_store import confirmed
from agent_workbench.frontends.cli.opening import json_option, key_values, with_workbench
from agent_workbench.frontends.cli.output import emit, emit_json, emit_table, narrate

if TYPE_CHECKING:
    from agent_workbench.services.shared import SharedContext


@click.command("copy")
@click.argument("config")
@click.argument("name")
@json_option
@with_workbench
async def copy(bench: SharedContext, config: str, name: str, as_json: bool) -> None:
    """Store a copy of CONFIG as NAME: text, description and tags, with a history of its own."""
    found = await bench.configs.find_config(config)
    made = await bench.configs.copy_config(found.config_id, name)
    if as_json:
        emit_json({"config_id": made.config_id, "name": made.name, "revision": made.revision})
    else:
        emit(made.config_id)
        narrate(f"copied {found.name} to {made.name}")


@click.command("rename")
@click.argument("config")
@click.argument("name")
@click.option("--text", "in_text", is_flag=True, help="Also in its text, where `bundle.name` is the old name.")
@json_option
@with_workbench
async def rename(bench: SharedContext, config: str, name: str, in_text: bool, as_json: bool) -> None:
    """Give CONFIG the name NAME; its text, history and sessions stay."""
    from agent_workbench.services.templates import renamed_from

    found = await bench.configs.find_config(config)
    text = renamed_from(found.yaml_content, found.name, name)
    differs = text != found.yaml_content
    saved = await bench.configs.update_config(
        found.config_id, name=name, yaml_content=text if in_text else None,
        expected_revision=found.revision if in_text else None,
    )  # fmt: skip
    if saved is None:
        raise NotFound(f"{found.name} was deleted meanwhile")
    if as_json:
        emit_json({"config_id": saved.config_id, "name": saved.name, "revision": saved.revision})
    else:
        narrate(f"renamed {found.name} to {saved.name}")
        if differs and not in_text:
            narrate(f"its text still says `name: {found.name}`; --text changes that too")


@click.command("tag")
@click.argument("config")
@click.argument("tags", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--remove", multiple=True, metavar="KEY", help="Take this tag off. May be repeated.")
@json_option
@with_workbench
async def tag(bench: SharedContext, config: str, tags: tuple[str, ...], remove: tuple[str, ...], as_json: bool) -> None:
    """Set tags of a config, or take some off; without either, list them."""
    from agent_workbench.services.links import LINK_TAG

    found = await bench.configs.find_config(config)
    given = key_values(tags, "tag")
    if LINK_TAG in {*given, *remove}:
        raise UsageError(f"`{LINK_TAG}` is set by `awb config link` and taken off by `awb config unlink`")
    absent = [key for key in remove if key not in found.tags]
    if absent:
        raise UsageError(f"{found.name} has no tag {', '.join(absent)}")
    new = {key: value for key, value in {**found.tags, **given}.items() if key not in remove}
    if new != dict(found.tags):
        await bench.configs.update_config(found.config_id, tags=new)
    if as_json:
        emit_json({"config_id": found.config_id, "name": found.name, "tags": new})
    else:
        emit_table(("TAG", "VALUE"), sorted(new.items()))


@click.command("prune")
@click.argument("config")
@click.option("--keep", type=click.IntRange(1), required=True, metavar="N", help="How many of the newest stay.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@json_option
@with_workbench
async def prune(bench: SharedContext, config: str, keep: int, yes: bool, as_json: bool) -> None:
    """Delete all but the newest revisions of a config. Those that sessions are pinned to stay."""
    found = await bench.configs.find_config(config)
    if not (yes or confirmed(f"delete all but the newest {counted(keep, 'revision')} of {found.name} for good?")):
        raise click.Abort
    gone = await bench.configs.prune(found.config_id, keep=keep)
    if as_json:
        emit_json({"config_id": found.config_id, "name": found.name, "deleted": gone})
    else:
        narrate(f"deleted {counted(gone, 'revision')} of {found.name}")


COMMANDS = (copy, rename, tag, prune)
