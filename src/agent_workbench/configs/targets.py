"""What a text has to go to: what the thing under the cursor names elsewhere, and the text's own parts.

Like `place`, this looks at lines and indentation alone, so it works in a text that does not parse.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from agent_workbench.configs.environment import REFERENCE
from agent_workbench.configs.mentions import MENTION
from agent_workbench.configs.place import place_at

TargetKind = Literal["include", "agent", "file", "module", "variable"]

#: What stands before the value of a line.
_HEAD = re.compile(r"\s*(?:- +)*(?:[\w.-]+:[ \t]+)?")
_WORD = re.compile(r"'[^']*'|\"[^\"]*\"|[^\s,\[\]{}'\"#]+")
_TOP = re.compile(r"(?P<name>[^\s#'\"-][^:#]*|'[^']*'|\"[^\"]*\"):(?:\s+(?P<value>.*))?$")
_CHILD = re.compile(r"(?P<indent> *)(?P<words>(?:- +)?[^\s#].*)")
_HEADING = re.compile(r"(?P<signs>#{1,6}) +\S")


@dataclass(frozen=True, slots=True)
class Target:
    """What a text names at a place, as it is written there."""

    kind: TargetKind
    name: str


@dataclass(frozen=True, slots=True)
class TextPart:
    """A section, an entry of one, or a heading of the body. `line` counts from 1, `depth` from 0."""

    line: int
    depth: int
    words: str


def target_at(text: str, line: int, column: int) -> Target | None:
    """Return what is named at a cursor (counted from 0), None where that is nothing to go to."""
    rows = text.split("\n")
    row = rows[line].rstrip("\r") if 0 <= line < len(rows) else ""
    for found in REFERENCE.finditer(row):
        if found.start() <= column <= found.end():
            return Target("variable", found[1])
    for found in MENTION.finditer(row):
        if found.start() <= column <= found.end():
            return Target("file", found["reference"].rstrip(".:,-"))
    head = _HEAD.match(row)
    from_here = max(column, head.end() if head else 0)
    word = next((one for one in _WORD.finditer(row) if one.end() >= from_here), None)
    start = word.start() if word is not None else from_here
    here = place_at(text, line, start)
    name = word[0].strip("'\"") if word is not None else ""
    if here.opaque:
        return None
    if here.path == ("agents",) and here.key not in ("", "include"):
        return Target("agent", here.key)
    kind = _kind((*here.path, here.key) if here.key else here.path)
    return Target(kind, name) if kind is not None and name else None


def _kind(path: Sequence[str]) -> TargetKind | None:
    match tuple(path):
        case ("includes", "-") | ("includes", "-", "bundle"):
            return "include"
        case ("agents", "include", "-"):
            return "agent"
        case ("context", "include", "-"):
            return "file"
        case ("context", key) if key != "include":
            return "file"
        case (*_, "module") | ("session", "orchestrator" | "context") | ("spawn", _, "-") | (*_, "exclude_tools", "-"):
            return "module"
        case _:
            return None


def parts_of(text: str) -> tuple[TextPart, ...]:
    """Return the sections of a text, what stands directly in each, and the headings of a markdown body, in order."""
    rows = [row.rstrip("\r") for row in text.split("\n")]
    first, last = 0, len(rows)
    if rows[0].rstrip() == "---":
        closing = (number for number in range(1, len(rows)) if rows[number].rstrip() == "---")
        first, last = 1, next(closing, len(rows))
    return (*_sections(rows, first, last), *_headings(rows, last + 1))


def _sections(rows: Sequence[str], first: int, last: int) -> Iterator[TextPart]:
    child: int | None = None
    prose = True
    for number in range(first, last):
        top = _TOP.match(rows[number])
        if top is not None:
            value = top["value"] or ""
            child, prose = None, value[:1] in ("|", ">")
            yield TextPart(number + 1, 0, rows[number].split(" #")[0].rstrip())
            continue
        inner = _CHILD.match(rows[number])
        if inner is None or prose:
            continue
        indent = len(inner["indent"])
        child = indent if child is None else child
        if indent == child and (indent or inner["words"].startswith("-")):
            yield TextPart(number + 1, 1, inner["words"].split(" #")[0].rstrip())


def _headings(rows: Sequence[str], first: int) -> Iterator[TextPart]:
    fenced = False
    for number in range(first, len(rows)):
        fenced ^= rows[number].lstrip().startswith(("```", "~~~"))
        found = None if fenced else _HEADING.match(rows[number])
        if found is not None:
            yield TextPart(number + 1, len(found["signs"]) - 1, rows[number].strip())
