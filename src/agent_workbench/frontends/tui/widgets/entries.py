"""The blocks of a transcript with their heights: known where laid out, guessed elsewhere."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

from textual.strip import Strip

from agent_workbench.frontends.tui.widgets.blocks import (
    Block,
    Mode,
    TailBlock,
    default_mode,
    estimate,
    layout,
    spaced,
    words_of,
)
from agent_workbench.frontends.tui.widgets.lines import Line


class Entry:
    """A block in its place. `lines` is None until it is laid out; `strips` holds painted lines of one paint count."""

    __slots__ = ("_words", "block", "gap", "height", "lines", "mode", "paints", "strips")

    def __init__(self, block: Block, gap: bool) -> None:
        self.block = block
        self.gap = gap
        self.mode: Mode | None = None
        self.lines: list[Line] | None = None
        self.height = 1
        self.strips: dict[int, Strip] = {}
        self.paints = 0
        self._words: tuple[Block, str] | None = None

    @property
    def words(self) -> str:
        """What is searched in, kept while the block is the same: 10,000 messages take 60 ms to be read."""
        if self._words is None or self._words[0] is not self.block or isinstance(self.block, TailBlock):
            self._words = (self.block, words_of(self.block))
        return self._words[1]

    def forget_words(self) -> None:
        """Let go of what is searched in."""
        self._words = None

    @property
    def shown(self) -> Mode:
        """The mode that the person chose, else the block's own."""
        return self.mode or default_mode(self.block)


class Entries:
    """An ordered list of entries, addressed by index and by line. Lines count from 0 at the top."""

    def __init__(self) -> None:
        self.items: list[Entry] = []
        self.width = 0
        self._tops: list[int] = [0]

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Entry:
        return self.items[index]

    def extend(self, blocks: Iterable[Block]) -> None:
        """Add blocks at the end, their heights guessed."""
        before = self.items[-1].block if self.items else None
        for block in blocks:
            entry = Entry(block, spaced(before, block))
            self._guess(entry)
            self.items.append(entry)
            before = block

    def truncate(self, length: int) -> None:
        """Keep the first `length` entries."""
        del self.items[length:]
        del self._tops[length + 1 :]

    def replace(self, index: int, block: Block) -> None:
        """Put another block in a place; what the person folded stays folded."""
        self.items[index].block = block
        self.forget(index)

    def forget(self, index: int) -> None:
        """Let an entry be laid out again."""
        self.items[index].lines = None
        del self._tops[index + 1 :]

    def resize(self, width: int) -> None:
        """Guess every height for another width (10,000 blocks: 10 ms)."""
        self.width = width
        for entry in self.items:
            entry.lines = None
            self._guess(entry)
        del self._tops[1:]

    def lay(self, index: int) -> None:
        """Lay an entry out, if it is not."""
        entry = self.items[index]
        if entry.lines is not None:
            return
        lines = layout(entry.block, self.width, entry.shown)
        entry.lines = [[], *lines] if entry.gap else lines
        entry.strips = {}
        if len(entry.lines) != entry.height or index + 1 >= len(self._tops):
            entry.height = len(entry.lines)
            del self._tops[index + 1 :]

    @property
    def height(self) -> int:
        """All lines together."""
        return self._known()[-1]

    def top(self, index: int) -> int:
        """Return the first line of an entry; of the one after the last, the height."""
        return self._known()[index]

    def at(self, line: int) -> int:
        """Return the index of the entry that holds a line, the nearest where there is none."""
        return max(0, min(len(self.items), bisect_right(self._known(), line)) - 1)

    def _known(self) -> list[int]:
        tops = self._tops
        if len(tops) <= len(self.items):
            line = tops[-1]
            for entry in self.items[len(tops) - 1 :]:
                line += entry.height
                tops.append(line)
        return tops

    def _guess(self, entry: Entry) -> None:
        entry.height = estimate(entry.block, max(1, self.width), entry.shown) + entry.gap
