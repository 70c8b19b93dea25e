"""A config's saved texts: list, compare, go back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from agent_workbench.errors import UsageError
from agent_workbench.frontends.cli.config_store import text_of
from agent_workbench.frontends.cli.opening import json_option, with_workbench
from agent_workbench.frontends.cli.output import emit, emit_json, emit_table, narrate

if TYPE_CHECKING:
    from agent_workbench.services.shared import SharedContext


@click.command("history")
@click.argument("config")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
@json_option
@with_workbench
async def history(bench: SharedContext, config: str, limit: int, as_json: bool) -> None:
    """List a config's revisions, the newest first."""
    from agent_workbench.services.shapes import revision_to_json

    found = await bench.configs.find_config(config)
    revisions = await bench.configs.revisions(found.config_id, limit=limit)
    if as_json:
        emit_json({"config_id": found.config_id, "revisions": [revision_to_json(one) for one in revisions]})
        return
    rows = [(one.revision, f"{one.created_at:%Y-%m-%d %H:%M}", one.author, one.note) for one in revisions]
    emit_table(("REV", "SAVED", "BY", "NOTE"), rows)


@click.command("diff")
@click.argument("config")
@click.argument("other", required=False)
@click.option("--from", "old", type=click.IntRange(1), metavar="N", help="The older revision. [the one before last]")
@click.option("--to", "new", type=click.IntRange(1), metavar="N", help="The newer revision. [the newest]")
@click.option("--plan", "as_plans", is_flag=True, help="Compare what sessions would be made from, not the texts.")
@json_option
@with_workbench
async def diff(
    bench: SharedContext,
    config: str,
    other: str | None,
    old: int | None,
    new: int | None,
    as_plans: bool,
    as_json: bool,
) -> None:
    """Compare two revisions of CONFIG, or CONFIG with OTHER."""
    from agent_workbench.configs.edits import unified_diff
    from agent_workbench.services.secrets import masked

    if other is not None:
        if old or new:
            raise UsageError("--from and --to name revisions of one config")
        before, after = await text_of(bench, config), await text_of(bench, other)
        one, two, name = before.text, after.text, f"{before.name} → {after.name}"
    else:
        found = await bench.configs.find_config(config)
        newest = new or found.revision
        two = (await bench.configs.revision(found.config_id, newest)).yaml_content
        earlier = old or newest - 1
        one = (await bench.configs.revision(found.config_id, earlier)).yaml_content if earlier else ""
        name = f"{found.name} {earlier} → {newest}"
    if as_plans:
        one, two = await plan_text(bench, one), await plan_text(bench, two)
    changed = unified_diff(masked(one), masked(two), name=name)
    if as_json:
        emit_json({"diff": changed, "equal": not changed})
    elif changed:
        emit(changed)
    else:
        narrate("no difference")


async def plan_text(bench: SharedContext, text: str) -> str:
    """Return a text's plan as YAML, secrets as dots."""
    from agent_workbench.configs.secrets import mask

    plan = await bench.configs.plan_text(text, base=bench.workspace)
    return bench.configs.dump_yaml(mask(plan.mount_plan)) + f"\n{plan.instruction}"


@click.command("restore")
@click.argument("config")
@click.argument("revision", type=click.IntRange(1))
@json_option
@with_workbench
async def restore(bench: SharedContext, config: str, revision: int, as_json: bool) -> None:
    """Save an old REVISION again, as the newest one."""
    found = await bench.configs.find_config(config)
    saved = await bench.configs.restore(found.config_id, revision)
    if as_json:
        emit_json({"config_id": saved.config_id, "name": saved.name, "revision": saved.revision})
    else:
        narrate(f"revision {revision} of {saved.name} is now revision {saved.revision}")


COMMANDS = (history, diff, restore)
