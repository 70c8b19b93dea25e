"""Configs that are linked to a file: what one side changed is shown, and the person decides."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agent_workbench.errors import Conflict, UsageError
from agent_workbench.frontends.cli.opening import in_thread, json_option, with_workbench
from agent_workbench.frontends.cli.output import emit, emit_json, narrate

if TYPE_CHECKING:
    from agent_workbench.services.links import LinkChange
    from agent_workbench.services.shared import SharedContext

use_option = click.option("--use", type=click.Choice(["file", "config"]), help="Whose text holds where they differ.")


@click.command("link")
@click.argument("config")
@click.argument("file", type=click.Path())
@use_option
@json_option
@with_workbench
async def link(bench: SharedContext, config: str, file: str, use: Any, as_json: bool) -> None:
    """Link a config to FILE: each save writes it, and what others change in it is shown by `awb config sync`."""
    found = await bench.configs.find_config(config)
    linked = await in_thread(bench.configs.links.link, found.config_id, Path(file), use=use or "")
    if as_json:
        emit_json({**_shape(linked.config_id, linked.name, linked.tags["file"]), "revision": linked.revision})
    else:
        narrate(f"{linked.name} is linked to {linked.tags['file']}")


@click.command("unlink")
@click.argument("config")
@json_option
@with_workbench
async def unlink(bench: SharedContext, config: str, as_json: bool) -> None:
    """Let a config and its file go their own ways. Both stay as they are."""
    found = await bench.configs.find_config(config)
    done = await in_thread(bench.configs.links.unlink, found.config_id)
    if as_json:
        emit_json(_shape(done.config_id, done.name, done.tags["file"]))
    else:
        narrate(f"{done.name} is no longer linked to {done.tags['file']}")


@click.command("sync")
@click.argument("config", required=False)
@click.option("--use", type=click.Choice(["file", "config", "merge"]), help="Whose change to take, without asking.")
@json_option
@with_workbench
async def sync(bench: SharedContext, config: str | None, use: str | None, as_json: bool) -> int:
    """Show what linked files and configs differ in, and ask which to take. Without CONFIG, look at all of them.

    A script that does not say --use is only shown the differences (exit 5 where there are any).
    """
    changes = await _changes(bench, config)
    left = 0
    told = []
    for change in changes:
        choice = use or _ask(change, as_json)
        done = await _settle(bench, change, choice)
        left += not done
        told.append({
            **_shape(change.config_id, change.name, str(change.path)), "kind": change.kind, "diff": change.diff(),
            "used": choice if done else None,
        })  # fmt: skip
    if as_json:
        emit_json({"changes": told})
    elif not changes:
        narrate("nothing differs")
    return 5 if left else 0


async def _changes(bench: SharedContext, config: str | None) -> list[LinkChange]:
    links = bench.configs.links
    if config is None:
        return await in_thread(links.changed)
    found = await bench.configs.find_config(config)
    if "linked" not in found.tags:
        raise UsageError(f"{found.name} is not linked to a file; `awb config link {found.name} FILE` does that")
    change = await in_thread(links.change_of, found.config_id)
    return [change] if change else []


def _ask(change: LinkChange, quiet: bool) -> str:
    """Show a difference and return what to do: file, config, merge, or an empty string for later."""
    if quiet:
        return ""
    narrate(str(change))
    if change.kind != "gone":
        emit(change.diff() or "they differ in line ends, or in secrets")
    if not sys.stdin.isatty():
        return ""
    choices = {"f": "file", "c": "config", "m": "merge", "l": ""}
    asked = "write the config's text again, or later? [c/l]" if change.kind == "gone" else _QUESTION
    answer = click.prompt(
        asked,
        type=click.Choice(["c", "l"] if change.kind == "gone" else list(choices)),
        err=True,
        default="l",
        show_choices=False,
    )
    return choices[answer]


_QUESTION = "take the file's text, keep the config's, merge both, or later? [f/c/m/l]"


async def _settle(bench: SharedContext, change: LinkChange, choice: str) -> bool:
    """Do what was chosen; False where it waits."""
    links = bench.configs.links
    if choice == "config":
        await in_thread(links.write, change)
        narrate(f"wrote {change.path}")
    elif choice in ("file", "merge") and change.kind == "gone":
        raise Conflict(str(change))
    elif choice in ("file", "merge"):
        merged = change.merged() if choice == "merge" else None
        if merged is not None and not merged.is_clean:
            line = merged.clashes[0].line
            raise Conflict(f"both changed line {line} of {change.name}; take one side, or edit one so that they agree")
        saved = await in_thread(links.take, change, merged.text if merged else None)
        narrate(f"{saved.name} has revision {saved.revision} now, from {change.path}")
    else:
        return False
    return True


def _shape(config_id: str, name: str, path: str) -> dict[str, Any]:
    return {"config_id": config_id, "name": name, "path": path}


COMMANDS = (link, unlink, sync)
