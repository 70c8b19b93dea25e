"""`awb session`: list, read, fork and export sessions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent_workbench.configs.words import counted
from agent_workbench.errors import Conflict, NotFound
from agent_workbench.frontends.cli import session_settings
from agent_workbench.frontends.cli.config_store import confirmed
from agent_workbench.frontends.cli.opening import json_option, with_workbench
from agent_workbench.frontends.cli.output import (
    emit,
    emit_exactly,
    emit_fields,
    emit_json,
    emit_table,
    narrate,
)

if TYPE_CHECKING:
    from agent_workbench.services.shared import SharedContext
    from agent_workbench.storage.records import Session


@click.group("session")
def command() -> None:
    """List, read, change, fork and export sessions.

    SESSION is an id, or `last` for the newest one of this folder.
    """


command.add_command(session_settings.change)


@command.command("list")
@click.option("-c", "--config", default="", metavar="CONFIG", help="Only those of this config.")
@click.option("--status", type=click.Choice(["active", "completed", "failed", "cancelled"]), help="Only these.")
@click.option("-q", "--query", default="", metavar="WORDS", help="Only those with these words in title or messages.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="At most this many.")
@click.option("--offset", type=click.IntRange(0), default=0, help="Leave out this many of the first.")
@json_option
@with_workbench
async def list_sessions(
    bench: SharedContext, config: str, status: str | None, query: str, limit: int, offset: int, as_json: bool
) -> None:
    """List sessions, the newest first, those of this folder before others."""
    from agent_workbench.services.shapes import session_to_json

    config_id = (await bench.configs.find_config(config)).config_id if config else ""
    found, total = await bench.sessions.list_sessions(
        limit, offset, config_id=config_id, status=status or "", q=query, workspace=str(bench.workspace)
    )
    if as_json:
        emit_json({"sessions": [session_to_json(one) for one in found], "total": total})
        return
    rows = [
        (one.title or "untitled", _state(one), one.message_count, one.config_name, f"{one.updated_at:%Y-%m-%d %H:%M}",
         one.session_id)
        for one in found
    ]  # fmt: skip
    emit_table(("TITLE", "STATE", "MESSAGES", "CONFIG", "UPDATED", "ID"), rows)
    if total != len(found):
        narrate(f"{len(found)} of {counted(total, 'session')}")


def _state(session: Session) -> str:
    if session.needs_you:
        return "needs you"
    return session.status if session.state == "idle" else session.state


@command.command("show")
@click.argument("session")
@click.option("--transcript/--no-transcript", default=True, help="With the messages.  [default: yes]")
@json_option
@with_workbench
async def show(bench: SharedContext, session: str, transcript: bool, as_json: bool) -> None:
    """Print a session and what was said in it."""
    from agent_workbench.services import transcripts
    from agent_workbench.services.shapes import session_to_json

    found = await bench.sessions.find_session(session)
    messages = await bench.sessions.messages(found.session_id) if transcript else ()
    if as_json:
        turns = await bench.sessions.turns(found.session_id) if transcript else ()
        emit_json(transcripts.as_json(found, messages, turns) if transcript else session_to_json(found))
    elif transcript:
        emit(transcripts.as_markdown(found, messages))
    else:
        usage = await bench.sessions.usage(session_id=found.session_id)
        emit_fields({
            "id": found.session_id, "title": found.title, "config": found.config_name, "state": _state(found),
            "messages": found.message_count, "folder": found.workspace, "pinned to": found.pinned_revision,
            "tokens in": usage.input_tokens, "tokens out": usage.output_tokens, "cost": usage.cost,
            "started": f"{found.created_at:%Y-%m-%d %H:%M}", "updated": f"{found.updated_at:%Y-%m-%d %H:%M}",
        })  # fmt: skip


@command.command("console")
@click.argument("session")
@click.option("--next", "upcoming", is_flag=True, help="What the next request would carry, instead.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="At most this many.")
@json_option
@with_workbench
async def console(bench: SharedContext, session: str, upcoming: bool, limit: int, as_json: bool) -> None:
    """Print what happened in a session's turns, the newest first, with secrets as dots.

    What goes over the wire to a model is not stored: `awb run --wire FILE` writes it while it is known.
    """
    from agent_workbench.services.console import entries, entry_to_json, next_request

    found = await bench.sessions.find_session(session)
    if upcoming:
        emit(await next_request(bench, found.session_id))
        return
    happened = await entries(bench, found.session_id)
    if as_json:
        emit_json({"entries": [entry_to_json(one) for one in happened[:limit]], "total": len(happened)})
        return
    rows = [(f"{one.at:%Y-%m-%d %H:%M:%S}", "✗" if one.failed else "", one.kind, one.about) for one in happened[:limit]]
    emit_table(("WHEN", "", "KIND", "ABOUT"), rows, limit=100)
    if len(happened) > limit:
        narrate(f"{limit} of {len(happened):,} entries")


@command.command("resume")
@click.argument("session")
@json_option
@with_workbench
async def resume(bench: SharedContext, session: str, as_json: bool) -> None:
    """Make a session that was closed active again."""
    found = await bench.sessions.find_session(session)
    resumed = await bench.sessions.resume_session(found.session_id)
    if resumed is None:
        raise NotFound(f"session {found.session_id} was deleted in between")
    _print(resumed, as_json, f'active again; go on with: awb run -s {resumed.session_id} "…"')


@command.command("fork")
@click.argument("session")
@click.option("--at", "up_to", type=click.IntRange(0), metavar="SEQ", help="Keep the messages up to this number.")
@click.option("--title", default="", metavar="TEXT", help="The new session's title.")
@json_option
@with_workbench
async def fork(bench: SharedContext, session: str, up_to: int | None, title: str, as_json: bool) -> None:
    """Start a new session with the messages of this one."""
    found = await bench.sessions.find_session(session)
    forked = await bench.sessions.fork_session(found.session_id, up_to=up_to, title=title)
    _print(forked, as_json, f"forked with {counted(forked.message_count, 'message')}")


@command.command("rename")
@click.argument("session")
@click.argument("title")
@json_option
@with_workbench
async def rename(bench: SharedContext, session: str, title: str, as_json: bool) -> None:
    """Give a session a new TITLE."""
    found = await bench.sessions.find_session(session)
    renamed = await bench.sessions.update_session(found.session_id, title=title.strip())
    _print(renamed, as_json, f"renamed to {renamed.title}")


@command.command("compact")
@click.argument("session")
@click.argument("keep", nargs=-1)
@json_option
@with_workbench
async def compact(bench: SharedContext, session: str, keep: tuple[str, ...], as_json: bool) -> None:
    """Send about half of what was said from the next request on, and print what that leaves out.

    Messages that hold all the words of KEEP are sent whole. The transcript stays as it is, and no model is asked.
    """
    found = await bench.sessions.find_session(session)
    told = await bench.sessions.compact_session(found.session_id, " ".join(keep))
    if as_json:
        numbers = {name: told.data[name] for name in ("left_out", "shortened")}
        emit_json({"session_id": found.session_id, "told": told.text, **numbers})
    else:
        narrate(told.text)


def _print(session: Session, as_json: bool, said: str) -> None:
    from agent_workbench.services.shapes import session_to_json

    if as_json:
        emit_json(session_to_json(session))
    else:
        emit(session.session_id)
        narrate(said)


@command.command("export")
@click.argument("session")
@click.option(
    "--format", "form", type=click.Choice(["json", "md", "html"]), default="md", show_default=True, help="The format."
)
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write a file instead.")
@click.option("--force", is_flag=True, help="Replace FILE where it exists.")
@with_workbench
async def export(bench: SharedContext, session: str, form: str, output: Path | None, force: bool) -> None:
    """Print a session as one document."""
    from agent_workbench.services.files import write_file
    from agent_workbench.services.transcripts import export as exported

    found = await bench.sessions.find_session(session)
    content = await exported(bench.sessions, found, form)
    if output is None:
        emit_exactly(content)
        return
    if output.exists() and not force:
        raise Conflict(f"{output} exists; --force replaces it")
    write_file(output, content.encode("utf-8", "replace").decode(), private=True)
    narrate(f"wrote {output}")


@command.command("delete")
@click.argument("session")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@json_option
@with_workbench
async def delete(bench: SharedContext, session: str, yes: bool, as_json: bool) -> None:
    """Delete a session with its messages. On a terminal you are asked first."""
    found = await bench.sessions.find_session(session)
    if not (yes or confirmed(f"delete {found.title or 'this session'} with its messages?")):
        raise click.Abort
    await bench.sessions.delete_session(found.session_id)
    if as_json:
        emit_json({"session_id": found.session_id, "deleted": True})
    else:
        narrate(f"deleted {found.title or found.session_id}")


@command.command("search")
@click.argument("words", nargs=-1, required=True)
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="At most this many.")
@json_option
@with_workbench
async def search(bench: SharedContext, words: tuple[str, ...], limit: int, as_json: bool) -> None:
    """Find messages that hold all WORDS, the newest first."""
    from agent_workbench.services.shapes import stored_message_to_json
    from agent_workbench.services.transcripts import excerpt
    from agent_workbench.services.transcripts import search as found_in

    wanted = " ".join(words)
    found = [(one, excerpt(one, wanted)) for one in await found_in(bench, wanted, limit=limit)]
    if as_json:
        shaped = (
            {"session_id": one.session_id, "excerpt": about, **stored_message_to_json(one)} for one, about in found
        )
        emit_json({"messages": list(shaped)})
        return
    rows = [
        (f"{one.created_at:%Y-%m-%d %H:%M}", one.message.role, one.seq, about, one.session_id) for one, about in found
    ]
    emit_table(("WHEN", "WHO", "SEQ", "WORDS", "SESSION"), rows, limit=100)
    if not found:
        narrate("nothing was found")
