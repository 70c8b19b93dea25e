"""JSON to and from messages, usage and events; total in both directions.

Writing never fails: what JSON, UTF-8 or SQLite cannot hold (lone surrogates, NUL, NaN, odd objects, bottomless
nesting) becomes something harmless. Reading never fails either: an unknown key is ignored, a missing or
unreadable field gets its default, a part of an unknown kind becomes a line of text that says so. That is how rows
written by an older or a newer version stay readable; a shape is extended by adding optional fields, never changed.
"""

from __future__ import annotations

import dataclasses
import json
import math
import types
import typing
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any, TypeVar, cast

from agent_workbench.conversation import events
from agent_workbench.conversation.messages import Image, Message, Part, Text, Thinking, ToolCall, ToolResult
from agent_workbench.conversation.usage import Usage

MAX_DEPTH = 200
"""Deeper nesting is cut; SQLite's own JSON parser refuses more than 1,000 levels, Python's about as many."""
MAX_INT_BITS = 13_000
"""Python refuses to print or parse integers of more than 4,300 digits (14,284 bits)."""

_PARTS: dict[str, type[Any]] = {
    "text": Text, "image": Image, "thinking": Thinking, "tool_call": ToolCall, "tool_result": ToolResult,
}  # fmt: skip
_PART_KINDS = {kind: name for name, kind in _PARTS.items()}


# --- text and plain JSON ------------------------------------------------------------------------------------------


def clean_text(text: str) -> str:
    """Return text that UTF-8 and SQLite can hold: surrogate pairs joined, lone surrogates and NUL become U+FFFD."""
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def clean(value: Any, depth: int = 0) -> Any:
    """Return the nearest plain JSON value: dicts with string keys, lists, strings, finite numbers, bools, None."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return clean_text(str(value))
    if isinstance(value, int):
        return int(value) if value.bit_length() <= MAX_INT_BITS else hex(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(value)
    if depth >= MAX_DEPTH:
        return "…"
    if isinstance(value, Mapping):
        return {clean_text(str(key)): clean(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [clean(item, depth + 1) for item in value]
    return clean_text(str(value))


def is_deeper(value: Any, depth: int = MAX_DEPTH) -> bool:
    """Whether a value holds containers within containers deeper than is kept. Looks without recursion."""
    level = [value]
    for _ in range(depth + 1):
        held = [one for one in level if isinstance(one, Mapping | list | tuple)]
        level = [item for one in held for item in (one.values() if isinstance(one, Mapping) else one)]
        if not level:
            return False
    return True


def dumps(value: Any) -> str:
    """Return compact JSON of any value, valid UTF-8 and free of NUL."""
    return json.dumps(clean(value), ensure_ascii=False, separators=(",", ":"))


def loads(text: str | None, default: Any = None) -> Any:
    """Return the value of a JSON text, or `default` where it is none."""
    if not text:
        return default
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return default


# --- values -------------------------------------------------------------------------------------------------------


def part_to_json(part: Part) -> dict[str, Any]:
    """Return a part as `{"type": "text" | "image" | "thinking" | "tool_call" | "tool_result", …}`."""
    return _fields_of(part, {"type": _PART_KINDS[type(part)]})


def part_from_json(data: Any) -> Part:
    """Return the part; one of an unknown kind becomes text that says so."""
    kind = data.get("type") if isinstance(data, Mapping) else None
    known = _PARTS.get(kind) if isinstance(kind, str) else None
    if known is None:
        return Text(f"[a part of the kind {clean_text(str(kind))[:60]!r}, which this version cannot read]")
    return cast(Part, _read_dataclass(known, data) or Text(f"[an unreadable {kind}]"))


def message_to_json(message: Message) -> dict[str, Any]:
    """Return `{"role", "parts": […], "model"?, "stop_reason"?}`."""
    data: dict[str, Any] = {"role": message.role, "parts": [part_to_json(part) for part in message.parts]}
    if message.model:
        data["model"] = clean_text(message.model)
    if message.stop_reason is not None:
        data["stop_reason"] = message.stop_reason
    return data


def message_from_json(data: Any) -> Message:
    """Return the message; whatever is unreadable in it gets its default."""
    data = data if isinstance(data, Mapping) else {}
    parts = data.get("parts")
    return Message(
        _read(_hints(Message)["role"], data.get("role"), "user"),
        tuple(part_from_json(part) for part in parts) if isinstance(parts, list) else (),
        _read(str, data.get("model"), ""),
        _read(_hints(Message)["stop_reason"], data.get("stop_reason"), None),
    )


def usage_to_json(usage: Usage) -> dict[str, Any]:
    """Return the known counts; `cost` is a decimal string, so that no cent is lost."""
    return _fields_of(usage, {})


def usage_from_json(data: Any) -> Usage:
    """Return the usage; what is absent or unreadable is unknown."""
    return cast(Usage, _read_dataclass(Usage, data)) if isinstance(data, Mapping) else Usage()


# --- events -------------------------------------------------------------------------------------------------------


def event_kind(event: events.Event) -> str:
    """Return the name of an event in JSON: its class in snake case (`text_delta`)."""
    return _snake(type(event).__name__)


def event_to_json(event: events.Event) -> dict[str, Any]:
    """Return `{"type": "text_delta", …}` with the event's fields."""
    return _fields_of(event, {"type": event_kind(event)})


def event_from_json(data: Any) -> events.Event | None:
    """Return the event; None where its kind is unknown or a field without a default is missing."""
    kind = data.get("type") if isinstance(data, Mapping) else None
    known = _event_kinds().get(kind) if isinstance(kind, str) else None
    return cast("events.Event | None", _read_dataclass(known, data)) if known else None


@cache
def _event_kinds() -> dict[str, type[Any]]:
    return {_snake(kind.__name__): kind for kind in typing.get_args(events.Event)}


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


# --- dataclasses in general ---------------------------------------------------------------------------------------


def _fields_of(value: Any, data: dict[str, Any]) -> dict[str, Any]:
    """Add the fields that differ from their defaults; those without a default always."""
    for item in dataclasses.fields(value):
        current = getattr(value, item.name)
        if item.default is not dataclasses.MISSING and current == item.default:
            continue
        if item.default_factory is not dataclasses.MISSING and current == item.default_factory():
            continue
        data[item.name] = _write(current)
    return data


def _write(value: Any) -> Any:
    if isinstance(value, Message):
        return message_to_json(value)
    if type(value) in _PART_KINDS:
        return part_to_json(value)
    if isinstance(value, Decimal):
        return str(value)
    if dataclasses.is_dataclass(value):
        return _fields_of(value, {})
    if isinstance(value, tuple):
        return [_write(item) for item in value]
    return clean(value)


def _read_dataclass(kind: type[Any], data: Any) -> Any:
    """Return an instance from a mapping; None where a field without a default cannot be read."""
    if not isinstance(data, Mapping):
        return None
    hints = _hints(cast(Any, kind))
    values: dict[str, Any] = {}
    for item in dataclasses.fields(kind):
        value = _read(hints[item.name], data.get(item.name), _UNREADABLE)
        if value is not _UNREADABLE:
            values[item.name] = value
        elif item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING:
            return None
    return kind(**values)


class _Unreadable:
    """Marks a field that takes its default."""


_UNREADABLE = _Unreadable()
T = TypeVar("T")


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _read(hint: Any, value: Any, default: T) -> Any | T:
    """Return the value where it fits the hint, else the default."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return value if isinstance(value, str) and value in arguments else default
    if origin in (typing.Union, types.UnionType):
        found = (_read(one, value, _UNREADABLE) for one in arguments if one is not type(None))
        return next((item for item in found if item is not _UNREADABLE), default)
    if origin is tuple:
        items = [_read(arguments[0], item, _UNREADABLE) for item in value] if isinstance(value, list) else [_UNREADABLE]
        return default if _UNREADABLE in items else tuple(items)
    if hint is Message:
        return message_from_json(value) if isinstance(value, Mapping) else default
    if dataclasses.is_dataclass(hint):
        found_value = _read_dataclass(cast("type[Any]", hint), value)
        return default if found_value is None else found_value
    reader = _READERS.get(origin or hint)
    return reader(value, default) if reader else default


def _read_text(value: Any, default: Any) -> Any:
    return clean_text(value) if isinstance(value, str) else default


def _read_bool(value: Any, default: Any) -> Any:
    return value if isinstance(value, bool) else default


def _read_int(value: Any, default: Any) -> Any:
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def _read_float(value: Any, default: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return default
    try:
        return float(value)
    except OverflowError:
        return default


def _read_decimal(value: Any, default: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return default
    try:
        number = Decimal(str(value))
    except (InvalidOperation, ValueError):
        return default
    return number if number.is_finite() else default


def _read_mapping(value: Any, default: Any) -> Any:
    return clean(value) if isinstance(value, Mapping) else default


_READERS: dict[Any, Callable[[Any, Any], Any]] = {
    str: _read_text, bool: _read_bool, int: _read_int, float: _read_float, Decimal: _read_decimal,
    Mapping: _read_mapping,
}  # fmt: skip
