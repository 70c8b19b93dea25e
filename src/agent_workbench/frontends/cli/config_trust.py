"""Trust: what a config's imported and included texts would do, and the person's yes or no to exactly these texts."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from agent_workbench.configs.words import counted
from agent_workbench.errors import UsageError
from agent_workbench.frontends.cli.config_store import text_of
from agent_workbench.frontends.cli.opening import in_thread, json_option, sources_option, with_workbench
from agent_workbench.frontends.cli.output import emit, emit_json, narrate

if TYPE_CHECKING:
    from agent_workbench.services.shared import SharedContext
    from agent_workbench.services.trust import Doubt


@click.command("trust")
@click.argument("config")
@click.option("--revoke", is_flag=True, help="Take back every yes to the texts of this config.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask: trust what is listed.")
@sources_option
@json_option
@with_workbench
async def trust(bench: SharedContext, config: str, revoke: bool, yes: bool, as_json: bool) -> None:
    """List what is held back of a config's imported and included texts, and trust them as they are now.

    A text is known by its hash: one that changes later is held back again, and shown with what changed.
    """
    text = await text_of(bench, config)
    plan = await bench.configs.plan_text(text.text, name=text.label, base=text.base or bench.workspace, root=text.root)
    if revoke:
        gone = await in_thread(bench.configs.trust.revoke, plan)
        if as_json:
            emit_json({"config": text.name, "revoked": gone})
        narrate(f"{counted(gone, 'text')} of {text.name} {'is' if gone == 1 else 'are'} trusted no longer")
        return
    found = await in_thread(bench.configs.trust.doubts, plan, text.owner)
    if not as_json:
        for line in _listed(found):
            emit(line)
    agreed = bool(found) and (yes or _agreed(found, as_json))
    if agreed:
        await in_thread(bench.configs.trust.trust, found)
    if as_json:
        emit_json({"config": text.name, "documents": [one.to_json() for one in found], "trusted": agreed})
    if not found:
        narrate(f"nothing of {text.name} is held back")
    elif agreed:
        narrate(f"{counted(len(found), 'text')} of {text.name} trusted; sessions take it at their next message")
    elif not sys.stdin.isatty():
        raise UsageError("nothing is trusted yet: there is no terminal to ask on, so say --yes once you have read it")
    else:
        narrate("nothing was trusted")


def agreed_to_run(found: Sequence[Doubt]) -> bool:
    """Ask a person who named a bundle file whether it may do what it would; typing its path in a script is a yes."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return True
    for line in _listed(found):
        narrate(line)
    return click.confirm("you named this file: may it do that, as it is now?", default=False, err=True)


def _agreed(found: Sequence[Doubt], as_json: bool) -> bool:
    """Ask on a terminal; without one, nobody agreed."""
    if as_json or not sys.stdin.isatty():
        return False
    return click.confirm(f"trust {counted(len(found), 'text')} as listed?", default=False, err=True)


def tell_held(name: str, found: Sequence[Doubt]) -> None:
    """Say after an import that something is held back, and how to confirm it."""
    count = sum(len(one.held) for one in found)
    if count:
        narrate(f"{counted(count, 'thing')} held back until you trust it: `awb config trust {name}` lists and asks")


def _listed(found: Sequence[Doubt]) -> list[str]:
    lines: list[str] = []
    for one in found:
        lines += [one.title, f"  sha256 {one.document.digest}"]
        lines += [f"  line {held.origin.line}: would {held.what}" for held in one.held] or [
            "  would do nothing of note"
        ]
        if diff := one.diff():
            lines += ["  changed since you trusted it:", *(f"  {line}" for line in diff.splitlines())]
        lines.append("")
    return lines


COMMANDS: tuple[Any, ...] = (trust,)
