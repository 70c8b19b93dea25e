"""`awb doctor`: what this installation has and lacks."""

from __future__ import annotations

import click

from agent_workbench.frontends.cli.opening import Settings, database_option, json_option
from agent_workbench.frontends.cli.output import emit, emit_json, emit_table, narrate

MARKS = {"fine": "✓", "note": "·", "warning": "!", "failed": "✗"}


@click.command("doctor")
@json_option
@database_option
@click.pass_context
def command(context: click.Context, as_json: bool) -> int:
    """Check this installation and say what is missing. Exits with 1 where something does not work."""
    from agent_workbench.services.doctor import examine

    findings = list(examine(context.ensure_object(Settings).database))
    failed = any(finding.state == "failed" for finding in findings)
    if as_json:
        checks = [{"name": one.name, "state": one.state, "detail": one.detail, "hint": one.hint} for one in findings]
        emit_json({"ok": not failed, "checks": checks})
    else:
        rows = [(f"{MARKS[one.state]} {one.state}", one.name, one.detail) for one in findings]
        emit_table(("STATE", "WHAT", "FOUND"), rows, limit=200)
        hints = [one for one in findings if one.hint]
        if hints:
            emit("")
            emit_table(("TO DO", ""), [(one.name, one.hint) for one in hints], limit=200)
        narrate("something does not work" if failed else "everything that is needed works")
    return 1 if failed else 0
