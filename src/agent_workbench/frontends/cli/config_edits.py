"""Edits of a config's text: each keeps every byte that it was not asked to change, and can show its diff first."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agent_workbench.configs.words import counted
from agent_workbench.errors import Conflict, RevisionConflict, UsageError
from agent_workbench.frontends.cli.config_store import text_of
from agent_workbench.frontends.cli.opening import in_thread, json_option, key_values, with_workbench
from agent_workbench.frontends.cli.output import emit, emit_json, narrate, show_problems

if TYPE_CHECKING:
    from agent_workbench.configs.document import Document
    from agent_workbench.configs.edits import Edit
    from agent_workbench.configs.modules import ModuleKind
    from agent_workbench.services.shared import SharedContext
    from agent_workbench.services.texts import ConfigText

dry_run_option = click.option("-n", "--dry-run", is_flag=True, help="Print the diff and change nothing.")
note_option = click.option(
    "-m", "--note", default="", metavar="TEXT", help="What the change is for; kept in the history."
)
set_option = click.option("--set", "pairs", multiple=True, metavar="KEY=VALUE", help="A setting. May be repeated.")
source_option = click.option("--source", metavar="URI", help="Where a module that is not installed comes from.")


async def make(
    bench: SharedContext,
    reference: str,
    change: Callable[[Document], Edit],
    note: str,
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Make one change of a config and show what changed."""
    from agent_workbench.services import texts
    from agent_workbench.services.secrets import masked_diff

    text = await text_of(bench, reference)
    new = texts.propose(text, change)
    diff = masked_diff(text.text, new, name=text.name)
    saved = text
    if new != text.text and not dry_run:
        saved = await texts.save(bench.configs, text, new, note=note)
    problems = bench.configs.validate(
        new, name=text.label, base=text.base or bench.workspace, root=text.root, owner=text.owner
    )
    if as_json:
        emit_json({
            **place_of(saved), "changed": new != text.text, "saved": new != text.text and not dry_run, "diff": diff,
            "problems": [problem.to_json() for problem in problems],
        })  # fmt: skip
        return
    if diff:
        emit(diff)
    narrate(_outcome(text, saved, new, dry_run))
    show_problems(problems, name=text.name)
    await tell_link(bench, saved)


async def tell_link(bench: SharedContext, saved: ConfigText) -> None:
    """Say where the file of a linked config did not get what was saved."""
    if saved.config is not None:
        change = await in_thread(bench.configs.links.change_of, saved.config.config_id)
        if change is not None:
            narrate(f"{change}; `awb config sync {saved.config.config_id}` shows the difference and asks")


def place_of(text: ConfigText) -> dict[str, Any]:
    if text.config is not None:
        return {"config_id": text.config.config_id, "name": text.name, "revision": text.config.revision}
    return {"name": text.name, "path": str(text.path or "-")}


def _outcome(text: ConfigText, saved: ConfigText, new: str, dry_run: bool) -> str:
    if new == text.text:
        return f"{text.name} has that already"
    if dry_run:
        return "nothing was changed (--dry-run)"
    return f"saved {text.name}" + (f", revision {saved.config.revision}" if saved.config else "")


def _adding(kind: ModuleKind) -> click.Command:
    """Return the command that adds a module of a kind, or sets more of the one that is there."""

    @click.argument("config")
    @click.argument("module")
    @source_option
    @set_option
    @note_option
    @dry_run_option
    @json_option
    @with_workbench
    async def add(
        bench: SharedContext, config: str, module: str, source: str | None, pairs: tuple[str, ...], note: str,
        dry_run: bool, as_json: bool,
    ) -> None:  # fmt: skip
        from agent_workbench.configs.document import Document

        values = _settings(bench, module, kind, source, pairs)
        verbs = {"tool": Document.add_tool, "provider": Document.add_provider, "hook": Document.add_hook}
        change = lambda doc: verbs[kind](doc, module, source, values)  # noqa: E731
        await make(bench, config, change, note or f"add {module}", dry_run=dry_run, as_json=as_json)

    said = f"Add the {kind} MODULE to a config, or set more of the one that is there."
    return click.command(f"add-{kind}", help=said)(add)


def _settings(
    bench: SharedContext, module: str, kind: ModuleKind, source: str | None, pairs: tuple[str, ...]
) -> dict[str, Any] | None:
    """Return what `--set` gives to a module that is known, None where that is nothing."""
    from agent_workbench.services.given import config_from_pairs, known_module

    known_module(bench.configs.catalog, module, kind, source=source or "")
    return config_from_pairs(bench.configs.catalog, module, key_values(pairs, "--set")) or None


@click.command("add-include")
@click.argument("config")
@click.argument("uri")
@note_option
@dry_run_option
@json_option
@with_workbench
async def add_include(bench: SharedContext, config: str, uri: str, note: str, dry_run: bool, as_json: bool) -> None:
    """Append URI to a config's includes: a shipped name, a path, a git or https address, config:NAME."""
    from agent_workbench.configs.secrets import mask_text

    said = note or f"include {mask_text(uri)}"
    await make(bench, config, lambda doc: doc.add_include(uri), said, dry_run=dry_run, as_json=as_json)


@click.command("edit")
@click.argument("config")
@note_option
@click.option("--merge", is_flag=True, help="Where somebody saved in between, merge both without asking.")
@with_workbench
async def edit(bench: SharedContext, config: str, note: str, merge: bool) -> int:
    """Edit a config with $VISUAL or $EDITOR and save it when the editor ends.

    Where somebody else saved meanwhile, a merge of both is offered. A text that cannot be saved is kept in a file,
    which is named.
    """
    text = await text_of(bench, config)
    if text.config is None and text.path is None:
        raise UsageError("standard input cannot be edited")
    draft = _draft(text)
    try:
        saved = await _edited(bench, text, draft, note, merge)
    except BaseException:  # ctrl+c in the middle too: what was written is kept, and where is said
        if draft.read_bytes() == text.text.encode():
            draft.unlink()
        else:
            narrate(f"not saved; your text is in {draft}")
        raise
    draft.unlink()
    if saved is text:
        narrate(f"{text.name} is unchanged")
        return 0
    problems = bench.configs.validate(
        saved.text, name=saved.label, base=saved.base or bench.workspace, root=saved.root, owner=saved.owner
    )
    said = f", with {counted(len(problems), 'problem')}:" if problems else ""
    narrate(_outcome(text, saved, saved.text, False) + said)
    show_problems(problems, name=text.name)
    await tell_link(bench, saved)
    return 0


async def _edited(bench: SharedContext, text: ConfigText, draft: Path, note: str, merge: bool) -> ConfigText:
    """Open the editor and save what it leaves; the same object where nothing was changed."""
    from agent_workbench.services import texts

    new, base = _opened(draft), text
    if new == text.text:
        return text
    while True:
        try:
            return await texts.save(bench.configs, base, new, note=note)
        except RevisionConflict as error:
            theirs, merged = await texts.newer(bench.configs, base, new)
            if not (merge or _wanted(base.text, theirs.text, merged.is_clean, str(error))):
                raise
            base, new = theirs, merged.text
            if not merged.is_clean:
                draft.write_bytes(new.encode())
                if not sys.stdin.isatty():
                    raise Conflict(f"both changed line {merged.clashes[0].line}: choose there") from error
                new = _opened(draft)
                if "<<<<<<< yours" in new:
                    raise Conflict("the marks of the merge are still in it") from error


def _opened(draft: Path) -> str:
    click.edit(filename=str(draft))
    return draft.read_bytes().decode("utf-8", "surrogateescape")


def _wanted(before: str, theirs: str, clean: bool, why: str) -> bool:
    """Show what somebody else changed and ask whether to merge; a script is told to say --merge."""
    from agent_workbench.services.secrets import masked_diff

    narrate(why)
    if not sys.stdin.isatty():
        narrate("--merge joins both")
        return False
    emit(masked_diff(before, theirs, name="saved meanwhile"))
    how = "save both changes together?" if clean else "both changed the same lines: choose in the editor?"
    return click.confirm(how, default=True, err=True)


def _draft(text: ConfigText) -> Path:
    """Write the text into a file of its own, with a suffix that editors know."""
    suffix = text.path.suffix if text.path else (".md" if text.text.startswith("---") else ".yaml")
    with tempfile.NamedTemporaryFile("wb", prefix=f"{_safe(text.name)}-", suffix=suffix, delete=False) as file:
        file.write(text.text.encode())
    return Path(file.name)


def _safe(name: str) -> str:
    return "".join(char if char.isalnum() else "-" for char in name)[:40] or "config"


COMMANDS = (edit, _adding("tool"), _adding("provider"), _adding("hook"), add_include)
