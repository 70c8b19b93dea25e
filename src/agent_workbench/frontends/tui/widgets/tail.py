"""A text that is still being written, laid out at the cost of what is new.

Finished paragraphs are laid out as markdown once and stay. The open end is small markdown, or, when it is a code
fence or a table or grows over `OPEN_MOST`, plain text of which finished lines are kept: laying a long open fence out
again for every piece is what made streaming 50 times slower than the network.
"""

from __future__ import annotations

import re

from agent_workbench.conversation.clean import Cleaner
from agent_workbench.frontends.tui.widgets.lines import Line, fold, width_of, wrap
from agent_workbench.frontends.tui.widgets.markdown import markdown

OPEN_MOST = 3_000

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
_ITEM = re.compile(r"\s|[-*+] |\d+[.)] ")


class Tail:
    """The text so far and its lines. `feed` is cheap; `lines` does the work, once for each paint."""

    def __init__(self, *, plain: bool = False) -> None:
        self.plain = plain
        self._pieces: list[str] = []
        self._reset(0)

    def _reset(self, width: int) -> None:
        self._width = width
        self._cleaner = Cleaner()
        self._settled: list[Line] = []
        self._open: list[str] = []
        self._fenced: list[bool] = []  # for each open line, whether it belongs to a code fence
        self._partial = ""
        self._fence = ""
        self._kept: list[Line] = []
        self._kept_lines = 0

    def feed(self, text: str) -> None:
        """Take more text."""
        self._pieces.append(text)
        if self._width:
            self._take(self._cleaner.feed(text))

    @property
    def text(self) -> str:
        """Everything that was fed, as it came."""
        if len(self._pieces) > 1:
            self._pieces = ["".join(self._pieces)]
        return self._pieces[0] if self._pieces else ""

    def lines(self, width: int) -> list[Line]:
        """Return all lines at this width. Another width than last time lays everything out again."""
        if width != self._width:
            self._reset(width)
            self._take(self._cleaner.feed(self.text))
        settled, shown = self._settled, self._open_lines()
        return [*settled, *([[]] if settled and shown else []), *shown]

    def _take(self, text: str) -> None:
        *finished, self._partial = (self._partial + text).split("\n")
        for line in finished:
            self._take_line(line)

    def _take_line(self, line: str) -> None:
        if self._starts_block(line):
            self._settle()
        match = _FENCE.fullmatch(line)
        self._fenced.append(bool(self._fence or match))
        if match and not self._fence:
            self._fence = match[1]
        elif match and match[1].startswith(self._fence) and not match[2].strip():
            self._fence = ""
        self._open.append(line)

    def _starts_block(self, line: str) -> bool:
        if self._fence or self.plain or not line or not self._open or self._open[-1].strip():
            return False
        return not (_ITEM.match(line) and any(_ITEM.match(before) for before in self._open))

    def _settle(self) -> None:
        lines = markdown("\n".join(self._open), self._width)
        if lines:
            self._settled += [*([[]] if self._settled else []), *lines]
        self._open, self._fenced, self._kept, self._kept_lines = [], [], [], 0

    def _open_lines(self) -> list[Line]:
        """Lay the open end out."""
        size = sum(map(len, self._open)) + len(self._partial)
        table = bool(self._open) and self._open[0].lstrip().startswith("|")
        if not (self._fence or table or self.plain or size > OPEN_MOST):
            return markdown("\n".join([*self._open, self._partial]), self._width)
        for line, fenced in zip(self._open[self._kept_lines :], self._fenced[self._kept_lines :], strict=True):
            self._kept += self._plain_lines(line, fenced)
        self._kept_lines = len(self._open)
        return [*self._kept, *(self._plain_lines(self._partial, bool(self._fence)) if self._partial else [])]

    def _plain_lines(self, line: str, fenced: bool) -> list[Line]:
        if not fenced:
            return wrap([(line, "")], self._width)
        match = _FENCE.fullmatch(line)
        if match:
            return [[(match[2].strip(), "muted")]] if match[2].strip() else []
        lines = fold([(line, "block")], self._width, [("  ", "block")])
        return [[*cells, (" " * max(0, self._width - width_of(cells)), "block")] for cells in lines]
