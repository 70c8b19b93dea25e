"""Writes values as YAML that people like to read, and that YAML 1.1 and 1.2 read alike."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agent_workbench.configs.composer import MAX_DEPTH
from agent_workbench.configs.scalars import BadScalar, core_meaning, meaning
from agent_workbench.errors import EditRefused

_PRINTABLE = re.compile("[ -~\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]*\\Z")
#: A plain word starts with no indicator and holds nothing that ends it.
_PLAIN = re.compile(r"(?![\s,\[\]{}#&*!|>'\"%@`?:]|-(?:\s|\Z)|---|\.\.\.)(?:(?! #|:(?:\s|\Z)).)+(?<!\s)\Z")
_FLOW_PLAIN = re.compile(r"[^,\[\]{}?:]*(?::[A-Za-z0-9/._+-][^,\[\]{}?:]*)*\Z")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\0": "\\0", "\x1b": "\\e"}


@dataclass(frozen=True, slots=True)
class Style:
    """How a document is written: spaces per level, before a list's dash under its key, from dash to item; and more."""

    step: int = 2
    offset: int = 2
    gap: int = 2
    newline: str = "\n"
    quote: str = '"'


def plain_data(value: Any, depth: int = 0) -> Any:
    """Return a value as dicts, lists and scalars.

    Raises:
        EditRefused: If YAML that every bundle reader accepts cannot say it.
    """
    if depth > MAX_DEPTH:
        raise EditRefused(f"a value of more than {MAX_DEPTH} levels cannot be written")
    if value is None or isinstance(value, bool | int | float | datetime.date):
        return value
    if isinstance(value, str):
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise EditRefused("half a surrogate pair cannot be written: remove it from the text")
        return value
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise EditRefused("a key that is not text cannot be written")
        return {key: plain_data(item, depth + 1) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [plain_data(item, depth + 1) for item in value]
    raise EditRefused(f"a value of type {type(value).__name__} cannot be written as YAML")


class Writer:
    """Writes values in a style. Lines carry their indentation and no line end."""

    def __init__(self, style: Style) -> None:
        self.style = style

    def scalar(self, value: Any, *, flow: bool = False, quote: str = "") -> str:
        """Return a scalar on one line; `quote` asks for quotes around text."""
        if value is None:
            return "null"
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, float):
            return _float(value)
        if isinstance(value, datetime.datetime):
            return value.isoformat(sep=" ")
        if isinstance(value, int | datetime.date):
            return str(value)
        return self._text(value, flow, quote)

    def inline(self, value: Any) -> str | None:
        """Return what fits behind a key on its line; None for what needs lines of its own."""
        if value == {} and isinstance(value, dict):
            return "{}"
        if value == [] and isinstance(value, list):
            return "[]"
        if isinstance(value, dict | list) or (isinstance(value, str) and _is_literal(value)):
            return None
        return self.scalar(value)

    def flow(self, value: Any) -> str:
        """Return a value in flow style."""
        if isinstance(value, dict):
            return "{" + ", ".join(self.flow_pair(key, item) for key, item in value.items()) + "}"
        if isinstance(value, list):
            return "[" + ", ".join(self.flow(item) for item in value) + "]"
        return self.scalar(value, flow=True)

    def flow_pair(self, key: str, value: Any) -> str:
        """Return an entry of a flow map."""
        return f"{self.scalar(key, flow=True)}: {self.flow(value)}"

    def map_lines(self, value: Mapping[str, Any], column: int) -> list[str]:
        """Return the lines of a block map whose keys stand in a column."""
        lines: list[str] = []
        for key, item in value.items():
            head, body = self.behind_key(item, column)
            lines += [f"{' ' * column}{self.scalar(key, flow=False)}:{head}", *body]
        return lines

    def list_lines(self, value: Sequence[Any], column: int, gap: int = 0) -> list[str]:
        """Return the lines of a block list whose dashes stand in a column."""
        lines: list[str] = []
        for item in value:
            head, body = self.behind_dash(item, column, gap)
            lines += [f"{' ' * column}-{head}", *body]
        return lines

    def behind_key(self, value: Any, column: int) -> tuple[str, list[str]]:
        """Return what follows `key:` on its line, and the lines below it."""
        inline = self.inline(value)
        if inline is not None:
            return f" {inline}", []
        if isinstance(value, str):
            return _literal(value, column + self.style.step)
        if isinstance(value, dict):
            return "", self.map_lines(value, column + self.style.step)
        return "", self.list_lines(value, column + self.style.offset)

    def behind_dash(self, value: Any, column: int, gap: int = 0) -> tuple[str, list[str]]:
        """Return what follows `-` on its line, and the lines below it."""
        gap = gap or self.style.gap
        inline = self.inline(value)
        space = " " * (gap - 1)
        if inline is not None:
            return space + inline, []
        if isinstance(value, str):
            return _literal(value, column + gap)
        inner = column + gap
        lines = self.map_lines(value, inner) if isinstance(value, dict) else self.list_lines(value, inner)
        return space + lines[0][inner:], lines[1:]

    def _text(self, value: str, flow: bool, quote: str) -> str:
        printable = bool(_PRINTABLE.match(value))
        if not quote and printable and _reads_as_itself(value, flow):
            return value
        if printable and (quote or self.style.quote) == "'":
            return "'" + value.replace("'", "''") + "'"
        return '"' + "".join(map(_escaped, value)) + '"'


def _reads_as_itself(value: str, flow: bool) -> bool:
    if not _PLAIN.match(value) or (flow and not _FLOW_PLAIN.match(value)) or value in ("<<", "="):
        return False
    try:
        old: Any = meaning(value)
    except BadScalar:
        return False
    new: Any = core_meaning(value)
    return isinstance(old, str) and isinstance(new, str)


def _is_literal(value: str) -> bool:
    """Tell whether a text reads best as a block of lines, and survives as one."""
    body = value.removesuffix("\n")
    if "\n" not in body:
        return False
    lines = body.split("\n")
    return (
        all(_PRINTABLE.match(line) and (not line or line.strip(" ")) for line in lines)
        and bool(lines[0])
        and not lines[0].startswith(" ")
        and bool(lines[-1])
    )


def _literal(value: str, column: int) -> tuple[str, list[str]]:
    header = " |" if value.endswith("\n") else " |-"
    return header, [" " * column + line if line else "" for line in value.removesuffix("\n").split("\n")]


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if _PRINTABLE.match(character):
        return character
    code = ord(character)
    return f"\\x{code:02X}" if code < 0x100 else f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"


def _float(value: float) -> str:
    if math.isnan(value):
        return ".nan"
    if math.isinf(value):
        return ".inf" if value > 0 else "-.inf"
    mantissa, mark, exponent = repr(value).partition("e")
    # YAML 1.1 reads a number with an exponent only if it has a point too.
    return f"{mantissa}.0e{exponent}" if mark and "." not in mantissa else repr(value)
