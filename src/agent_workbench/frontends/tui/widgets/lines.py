"""Lines of styled text as plain values, wrapped to a width in cells; a theme colours them only when painted.

A run is `(text, role)`; a role is words from `ROLES` separated by spaces ("heading strong"), empty for plain. What is
drawn, not written, says so: a `sign` has a word (see `spoken`), an `ornament` none, and `here` is a cursor.
A line is a list of runs without newline or tab. Nothing here knows a colour, so a theme switch keeps every line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from rich.cells import cell_len, chop_cells

Run = tuple[str, str]
Line = list[Run]

ROLES = (
    "muted", "strong", "emphasis", "strike", "code", "heading", "link", "quote", "who", "state", "good", "bad", "warn",
    "added", "removed", "block", "keyword", "string", "number", "comment", "name", "key", "found",
    "sign", "ornament", "here",
)  # fmt: skip

TAB = 4
_WORDS = re.compile(r"\S+\s*|\s+")


def width_of(line: Iterable[Run]) -> int:
    """Return the width of a line in cells."""
    return sum(cell_len(text) for text, _ in line)


def text_of(line: Iterable[Run]) -> str:
    """Return the characters of a line."""
    return "".join(text for text, _ in line)


def wrap(runs: Sequence[Run], width: int, first: Sequence[Run] = (), rest: Sequence[Run] | None = None) -> list[Line]:
    """Break runs into lines of at most `width` cells, at spaces where there are some.

    `first` stands before the first line and `rest` before the others (as `first` when None); both count to the
    width, of which at least 2 cells are left to the words. Newlines in runs break always. Never returns no line.
    """
    rest = first if rest is None else rest
    room = max(2, width - width_of(first))
    lines: list[Line] = []
    for paragraph in _paragraphs(runs):
        text = text_of(paragraph)
        for start, end in _breaks(text, room):
            lines.append([*(rest if lines else first), *_cut(paragraph, start, end)])
    return lines


def fold(runs: Sequence[Run], width: int, prefix: Sequence[Run] = ()) -> list[Line]:
    """Break runs into lines of at most `width` cells, behind a space where a long line has one; nothing is dropped.

    Unlike `wrap`, every character stays: what is read here may be run or copied.
    """
    room = max(2, width - width_of(prefix))
    lines: list[Line] = []
    for paragraph in _paragraphs(runs):
        text = text_of(paragraph)
        if cell_len(text) <= room:
            lines.append([*prefix, *paragraph])
            continue
        start = 0
        for size in _pieces(text, room):
            lines.append([*prefix, *_cut(paragraph, start, start + size)])
            start += size
    return lines


def _pieces(text: str, room: int) -> Iterator[int]:
    """Yield how many characters go into each line: up to a space in the second half of it, else all that fit."""
    start = 0
    while start < len(text):
        full = text[start : start + room] if text.isascii() else chop_cells(text[start : start + 2 * room], room)[0]
        rest = start + len(full) < len(text)
        space = full.rfind(" ", len(full) // 2) + 1 if rest and text[start + len(full)] != " " else 0
        size = space or len(full)
        yield size
        start += size


def fit(line: Sequence[Run], width: int) -> Line:
    """Cut a line to a width, ending in `…` where something was cut."""
    if width_of(line) <= width:
        return list(line)
    kept: Line = []
    room = max(0, width - 1)
    for text, role in line:
        if cell_len(text) > room:
            pieces = chop_cells(text, room) if room else []
            return [*kept, ((pieces[0] if pieces else "") + "…", role)]
        kept.append((text, role))
        room -= cell_len(text)
    return kept


def fit_runs(line: Sequence[Run], width: int) -> Line:
    """Leave out the last runs that do not fit; only the first one is cut."""
    kept = list(line)
    while len(kept) > 1 and width_of(kept) > width:
        kept.pop()
    return fit(kept, width)


def ends(left: Sequence[Run], right: Sequence[Run], width: int) -> Line:
    """Set two texts at the ends of one line; the left one is cut where both do not fit."""
    room = max(0, width - width_of(right) - 1)
    kept = fit(left, room)
    return [*kept, (" " * max(1, width - width_of(kept) - width_of(right)), ""), *right]


def pad(line: Sequence[Run], width: int, align: str = "left") -> Line:
    """Fill a line with spaces up to a width."""
    space = max(0, width - width_of(line))
    before = space if align == "right" else space // 2 if align == "center" else 0
    return [(" " * before, ""), *line, (" " * (space - before), "")]


def _paragraphs(runs: Sequence[Run]) -> Iterator[Line]:
    current: Line = []
    for text, role in runs:
        first, *more = text.expandtabs(TAB).split("\n")
        if first:
            current.append((first, role))
        for piece in more:
            yield current
            current = [(piece, role)] if piece else []
    yield current


def _breaks(text: str, width: int) -> list[tuple[int, int]]:
    if cell_len(text) <= width:
        return [(0, len(text))]
    spans: list[tuple[int, int]] = []
    start = end = used = 0
    for match in _WORDS.finditer(text):
        word = match.group().rstrip()
        cells = cell_len(word)
        if used and used + cells > width:
            spans.append((start, end))
            start, used = match.start(), 0
        if cells > width:
            *full, word = chop_cells(word, width)
            for piece in full:
                spans.append((start, start + len(piece)))
                start += len(piece)
            cells = cell_len(word)
        end = start + len(word) if not used else match.start() + len(word)
        used += cell_len(match.group()) if used else cells + cell_len(match.group()) - cell_len(match.group().rstrip())
    spans.append((start, end))
    return spans


def _cut(runs: Sequence[Run], start: int, end: int) -> Line:
    line: Line = []
    offset = 0
    for text, role in runs:
        if offset >= end:
            break
        piece = text[max(0, start - offset) : end - offset]
        if piece and offset + len(text) > start:
            line.append((piece, role))
        offset += len(text)
    return line
