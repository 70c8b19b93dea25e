"""`awb module`: list the modules that a config can name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from agent_workbench.errors import NotFound
from agent_workbench.frontends.cli.opening import json_option, with_workbench
from agent_workbench.frontends.cli.output import emit, emit_fields, emit_json, emit_table, narrate

if TYPE_CHECKING:
    from agent_workbench.configs.modules import Module
    from agent_workbench.services.shared import SharedContext

KINDS = ("provider", "tool", "hook", "orchestrator", "context")


@click.group("module")
def command() -> None:
    """List the modules that a config can name."""


@command.command("list")
@click.option("--kind", type=click.Choice(KINDS), help="Only these.")
@json_option
@with_workbench
async def list_modules(bench: SharedContext, kind: str | None, as_json: bool) -> None:
    """List the modules that are installed, and those that could not be loaded."""
    catalog = bench.configs.catalog
    modules = [one for each in KINDS if kind in (None, each) for one in catalog.of_kind(each)]  # type: ignore[arg-type]
    if as_json:
        emit_json({
            "modules": [
                {"id": one.id, "kind": one.kind, "summary": one.summary, "origin": one.origin, "tools": list(one.tools)}
                for one in modules
            ],
            "broken": dict(catalog.broken),
        })  # fmt: skip
        return
    emit_table(("ID", "KIND", "WHAT IT IS", "FROM"), [(one.id, one.kind, one.summary, one.origin) for one in modules])
    for name, why in catalog.broken.items():
        narrate(f"{name} cannot be loaded: {why}")


@command.command("show")
@click.argument("module")
@json_option
@with_workbench
async def show(bench: SharedContext, module: str, as_json: bool) -> None:
    """Print what MODULE is and the settings that its `config` takes."""
    catalog = bench.configs.catalog
    found = catalog.get(module)
    if found is None:
        near = catalog.nearest(module)
        hint = f"did you mean {near}?" if near else "`awb module list` shows them"
        raise NotFound(catalog.broken.get(module) or f"there is no module {module!r}; {hint}")
    if as_json:
        emit_json({
            "id": found.id, "kind": found.kind, "summary": found.summary, "origin": found.origin,
            "tools": list(found.tools), "schema": found.config.model_json_schema(),
        })  # fmt: skip
        return
    emit_fields({
        "module": found.id, "kind": found.kind, "is": found.summary, "from": found.origin,
        "tools": ", ".join(found.tools),
    })  # fmt: skip
    _settings(found)


def _settings(module: Module) -> None:
    from agent_workbench.configs.fields import OTHERS, fields_of

    fields = [field for field in fields_of(module.config) if field.key != OTHERS]
    if not fields:
        return
    emit("")
    rows = [(field.key + (" (needed)" if field.required else ""), field.help) for field in fields]
    emit_table(("SETTING", "WHAT IT DOES"), rows, limit=200)
