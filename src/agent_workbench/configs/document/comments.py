"""Plans that turn entries into comments and back."""

from __future__ import annotations

import re

from agent_workbench.configs.document.law import lookup
from agent_workbench.configs.document.layout import Spot
from agent_workbench.configs.document.splices import Plan, Splice, Splicer
from agent_workbench.configs.reader import Reading
from agent_workbench.errors import EditRefused

#: How many lines of comment more than those that look it may belong to an entry.
MOST_MORE = 8
_BREAK = re.compile("(\r\n|[\n\r\x85\u2028\u2029])")


def comment_out(splicer: Splicer, spot: Spot) -> list[Plan]:
    """Put `# ` before the lines of an entry."""
    layout = splicer.layout
    start, end = layout.entry_start(spot), layout.end(spot.value)
    column = layout.column(start)
    if layout.in_flow(spot.parent):
        comma = splicer.comma(end)
        end = end if comma is None else comma + 1
        stop = layout.line_end(end)
    else:
        stop = layout.below(end, column, deeper=True)
    if not layout.is_first_on_line(start) or not layout.rest_is_comment(end):
        line = layout.lines.line_column(start)[0]
        raise EditRefused(f"line {line}: other things stand on the lines of this entry; comment it out by hand")
    low = layout.line_start(start)
    pieces = _BREAK.split(splicer.text[low:stop])  # lines and line ends by turns
    lines = pieces[::2]
    column = min(column, *(len(line) - len(line.lstrip(" ")) for line in lines if line.strip()))
    pieces[::2] = [f"{line[:column]}# {line[column:]}" if line[column:] else f"{' ' * column}#" for line in lines]
    return [[Splice(low, stop, "".join(pieces))]]


def uncomment(splicer: Splicer, line: int) -> list[Plan]:
    """Take `# ` from a line and from those below that belong to the same entry.

    The first plan takes what looks as if it belonged; each of the others one line of comment more, since a value in
    quotes may go on in the column of its key.
    """
    layout = splicer.layout
    starts = layout.lines.parser_lines
    first = next((n for n, at in enumerate(starts) if layout.lines.line_column(at)[0] == line), None)
    found = _comment(layout.line_text(starts[first])) if first is not None else None
    if first is None or found is None:
        raise EditRefused(f"line {line} is not a comment")
    column, words = found
    lines = [words]
    known, looking = 1, True
    for start in starts[first + 1 :]:
        more = _comment(layout.line_text(start))
        if more is None or more[0] != column:
            break
        looking = looking and (_continues(words, more[1]) or more[1].startswith("#"))
        lines.append(more[1])
        if looking and not more[1].startswith("#"):  # a comment in the entry's own column ends with it
            known = len(lines)
    return [[_bared(splicer, starts[first : first + count], column, lines)]
            for count in range(known, min(known + MOST_MORE, len(lines)) + 1)]  # fmt: skip


def _bared(splicer: Splicer, starts: list[int], column: int, lines: list[str]) -> Splice:
    stop = splicer.layout.line_end(starts[-1])
    pieces = _BREAK.split(splicer.text[starts[0] : stop])
    pieces[::2] = [" " * column + line if line else "" for line in lines[: len(starts)]]
    return Splice(starts[0], stop, "".join(pieces))


def takes_comments(reading: Reading, start: int, end: int) -> bool:
    """Tell whether a value that begins between two offsets goes on behind them and has a comment's line in it."""
    return any(
        start <= place.start < end < place.end
        and "#" in reading.text[end : place.end]
        and path[-1:] != ("<<",)
        and isinstance(lookup(reading.data, path), str)
        for path, place in reading.values.items()
    )


def _comment(line: str) -> tuple[int, str] | None:
    """Return the column of a comment line and its words without `# `."""
    words = line.lstrip(" ")
    if not words.startswith("#"):
        return None
    return len(line) - len(words), words[1:].removeprefix(" ")


def _continues(first: str, words: str) -> bool:
    """Tell whether a line belongs to the entry that starts with `first`."""
    if not words.strip() or words.startswith(" "):
        return True
    return f"{words} ".startswith("- ") and not f"{first} ".startswith("- ")  # a list in the column of its key
