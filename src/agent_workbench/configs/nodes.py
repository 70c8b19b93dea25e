"""The tree of a YAML text: every node with its value and its place, made in one pass over the parser's events.

PyYAML's C parser gives events one by one, so nothing recurses: caps on depth, nodes and alias expansion
hold before anything big is built (its loader dies by stack overflow on 100,000 nested brackets).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

Path = tuple[str | int, ...]
#: The tag of the key `<<`.
MERGE = "tag:yaml.org,2002:merge"

#: What the parser counts as the end of a line (YAML 1.1), and what an editor does.
_PARSER_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_EDITOR_BREAK = re.compile("\r\n|[\n\r]")
_ONLY_PARSER_BREAK = re.compile("[\x85\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of the whole file: lines and columns count from 1 in code points, `start` and `end` are offsets."""

    line: int
    column: int
    end_line: int
    end_column: int
    start: int
    end: int


class Node:
    """One node. `parts` holds (key, value) pairs of a map and (None, item) pairs of a list, in the text's order.

    `value` is the data, shared between an anchor and its aliases as in PyYAML. `size` counts nodes with aliases
    expanded, `height` the levels below. `end` of a block collection is the parser's: behind trailing comments.
    """

    __slots__ = (
        "anchor", "end", "flow", "height", "kind", "merges", "parent", "parts", "size", "start", "style", "tag",
        "target", "value", "word",
    )  # fmt: skip

    def __init__(self, kind: Literal["scalar", "map", "list", "alias"], start: Any, end: Any) -> None:
        self.kind = kind
        self.start = start
        self.end = end
        self.value: Any = None
        self.parts: list[tuple[Node | None, Node]] = _NO_PARTS if kind in ("scalar", "alias") else []
        self.merges: list[Node] = _NO_NODES
        self.parent: Node | None = None
        self.target: Node | None = None
        self.anchor: str | None = None
        self.tag: str | None = None
        self.style: str | None = None
        self.word = ""
        self.flow = False
        self.size = 1
        self.height = 0

    @property
    def real(self) -> Node:
        """The node that an alias stands for, or this one."""
        return self.target or self

    def child(self, part: str | int) -> tuple[Node | None, Node] | None:
        """Return the (key, value) nodes of a part of a path, through aliases and merge keys."""
        node = self.real
        if node.kind == "list":
            inside = isinstance(part, int) and 0 <= part < len(node.parts)
            return node.parts[part] if inside and isinstance(part, int) else None
        for key, value in node.parts:
            if key is not None and key.value == part and key.tag != MERGE:
                return key, value
        return next((found for merge in node.merges if (found := merge.child(part))), None)

    def pairs(self) -> Iterator[tuple[str | int, Node | None, Node]]:
        """Yield (part of the path, key node, value node) of everything directly below, merged keys included."""
        node = self.real
        if node.kind == "list":
            for index, (_, item) in enumerate(node.parts):
                yield index, None, item
            return
        seen: set[Any] = set()
        for key, value in node.parts:
            if key is not None and isinstance(key.value, str) and key.tag != MERGE:
                seen.add(key.value)
                yield key.value, key, value
        for merge in node.merges:
            for part, key, value in merge.pairs():
                if part not in seen:
                    seen.add(part)
                    yield part, key, value


#: Shared by all nodes without any: most of a tree, and every object more costs the garbage collector.
_NO_PARTS: list[tuple[Node | None, Node]] = []
_NO_NODES: list[Node] = []


class Lines:
    """Turns the parser's marks into offsets of the whole text, and offsets into lines and columns."""

    def __init__(self, text: str, start: int, end: int) -> None:
        self.text, self.start, self.end = text, start, end

    @cached_property
    def parser_lines(self) -> list[int]:
        """The offsets of the starts of lines, as the parser counts them."""
        breaks = _PARSER_BREAK.finditer(self.text, self.start, self.end)
        return [self.start, *(found.end() for found in breaks)]

    @cached_property
    def _editor_lines(self) -> list[int]:
        if self.start == 0 and self.end == len(self.text) and not _ONLY_PARSER_BREAK.search(self.text):
            return self.parser_lines
        return [0, *(found.end() for found in _EDITOR_BREAK.finditer(self.text))]

    def offset(self, mark: Any) -> int:
        """Return the offset of a mark. By line and column: the parser's own index miscounts CRLF inside scalars."""
        lines = self.parser_lines
        return min(lines[mark.line] + mark.column, self.end) if mark.line < len(lines) else self.end

    def line_column(self, offset: int) -> tuple[int, int]:
        """Return line and column, from 1."""
        line = bisect_right(self._editor_lines, offset)
        return line, offset - self._editor_lines[line - 1] + 1

    def place(self, start: int, end: int) -> Place:
        """Return the place between two offsets."""
        return Place(*self.line_column(start), *self.line_column(end), start, end)

    def span(self, node: Node) -> tuple[int, int]:
        """Return the offsets of a node: tight, without the comments behind a block collection or a block scalar."""
        start = self.offset(node.start)
        last = node
        while last.kind in ("map", "list") and not last.flow and last.parts:
            last = last.parts[-1][1]
        end = max(self.offset(last.end), start)
        if last.style in ("|", ">"):
            end = max(start, start + len(self.text[start:end].rstrip(" \r\n")))
        return start, end


class Places(Mapping[Path, Place]):
    """The places of all paths, worked out when asked for."""

    def __init__(self, root: Node | None, lines: Lines, *, of_keys: bool) -> None:
        self._root, self._lines, self._of_keys = root, lines, of_keys

    def __getitem__(self, path: Path) -> Place:
        if self._root is None:
            raise KeyError(path)
        key: Node | None = None
        value = self._root
        for part in path:
            pair = value.child(part)
            if pair is None:
                raise KeyError(path)
            key, value = pair
        return self._lines.place(*self._lines.span(key if self._of_keys and key is not None else value.real))

    def __iter__(self) -> Iterator[Path]:
        todo: list[tuple[Path, Node]] = [] if self._root is None else [((), self._root)]
        while todo:
            path, node = todo.pop()
            yield path
            todo.extend(reversed([((*path, part), value) for part, _, value in node.pairs()]))

    def __len__(self) -> int:
        return sum(1 for _ in self)
