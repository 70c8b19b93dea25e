"""`awb template`: the samples to start from."""

from __future__ import annotations

import click

from agent_workbench.frontends.cli.opening import json_option
from agent_workbench.frontends.cli.output import emit_exactly, emit_json, emit_table


@click.group("template")
def command() -> None:
    """List and print the samples to start from."""


@command.command("list")
@json_option
def list_templates(as_json: bool) -> None:
    """List the templates, the simplest first."""
    from agent_workbench.services.templates import templates

    found = list(templates())
    if as_json:
        emit_json({"templates": [{"name": one.name, "summary": one.summary} for one in found]})
    else:
        emit_table(("NAME", "WHAT IT SHOWS"), [(one.name, one.summary) for one in found], limit=110)


@command.command("show")
@click.argument("template")
@json_option
def show(template: str, as_json: bool) -> None:
    """Print the text of TEMPLATE."""
    from agent_workbench.services.templates import template as find

    found = find(template)
    if as_json:
        emit_json({"name": found.name, "summary": found.summary, "yaml_content": found.text})
    else:
        emit_exactly(found.text)
