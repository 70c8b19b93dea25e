"""`awb permissions`: ask what a tool call would be decided as, and by which rule."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agent_workbench.errors import UsageError
from agent_workbench.frontends.cli.opening import json_option, with_workbench
from agent_workbench.frontends.cli.output import emit_fields, emit_json, emit_table, narrate

if TYPE_CHECKING:
    from agent_workbench.services.decisions import Judge
    from agent_workbench.services.shared import SharedContext

MODES = ("ask", "fast-edit", "read-only", "plan")
config_option = click.option("-c", "--config", "config", metavar="CONFIG", help="With the rules of this config.")
mode_option = click.option("--mode", type=click.Choice(MODES), help="In this mode. [the config's, else ask]")
folder_option = click.option(
    "--cwd", "folder", type=click.Path(path_type=Path, exists=True, file_okay=False), metavar="DIR",
    help="As if the session worked in this folder.",
)  # fmt: skip


@click.group("permissions")
def command() -> None:
    """Ask what a tool call would be decided as.

    deny beats ask beats allow, over all layers: built-in, bundle, session, your own, the administrator's.
    """


@command.command("check")
@click.argument("tool")
@click.argument("arguments", metavar="ARGS-JSON")
@config_option
@mode_option
@folder_option
@click.option("--allow", multiple=True, metavar="RULE", help="With this rule besides. May be repeated.")
@click.option("--deny", multiple=True, metavar="RULE", help="With this rule besides. May be repeated.")
@json_option
@with_workbench
async def check(
    bench: SharedContext,
    tool: str,
    arguments: str,
    config: str | None,
    mode: str | None,
    folder: Path | None,
    allow: tuple[str, ...],
    deny: tuple[str, ...],
    as_json: bool,
) -> None:
    """Say whether a call of TOOL with ARGS-JSON would be allowed, asked about or denied, and why. Nothing is run."""
    values = _arguments(arguments)
    judge = await _judge(bench, config, mode, folder, allow, deny)
    verdict = judge.decide(tool, values)
    shape = {"decision": verdict.decision, "rule": verdict.rule, "layer": verdict.layer, "reason": verdict.reason}
    if as_json:
        emit_json(shape)
    else:
        emit_fields(shape)


@command.command("list")
@config_option
@mode_option
@folder_option
@json_option
@with_workbench
async def list_rules(
    bench: SharedContext, config: str | None, mode: str | None, folder: Path | None, as_json: bool
) -> None:
    """List the rules that would hold, besides the built-in ones."""
    judge = await _judge(bench, config, mode, folder, (), ())
    rules = judge.permissions.rules
    if as_json:
        emit_json({
            "mode": judge.permissions.mode,
            "rules": [
                {"rule": str(one), "decision": one.ruling, "layer": one.layer, "problem": one.broken} for one in rules
            ],
        })  # fmt: skip
        return
    narrate(f"mode {judge.permissions.mode}")
    emit_table(("DECISION", "RULE", "LAYER"), [(one.ruling, one, one.layer) for one in rules])


async def _judge(
    bench: SharedContext,
    config: str | None,
    mode: str | None,
    folder: Path | None,
    allow: tuple[str, ...],
    deny: tuple[str, ...],
) -> Judge:
    from agent_workbench.services.decisions import judge
    from agent_workbench.services.texts import find_text

    text = await find_text(bench.configs, config) if config is not None else None
    where = folder.resolve() if folder else bench.workspace
    return await judge(bench, text, folder=where, mode=mode or "", allow=allow, deny=deny)


def _arguments(text: str) -> dict[str, Any]:
    content = sys.stdin.read() if text == "-" else text
    try:
        values = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"the arguments are not JSON: {error}") from error
    if not isinstance(values, dict):
        raise UsageError('the arguments are a JSON object, such as \'{"path": "notes.txt"}\'')
    return values
