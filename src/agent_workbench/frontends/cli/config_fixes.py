"""Putting a config right: quick fixes, variables, secrets, and includes that are out of date."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from agent_workbench.configs.words import counted
from agent_workbench.errors import UsageError
from agent_workbench.frontends.cli.config_edits import dry_run_option, note_option, place_of, tell_link
from agent_workbench.frontends.cli.config_store import text_of
from agent_workbench.frontends.cli.opening import in_thread, json_option, sources_option, with_workbench
from agent_workbench.frontends.cli.output import emit, emit_json, emit_table, narrate, show_problems

if TYPE_CHECKING:
    from agent_workbench.configs.problems import Problem
    from agent_workbench.services.fixes import Moved
    from agent_workbench.services.shared import SharedContext
    from agent_workbench.services.texts import ConfigText


@click.command("fix")
@click.argument("config")
@note_option
@dry_run_option
@sources_option
@json_option
@with_workbench
async def fix(bench: SharedContext, config: str, note: str, dry_run: bool, as_json: bool) -> int:
    """Apply every quick fix of a config's problems. Exits with 3 where errors are left.

    Secrets that are written out stay: `awb config secrets CONFIG --move PATH` moves them.
    """
    from agent_workbench.services import texts
    from agent_workbench.services.fixes import fix_all
    from agent_workbench.services.secrets import masked_diff

    text = await text_of(bench, config)

    def check(changed: str) -> tuple[Problem, ...]:
        return bench.configs.validate(
            changed, name=text.label, base=text.base or bench.workspace, root=text.root, fetch=False, owner=text.owner
        )

    found = await in_thread(fix_all, text.text, check)
    diff = masked_diff(text.text, found.text, name=text.name)
    saved = text
    if found.fixed and not dry_run:
        saved = await texts.save(
            bench.configs, text, found.text, note=note or f"fix {counted(len(found.fixed), 'problem')}"
        )
    errors = any(problem.severity == "error" for problem in found.left)
    if as_json:
        emit_json({
            **place_of(saved), "saved": bool(found.fixed) and not dry_run, "diff": diff,
            "fixed": [one.to_json() for one in found.fixed], "problems": [one.to_json() for one in found.left],
        })  # fmt: skip
        return 3 if errors else 0
    if diff:
        emit(diff)
    for problem in found.fixed:
        narrate(f"{'would fix' if dry_run else 'fixed'} line {problem.line}: {problem.message}")
    narrate(_left(text.name, len(found.fixed), len(found.left)))
    show_problems(found.left, name=text.name)
    await tell_link(bench, saved)
    return 3 if errors else 0


def _left(name: str, fixed: int, left: int) -> str:
    if not left:
        return f"{name} is fine" if not fixed else f"{name} is fine now"
    return f"{name} has {counted(left, 'problem')}{' left' if fixed else ' that no fix is known for'}"


@click.command("env")
@click.argument("config")
@sources_option
@json_option
@with_workbench
async def env(bench: SharedContext, config: str, as_json: bool) -> int:
    """List the ${VAR} of a config and whether each is set, never a value. Exits with 3 where one is not set."""
    from agent_workbench.services.variables import variables

    text = await text_of(bench, config)
    plan = await bench.configs.plan_text(text.text, name=text.label, base=text.base or bench.workspace, root=text.root)
    found = variables(plan)
    if as_json:
        emit_json({"variables": [one.to_json() for one in found]})
    else:
        emit_table(
            ("VARIABLE", "STATUS", "FROM", "USED BY"),
            [(one.name, one.status, one.source or "", ", ".join(one.paths)) for one in found],
        )
        show_problems(plan.errors, name=text.name)
        if not found and not plan.errors:
            narrate(f"{text.name} refers to no variable")
    return 3 if plan.errors or any(one.status == "unset" for one in found) else 0


@click.command("secrets")
@click.argument("config")
@click.option("--move", "paths", multiple=True, metavar="PATH", help="Move the secret at PATH out. May be repeated.")
@click.option("--all", "everything", is_flag=True, help="Move every secret out.")
@note_option
@dry_run_option
@json_option
@with_workbench
async def secrets(
    bench: SharedContext,
    config: str,
    paths: tuple[str, ...],
    everything: bool,
    note: str,
    dry_run: bool,
    as_json: bool,
) -> None:
    """List the secrets that stand in a config's text, or move some out: into the keyring, a ${NAME} in their place.

    Without a keyring only the reference is written; where the text has no history that would lose the value, and
    is refused unless the variable is set to it already.
    """
    from agent_workbench.services.fixes import secrets_in

    text = await text_of(bench, config)
    found = secrets_in(text.text, source=text.source)
    if paths or everything:
        wanted = paths or tuple(one.path for one in found if one.movable)
        await _move(bench, text, wanted, note, dry_run, as_json)
    elif as_json:
        shape = [{"path": one.path, "line": one.line, "name": one.name, "movable": one.movable} for one in found]
        emit_json({"secrets": shape})
    else:
        rows = [
            (one.path or "a comment", one.line, f"${{{one.name}}}" if one.name else "taken out by hand")
            for one in found
        ]
        emit_table(("SECRET AT", "LINE", "WOULD BE"), rows)
        way = "; --move PATH moves one out" if any(one.movable for one in found) else ""
        narrate(f"{counted(len(found), 'secret')} in {text.name}{way}")


async def _move(
    bench: SharedContext, text: ConfigText, paths: tuple[str, ...], note: str, dry_run: bool, as_json: bool
) -> None:
    from agent_workbench.services import texts
    from agent_workbench.services.fixes import move_secret
    from agent_workbench.services.keys import Kept, keep
    from agent_workbench.services.secrets import masked_diff

    def store(name: str, value: str) -> Kept:
        return Kept(name, "keyring") if dry_run else keep(name, value)

    moved: list[Moved] = []
    new = text.text
    for path in paths:
        done = await in_thread(move_secret, new, path, source=text.source, store=store)
        if not done.kept.is_there and text.config is None:
            raise UsageError(
                f"the value at {path} would be lost: {done.kept.reason}. Export {done.kept.name} with it first"
            )
        new, moved = done.edit.apply(new), [*moved, done]
    saved = text
    if new != text.text and not dry_run:
        saved = await texts.save(bench.configs, text, new, note=note or f"move {counted(len(moved), 'secret')} out")
    diff = masked_diff(text.text, new, name=text.name)
    if as_json:
        told = [
            {"path": one.path, "name": one.kept.name, "source": one.kept.source, "set": one.kept.is_there}
            for one in moved
        ]
        emit_json({**place_of(saved), "saved": new != text.text and not dry_run, "moved": told, "diff": diff})
        return
    if diff:
        emit(diff)
    for one in moved:
        narrate(_told(one, dry_run))
    if text.config is not None and new != text.text and not dry_run:
        narrate(f"older revisions still hold it; `awb config prune {text.config.config_id} --keep 1` deletes them")
    await tell_link(bench, saved)


def _told(moved: Moved, dry_run: bool) -> str:
    kept = moved.kept
    if dry_run:
        return f"{moved.path} would become ${{{kept.name}}}"
    if kept.is_there:
        return f"{moved.path} is ${{{kept.name}}} now, and its value in the {kept.source}"
    return f"{moved.path} is ${{{kept.name}}} now ({kept.reason}): export {kept.name}=… before the next session"


@click.command("refresh")
@click.argument("config")
@json_option
@with_workbench
async def refresh(bench: SharedContext, config: str, as_json: bool) -> int:
    """Fetch the git and https includes of a config again, nested ones too. Exits with 1 where one failed."""
    from agent_workbench.services.refresh import refresh as fetch_again

    text = await text_of(bench, config)
    done = await in_thread(
        fetch_again,
        bench.bundles.sources,
        text.text,
        name=text.label,
        base=text.base or bench.workspace,
        root=text.root,
    )
    if as_json:
        emit_json({"includes": [one.to_json() for one in done]})
    for one in () if as_json else done:
        emit(str(one))
    if not done and not as_json:
        narrate(f"{text.name} includes nothing from the network")
    return 1 if any(one.reason for one in done) else 0


COMMANDS = (fix, env, secrets, refresh)
