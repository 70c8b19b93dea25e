"""Values and entries of a config by their path: set, remove, move, disable, enable, and agents.

A path is written as `awb config plan` shows it: `tools[tool-bash].config.timeout`, `session.max_steps`, `includes[0]`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from agent_workbench.frontends.cli.config_edits import dry_run_option, make, note_option, set_option
from agent_workbench.frontends.cli.opening import json_option, key_values, with_workbench

if TYPE_CHECKING:
    from agent_workbench.configs.document import Document
    from agent_workbench.configs.edits import Edit
    from agent_workbench.services.shared import SharedContext


@click.command("set")
@click.argument("config")
@click.argument("path")
@click.argument("value")
@note_option
@dry_run_option
@json_option
@with_workbench
async def set_value(
    bench: SharedContext, config: str, path: str, value: str, note: str, dry_run: bool, as_json: bool
) -> None:
    """Set the value at PATH, such as tools[tool-bash].config.timeout.

    VALUE is read by the module's own schema where PATH is one of its settings, else as YAML. What is missing on the
    way is made.
    """
    from agent_workbench.configs.entries import path_of
    from agent_workbench.services.given import value_for

    def change(doc: Document) -> Edit:
        place = path_of(doc.data, path)
        return doc.set_value(place, value_for(bench.configs.catalog, doc.data, place, value))

    await make(bench, config, change, note or f"set {path}", dry_run=dry_run, as_json=as_json)


def _at_path(name: str, said: str, verb: str) -> click.Command:
    """Return the command that does what a verb of the document does to the entry at a path."""

    @click.argument("config")
    @click.argument("path")
    @note_option
    @dry_run_option
    @json_option
    @with_workbench
    async def run(bench: SharedContext, config: str, path: str, note: str, dry_run: bool, as_json: bool) -> None:
        from agent_workbench.configs.entries import path_of

        change = lambda doc: getattr(doc, verb)(path_of(doc.data, path))  # noqa: E731
        await make(bench, config, change, note or f"{name} {path}", dry_run=dry_run, as_json=as_json)

    return click.command(name, help=said)(run)


remove = _at_path(
    "remove",
    "Remove the value or entry at PATH, such as tools[tool-bash], with the comment that belongs to it.",
    "remove_entry",
)
disable = _at_path("disable", "Comment the entry at PATH out, such as tools[tool-bash].", "comment_out")


@click.command("move")
@click.argument("config")
@click.argument("path")
@click.argument("place", type=click.IntRange(1))
@note_option
@dry_run_option
@json_option
@with_workbench
async def move(
    bench: SharedContext, config: str, path: str, place: int, note: str, dry_run: bool, as_json: bool
) -> None:
    """Move the entry at PATH to PLACE among its siblings, from 1, with the comment that belongs to it."""
    from agent_workbench.configs.entries import path_of

    change = lambda doc: doc.move_entry(path_of(doc.data, path), place - 1)  # noqa: E731
    await make(bench, config, change, note or f"move {path}", dry_run=dry_run, as_json=as_json)


@click.command("enable")
@click.argument("config")
@click.argument("entry")
@note_option
@dry_run_option
@json_option
@with_workbench
async def enable(bench: SharedContext, config: str, entry: str, note: str, dry_run: bool, as_json: bool) -> None:
    """Make the comment that holds ENTRY (a module, an id, or the number of its line) an entry again."""
    from agent_workbench.configs.entries import commented

    change = lambda doc: doc.uncomment(commented(doc.text, entry))  # noqa: E731
    await make(bench, config, change, note or f"enable {entry}", dry_run=dry_run, as_json=as_json)


@click.command("add-agent")
@click.argument("config")
@click.argument("name")
@set_option
@note_option
@dry_run_option
@json_option
@with_workbench
async def add_agent(
    bench: SharedContext, config: str, name: str, pairs: tuple[str, ...], note: str, dry_run: bool, as_json: bool
) -> None:
    """Add the agent NAME: with --set (description=…, instruction=…) one of its own, else one from its own file."""
    from agent_workbench.services.given import config_from_pairs

    spec = config_from_pairs(bench.configs.catalog, "", key_values(pairs, "--set")) or None
    change = lambda doc: doc.add_agent(name, spec)  # noqa: E731
    await make(bench, config, change, note or f"add agent {name}", dry_run=dry_run, as_json=as_json)


COMMANDS = (set_value, remove, move, disable, enable, add_agent)
