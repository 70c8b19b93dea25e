"""Plans of edits: which stretch of the text is replaced by what. A plan is only a proposal; the law decides.

Each verb gives one or more plans, the nicest first, because what a comment belongs to can only be guessed.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from agent_workbench.configs.document.layout import Layout, Spot
from agent_workbench.configs.document.writer import Writer
from agent_workbench.configs.nodes import Node


class Splice(NamedTuple):
    """Replace the text between two offsets."""

    start: int
    end: int
    new: str


Plan = list[Splice]


class Splicer:
    """Makes plans for one reading of a text."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.text = layout.text
        self.writer = Writer(layout.style)
        self.newline = layout.style.newline

    # set

    def replace(self, spot: Spot, value: Any) -> list[Plan]:
        """Put a value in the place of another."""
        node = spot.value
        if isinstance(value, dict | list) and self._is_remarked(node):
            text = self.writer.flow(value)
            start, end = self.layout.content_start(node), self.layout.end(node)
            return [[Splice(start, start + 1, text[:-1]), Splice(end - 1, end, text[-1])]]
        if self.layout.in_flow(spot.parent):
            return [[self._inline(spot, self.writer.flow(value))]]
        inline = self._inline_text(node, value)
        if inline is not None and not _is_block(node):
            return [[self._inline(spot, inline)]]
        return [[self._rewrite(spot, value, inline)]]

    def _is_remarked(self, node: Node) -> bool:
        """Tell whether a flow collection holds nothing but a comment."""
        return (
            node.flow and not node.parts and "#" in self.text[self.layout.content_start(node) : self.layout.end(node)]
        )

    def _inline_text(self, node: Node, value: Any) -> str | None:
        inline = self.writer.inline(value)
        if inline is None and node.flow and node.parts and isinstance(value, dict | list):
            return self.writer.flow(value)
        if inline is not None and isinstance(value, str) and node.style in ("'", '"'):
            return self.writer.scalar(value, quote=node.style)
        return inline

    def _inline(self, spot: Spot, text: str) -> Splice:
        node, layout = spot.value, self.layout
        start = layout.start(node) if node.tag else layout.content_start(node)
        end = layout.end(node)
        if node.kind == "scalar" and start >= end:
            start = end = start if node.anchor else layout.head(spot)
            text = text if self.text[start - 1] in " \t" else f" {text}"
        return Splice(start, end, text)

    def _rewrite(self, spot: Spot, value: Any, inline: str | None) -> Splice:
        """Write everything behind the dash or colon anew; the comment on its line stays."""
        layout = self.layout
        head = layout.head(spot)
        column = layout.column(layout.entry_start(spot))
        keep, stop = self._behind_head(spot.value, head, column)
        if spot.key is None:
            gap = layout.start(spot.value) - head + 1
            text, body = self.writer.behind_dash(value, column, gap if 1 < gap <= 8 else 0)
        else:
            text, body = self.writer.behind_key(value, column)
        if inline is not None:
            text, body = f" {inline}", []
        return Splice(head, stop, self.newline.join([text + keep, *body]))

    def _behind_head(self, node: Node, head: int, column: int) -> tuple[str, int]:
        """Return the comment that stays on the line of the head, and where the old value's lines stop."""
        layout = self.layout
        end = layout.end(node)
        line_end = layout.line_end(head)
        if not _is_block(node):
            return self.text[end : layout.line_end(end)], layout.line_end(end)
        if node.kind == "scalar":
            begin = layout.content_start(node)
            words = self.text[begin : layout.line_end(begin)]
            comment = words.find(" #")
            return (words[comment:] if comment >= 0 else ""), layout.line_end(end)
        if layout.content_start(node) < line_end:  # `- a: 1`
            return (self.text[end:line_end] if end <= line_end else ""), layout.line_end(end)
        behind = self.text[head:line_end]
        comment = behind.find("#")
        return (f" {behind[comment:]}" if comment >= 0 else ""), layout.below(end, column, deeper=True)

    # add

    def add_pairs(self, node: Node, pairs: dict[str, Any]) -> list[Plan]:
        """Put entries behind the last of a map that has some."""
        if self.layout.in_flow(node):
            text = ", ".join(self.writer.flow_pair(key, value) for key, value in pairs.items())
            return [[self._flow_insert(node, len(node.parts), text)]]
        key = node.parts[0][0]
        assert key is not None
        column = self.layout.column(self.layout.start(key))
        return self._after(node, column, self.writer.map_lines(pairs, column))

    def add_item(self, node: Node, index: int, value: Any) -> list[Plan]:
        """Put an item before another of a list that has some, or behind the last."""
        if self.layout.in_flow(node):
            return [[self._flow_insert(node, index, self.writer.flow(value))]]
        near = self.layout.siblings(node)[min(index, len(node.parts) - 1)]
        dash = self.layout.entry_start(near)
        column = self.layout.column(dash)
        lines = self.writer.list_lines([value], column, self._gap(near, dash))
        if index >= len(node.parts):
            return self._after(node, column, lines)
        if self.layout.is_first_on_line(dash):
            at = self.layout.above(near)
            return [[Splice(at, at, self.newline.join([*lines, ""]))]]
        lines[0] = lines[0][column:]
        return [[Splice(dash, dash, self.newline.join([*lines, " " * column]))]]

    def _gap(self, spot: Spot, dash: int) -> int:
        gap = self.layout.start(spot.value) - dash
        return gap if spot.value.kind in ("map", "list") and 1 < gap <= 8 else 0

    def _after(self, node: Node, column: int, lines: list[str]) -> list[Plan]:
        end = self.layout.end(node)
        return self.below(node, end, column, self.newline + self.newline.join(lines))

    def below(self, node: Node, end: int, column: int, text: str) -> list[Plan]:
        """Write lines below content, behind the comments that belong to it or, if that fails, before them."""
        stops = dict.fromkeys((self.layout.below(end, column, deeper=False), self.layout.line_end(end)))
        plans = [[Splice(stop, stop, text)] for stop in stops]
        if self.layout.next_line(end) < len(self.text):
            return plans
        # At the end of a text without a last line end, a literal has none either: keep it so, or give ours one.
        last = self.layout.reading.end
        header = self.layout.literal_header(node)
        for added in (text, text + self.newline):
            plans.append([Splice(last, last, added)])
            if header is not None:
                plans.append([Splice(header, header, "-"), Splice(last, last, added)])
        return plans

    def _flow_insert(self, node: Node, index: int, text: str) -> Splice:
        layout = self.layout
        spots = layout.siblings(node)
        near = layout.entry_start(spots[min(index, len(spots) - 1)])
        indent = self.text[layout.line_start(near) : near]
        own_line = not indent.strip()
        if index < len(spots):
            return Splice(near, near, f"{text},{self.newline}{indent}" if own_line else f"{text}, ")
        end = layout.end(spots[-1].value)
        comma = self.comma(end)
        after = end if comma is None else comma + 1
        stop = layout.line_end(after)
        if own_line and layout.rest_is_comment(after):
            first, last = (",", "") if comma is None else ("", ",")
            return Splice(after, stop, f"{first}{self.text[after:stop]}{self.newline}{indent}{text}{last}")
        return Splice(after, after, f", {text}" if comma is None else f" {text},")

    def comma(self, end: int) -> int | None:
        at = self.layout.skip(end)
        return at if self.text[at : at + 1] == "," else None

    # remove

    def remove(self, spot: Spot) -> list[Plan]:
        """Take an entry out, with the comment that belongs to it."""
        parent = spot.parent
        assert parent is not None
        if parent.flow:
            return [[self._remove_flow(spot)]]
        alone = len(parent.parts) == 1 and parent.parent is None  # its lines go, even where a `?` stands before its key
        if not alone and not self.layout.is_first_on_line(self.layout.entry_start(spot)):
            return self._remove_inline(spot)
        if len(parent.parts) == 1 and parent.parent is not None:
            return self._remove_last(parent, spot)
        return [[splice] for splice in self._lines_of(spot)]

    def _lines_of(self, spot: Spot) -> list[Splice]:
        layout = self.layout
        column = layout.column(layout.entry_start(spot))
        top = layout.above(spot)
        stop = layout.below(layout.end(spot.value), column, deeper=True)
        low, high = top, layout.next_line(stop)
        if stop == high and low > layout.reading.start:  # no line end behind it: the one before it goes
            low = layout.line_end(low - 1)
        plain = Splice(low, high, "")
        blank = layout.next_line(high)
        above_is_blank = low > layout.reading.start and not self.text[layout.line_start(low - 1) : low].strip()
        below_is_blank = high < layout.reading.end and not self.text[high : layout.line_end(high)].strip()
        heads_others = spot.index == 0 and spot.parent is not layout.reading.root and len(layout.siblings_of(spot)) > 1
        if below_is_blank and (above_is_blank or heads_others):
            return [Splice(low, blank, ""), plain]
        if above_is_blank and high >= layout.reading.end and high > stop:
            return [Splice(layout.line_start(low - 1), high, ""), plain]
        return [plain]

    def _remove_inline(self, spot: Spot) -> list[Plan]:
        """Remove the first entry where it stands behind a dash."""
        parent, layout = spot.parent, self.layout
        assert parent is not None
        start = layout.entry_start(spot)
        if len(parent.parts) == 1:
            return [[self._rewrite(layout.spot_of(parent), [] if parent.kind == "list" else {}, None)]]
        following = layout.siblings(parent)[1]
        next_start = layout.entry_start(following)
        stop = layout.line_end(layout.end(spot.value))
        if layout.line_start(next_start) == layout.next_line(stop):
            return [[Splice(start, next_start, "")]]
        return [[Splice(start, stop, "")]]

    def _remove_last(self, parent: Node, spot: Spot) -> list[Plan]:
        """Remove the only entry; the collection stays, empty."""
        layout = self.layout
        owner = layout.spot_of(parent)
        empty = "[]" if parent.kind == "list" else "{}"
        at = layout.content_start(parent) if parent.anchor else layout.head(owner)
        at = min(at, layout.line_end(layout.head(owner)))
        behind = self.text[at - 1 : at]
        mark = Splice(at, at, empty if behind in " \t" else f" {empty}")
        return [[mark, splice] for splice in self._lines_of(spot) if splice.start >= at]

    def _remove_flow(self, spot: Spot) -> Splice:
        parent, layout = spot.parent, self.layout
        assert parent is not None
        start, end = layout.entry_start(spot), layout.end(spot.value)
        comma = self.comma(end)
        after = end if comma is None else comma + 1
        if layout.is_first_on_line(start) and layout.rest_is_comment(after) and layout.next_line(after) > after:
            return Splice(layout.line_start(start), layout.next_line(after), "")
        spots = layout.siblings(parent)
        if spot.index + 1 < len(spots):
            return Splice(start, layout.entry_start(spots[spot.index + 1]), "")
        if spot.index and "#" not in self.text[layout.end(spots[-2].value) : start]:
            return Splice(layout.end(spots[-2].value), end, "")
        return Splice(start, after, "")

    # rename, move

    def rename(self, spot: Spot, new: str) -> list[Plan]:
        """Write another key."""
        key, layout = spot.key, self.layout
        assert key is not None
        start, end = layout.content_start(key), layout.end(key)
        flow = layout.in_flow(spot.parent)
        quote = key.style if key.style in ("'", '"') else ""
        texts = dict.fromkeys((self.writer.scalar(new, flow=flow, quote=quote), self.writer.scalar(new, quote='"')))
        return [[Splice(start, end, text)] for text in texts]

    def move(self, parent: Node, old: int, new: int) -> list[Plan]:
        """Move an entry to another place among its siblings; what stands between entries stays where it is."""
        low, high = min(old, new), max(old, new)
        chunks = [self._chunk(spot) for spot in self.layout.siblings(parent)[low : high + 1]]
        texts = [self.text[start:end] for start, end in chunks]
        gaps = [self.text[chunks[i][1] : chunks[i + 1][0]] for i in range(len(chunks) - 1)]
        texts.insert(new - low, texts.pop(old - low))
        mixed = texts[0] + "".join(gap + text for gap, text in zip(gaps, texts[1:], strict=True))
        return [[Splice(chunks[0][0], chunks[-1][1], mixed)]]

    def _chunk(self, spot: Spot) -> tuple[int, int]:
        layout = self.layout
        start = layout.entry_start(spot)
        if layout.in_flow(spot.parent):
            return start, layout.end(spot.value)
        column = layout.column(start)
        if layout.is_first_on_line(start):
            start = layout.above(spot) + column
        return start, layout.below(layout.end(spot.value), column, deeper=True)


def _is_block(node: Node) -> bool:
    if node.kind == "scalar":
        return node.style in ("|", ">")
    return node.kind in ("map", "list") and not node.flow
