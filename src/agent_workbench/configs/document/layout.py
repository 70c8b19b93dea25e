"""How a document is laid out: where entries, their heads and their comments stand, and which style they are in.

Comments belong to an entry if they stand directly above it in its column, or directly below it and deeper.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from agent_workbench.configs.document.writer import Style
from agent_workbench.configs.nodes import MERGE, Node, Path
from agent_workbench.configs.reader import Reading, show_path
from agent_workbench.errors import EditRefused

_BREAKS = "\r\n\x85\u2028\u2029"
_BLANK = re.compile(f"(?:[ \t{_BREAKS}]+|(?<![^ \t{_BREAKS}])#[^{_BREAKS}]*)*")
_PROPERTIES = re.compile(f"(?:[&!][^ \t{_BREAKS}]*[ \t]*)*")
_NEWLINE = re.compile("\r\n|\n|\r")
_HEADER = re.compile("[|>][-+0-9]*")
_COMMENT_LINE = re.compile("[ \t]*#")


@dataclass(frozen=True, slots=True)
class Spot:
    """An entry: its value, the collection that it is in, its place there, and its key. The root has no parent."""

    value: Node
    parent: Node | None = None
    index: int = 0
    key: Node | None = None


class Layout:
    """Answers questions about one reading of a text."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.text = reading.text
        self.lines = reading.lines

    # entries

    def find(self, path: Path) -> Spot | None:
        """Return the entry at a path, None where there is none.

        Raises:
            EditRefused: If it stands behind an alias or a merge key, so that a change there would change more than it.
        """
        root = self.reading.root
        if root is None:
            return None
        spot = Spot(root)
        for depth, part in enumerate(path):
            node = spot.value
            if node.kind == "alias":
                shown = show_path(path[:depth])
                raise EditRefused(
                    f"line {self.line(node)}: `{shown}` is the alias `*{node.word}`, so the text stands elsewhere and "
                    f"is shared; write the value out there, or edit the anchor `&{node.word}` by hand"
                )
            found = self._entry(node, part)
            if found is None:
                return None
            spot = found
        return spot

    def _entry(self, node: Node, part: str | int) -> Spot | None:
        if node.kind == "list":
            inside = isinstance(part, int) and 0 <= part < len(node.parts)
            return Spot(node.parts[part][1], node, part) if inside and isinstance(part, int) else None
        for index, (key, value) in enumerate(node.parts):
            if key is not None and key.value == part and key.tag != MERGE:
                return Spot(value, node, index, key)
        return None

    def siblings(self, parent: Node) -> list[Spot]:
        """Return all entries of a collection in the text's order."""
        return [Spot(value, parent, index, key) for index, (key, value) in enumerate(parent.parts)]

    def siblings_of(self, spot: Spot) -> list[Spot]:
        """Return an entry and its siblings."""
        return self.siblings(spot.parent) if spot.parent is not None else [spot]

    def spot_of(self, node: Node) -> Spot:
        """Return the entry whose value a node is."""
        parent = node.parent
        assert parent is not None
        return next(spot for spot in self.siblings(parent) if spot.value is node)

    def in_flow(self, node: Node | None) -> bool:
        """Tell whether a node is a flow collection, or inside one."""
        while node is not None:
            if node.flow:
                return True
            node = node.parent
        return False

    # offsets

    @cached_property
    def _starts(self) -> list[int]:
        return self.lines.parser_lines

    def line(self, node: Node) -> int:
        """Return the line number of a node."""
        return self.lines.line_column(self.start(node))[0]

    def start(self, node: Node) -> int:
        """Return where a node starts, its anchor and tag included."""
        return self.lines.offset(node.start)

    def content_start(self, node: Node) -> int:
        """Return where a node starts behind its anchor and tag."""
        start = self.start(node)
        found = _PROPERTIES.match(self.text, start) if node.anchor or node.tag else None
        return found.end() if found else start

    def end(self, node: Node) -> int:
        """Return where the content of a node ends, without comments behind it."""
        last = node
        while last.kind in ("map", "list") and not last.flow and last.parts:
            last = last.parts[-1][1]
        if last.kind == "scalar" and last.style in ("|", ">"):
            return self._literal_end(last)
        return max(self.lines.offset(last.end), self.start(node))

    def _literal_end(self, node: Node) -> int:
        start, end = self.content_start(node), self.lines.offset(node.end)
        header = _HEADER.match(self.text, start)
        if header and "+" in header[0] and end > start:  # the blank lines behind it are content
            return self._before_break(end)
        return start + len(self.text[start:end].rstrip(" \r\n"))

    def literal_header(self, node: Node) -> int | None:
        """Return where a chomping mark can be written, if a node's text ends in a literal that has none."""
        while node.kind in ("map", "list") and not node.flow and node.parts:
            node = node.parts[-1][1]
        if node.kind != "scalar" or node.style not in ("|", ">"):
            return None
        header = _HEADER.match(self.text, self.content_start(node))
        return header.end() if header and not header[0].strip("|>0123456789") else None

    def _before_break(self, offset: int) -> int:
        if self.text[offset - 2 : offset] == "\r\n":
            return offset - 2
        return offset - 1 if self.text[offset - 1 : offset] in tuple(_BREAKS) else offset

    def line_start(self, offset: int) -> int:
        """Return the start of the line of an offset."""
        return self._starts[bisect_right(self._starts, offset) - 1]

    def line_end(self, offset: int) -> int:
        """Return the end of the line of an offset, before its line break."""
        index = bisect_right(self._starts, offset)
        return self._before_break(self._starts[index]) if index < len(self._starts) else self.reading.end

    def next_line(self, offset: int) -> int:
        """Return the start of the line behind that of an offset, or the end of the YAML."""
        index = bisect_right(self._starts, offset)
        return self._starts[index] if index < len(self._starts) else self.reading.end

    def line_text(self, offset: int) -> str:
        """Return the text from an offset to the end of its line."""
        return self.text[offset : self.line_end(offset)]

    def column(self, offset: int) -> int:
        """Return the column of an offset, from 0."""
        return offset - self.line_start(offset)

    def skip(self, offset: int) -> int:
        """Return the first offset that is neither blank nor comment."""
        found = _BLANK.match(self.text, offset, self.reading.end)
        return found.end() if found else offset

    # heads

    def entry_start(self, spot: Spot) -> int:
        """Return where an entry starts: its dash in a block list, else its key or item."""
        parent = spot.parent
        assert parent is not None
        if parent.kind == "list" and not parent.flow:
            before = self.end(parent.parts[spot.index - 1][1]) if spot.index else self.content_start(parent)
            return self.skip(before)
        return self.start(spot.key if spot.key is not None else spot.value)

    def head(self, spot: Spot) -> int:
        """Return the offset behind the dash or colon that a value follows."""
        if spot.key is not None:
            offset = self.skip(self.end(spot.key))
            if self.text[offset : offset + 1] != ":":
                raise EditRefused(f"line {self.line(spot.key)}: this key has no `:` to write behind; edit it by hand")
            return offset + 1
        return self.entry_start(spot) + 1

    def is_first_on_line(self, offset: int) -> bool:
        """Tell whether only blanks stand before an offset on its line."""
        return not self.text[self.line_start(offset) : offset].strip(" ")

    def rest_is_comment(self, offset: int) -> bool:
        """Tell whether only blanks and a comment stand behind an offset on its line."""
        rest = self.text[offset : self.line_end(offset)].lstrip(" \t")
        return not rest or rest.startswith("#")

    # comments

    def above(self, spot: Spot) -> int:
        """Return where the lines of an entry start, with the comment lines directly above it that belong to it.

        The comment that opens the file belongs to the file.
        """
        return self.line_start(self.entry_start(spot)) if self.is_under_header(spot) else self._comments_above(spot)

    def is_under_header(self, spot: Spot) -> bool:
        """Tell whether the comment that opens the file stands directly above an entry, which is then the first."""
        start = self.line_start(self.entry_start(spot))
        first = spot.index == 0 and spot.parent is self.reading.root
        return first and self.reading.start < start and self._comments_above(spot) == self.reading.start

    def _comments_above(self, spot: Spot) -> int:
        column = self.column(self.entry_start(spot))
        top = self.line_start(self.entry_start(spot))
        while top > self.reading.start:
            previous = self.line_start(top - 1)
            line = self.text[previous : self.line_end(previous)]
            if not line.lstrip(" ").startswith("#") or len(line) - len(line.lstrip(" ")) != column:
                break
            top = previous
        return top

    def below(self, end: int, column: int, *, deeper: bool) -> int:
        """Return the end of the last line that belongs to content that ends at an offset, before its line break.

        Comment lines directly below are taken along if they are deeper than the column or, unless `deeper`, stand in it
        and do not head what follows.
        """
        stop = self.line_end(end)
        taken = self._comment_lines(stop)
        following = self._indent_below(taken[-1][1] if taken else stop)
        for indent, line_stop in taken:
            belongs = indent > column if deeper else indent >= column and indent > following
            if not belongs:
                break
            stop = line_stop
        return stop

    def _comment_lines(self, stop: int) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = []
        while (start := self.next_line(stop)) < self.reading.end and _COMMENT_LINE.match(self.text, start):
            stop = self.line_end(start)
            line = self.text[start:stop]
            found.append((len(line) - len(line.lstrip(" ")), stop))
        return found

    def _indent_below(self, stop: int) -> int:
        """Return the indentation of the line directly below; -1 where it is blank, or there is none."""
        start = self.next_line(stop)
        line = self.text[start : self.line_end(start)] if start < self.reading.end else ""
        return len(line) - len(line.lstrip(" ")) if line.strip() else -1

    # style

    @cached_property
    def style(self) -> Style:
        """The document's own style, by majority; two spaces where it does not show."""
        steps: Counter[int] = Counter()
        offsets: Counter[int] = Counter()
        gaps: Counter[int] = Counter()
        quotes: Counter[str] = Counter()
        todo = [self.reading.root] if self.reading.root else []
        for node in todo:  # grows on the way; the first 300 nodes show the style
            if len(todo) < 300:
                todo.extend(value for _, value in node.parts)
            if node.kind == "scalar" and node.style in ("'", '"'):
                quotes[node.style] += 1
            if node.flow or node.kind not in ("map", "list") or not node.parts:
                continue
            self._count(node, steps, offsets, gaps)
        newline = _NEWLINE.search(self.text)
        return Style(
            step=_most(steps, 2),
            offset=_most(offsets, 2 if not steps or _most(steps, 2) >= 2 else 0),
            gap=_most(gaps, 2),
            newline=newline[0] if newline else "\n",
            quote=_most_text(quotes, '"'),
        )

    def _count(self, node: Node, steps: Counter[int], offsets: Counter[int], gaps: Counter[int]) -> None:
        if node.kind == "map":
            for key, value in node.parts:
                if key is None or value.flow or not value.parts:
                    continue
                if value.kind == "map" and value.parts[0][0] is not None:
                    steps[value.parts[0][0].start.column - key.start.column] += 1
                elif value.kind == "list" and not value.anchor and not value.tag:
                    offsets[value.start.column - key.start.column] += 1
            return
        first = node.parts[0][1]
        if first.start.line == node.start.line and not node.anchor and not node.tag and first.kind != "scalar":
            gaps[first.start.column - node.start.column] += 1


def _most(counts: Counter[int], default: int) -> int:
    useful = [(number, count) for number, count in counts.items() if 0 <= number <= 8]
    return max(useful, key=lambda item: item[1])[0] if useful else default


def _most_text(counts: Counter[str], default: str) -> str:
    return counts.most_common(1)[0][0] if counts else default
