"""Plans that add top-level sections."""

from __future__ import annotations

import re
from itertools import pairwise

from agent_workbench.configs.document.splices import Plan, Splice, Splicer
from agent_workbench.configs.nodes import Node

_BLANK_LINE = re.compile("(?:\r\n|\n|\r)[ \t]*(?:\r\n|\n|\r(?!\n))")


def first_section(splicer: Splicer, lines: list[str]) -> list[Plan]:
    """Write the first lines of a document that says nothing yet."""
    reading, root = splicer.layout.reading, splicer.layout.reading.root
    body = splicer.newline.join(lines)
    if reading.is_markdown and reading.body == splicer.text[reading.start :]:
        frame = f"---{splicer.newline}{body}{splicer.newline}---{splicer.newline}"
        return [[Splice(reading.start, reading.start, frame)]]
    if root is not None and root.word:
        return [[Splice(splicer.layout.start(root), splicer.layout.end(root), body)]]
    starts = splicer.layout.lines.parser_lines
    end = next((at for at in starts if splicer.text[at : at + 3] == "..."), reading.end)
    known = splicer.text[reading.start : end].rstrip(" \t\r\n")
    at = reading.start + len(known)
    if not known:
        return [[Splice(at, at, body + splicer.newline)]]
    last = splicer.layout.line_text(splicer.layout.line_start(at))
    blank = splicer.newline if last.startswith("#") else ""
    plan = [Splice(at, at, f"{splicer.newline}{blank}{body}")]
    return [plan, [Splice(at, at, f"{splicer.newline}{blank}{body}{splicer.newline}")]]


def section_after(splicer: Splicer, root: Node, index: int, lines: list[str]) -> list[Plan]:
    """Write a section behind that of an index, -1 before all, with a blank line where the document has them.

    No comment is parted from the line directly below it: where the comment that opens the file stands so over the first
    section, nobody can say which of the two it is about, and the new section goes behind that one.
    """
    layout = splicer.layout
    blank = splicer.newline if _is_airy(splicer, root) else ""
    body = splicer.newline.join(lines)
    spots = layout.siblings(root)
    if index < 0 and layout.is_under_header(spots[0]):
        index = 0
    if index < 0:
        at = layout.above(spots[0])
        return [[Splice(at, at, body + splicer.newline + blank)]]
    end = layout.end(spots[index].value)
    plans = splicer.below(spots[index].value, end, 0, f"{splicer.newline}{blank}{body}")
    # A literal that keeps its blank lines would swallow ours.
    return plans + splicer.below(spots[index].value, end, 0, splicer.newline + body) if blank else plans


def _is_airy(splicer: Splicer, root: Node) -> bool:
    """Tell whether most sections have a blank line between them."""
    layout = splicer.layout
    spots = layout.siblings(root)
    between = [splicer.text[layout.end(a.value) : layout.entry_start(b)] for a, b in pairwise(spots)]
    return 2 * sum(bool(_BLANK_LINE.search(text)) for text in between) >= len(between)
