"""`tool-mcp`: the tools of MCP servers, as `mcp_{server}_{tool}`.

Preparing a session starts nothing and contacts nobody. A server that nobody approved yet shows as one tool,
`mcp_{server}_connect`, whose question names the exact command or address. What it offers is then pinned: from then on
its tools are there at once, and it is started at the first call. A server that describes its tools differently later is
asked about with the differences; until then, what changed is not used. A model only ever sees what is pinned.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from agent_workbench.configs.edits import unified_diff
from agent_workbench.configs.modules import Module
from agent_workbench.conversation.clean import clean
from agent_workbench.conversation.events import Question
from agent_workbench.conversation.messages import Image, ToolCall
from agent_workbench.engine.ports import Intent, MountContext, Tool, ToolContext, ToolOutcome, ToolSource, ToolSpec
from agent_workbench.engine.tools.mcp_link import Link, ServerFailed
from agent_workbench.engine.tools.mcp_servers import MCPConfig, Server, servers_of
from agent_workbench.engine.tools.sharing import Pins

if TYPE_CHECKING:
    from mcp_types import CallToolResult

MAX_NAME = 64
"""Characters of a tool's name that every provider takes."""
MAX_DESCRIPTION = 2000
MAX_SCHEMA = 20_000
MAX_IMAGES = 5
MAX_IMAGE = 7_000_000
"""Characters of one picture in base64, about 5 MB."""
MAX_TEXT = 400_000
"""Characters of an answer that are looked at; what a model gets is less."""
CONNECT = "connect"
CHANGED = "This server's entry is not the one that was approved."
CONFINED_BY_NOTHING = "It is a program that runs outside of any sandbox, with your rights."

_PICTURES = {
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff",
    "image/gif": b"GIF8",
    "image/webp": b"RIFF",
}
"""The kinds that every provider takes, and how they begin; a request with anything else is refused for ever."""

_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")
_NAME = re.compile(r"[!-~]{1,128}")
"""What a server may call a tool: the protocol's own limit, and any visible ASCII, though it asks for less."""


@dataclass(frozen=True, slots=True)
class Pinned:
    """A tool as it was approved. `name` is the server's own."""

    name: str
    description: str
    schema: Mapping[str, Any]

    def text(self) -> str:
        """Return what a person compares."""
        schema = json.dumps(self.schema, indent=1, sort_keys=True, ensure_ascii=False)
        return f"{self.name}\n{self.description}\n{schema}\n"


class MCPServer:
    """One server as a source of tools. `pins` is None where nothing can be remembered.

    `owner` is the folder whose sessions use it: what was approved there last under its name is what a changed entry is
    compared with. `apart` says that its tools' names would read as those of another server.
    """

    def __init__(self, server: Server, pins: Pins | None, owner: Path | None = None, *, apart: bool = False) -> None:
        self.server = server
        self._apart = apart
        self.link = Link(server)
        self.problems: tuple[str, ...] = (f"MCP server {server.name}: {server.fault}",) if server.fault else ()
        self._pins = pins
        self._lock = asyncio.Lock()
        self._checked = 0
        self._pinned = _read(pins.load(self._key)) if pins is not None else ()
        self._blocked: frozenset[str] = frozenset()
        self._entry_key = f"mcp-entry:{owner or ''}:{server.name}"
        self._approved = pins.load(self._entry_key) if pins is not None else None

    @property
    def drift(self) -> str:
        """How its entry differs from the one that was approved last, as a diff; empty where none was."""
        known = isinstance(self._approved, str) and not self._pinned
        return unified_diff(str(self._approved), _entry(self.server), name=self.server.name) if known else ""

    @property
    def connect_name(self) -> str:
        """The name of the tool that connects."""
        return tool_name(self.server.name, CONNECT, apart=self._apart)

    def called(self, tool: str) -> str:
        """Return what a model calls a tool of the server by: never the name of the tool that connects."""
        name = tool_name(self.server.name, tool, apart=self._apart)
        return f"{name}_{_digest(tool)}" if name == self.connect_name else name

    def tools(self) -> Sequence[Tool]:
        """Return the tools that are approved, or the one that asks for it."""
        if self.server.fault:
            return ()
        if not self._pinned:
            return (Connect(self),)
        return tuple(ServerTool(self, one) for one in self._pinned if one.name not in self._blocked)

    async def close(self) -> None:
        """End the server."""
        await self.link.close()

    async def approve(self) -> Sequence[Pinned]:
        """Connect, and pin what the server offers.

        Raises:
            ServerFailed: If it cannot be reached.
        """
        async with self._lock:
            await self.link.connect()
            await self._pin(offered(await self.link.tools()))
            return self._pinned

    async def ready(self, name: str, context: ToolContext) -> None:
        """Connect where needed, and ask about what the server describes differently than when it was approved.

        Raises:
            ServerFailed: If it cannot be reached, or the tool is not what was approved.
        """
        async with self._lock:
            await self.link.connect()
            if self._checked != self.link.connections:
                live = offered(await self.link.tools())
                if set(map(Pinned.text, live)) != set(map(Pinned.text, self._pinned)):
                    await self._drifted(live, context)
                self._checked = self.link.connections
            if name in self._blocked or not any(one.name == name for one in self._pinned):
                raise ServerFailed(f"{self.server.name} changed {name} since it was approved, so it is not used")

    @property
    def _key(self) -> str:
        return f"mcp:{self.server.identity}"

    async def _drifted(self, live: Sequence[Pinned], context: ToolContext) -> None:
        diff = unified_diff(_text(self._pinned), _text(live), name=self.server.name)
        call = ToolCall(f"{context.call_id}/drift", self.connect_name)
        reason = f"the MCP server {self.server.name} describes its tools differently than when they were approved"
        answer = await context.ask(Question(call, reason, diff, "diff", scopes=("allow",)))
        if answer.decision == "allow":
            await self._pin(live)
            return
        same = {one.text() for one in live}
        self._blocked = frozenset(one.name for one in self._pinned if one.text() not in same)

    async def _pin(self, tools: Sequence[Pinned]) -> None:
        self._pinned, self._blocked, self._checked = tuple(tools), frozenset(), self.link.connections
        if self._pins is not None:
            value = [{"name": one.name, "description": one.description, "schema": dict(one.schema)} for one in tools]
            await asyncio.to_thread(self._pins.save, self._entry_key, _entry(self.server))
            await asyncio.to_thread(self._pins.save, self._key, value)


@dataclass(frozen=True)
class Connect:
    """Connect to a server that nobody approved yet."""

    source: MCPServer

    @property
    def spec(self) -> ToolSpec:
        """How a model sees it."""
        words = f"Connect to the MCP server {self.source.server.name!r}; its tools are there from the next step on."
        return ToolSpec(self.source.connect_name, words, {"type": "object", "properties": {}})

    def intent(self, arguments: Mapping[str, Any], context: ToolContext) -> Intent:
        """Say which program is run, or which address is contacted."""
        server, drift = self.source.server, self.source.drift
        if server.kind == "url":
            return Intent("network", urlsplit(server.url).netloc, preview=server.words)
        command, note = " ".join(server.command), f"{CHANGED} {CONFINED_BY_NOTHING}" if drift else CONFINED_BY_NOTHING
        kind: Literal["diff", "command"] = "diff" if drift else "command"
        return Intent("execute", command, preview=drift or server.words, preview_kind=kind, note=note)

    async def run(self, arguments: Mapping[str, Any], context: ToolContext) -> ToolOutcome:
        """Connect, and say what is offered. A rule may allow an address beforehand, but no other than was approved."""
        name, drift = self.source.server.name, self.source.drift
        if drift and self.source.server.kind == "url":
            call = ToolCall(f"{context.call_id}/drift", self.source.connect_name)
            answer = await context.ask(Question(call, CHANGED, drift, "diff", scopes=("allow",)))
            if answer.decision != "allow":
                return ToolOutcome(
                    f"{name} is not what was approved, and the person did not agree to it", is_error=True
                )
        try:
            offered = await self.source.approve()
        except ServerFailed as error:
            return ToolOutcome(str(error), is_error=True)
        lines = [f"- {self.source.called(one.name)}: {one.description.partition(chr(10))[0][:200]}" for one in offered]
        words = f"{name} is connected. Its tools, from the next step on:" if lines else f"{name} offers no tools."
        return ToolOutcome("\n".join([words, *lines]), details={"server": name, "tools": len(lines)})


@dataclass(frozen=True)
class ServerTool:
    """One approved tool of a server."""

    source: MCPServer
    pinned: Pinned

    @property
    def spec(self) -> ToolSpec:
        """How a model sees it: as it was approved."""
        return ToolSpec(self.source.called(self.pinned.name), self.pinned.description, self.pinned.schema)

    def intent(self, arguments: Mapping[str, Any], context: ToolContext) -> Intent:
        """Say what is called with what. Nobody knows what a server does with it, so it counts as a change."""
        shown = json.dumps(dict(arguments), indent=1, ensure_ascii=False)
        return Intent("write", preview=f"{self.source.server.name}: {self.pinned.name}({shown})")

    async def run(self, arguments: Mapping[str, Any], context: ToolContext) -> ToolOutcome:
        """Call it; a server that fails is an error result."""
        try:
            await self.source.ready(self.pinned.name, context)
            result = await self.source.link.call(self.pinned.name, arguments)
        except ServerFailed as error:
            return ToolOutcome(str(error), is_error=True)
        return outcome(result)


def tool_name(server: str, tool: str, *, apart: bool = False) -> str:
    """Return the name that a model calls; one that is too long or was changed ends in a hash of the whole.

    `apart` changes it so that neither the name nor a pattern means the tool of another server: `c` of `a_b` is called
    `mcp_a-b_c_…` beside a server `a`, whose tool `b_c` is `mcp_a_b_c` and whose tools are all `mcp_a_*`.
    """
    whole = f"mcp_{server}_{tool}"
    safe = _UNSAFE.sub("_", f"mcp_{server.replace('_', '-')}_{tool}" if apart else whole)
    if safe == whole and len(safe) <= MAX_NAME:
        return safe
    return f"{safe[: MAX_NAME - 7]}_{_digest(f'{server} {tool}' if apart else whole)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:6]


def outcome(result: CallToolResult) -> ToolOutcome:
    """Return what a server answered, as text and pictures, within bounds."""
    texts: list[str] = []
    images: list[Image] = []
    room = MAX_TEXT
    for part in result.content:
        if part.type == "image" and len(images) < MAX_IMAGES and _is_picture(part.mime_type, part.data):
            images.append(Image(part.mime_type, part.data))
        elif room > 0:
            texts.append(_words(part)[:room])
            room -= len(texts[-1])
    if not result.content and result.structured_content is not None:
        texts.append(json.dumps(result.structured_content, ensure_ascii=False)[:MAX_TEXT])
    words = "\n".join(texts) or ("(a picture)" if images else "(no answer)")
    return ToolOutcome(words, bool(result.is_error), tuple(images))


def _is_picture(kind: str, data: str) -> bool:
    begin = _PICTURES.get(kind)
    if begin is None or len(data) > MAX_IMAGE:
        return False
    try:
        return base64.b64decode(data, validate=True).startswith(begin)
    except ValueError:
        return False


def _words(part: Any) -> str:
    match part.type:
        case "text":
            return str(part.text)
        case "resource_link":
            return f"[{part.name}: {part.uri}]"
        case "resource":
            return str(getattr(part.resource, "text", None) or f"[{part.resource.uri}: no text]")
        case other:
            return f"[{other}: {len(getattr(part, 'data', '')):,} characters that cannot be shown]"


def offered(tools: Sequence[Any]) -> tuple[Pinned, ...]:
    """Return a server's tools as they can be approved, each name once.

    Left out are those with an absurd schema, and those whose name does not look like what it is.
    """
    found: dict[str, Pinned] = {}
    for tool in tools:
        schema = dict(tool.input_schema or {})
        if not _NAME.fullmatch(tool.name) or len(json.dumps(schema, default=str)) > MAX_SCHEMA:
            continue
        description = clean(tool.description or "")[:MAX_DESCRIPTION]
        found.setdefault(tool.name, Pinned(tool.name, description, {"type": "object", **schema}))
    return tuple(found[name] for name in sorted(found))


def _read(value: Any) -> tuple[Pinned, ...]:
    items = value if isinstance(value, list) else []
    return tuple(Pinned(str(one["name"]), str(one["description"]), dict(one["schema"])) for one in items)


def _entry(server: Server) -> str:
    """Return what a person compares: the command with its variables and folder, or the address with its headers."""
    return f"{server.words}\nin {server.cwd}\n" if server.command else f"{server.words}\n"


def _text(tools: Sequence[Pinned]) -> str:
    return "\n".join(one.text() for one in tools)


def create(config: MCPConfig, context: MountContext) -> tuple[ToolSource, ...]:
    """Make a source for each server. Starts nothing and contacts nobody."""
    warnings: list[str] = []
    pins: Pins | None = context.resources.get("pins")
    found = servers_of(config, context.workspace, warnings.append)
    sources = tuple(
        MCPServer(one, pins, context.workspace, apart=any(one.name.startswith(f"{other.name}_") for other in found))
        for one in found
    )
    return (*sources, _PassedOver(tuple(warnings))) if warnings else sources


@dataclass(frozen=True)
class _PassedOver:
    """Brings no tools, only what was passed over and why."""

    problems: tuple[str, ...]

    def tools(self) -> Sequence[Tool]:
        """Return none."""
        return ()

    async def close(self) -> None:
        """Do nothing."""


MODULE = Module(
    "tool-mcp",
    "tool",
    "The tools of MCP servers, pinned as they were approved: mcp_{server}_{tool}.",
    MCPConfig,
    create,
    ("mcp_*",),
)
