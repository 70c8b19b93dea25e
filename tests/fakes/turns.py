"""Turns that something happens to: what the model answers, how the turn must end, and what must be kept of it.

One table for the engine, for sessions and for the command line; each plays every row.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from agent_workbench.configs.modules import Module
from agent_workbench.conversation.messages import Thinking, ToolCall
from agent_workbench.engine.ports import Intent, ToolContext, ToolOutcome, ToolSpec
from fakes.providers import Kind
from fakes.script import Broken, Reply, fails, says

SCHEMA = {"type": "object", "properties": {"key": {"type": "string"}}, "required": ["key"]}


class Lookup:
    """A tool that remembers what it was asked."""

    spec = ToolSpec("lookup", "Look a key up.", SCHEMA)

    def __init__(self) -> None:
        self.asked: list[str] = []

    def intent(self, arguments: Any, context: ToolContext) -> Intent:
        return Intent("none")

    async def run(self, arguments: Any, context: ToolContext) -> ToolOutcome:
        self.asked.append(arguments["key"])
        return ToolOutcome(f"{arguments['key']} is 42 \ud800")


def call(call_id: str = "c1", key: Any = "a", name: str = "lookup") -> ToolCall:
    return ToolCall(call_id, name, {"key": key})


@dataclass(frozen=True)
class Row:
    """A script of replies, how the turn ends, the fault's kind, the keys that were really looked up, and words kept."""

    script: tuple[Reply, ...]
    status: str = "completed"
    fault: str = ""
    asked: tuple[str, ...] = ()
    kept: str = ""


def cut(*parts: Any, at: bytes, ending: Any = "reset") -> Reply:
    return replace(says(*parts, broken=Broken(cut=at, ending=ending)), delta=6)


CUT = ToolCall("c1", "lookup", raw='{"key"')
TURNS = {
    "a reply": Row((says("Hello."),), kept="Hello."),
    "a tool loop": Row((says(Thinking("Hm."), "Looking.", call()), says("It is 42.")), asked=("a",), kept="It is 42."),
    "parallel calls": Row((says(call("c1", "a"), call("c2", "b"), call("c3", "c")), says("All.")),
                          asked=("a", "b", "c")),
    "one of several is unknown": Row((says(call("c1"), call("c2", name="nope"), call("c3", "c")), says("Two.")),
                                     asked=("a", "c")),
    "a wrong schema": Row((says(call(key=7)), says("Sorry.")), kept="Sorry."),
    "broken arguments": Row((says(ToolCall("c1", "lookup", raw='{"key": "a"')), says("Sorry.")), kept="Sorry."),
    "arguments cut by the limit": Row((says(CUT, stop="max_tokens"), says("Again."))),
    "ids that occur twice": Row((says(call("c1"), call("c1", "b")), says("Hm.")), asked=("a",)),
    "ids used again later": Row((says(call("c1")), says(call("c1", "b")), says("Both.")), asked=("a", "b")),
    "an id no API takes": Row((says(call("an id: 1!" * 9)), says("Fine.")), asked=("a",)),
    "reset in words": Row((cut("Once upon a time", at=b"pon a"),), "failed", "interrupted", kept="Once"),
    "clean end in words": Row((cut("Once upon a time", at=b"pon a", ending="clean"),), "failed", "interrupted",
                              kept="Once"),
    "reset in arguments": Row((cut("Hm.", call(key="abcdef"), at=b"abc"),), "failed", "interrupted", kept="Hm."),
    "reset after a tool": Row((says(call()), cut("It is 42.", at=b"42"),), "failed", "interrupted", ("a",), "It"),
    "overload, then well": Row((fails(529, "overloaded"), fails(503), says("Back.")), kept="Back."),
    "nothing, then well": Row((says("x", broken=Broken(cut=-1)), says("Back.")), kept="Back."),
    "overload for good": Row((fails(529, "overloaded"),) * 3, "failed", "server"),
    "an error in the stream after words": Row((replace(says("Once upon", broken=Broken(error="overloaded"))),),
                                              "failed", "server", kept="Once upon"),
    "a wrong key": Row((fails(401, "auth"),), "failed", "auth"),
    "a used-up account": Row((fails(429, "quota"),), "failed", "quota"),
    "no such model": Row((fails(404, "model"),), "failed", "model"),
    "an invalid history": Row((fails(400, "invalid"),), "failed", "invalid_request"),
    "too long, with nothing to leave out": Row((fails(400, "context"),) * 2, "failed", "context_exceeded"),
    "an hour to wait": Row((fails(429, "rate_limit", headers={"retry-after": "3600"}),), "failed", "rate_limit"),
    "a login page": Row((Reply(body=b"<html>", headers={"content-type": "text/html"}),), "failed", "protocol"),
    "a refusal": Row((says("I will not.", stop="refusal"),), kept="I will not."),
    "an empty reply": Row((says(),)),
    "a thought alone": Row((says(Thinking("Hm.")),)),
    "cut by the limit": Row((says("Once upon", stop="max_tokens"),), kept="Once upon"),
    "no token counts": Row((says("Hello.", tokens=None),), kept="Hello."),
}  # fmt: skip


def lookup_module(tool: Lookup) -> Module:
    """Make the tool one that a config can name."""
    return Module("tool-lookup", "tool", "Looks keys up.", create=lambda config, context: tool)


def config_text(kind: Kind, url: str) -> str:
    """Return a config that speaks to a server in a format, retries without waiting, and has the tool."""
    address = url if kind.module == "provider-anthropic" else f"{url}/v1"
    return f"""\
bundle: {{name: broken}}
providers:
  - module: {kind.module}
    config:
      api_key: key-fake
      base_url: {address}
      default_model: fake-1
      max_retries: 2
      min_retry_delay: 0
tools:
  - module: tool-lookup
"""
