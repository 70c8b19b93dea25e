"""Configs as stored things: list, show, new, import, export, delete."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent_workbench.configs.words import counted
from agent_workbench.errors import Conflict, UsageError
from agent_workbench.frontends.cli.opening import in_thread, json_option, key_values, with_workbench
from agent_workbench.frontends.cli.output import (
    emit,
    emit_exactly,
    emit_json,
    emit_table,
    narrate,
    show_problems,
)

if TYPE_CHECKING:
    from agent_workbench.services.shared import SharedContext
    from agent_workbench.services.texts import ConfigText
    from agent_workbench.services.trust import Doubt
    from agent_workbench.storage.records import Config, ConfigMetadata

tag_option = click.option("-t", "--tag", "tags", multiple=True, metavar="KEY=VALUE", help="Tag it. May be repeated.")


async def text_of(bench: SharedContext, reference: str) -> ConfigText:
    """Return the text that a CONFIG argument stands for; `-` is standard input."""
    from agent_workbench.configs.reader import decode
    from agent_workbench.services.texts import ConfigText, find_text

    if reference == "-":
        return ConfigText("stdin", decode(sys.stdin.buffer.read(), source="stdin"), bench.workspace)
    return await find_text(bench.configs, reference)


@click.command("list")
@click.option("-q", "--query", default="", metavar="WORDS", help="Only those with these words in name or text.")
@click.option("-t", "--tag", default="", metavar="KEY[=VALUE]", help="Only those with this tag.")
@click.option("--sort", type=click.Choice(["updated", "name", "created"]), default="updated", show_default=True)
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="At most this many.")
@click.option("--offset", type=click.IntRange(0), default=0, help="Leave out this many of the first.")
@json_option
@with_workbench
async def list_configs(
    bench: SharedContext, query: str, tag: str, sort: str, limit: int, offset: int, as_json: bool
) -> None:
    """List configs, the newest first."""
    from agent_workbench.services.shapes import config_to_json

    found, total = await bench.configs.list_configs(limit, offset, q=query, tag=tag, sort=sort)
    if as_json:
        emit_json({"configs": [config_to_json(config) for config in found], "total": total})
        return
    rows = [
        (one.name, one.revision, one.sessions, f"{one.updated_at:%Y-%m-%d %H:%M}", one.config_id, _about(one))
        for one in found
    ]
    emit_table(("NAME", "REV", "SESSIONS", "UPDATED", "ID", "DESCRIPTION"), rows)
    if total != len(found):
        narrate(f"{len(found)} of {counted(total, 'config')}")


def _about(config: ConfigMetadata) -> str:
    """Return what tells a config from one of the same name: the file that it is a copy of, and its description."""
    from agent_workbench.services.bundles import FILE_TAG

    file = config.tags.get(FILE_TAG, "")
    return f"{config.description or ''} (as run from {file})".strip() if file else config.description or ""


@click.command("show")
@click.argument("config")
@json_option
@with_workbench
async def show(bench: SharedContext, config: str, as_json: bool) -> None:
    """Print a config's text, secrets as dots; with --json everything that is known of it."""
    from agent_workbench.services.secrets import masked
    from agent_workbench.services.shapes import config_to_json, users_to_json

    text = await text_of(bench, config)
    shown = masked(text.text)
    if not as_json:
        emit_exactly(shown)
        if text.config is not None and text.config.sessions:
            narrate(f"used by {counted(text.config.sessions, 'session')}")
    elif text.config is not None:
        used, _ = await bench.sessions.list_sessions(config_id=text.config.config_id)
        emit_json({**config_to_json(text.config), "yaml_content": shown, "used_by": users_to_json(used)})
    else:
        emit_json({"name": text.name, "path": str(text.path or "-"), "yaml_content": shown})


@click.command("new")
@click.argument("name")
@click.option("--template", metavar="TEMPLATE", help="Start from a sample (see `awb template list`).")
@click.option("--from", "source", metavar="CONFIG", help="Start from another config, a bundle file, or - (stdin).")
@click.option("-d", "--description", metavar="TEXT", help="One line about it.")
@click.option("--force", is_flag=True, help="Also where the name is taken: both are then named by their ids.")
@click.option("--mine", is_flag=True, help="The text of --from is your own: trust it, but not what it includes.")
@tag_option
@json_option
@with_workbench
async def new(
    bench: SharedContext,
    name: str,
    template: str | None,
    source: str | None,
    description: str | None,
    force: bool,
    mine: bool,
    tags: tuple[str, ...],
    as_json: bool,
) -> None:
    """Store a new config called NAME.

    What the text of a file or of standard input would run, send, read or allow is held back until you trust it.
    """
    from agent_workbench.frontends.cli.config_trust import tell_held
    from agent_workbench.services import templates

    if not force and await bench.configs.is_named(name):
        raise Conflict(f"there is a config called {name!r} already; choose another name, or --force for a second one")
    if template and source:
        raise UsageError("choose one of --template and --from")
    outside = ""
    if source:
        found = await text_of(bench, source)
        text, outside = found.text, "" if found.config else _said(source)
    elif template:
        text = templates.renamed(templates.template(template).text, name)
    else:
        text = templates.empty(name)
    config = await bench.configs.create_config(name, text, description, key_values(tags, "--tag"), outside=outside)
    held = await _held(bench, config, mine=mine) if outside else ()
    await _created(bench, config, as_json, "made")
    tell_held(config.name, held)


def _said(source: str) -> str:
    return "standard input" if source == "-" else source


async def _held(
    bench: SharedContext, config: Config, read: ConfigText | None = None, *, trust: bool = False, mine: bool = False
) -> tuple[Doubt, ...]:
    """Trust a text from elsewhere, as a whole or itself where it is `mine`; return what is still held back of it."""
    base, root = (read.base, read.root) if read else (None, None)
    plan = await bench.configs.plan(config, base=base or bench.workspace, root=root)
    doubts = await in_thread(bench.configs.trust.doubts, plan, config)
    agreed = [one for one in doubts if trust or (mine and one.document.own)]
    if agreed:
        await in_thread(bench.configs.trust.trust, agreed)
    return tuple(one for one in doubts if one not in agreed)


@click.command("import")
@click.argument("file")
@click.option("--name", metavar="NAME", help="Call it this instead of what the bundle says.")
@click.option("--trust", is_flag=True, help="Trust it and what it includes, as it is now.")
@tag_option
@json_option
@with_workbench
async def import_file(
    bench: SharedContext, file: str, name: str | None, trust: bool, tags: tuple[str, ...], as_json: bool
) -> None:
    """Store a bundle as a config: a file, a folder's bundle, a git+… or https:// address, or - for standard input.

    Relative includes of a file keep their meaning: they start from its folder. What it would run, send, read or allow
    is held back until you trust it (`awb config trust`).
    """
    from agent_workbench.configs.secrets import mask_text
    from agent_workbench.frontends.cli.config_trust import tell_held
    from agent_workbench.services.bundles import BASE_TAG

    text = await _imported(bench, file)
    meta = bench.configs.parse_yaml(text.text).get("bundle")
    own = meta.get("name") if isinstance(meta, dict) else None
    given = key_values(tags, "--tag")
    if text.path is not None and text.base not in (None, bench.workspace):
        given = {BASE_TAG: str(text.base), **given}
    said = _said(file)
    config = await bench.configs.create_config(
        name or str(own or text.name), text.text, tags=given, note=f"imported from {mask_text(said)}", outside=said
    )
    held = await _held(bench, config, text, trust=trust)
    await _created(bench, config, as_json, "imported", text)
    tell_held(config.name, held)


async def _imported(bench: SharedContext, file: str) -> ConfigText:
    from agent_workbench.services.texts import is_uri, read_file, read_uri

    if file == "-":
        return await text_of(bench, "-")
    if is_uri(file):
        return await in_thread(read_uri, bench.bundles.sources, file)
    return await in_thread(read_file, Path(file))


async def _created(
    bench: SharedContext,
    config: Config,
    as_json: bool,
    verb: str,
    read: ConfigText | None = None,
) -> None:
    name, (base, root) = config.name, (read.base, read.root) if read else (None, None)
    problems = bench.configs.validate(
        config.yaml_content, name=name, base=base or bench.workspace, root=root, owner=config
    )
    if as_json:
        shown = [problem.to_json() for problem in problems]
        emit_json({"config_id": config.config_id, "name": name, "problems": shown})
        return
    emit(config.config_id)
    narrate(f"{verb} {name}" + (f", with {counted(len(problems), 'problem')}:" if problems else ""))
    show_problems(problems, name=name)


@click.command("export")
@click.argument("config")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write a file instead.")
@click.option("--force", is_flag=True, help="Replace FILE where it exists.")
@click.option("--with-secrets", is_flag=True, help="Keep keys and passwords that stand in the text.")
@json_option
@with_workbench
async def export(
    bench: SharedContext, config: str, output: Path | None, force: bool, with_secrets: bool, as_json: bool
) -> None:
    """Print a config's text, byte for byte; secrets that stand in it are left out unless asked for."""
    from agent_workbench.services.files import write_file
    from agent_workbench.services.secrets import without_secrets

    text = await text_of(bench, config)
    content, left_out = (text.text, ()) if with_secrets else without_secrets(text.text)
    if left_out:
        narrate(f"left out {counted(len(left_out), 'secret')}: {', '.join(left_out)} (--with-secrets keeps them)")
    if output is not None:
        if output.exists() and not force:
            raise Conflict(f"{output} exists; --force replaces it")
        await in_thread(write_file, output, content)
    if as_json:
        shape = {"name": text.name, "left_out": list(left_out)}
        emit_json({**shape, "path": str(output)} if output else {**shape, "yaml_content": content})
    elif output is not None:
        narrate(f"wrote {output}")
    else:
        emit_exactly(content)


@click.command("delete")
@click.argument("config")
@click.option("--force", is_flag=True, help="Also delete the sessions that use it.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@json_option
@with_workbench
async def delete(bench: SharedContext, config: str, force: bool, yes: bool, as_json: bool) -> None:
    """Delete a config with its history. On a terminal you are asked first."""
    found = await bench.configs.find_config(config)
    sessions = f" and {counted(found.sessions, 'session')}" if force and found.sessions else ""
    if not (yes or confirmed(f"delete {found.name} with {counted(found.revision, 'revision')}{sessions}?")):
        raise click.Abort
    await bench.configs.delete_config(found.config_id, force=force)
    if as_json:
        emit_json({"config_id": found.config_id, "deleted": True})
    else:
        narrate(f"deleted {found.name}")


def confirmed(question: str) -> bool:
    """Ask on a terminal; a script has decided already."""
    return not sys.stdin.isatty() or click.confirm(question, err=True)


@click.command("schema")
@with_workbench
async def schema(bench: SharedContext) -> None:
    """Print the JSON Schema of a bundle, for editors that check YAML by it."""
    from agent_workbench.services.schema import bundle_schema

    emit_json(bundle_schema(bench.configs.catalog))


COMMANDS = (list_configs, show, new, import_file, export, delete, schema)
