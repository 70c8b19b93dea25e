"""Whether a call's arguments fit its tool's schema. Schemas come from strangers, so checking one is bounded."""

from __future__ import annotations

import asyncio
import functools
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

from agent_workbench.engine.ports import Tool

STEPS = 1_000
"""Keywords that are checked at once, at 5 to 20 µs each. What takes longer goes on in a thread."""
MOST_STEPS = 20_000
"""Keywords that are checked at all: about a quarter of a second. A `$ref` that doubles 40 times would take a year."""
DEEPEST = 100
"""How deep a schema may be nested, and how many of its keywords may be followed into one another."""
FAULTS = 20
"""Faults that the best is chosen among."""

_left = threading.local()
Keyword = Callable[[Any, Any, Any, Any], Iterator[Any] | None]


class TooManySteps(Exception):
    """A schema that takes too long to check."""


class TooDeep(Exception):
    """A schema that leads back into itself, with nothing of the arguments used up."""


async def fault_of(tool: Tool, arguments: Mapping[str, Any]) -> str:
    """Return why arguments do not fit, or nothing; the event loop is held for less than 50 ms, whatever the schema."""
    try:
        return _fault(tool, arguments, STEPS)
    except TooManySteps:
        return await asyncio.to_thread(argument_fault, tool, arguments)


def argument_fault(tool: Tool, arguments: Mapping[str, Any]) -> str:
    """Return why arguments do not fit a tool's schema, or nothing. Never fetches anything, whatever the schema says.

    `pattern`, `patternProperties` and `unevaluated…` are not looked at: an expression of a stranger's can run for ever.
    """
    try:
        return _fault(tool, arguments, MOST_STEPS)
    except TooManySteps:
        return f"the tool's own schema cannot be checked: it takes more than {MOST_STEPS:,} steps"


def _fault(tool: Tool, arguments: Mapping[str, Any], steps: int) -> str:
    from jsonschema.exceptions import best_match
    from referencing import Registry

    _left.steps, _left.depth = steps, DEEPEST
    try:
        # an empty registry: by default a `$ref` to an address is fetched
        validator = _validator()(_plain(tool.spec.input_schema), registry=Registry())
        fault = best_match(islice(validator.iter_errors(dict(arguments)), FAULTS))
    except TooManySteps:
        raise
    except TooDeep:
        return f"the tool's own schema cannot be checked: it leads more than {DEEPEST} keywords deep"
    except Exception as error:  # noqa: BLE001 - the schema is other people's: wrong types, endless references
        return f"the tool's own schema cannot be checked: {str(error)[:300]}"
    if fault is None:
        return ""
    where = ".".join(str(part) for part in fault.absolute_path) or "the arguments"
    if fault.validator == "maxLength":
        return f"{where}: it has {len(fault.instance):,} characters, and at most {fault.validator_value:,} are taken"
    return f"{where}: {fault.message[:300]}"


@functools.cache
def _validator() -> Any:
    from jsonschema import Draft202012Validator, validators  # 40 ms to import, and most turns call no tool

    keywords = {name: _counted(check) for name, check in Draft202012Validator.VALIDATORS.items()}
    ignored = ("pattern", "patternProperties", "unevaluatedItems", "unevaluatedProperties")
    keywords |= {name: _counted(_nothing) for name in ignored}
    keywords["uniqueItems"] = _counted(_unique)
    keywords["additionalProperties"] = _counted(_additional(Draft202012Validator.VALIDATORS["additionalProperties"]))
    return validators.extend(Draft202012Validator, keywords)


def _counted(check: Keyword) -> Keyword:
    """Let a keyword cost a step, and more where it goes through many items or makes a long message.

    How deep they go is counted too: a stack that overflows inside of the library's Rust is not an `Exception`.
    """

    def keyword(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
        _spend(1 + (len(instance) // 20 if isinstance(instance, dict | list) else 0))
        if not _left.depth:
            raise TooDeep
        _left.depth -= 1
        try:
            for fault in check(validator, value, instance, schema) or ():
                _spend(len(fault.message) // 200)
                yield fault
        finally:
            _left.depth += 1

    return keyword


def _spend(steps: int) -> None:
    _left.steps -= steps
    if _left.steps < 0:
        raise TooManySteps


def _nothing(validator: Any, value: Any, instance: Any, schema: Any) -> None:
    return None


def _unique(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
    """Compare by what is written, in one pass: the library's own way is quadratic."""
    from jsonschema.exceptions import ValidationError

    if value and isinstance(instance, list):
        _spend(len(instance))
        written = {json.dumps(item, sort_keys=True, default=str) for item in instance}
        if len(written) < len(instance):
            yield ValidationError("an item stands in it twice")


def _additional(check: Keyword) -> Keyword:
    def keyword(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any] | None:
        return None if "patternProperties" in schema else check(validator, value, instance, schema)

    return keyword


def _plain(schema: Any, depth: int = 0) -> Any:
    """Return a schema without `$schema`, which would make the library go on with a validator that counts nothing.

    Raises:
        ValueError: If it is nested too deeply.
    """
    if depth > DEEPEST:
        raise ValueError(f"it is nested more than {DEEPEST} deep")
    if isinstance(schema, Mapping):
        kept = ((key, value) for key, value in schema.items() if key != "$schema" or not isinstance(value, str))
        return {key: _plain(value, depth + 1) for key, value in kept}
    return [_plain(value, depth + 1) for value in schema] if isinstance(schema, list | tuple) else schema
