"""Where in a bundle a cursor stands, judged by indentation alone.

While somebody types, the text seldom parses. This looks only at the lines above (and, for an entry's `module`,
around) the cursor, so it costs microseconds and works in a broken text. It is for help and completion; what a text
means is decided by the reader.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

_LINE = re.compile(
    r"(?P<indent> *)(?P<dashes>(?:- +|-$)*)"
    r"(?:(?P<key>[^\s:#'\"\[\]{},&*!|>%@`-][^:#]*?|'[^']*'|\"[^\"]*\")\s*:(?=\s|$))?"
)


#: What opens, closes and parts values in flow style; quoted words are one piece.
_FLOW = re.compile(r"'[^']*'|\"(?:[^\"\\]|\\.)*\"|[\[\]{},]")
_FLOW_KEY = re.compile(r"([A-Za-z_][\w-]*)['\"]?\s*:(?=\s)")
_FLOW_MODULE = re.compile(r"\bmodule:\s*['\"]?([\w.-]+)")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a cursor stands.

    `path` holds the keys from the top, list items as `-`, without the key of the line itself, which is `key` (empty
    where none is written). `typed` is what stands between `start` (a column, from 0) and the cursor. `module` is the
    module of the entry around; `siblings` are the keys already in the same map. In `opaque` places (comments, block
    texts, a markdown body) there is nothing to complete.
    """

    path: tuple[str, ...] = ()
    key: str = ""
    in_value: bool = False
    typed: str = ""
    start: int = 0
    module: str = ""
    siblings: frozenset[str] = frozenset()
    opaque: bool = False


@dataclass(frozen=True, slots=True)
class _Line:
    dashes: tuple[int, ...]
    """The columns of the dashes that open list items."""
    column: int
    """Where the key, or what stands in its place, begins."""
    key: str
    rest: str
    rest_at: int


@lru_cache(maxsize=1)  # help and completion ask for the same place at each rest of the keyboard; 4 ms at 1,000 lines
def place_at(text: str, line: int, column: int) -> Place:
    """Return where a cursor stands; `line` and `column` count from 0, in code points."""
    lines = text.split("\n")
    if not 0 <= line < len(lines) or _in_markdown_body(lines, line):
        return Place(opaque=True)
    here = _parse(lines[line])
    before = lines[line][:column]
    in_value = bool(here.key) and column >= here.rest_at
    dashes = tuple(dash for dash in here.dashes if dash < column)
    own = here.column if here.key or here.rest else min(column, len(lines[line]))
    path, opaque = _ancestors(lines, line, own, dashes)
    if opaque or re.search(r"(^|\s)#", before):
        return Place(opaque=True)
    start = here.rest_at if in_value else own
    typed = before[start:].lstrip()
    place = Place(
        path=path,
        key=here.key,
        in_value=in_value,
        typed=typed,
        start=len(before) - len(typed),
        module=_module_around(lines, line, own, path, here.key),
        siblings=frozenset(key for number, key, _ in _siblings(lines, line, own) if number != line),
    )
    return _in_flow(place) if typed[:1] in ("[", "{") else place


def _in_flow(here: Place) -> Place:
    """Go into the brackets that a value on the cursor's line opens; `here` is the place of that value."""
    path, opened, begin = _innermost(here)
    if not opened:
        return replace(here, opaque=True)
    words = here.typed[begin:]
    is_map = here.typed[opened - 1] == "{"
    key, colon, value = words.partition(":") if is_map else ("", "", words)
    in_value = bool(colon) or not is_map
    typed = value.lstrip() if in_value else words.lstrip()
    modules = _FLOW_MODULE.findall(here.typed)
    return replace(
        here,
        path=path,
        key=key.strip(" '\"") if colon else "",
        in_value=in_value,
        typed=typed,
        start=here.start + len(here.typed) - len(typed),
        module=modules[-1] if modules and "config" in path else here.module,
        siblings=frozenset(_FLOW_KEY.findall(here.typed[opened:begin])),
    )


def _innermost(here: Place) -> tuple[tuple[str, ...], int, int]:
    """Return the path in the innermost open bracket, where that begins (0: nowhere), and where its last part does."""
    paths = [(*here.path, here.key) if here.key else here.path]
    opened: list[int] = []
    begin = 0
    for found in _FLOW.finditer(here.typed):
        sign = found[0]
        if sign in "[{":
            key = here.typed[begin : found.start()].partition(":")[0].strip(" '\"")
            inner = (*paths[-1], key) if key else paths[-1]
            paths.append((*inner, "-") if sign == "[" else inner)
            opened.append(found.end())
        elif sign in "]}" and opened:
            paths.pop()
            opened.pop()
        if sign in "[]{},":
            begin = found.end()
    return paths[-1], opened[-1] if opened else 0, begin


def _parse(raw: str) -> _Line:
    match = _LINE.match(raw)
    assert match is not None  # every part of the pattern may be empty
    opened = match["dashes"]
    at = len(match["indent"])
    dashes = tuple(at + offset for offset, letter in enumerate(opened) if letter == "-")
    column = at + len(opened)
    key = (match["key"] or "").strip("'\"")
    rest_at = match.end() if key else column
    rest = raw[rest_at:]
    rest_at += len(rest) - len(rest.lstrip())
    return _Line(dashes, column, key, rest.strip(), rest_at)


def _is_content(raw: str) -> bool:
    stripped = raw.strip()
    return bool(stripped) and not stripped.startswith("#") and stripped != "---"


def _in_markdown_body(lines: Sequence[str], line: int) -> bool:
    if not lines or lines[0].rstrip() != "---":
        return False
    return any(lines[number].rstrip() == "---" for number in range(1, min(line + 1, len(lines))))


def _ancestors(lines: Sequence[str], line: int, column: int, dashes: tuple[int, ...]) -> tuple[tuple[str, ...], bool]:
    """Return the path above a column, and whether the place is inside a block text."""
    path: list[str] = ["-"] * len(dashes)
    keys_below = dashes[0] + 1 if dashes else column  # a list may stand at its key's own column
    dashes_below = dashes[0] if dashes else column
    for number in range(line - 1, -1, -1):
        if not _is_content(lines[number]):
            continue
        above = _parse(lines[number])
        if above.key and above.column < keys_below:
            if above.rest[:1] in ("|", ">"):
                return (), True
            path.append(above.key)
            keys_below = dashes_below = above.column
        for dash in reversed(above.dashes):
            if dash < dashes_below:
                path.append("-")
                keys_below, dashes_below = dash + 1, dash
        if keys_below <= 0:
            break
    return tuple(reversed(path)), False


def _siblings(lines: Sequence[str], line: int, column: int) -> list[tuple[int, str, str]]:
    """Return (line, key, value) of the keys in the map that has its keys at a column, around a line."""
    found: list[tuple[int, str, str]] = []
    for numbers in (range(line, -1, -1), range(line + 1, len(lines))):
        for number in numbers:
            if not _is_content(lines[number]):
                continue
            one = _parse(lines[number])
            first = one.dashes[0] if one.dashes else one.column
            if number > line and first < column:
                break
            if one.key and one.column == column:
                found.append((number, one.key, one.rest))
            if first < column:
                if number != line or one.dashes:
                    break
                continue
    return found


def _module_around(lines: Sequence[str], line: int, column: int, path: tuple[str, ...], key: str) -> str:
    """Return the module of the entry that a place belongs to, empty where it belongs to none."""
    if "config" not in path:
        return _module_of(lines, line, column)
    limit = column
    for number in range(line, -1, -1):
        if not _is_content(lines[number]):
            continue
        one = _parse(lines[number])
        if one.key and one.column < limit:
            if one.key == "config":
                return _module_of(lines, number, one.column)
            limit = one.column
    return ""


def _module_of(lines: Sequence[str], line: int, column: int) -> str:
    values = (value for _, key, value in _siblings(lines, line, column) if key == "module")
    return next(values, "").split(" #")[0].strip().strip("'\"")
