"""Markdown as lines: parsed by markdown-it, laid out here, never as widgets (1,324 of them for 100 messages).

HTML is text, a link shows its address, and nothing becomes a terminal link: what is shown is what is there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING

from agent_workbench.conversation.clean import clean
from agent_workbench.frontends.tui.widgets.lines import Line, Run, fold, pad, text_of, width_of, wrap
from agent_workbench.frontends.tui.widgets.syntax import highlight

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

NARROWEST = 12
"""Cells left to the words however deep quotes and lists go."""

MOST = 100_000
MARKS = 2_000
"""A longer text, or a paragraph of more marks, is laid out plain: 20,000 `[` in a row take the parser 0.9 s."""

_MARKS = re.compile(r"[\[\]*_~<&`!|]")
_INLINE = {"em": "emphasis", "strong": "strong", "s": "strike", "link": "link"}
_BULLETS = "•◦▪"

#: Languages of a fence that say nothing.
PLAIN = frozenset({"text", "txt", "plain", "plaintext"})


def markdown(text: str, width: int) -> list[Line]:
    """Lay cleaned markdown out as lines of at most `width` cells. An empty text has no lines."""
    if _is_costly(text):
        return wrap([(text, "")], width)
    return _Layout(width).render(_parser().parse(text))


def _is_costly(text: str) -> bool:
    if len(text) <= MARKS:
        return False
    return len(text) > MOST or any(len(_MARKS.findall(part)) > MARKS for part in text.split("\n\n"))


def code_blocks(text: str) -> list[str]:
    """Return the code of every fenced or indented block in order, for copying."""
    return [token.content for token in _parser().parse(text) if token.type in ("fence", "code_block")]


def code_lines(code: str, language: str, width: int, prefix: Sequence[Run] = ()) -> list[Line]:
    """Lay code out on a background of its own, highlighted, folded at the width."""
    runs = [(piece, f"block {role}".rstrip()) for piece, role in highlight(code.rstrip("\n"), language)]
    lines = fold(runs, width, [*prefix, ("  ", "block")])
    return [[*line, (" " * max(0, width - width_of(line)), "block")] for line in lines]


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


class _Layout:
    """One pass over the tokens. `prefix` stands before every line, `marker` before the next one only."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.lines: list[Line] = []
        self.prefix: Line = []
        self.marker: Line | None = None
        self.outer: list[Line] = []
        self.lists: list[int | None] = []
        self.gap = False

    def render(self, tokens: Sequence[Token]) -> list[Line]:
        stream = iter(tokens)
        for token in stream:
            self._block(token, stream)
        return self.lines

    def _block(self, token: Token, stream: Iterator[Token]) -> None:
        match token.type:
            case "heading_open":
                self._words(_inline(next(stream)), "heading strong" if token.tag in ("h1", "h2") else "heading")
            case "paragraph_open":
                self._words(_tasks(_inline(next(stream))), "", tight=token.hidden)
            case "bullet_list_open" | "ordered_list_open":
                start = int(token.attrs.get("start", 1)) if token.type.startswith("ordered") else None
                self.gap = self.gap and not self.lists
                self.lists.append(start)
            case "bullet_list_close" | "ordered_list_close":
                self.lists.pop()
                self.gap = not self.lists
            case "list_item_open":
                self._enter([(self._bullet(), "muted sign")])
            case "blockquote_open":
                self._enter([("▎ ", "quote sign")], every=True)
            case "list_item_close" | "blockquote_close":
                self._leave()
            case "fence" | "code_block":
                self._code(token)
            case "table_open":
                self._table(stream)
            case "hr":
                self._add([[*self._first(), ("─" * max(3, self.width - width_of(self.prefix)), "muted ornament")]])
            case _:
                pass

    def _words(self, runs: list[Run], role: str, *, tight: bool = False) -> None:
        styled = [(text, f"{role} {own}".strip()) for text, own in runs]
        self._separate()
        self.lines += wrap(styled, self.width, self._first(), self.prefix)
        self.gap = not tight

    def _code(self, token: Token) -> None:
        self._separate()
        language = token.info.split(" ")[0]
        if language and language not in PLAIN:
            self.lines.append([*self._first(), (clean(language)[:30], "muted")])
        first = self._first()
        lines = code_lines(token.content, language, self.width, self.prefix)
        self.lines += [[*first, *line[len(self.prefix) :]] if not number else line for number, line in enumerate(lines)]
        self.gap = True

    def _table(self, stream: Iterator[Token]) -> None:
        rows, aligns = _rows(stream)
        first = self._first()
        room = self.width - width_of(self.prefix)
        lines = table_lines(rows, aligns, room)
        self._add([[*(self.prefix if number else first), *line] for number, line in enumerate(lines)])

    def _add(self, lines: list[Line]) -> None:
        self._separate()
        self.lines += lines
        self.gap = True

    def _separate(self) -> None:
        if self.gap and self.lines:
            self.lines.append(list(self.prefix))
        self.gap = False

    def _first(self) -> Line:
        first, self.marker = self.marker, None
        return list(self.prefix if first is None else first)

    def _enter(self, mark: Line, *, every: bool = False) -> None:
        self._separate()
        self.outer.append(self.prefix)
        if width_of(self.prefix) + width_of(mark) > self.width - NARROWEST:
            return
        before = self.prefix if self.marker is None else self.marker
        self.marker = [*before, *mark]
        self.prefix = [*self.prefix, *(mark if every else [(" " * width_of(mark), "")])]

    def _leave(self) -> None:
        if self.marker is not None:
            self.lines.append(self._first())
        self.prefix = self.outer.pop()

    def _bullet(self) -> str:
        number = self.lists[-1]
        if number is None:
            return _BULLETS[min(len(self.lists) - 1, 2)] + " "
        self.lists[-1] = number + 1
        return f"{number}. "


def table_lines(rows: list[list[Line]], aligns: list[str], width: int) -> list[Line]:
    """Lay a table out, head first, cells wrapped; too narrow for its columns, each row becomes `head: cell` lines."""
    columns = len(aligns)
    room = width - 3 * (columns - 1)
    if room < 6 * columns:
        return _records(rows, width)
    widths = _column_widths(rows, columns, room)
    lines: list[Line] = []
    for number, row in enumerate(rows):
        cells = [wrap(cell, size) for cell, size in zip(row, widths, strict=True)]
        for part in range(max(map(len, cells))):
            line: Line = []
            for column, cell in enumerate(cells):
                line += [(" │ ", "muted ornament")] if column else []
                line += pad(cell[part] if part < len(cell) else [], widths[column], aligns[column])
            lines.append([(text, f"{role} strong".strip()) for text, role in line] if number == 0 else line)
        if number == 0:
            lines.append([("─┼─".join("─" * size for size in widths), "muted ornament")])
    return lines


def _records(rows: list[list[Line]], width: int) -> list[Line]:
    head, *body = rows
    lines: list[Line] = []
    for row in body or [head]:
        for name, cell in zip(head, row, strict=True):
            lines += wrap([(text_of(name), "strong"), (": ", "muted"), *cell], width, (), [("  ", "")])
        lines.append([])
    return lines[:-1]


def _column_widths(rows: list[list[Line]], columns: int, room: int) -> list[int]:
    widths = [max(1, *(width_of(row[column]) for row in rows)) for column in range(columns)]
    while sum(widths) > room:
        widest = max(range(columns), key=widths.__getitem__)
        over = sum(widths) - room
        second = max((size for column, size in enumerate(widths) if column != widest), default=1)
        widths[widest] -= max(1, min(over, widths[widest] - second))
    return widths


def _rows(stream: Iterator[Token]) -> tuple[list[list[Line]], list[str]]:
    rows: list[list[Line]] = []
    aligns: list[str] = []
    for token in stream:
        if token.type == "table_close":
            break
        if token.type == "tr_open":
            rows.append([])
        elif token.type in ("th_open", "td_open"):
            if token.type == "th_open":
                aligns.append(str(token.attrs.get("style", "")).removeprefix("text-align:") or "left")
            rows[-1].append([(text.replace("\n", " "), role) for text, role in _inline(next(stream))])
    return rows, aligns


def _tasks(runs: list[Run]) -> list[Run]:
    for mark, box in (("[ ] ", "☐ "), ("[x] ", "☑ "), ("[X] ", "☑ ")):
        if runs and runs[0][0].startswith(mark):
            return [(box, f"{runs[0][1]} sign".strip()), (runs[0][0][4:], runs[0][1]), *runs[1:]]
    return runs


def _inline(token: Token) -> list[Run]:
    """Turn inline tokens to runs. Cleans once more: an entity such as `&#x202e;` becomes its character in parsing."""
    runs: list[Run] = []
    roles: list[str] = []
    links: list[tuple[str, int]] = []
    for child in token.children or ():
        kind = child.type
        if kind == "link_open":
            links.append((clean(str(child.attrs.get("href", ""))), len(runs)))
        if kind.endswith("_open"):
            roles.append(_INLINE.get(kind.removesuffix("_open"), ""))
        elif kind.endswith("_close"):
            roles.pop()
        if kind == "link_close":
            address, start = links.pop()
            if address and address.removeprefix("mailto:") != text_of(runs[start:]):
                runs.append((f" ({address})", "muted"))
        elif kind == "softbreak":
            runs.append((" ", ""))
        elif kind == "hardbreak":
            runs.append(("\n", ""))
        elif kind == "code_inline":
            runs.append((clean(child.content), " ".join([*filter(None, roles), "code"])))
        elif kind == "image":
            runs.append((f"[image: {clean(child.content)}] ({clean(str(child.attrs.get('src', '')))})", "link"))
        elif child.content:
            runs.append((clean(child.content), " ".join(filter(None, roles))))
    return runs
