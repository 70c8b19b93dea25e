"""A config's saved texts: list, compare, go back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from agent_workbench.configs.words import counted
from agent_workbench.errors import UsageError
from agent_workbench.frontends.cli.config_checks import tell_users, used_by
from agent_workbench.frontends.cli.config_edits import note_option
from agent_workbench.frontends.cli.config_store import text_of
from agent_workbench.frontends.cli.opening import json_option, sources_option, with_workbench
from agent_workbench.frontends.cli.output import emit, emit_json, emit_table, narrate

if TYPE_CHECKING:
    from agent_workbench.services.shared import SharedContext
    from agent_workbench.services.texts import ConfigText


@click.command("history")
@click.argument("config")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="At most this many.")
@click.option("--offset", type=click.IntRange(0), default=0, help="Leave out this many of the newest.")
@json_option
@with_workbench
async def history(bench: SharedContext, config: str, limit: int, offset: int, as_json: bool) -> None:
    """List a config's revisions, the newest first."""
    from agent_workbench.services.shapes import revision_to_json

    found = await bench.configs.find_config(config)
    revisions = await bench.configs.revisions(found.config_id, limit=limit, offset=offset)
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
@click.option("--as-plans", "--plan", is_flag=True, help="Compare what sessions would be made from, not the texts.")
@sources_option
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
    from agent_workbench.services.secrets import masked_diff

    before, after = await _sides(bench, config, other, old, new)
    if as_plans:
        await _show_plans(bench, before, after, as_json)
        return
    equal = before.text == after.text
    changed = masked_diff(before.text, after.text, name=f"{before.name} → {after.name}")
    if as_json:
        emit_json({"diff": changed, "equal": equal})
    elif changed:
        emit(changed)
    else:
        narrate("no difference" if equal else "they differ in line ends, or in secrets")


async def _sides(
    bench: SharedContext, config: str, other: str | None, old: int | None, new: int | None
) -> tuple[ConfigText, ConfigText]:
    """Return the two texts to compare, each with its base and a name that tells them apart."""
    mine = await text_of(bench, config)
    if other is not None:
        if old or new:
            raise UsageError("--from and --to name revisions of one config")
        return mine, await text_of(bench, other)
    if mine.config is None:
        raise UsageError(f"{mine.label} has no revisions; name a second file to compare it with")
    newest = new or mine.config.revision
    earlier = old or newest - 1
    texts = [
        (await bench.configs.revision(mine.config.config_id, number)).yaml_content if number else ""
        for number in (earlier, newest)
    ]
    return replace(mine, name=f"{mine.name} {earlier}", text=texts[0]), replace(
        mine, name=f"{mine.name} {newest}", text=texts[1]
    )


async def _show_plans(bench: SharedContext, before: ConfigText, after: ConfigText, as_json: bool) -> None:
    """Say what changes for a session from one text to the other."""
    from agent_workbench.configs.explain import diff_plans
    from agent_workbench.services.shapes import change_to_json

    plans = [
        await bench.configs.plan_text(one.text, name=one.label, base=one.base or bench.workspace, root=one.root)
        for one in (before, after)
    ]
    changes = diff_plans(*plans)
    used = await used_by(bench, after) if before.config is not None and before.config == after.config else {}
    if as_json:
        emit_json({"changes": [change_to_json(one) for one in changes], "equal": not changes, **used})
        return
    for change in changes:
        emit(str(change))
    tell_users(used)
    if not changes:
        narrate("no difference for a session")
    for plan, one in zip(plans, (before, after), strict=True):
        if plan.errors:
            narrate(f"{one.name} has {counted(len(plan.errors), 'error')}, so this may not be all")


@click.command("restore")
@click.argument("config")
@click.argument("revision", type=click.IntRange(1))
@note_option
@json_option
@with_workbench
async def restore(bench: SharedContext, config: str, revision: int, note: str, as_json: bool) -> None:
    """Save an old REVISION again, as the newest one."""
    found = await bench.configs.find_config(config)
    saved = await bench.configs.restore(found.config_id, revision, note=note)
    if as_json:
        emit_json({"config_id": saved.config_id, "name": saved.name, "revision": saved.revision})
    else:
        narrate(f"revision {revision} of {saved.name} is now revision {saved.revision}")


COMMANDS = (history, diff, restore)
