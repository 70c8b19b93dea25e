"""Styles are applied with one repaint, and what is seen is what Textual's own way would show."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from rich.segment import Segment
from textual.css.stylesheet import Stylesheet

from agent_workbench.frontends.tui import app as app_module
from agent_workbench.frontends.tui.themes import DEFAULT, load_themes

sys.path.insert(0, str(Path(__file__).parent))

from workbench import Bench, workbench

KEYS = ("f3", "f2", "ctrl+n", "ctrl+t", "ctrl+p")
"""Which move the focus, fill panes, and open something above them."""
Painted = list[list[Segment]]


def painted(bench: Bench) -> Painted:
    return [list(strip.simplify()) for strip in bench.app.screen._compositor.render_strips()]


async def walk(folder: Path) -> list[Painted]:
    """Return what is painted in each theme, then after each key."""
    seen = []
    folder.mkdir()
    async with workbench(folder) as bench:
        for name in (*sorted(load_themes().by_name.keys() - {DEFAULT}), DEFAULT):
            bench.app.theme = name
            await bench.settled()
            seen.append(painted(bench))
        for key in KEYS:
            await bench.press(key)
            await bench.settled()
            seen.append(painted(bench))
    return seen


async def test_what_is_painted_is_what_textual_alone_would_paint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    ours = await walk(tmp_path / "ours")
    monkeypatch.setattr(app_module, "PaintOnceStylesheet", Stylesheet)
    theirs = await walk(tmp_path / "theirs")
    assert len({str(one) for one in ours}) == len(ours), "each step changes the picture"
    assert ours == theirs
