"""Bars in the terminal: numbers over time, with eighths of a cell."""

from __future__ import annotations

from collections.abc import Sequence

from agent_workbench.frontends.tui.widgets.lines import Line

EIGHTHS = " ▁▂▃▄▅▆▇█"


def bars(values: Sequence[float], width: int, height: int = 6) -> list[Line]:
    """Draw a bar for each value, the highest `height` cells high; anything above 0 is seen.

    Where there are more values than cells, the newest are drawn; a bar is as wide as fits, at most 4 cells.
    """
    if not values or width < 1:
        return []
    wide = max(1, min(4, width // len(values)))
    shown = values[-(width // wide) :]
    top = max(shown)
    if top <= 0:
        return []
    eighths = [max(1, round(value / top * height * 8)) if value > 0 else 0 for value in shown]
    lines: list[Line] = []
    for row in reversed(range(height)):
        cells = [EIGHTHS[max(0, min(8, count - row * 8))] for count in eighths]
        lines.append([("".join(_bar(cell, wide) for cell in cells), "state")])
    return lines


def _bar(cell: str, wide: int) -> str:
    return cell if wide == 1 else cell * (wide - 1) + " "
