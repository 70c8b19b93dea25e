"""Where the panes are: two columns where there is room, else one below the other, in shares that a person sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from textual.geometry import NULL_OFFSET, NULL_SPACING, Region, Size
from textual.layout import ArrangeResult, Layout, WidgetPlacement
from textual.widget import Widget

#: Cells that a pane needs to stand beside another.
BESIDE = 44
#: Cells between two columns.
GAP = 1
#: The least that a pane keeps, as a share of its column or row.
LEAST = 0.15


@dataclass(frozen=True, slots=True)
class Shares:
    """What a person set: the left column's part of the width, and how the rows share the height."""

    left: float = 0.5
    rows: tuple[float, ...] = ()

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Shares:
        """Read what was remembered; what does not fit is left out."""
        left, rows = stored.get("left"), stored.get("heights")
        fits = isinstance(rows, list) and len(rows) <= 4 and all(isinstance(one, float) and one > 0 for one in rows)
        return cls(
            left if isinstance(left, float) and LEAST <= left <= 1 - LEAST else 0.5,
            tuple(rows) if fits and isinstance(rows, list) else (),
        )

    def heights(self, height: int, rows: int) -> list[int]:
        """Return the lines of each row; shares that were set for another number of rows do not count."""
        weights = self.rows if len(self.rows) == rows else (1.0,) * rows
        ends = [round(height * sum(weights[: n + 1]) / sum(weights)) for n in range(rows)]
        return [end - start for start, end in zip([0, *ends], ends, strict=False)]

    def with_border(self, heights: Sequence[int], row: int, by: int) -> Shares:
        """Return shares in which the border below a row is so many lines lower."""
        both = heights[row] + heights[row + 1]
        least = max(3, round(LEAST * sum(heights)))
        upper = min(max(heights[row] + by, least), both - least)
        changed = [*heights[:row], upper, both - upper, *heights[row + 2 :]]
        return replace(self, rows=tuple(one / sum(changed) for one in changed)) if upper > 0 else self


class PaneLayout(Layout):
    """Decides from the room there is, so that panes never stand wrong for a moment first."""

    name = "panes"

    def __init__(self) -> None:
        self.shares = Shares()

    def columns(self, panes: int, width: int) -> int:
        """Return how many columns fit."""
        return 2 if panes > 1 and width >= 2 * BESIDE else 1

    def arrange(self, parent: Widget, children: list[Widget], size: Size, greedy: bool = True) -> ArrangeResult:
        """Place the panes from left to right, from top to bottom; the last of an odd number has its row alone."""
        count = len(children)
        columns = self.columns(count, size.width)
        heights = self.shares.heights(size.height, -(-count // columns)) if count else []
        left = int((size.width - GAP) * self.shares.left + 0.001)  # a dragged border stays where it was let go
        placements: list[WidgetPlacement] = []
        for index, child in enumerate(children):
            row, column = divmod(index, columns)
            x, width = (left + GAP, size.width - left - GAP) if column else (0, left)
            if columns == 1 or (column == 0 and index == count - 1):
                x, width = 0, size.width
            region = Region(x, sum(heights[:row]), width, heights[row])
            placements.append(WidgetPlacement(region, NULL_OFFSET, NULL_SPACING, child))
        return placements
