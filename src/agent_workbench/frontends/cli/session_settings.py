"""`awb session set`: what a session runs with, also while its turn runs in another program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from agent_workbench.frontends.cli.opening import json_option, with_workbench
from agent_workbench.frontends.cli.output import emit_fields, emit_json

if TYPE_CHECKING:
    from agent_workbench.engine.session_config import SessionConfig
    from agent_workbench.services.shared import SharedContext


@click.command("set")
@click.argument("session")
@click.option("-p", "--provider", metavar="ID", help="Ask this provider of the config; it brings its own model.")
@click.option("-m", "--model", metavar="MODEL", help="Use this model.")
@click.option("--effort", metavar="EFFORT", help="How much the model may think: none to max.")
@click.option("--mode", metavar="MODE", help="The permission mode: ask, fast-edit, read-only or plan.")
@click.option("--max-steps", type=int, metavar="N", help="Requests that a turn may take.")
@click.option("--max-tokens", type=int, metavar="N", help="Tokens that a turn may use.")
@click.option("--max-cost", type=float, metavar="USD", help="What a turn may cost.")
@click.option("--max-seconds", type=float, metavar="S", help="How long a turn may take.")
@json_option
@with_workbench
async def change(bench: SharedContext, session: str, mode: str | None, as_json: bool, **settings: Any) -> None:
    """Change what a session runs with, from its next step on; without options, print it.

    An empty value, or 0 for a limit, goes back to what the config says.
    """
    found = await bench.sessions.find_session(session)
    given = {name: value for name, value in {**settings, "permission_mode": mode}.items() if value is not None}
    if given:
        found = await bench.sessions.change_settings(found.session_id, **given)
    now = _runs_with(await bench.sessions.effective(found.session_id))
    if as_json:
        emit_json({"session_id": found.session_id, "settings": dict(found.settings), "runs_with": now})
    else:
        emit_fields({name.replace("_", " "): value for name, value in now.items()})


def _runs_with(config: SessionConfig) -> dict[str, Any]:
    """Return what the next step runs with; limits that there are not are left out."""
    limits = config.limits
    named = {
        "max_steps": limits.max_steps, "max_tokens": limits.max_tokens, "max_cost": limits.max_cost,
        "max_seconds": limits.max_seconds,
    }  # fmt: skip
    provider = config.candidates()[0].id if config.providers else ""
    return {
        "config_revision": config.revision, "provider": provider, "model": config.model_name,
        "effort": config.model.effort, "permission_mode": config.permissions.mode,
        **{name: value for name, value in named.items() if value is not None},
    }  # fmt: skip
