"""A session's transcript as a document: JSON, Markdown, or one HTML page that needs nothing else."""

from __future__ import annotations

import asyncio
import html
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

from agent_workbench.conversation.clean import clean, clean_line
from agent_workbench.conversation.messages import Image, Message, Part, Text, Thinking, ToolCall, ToolResult
from agent_workbench.errors import NotFound, UsageError
from agent_workbench.services.sessions import SessionManager
from agent_workbench.services.shapes import session_to_json, stored_message_to_json, turn_to_json
from agent_workbench.services.shared import SharedContext
from agent_workbench.storage.records import Session, StoredMessage, Turn
from agent_workbench.storage.search import excerpt as find_excerpt
from agent_workbench.storage.search import parse

Format = Literal["json", "md", "html"]
_WHO = {"user": "You", "assistant": "Agent", "tool": "Tools"}


async def export(sessions: SessionManager, session: Session, form: str) -> str:
    """Return a session as one document.

    Raises:
        UsageError: If the format is none of json, md, html.
    """
    messages, turns = await asyncio.gather(sessions.messages(session.session_id), sessions.turns(session.session_id))
    match form:
        case "json":
            return json.dumps(as_json(session, messages, turns), ensure_ascii=False, indent=2, default=str) + "\n"
        case "md":
            return as_markdown(session, messages)
        case "html":
            return as_html(session, messages)
    raise UsageError(f"{form!r} is no export format; use one of {', '.join(get_args(Format))}")


async def search(bench: SharedContext, words: str, *, limit: int = 20) -> Sequence[StoredMessage]:
    """Return messages of any session that hold all the words, newest first."""
    return await asyncio.to_thread(bench.store.sessions.search, words, limit=limit)


async def end_of_turn(sessions: SessionManager, session_id: str, number: int) -> int:
    """Return the place of the last message of a session's turn; turns count from 1.

    Raises:
        NotFound: If the session has no such turn, or nothing was said in it.
    """
    turns, messages = await asyncio.gather(sessions.turns(session_id), sessions.messages(session_id))
    wanted = turns[number - 1].turn_id if 0 < number <= len(turns) else None
    places = [one.seq for one in messages if wanted is not None and one.turn_id == wanted]
    if not places:
        raise NotFound(f"session {session_id} has no turn {number}; it has {len(turns)}")
    return max(places)


def excerpt(stored: StoredMessage, words: str) -> str:
    """Return the words of a message around those that were searched for, on one line."""
    parts = (
        part.text if isinstance(part, Text) else part.content
        for part in stored.message.parts
        if isinstance(part, Text | ToolResult)
    )
    return find_excerpt("\n".join(parts), parse(words))


def as_json(session: Session, messages: Sequence[StoredMessage], turns: Sequence[Turn]) -> dict[str, Any]:
    """Return the session with `messages` and `turns`."""
    return {
        **session_to_json(session),
        "messages": [stored_message_to_json(message) for message in messages],
        "turns": [turn_to_json(turn) for turn in turns],
    }


def as_markdown(session: Session, messages: Sequence[StoredMessage]) -> str:
    """Return the conversation as Markdown; an agent's words stay Markdown, tool calls are code blocks."""
    blocks = [f"# {clean_line(session.title) or 'Untitled session'}", _about(session)]
    called = _called(messages)
    for stored in messages:
        blocks.append(f"## {_who(stored.message)}")
        blocks += [_markdown(part, called) for part in stored.message.parts]
    return "\n\n".join(block for block in blocks if block) + "\n"


def as_html(session: Session, messages: Sequence[StoredMessage]) -> str:
    """Return the conversation as one HTML page; every word is escaped, nothing is loaded or run."""
    title = html.escape(clean_line(session.title) or "Untitled session")
    called = _called(messages)
    turns = "\n".join(
        f'<section class="{stored.message.role}"><h2>{html.escape(_who(stored.message))}</h2>\n'
        + "\n".join(_html(part, called) for part in stored.message.parts)
        + "\n</section>"
        for stored in messages
    )
    return _PAGE.format(title=title, about=html.escape(_about(session)), turns=turns)


def _about(session: Session) -> str:
    return f"{session.config_name or session.config_id} · {session.created_at:%Y-%m-%d %H:%M} UTC"


def _who(message: Message) -> str:
    return clean_line(message.model) or _WHO[message.role]


def _called(messages: Sequence[StoredMessage]) -> dict[str, str]:
    """Return the name of the tool of each call."""
    return {call.call_id: clean_line(call.name) for stored in messages for call in stored.message.tool_calls}


def _markdown(part: Part, called: Mapping[str, str]) -> str:
    match part:
        case Text(text):
            return clean(text).rstrip()
        case Thinking(text):
            return "\n".join(f"> {line}" for line in clean(text).splitlines())
        case ToolCall():
            return f"**{clean_line(part.name)}**\n\n{_fenced(_arguments(part), 'json')}"
        case ToolResult():
            return f"**{_answered(part, called)}**\n\n{_fenced(clean(part.content))}"
        case Image():
            return f"*[image {clean_line(part.name) or part.media_type}]*"


def _html(part: Part, called: Mapping[str, str]) -> str:
    match part:
        case Text(text):
            return f'<div class="text">{html.escape(clean(text))}</div>'
        case Thinking(text):
            return f"<details><summary>thinking</summary><pre>{html.escape(clean(text))}</pre></details>"
        case ToolCall():
            return f"<p><b>{html.escape(clean_line(part.name))}</b></p><pre>{html.escape(_arguments(part))}</pre>"
        case ToolResult():
            kind = "failed" if part.is_error else "result"
            answered = html.escape(_answered(part, called))
            return f'<p><b>{answered}</b></p><pre class="{kind}">{html.escape(clean(part.content))}</pre>'
        case Image():
            return f"<p><i>image {html.escape(clean_line(part.name) or part.media_type)}</i></p>"


def _answered(result: ToolResult, called: Mapping[str, str]) -> str:
    return f"{called.get(result.call_id, 'a tool')} {'failed' if result.is_error else 'answered'}"


def _arguments(call: ToolCall) -> str:
    written = call.raw if call.raw is not None else json.dumps(dict(call.arguments), ensure_ascii=False, indent=2)
    return clean(written)


def _fenced(text: str, language: str = "") -> str:
    """Fence a text with more backticks than it holds in a row."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }}
h2 {{ font-size: .85rem; margin: 2rem 0 .25rem; opacity: .7; }}
pre {{ overflow-x: auto; padding: .5rem .75rem; border-left: 3px solid #8886; }}
pre.failed {{ border-color: #c33; }}
.text {{ white-space: pre-wrap; }}
.user .text {{ border-left: 3px solid #38c; padding-left: .75rem; }}
</style>
</head>
<body>
<h1>{title}</h1>
<p>{about}</p>
{turns}
</body>
</html>
"""
