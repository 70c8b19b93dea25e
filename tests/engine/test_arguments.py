"""Schemas of strangers: what fits, what does not, and that none can hold the event loop."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from agent_workbench.engine.arguments import argument_fault, fault_of
from agent_workbench.engine.ports import Intent, ToolContext, ToolOutcome, ToolSpec
from agent_workbench.engine.tools.bash import MAX_COMMAND, Bash, BashConfig


class Stranger:
    """A tool with a schema of its own."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self.spec = ToolSpec("t", "a tool", schema)

    def intent(self, arguments: dict[str, Any], context: ToolContext) -> Intent:
        return Intent("none")

    async def run(self, arguments: dict[str, Any], context: ToolContext) -> ToolOutcome:
        return ToolOutcome("")


def of(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


FITS = {
    "a string": (of(a={"type": "string"}), {"a": "x"}, ""),
    "no string": (of(a={"type": "string"}), {"a": 1}, "a: 1 is not of type 'string'"),
    "too long": (of(a={"maxLength": 5}), {"a": "x" * 1234}, "a: it has 1,234 characters, and at most 5 are taken"),
    "missing": ({"required": ["a"]}, {}, "the arguments: 'a' is a required property"),
    "too many": ({"additionalProperties": False}, {"a": 1}, "'a' was unexpected"),
    "an item twice": (of(a={"uniqueItems": True}), {"a": [{"x": 1}, {"x": 1}]}, "a: an item stands in it twice"),
    "items once": (of(a={"uniqueItems": True}), {"a": [1, 2, "1"]}, ""),
    "a reference": ({"$defs": {"x": {"type": "string"}}, **of(a={"$ref": "#/$defs/x"})}, {"a": 1}, "is not of type"),
    "a property called pattern": (of(pattern={"type": "string"}), {"pattern": 1}, "pattern: 1 is not"),
    "a property called $schema": (of(**{"$schema": {"type": "string"}}), {"$schema": 1}, "$schema: 1 is not"),
    "an older draft": (
        {"$schema": "http://json-schema.org/draft-07/schema#", **of(a={"type": "string"})}, {"a": 1}, "a: 1 is not",
    ),
    "a pattern is left to the server": (of(a={"pattern": "^b$"}), {"a": "a"}, ""),
    "patterns of names too": ({"patternProperties": {"^a$": False}, "additionalProperties": False}, {"a": 1}, ""),
    "a schema that is none": (of(a=7), {"a": 1}, "own schema cannot be checked"),
    "a reference to an address": (of(a={"$ref": "https://127.0.0.1/x"}), {"a": 1}, "own schema cannot be checked"),
}  # fmt: skip


@pytest.mark.parametrize(("schema", "arguments", "fault"), FITS.values(), ids=FITS.keys())
async def test_what_fits_a_schema(schema: dict[str, Any], arguments: dict[str, Any], fault: str) -> None:
    found = await fault_of(Stranger(schema), arguments)
    assert found == argument_fault(Stranger(schema), arguments)
    assert fault in found if fault else found == ""


def nested(depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _ in range(depth):
        schema = {"not": schema}
    return schema


DOUBLING = {f"d{i}": {"allOf": [{"$ref": f"#/$defs/d{i + 1}"}] * 2} for i in range(40)} | {"d40": {"type": "object"}}
HOSTILE: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a pattern that runs for ever": (of(a={"pattern": "^(a+)+$"}), {"a": "a" * 40 + "b"}),
    "the same for names": ({"patternProperties": {"^(a+)+$": {}}}, {"a" * 40 + "b": 1}),
    "the same beside no others": (
        {"patternProperties": {"^(a+)+$": {}}, "additionalProperties": False}, {"a" * 40 + "!": 1},
    ),
    "the same under another draft": (
        of(a={"$schema": "http://json-schema.org/draft-07/schema#", "pattern": "^(a+)+$"}), {"a": "a" * 40 + "b"},
    ),
    "references that double": ({"$defs": DOUBLING, "$ref": "#/$defs/d0"}, {}),
    "the same with anyOf": ({"$defs": {k: {"anyOf": v.get("allOf", [False])} for k, v in DOUBLING.items()},
                             "$ref": "#/$defs/d0"}, {}),
    "the same with oneOf": ({"$defs": {k: {"oneOf": v.get("allOf", [False])} for k, v in DOUBLING.items()},
                             "$ref": "#/$defs/d0"}, {}),
    "the same unevaluated": ({"$defs": DOUBLING, "$ref": "#/$defs/d0", "unevaluatedProperties": False}, {"a": 1}),
    "a reference to itself": ({"$ref": "#"}, {}),
    "a reference that grows": ({"properties": {"a": {"$ref": "#"}}, "not": {"not": {"$ref": "#"}}}, {}),
    "a deep schema": (nested(400), {}),
    "many alternatives, each repeating a long text": ({"anyOf": [{"maxProperties": 0}] * 1_000}, {"a": "x" * 300_000}),
    "unequal items": (of(a={"uniqueItems": True}), {"a": [{"x": [i]} for i in range(20_000)]}),
    "many items": (of(a={"items": {"allOf": [{"type": "integer"}] * 20}}), {"a": list(range(20_000))}),
    "names of properties": ({"propertyNames": {"allOf": [{"minLength": 1}] * 50}}, {str(i): 1 for i in range(5_000)}),
}  # fmt: skip


@pytest.mark.parametrize(("schema", "arguments"), HOSTILE.values(), ids=HOSTILE.keys())
async def test_no_schema_holds_the_event_loop(schema: dict[str, Any], arguments: dict[str, Any]) -> None:
    await fault_of(Stranger(of(a={"type": "string"})), {})  # the library is loaded once
    longest, done = 0.0, False

    async def watch() -> None:
        nonlocal longest
        while not done:
            before = time.thread_time()
            await asyncio.sleep(0)
            longest = max(longest, time.thread_time() - before)

    watching = asyncio.create_task(watch())
    await asyncio.sleep(0)
    started = time.process_time()
    await fault_of(Stranger(schema), arguments)
    took = time.process_time() - started
    done = True
    await watching
    assert longest < 0.1, f"{longest:.3f} s of this thread's own time"  # 0.05 on an idle machine; the test is shared
    assert took < 10


def test_a_command_that_is_too_long_is_said_to_be() -> None:
    fault = argument_fault(Bash(BashConfig()), {"command": "x" * (MAX_COMMAND + 1)})
    assert fault == "command: it has 30,001 characters, and at most 30,000 are taken"
