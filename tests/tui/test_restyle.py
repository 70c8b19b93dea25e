"""Styles are applied with one repaint, and what is seen is what Textual's own way would show."""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.segment import Segment
from textual.app import App, ComposeResult
from textual.containers import VerticalScroll
from textual.css.stylesheet import Stylesheet
from textual.widgets import Static

from agent_workbench.frontends.tui import app as app_module
from agent_workbench.frontends.tui.restyle import PaintOnceStylesheet
from agent_workbench.frontends.tui.themes import DEFAULT, load_themes

sys.path.insert(0, str(Path(__file__).parent))

from workbench import workbench

KEYS = ("f3", "f2", "ctrl+n", "ctrl+t", "ctrl+p")
"""Which move the focus, fill panes, and open something above them."""
Painted = list[list[Segment]]


def painted(app: App[None]) -> Painted:
    return [list(strip.simplify()) for strip in app.screen._compositor.render_strips()]


async def walk(folder: Path) -> list[Painted]:
    """Return what is painted in each theme, then after each key."""
    seen = []
    folder.mkdir()
    async with workbench(folder) as bench:
        for name in (*sorted(load_themes().by_name.keys() - {DEFAULT}), DEFAULT):
            bench.app.theme = name
            await bench.settled()
            seen.append(painted(bench.app))
        for key in KEYS:
            await bench.press(key)
            await bench.settled()
            seen.append(painted(bench.app))
    return seen


async def test_what_is_painted_is_what_textual_alone_would_paint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    ours = await walk(tmp_path / "ours")
    monkeypatch.setattr(app_module, "PaintOnceStylesheet", Stylesheet)
    theirs = await walk(tmp_path / "theirs")
    assert len({str(one) for one in ours}) == len(ours), "each step changes the picture"
    assert ours == theirs


class Little(App[None]):
    """Every kind of rule that a class can change: colours, edges, room, words, bars, what is shown at all."""

    CSS = """
    VerticalScroll { height: 8; border: round $foreground; }
    Static { height: 3; }
    .a { color: $error; background: $surface; border: round $primary; }
    .b { border: heavy $primary; scrollbar-color: $error; scrollbar-background: $success; }
    .f { border: none; }
    .c { padding: 1; text-style: bold; tint: $warning 20%; }
    .d { display: none; }
    .e { background: $panel 50%; opacity: 60%; outline: solid $accent; offset: 1 0; }
    """

    def compose(self) -> ComposeResult:
        with VerticalScroll():
            for number in range(6):
                yield Static(f"line {number}")


async def toggled(kind: type[Stylesheet], seed: int) -> list[Painted]:
    """Return what is painted after each of some random changes; most are of one widget, which lays nothing else out."""
    rng: Any = random.Random(seed)
    app = Little()
    app.stylesheet = kind(variables=app.get_css_variables())
    seen = []
    async with app.run_test(size=(30, 12)) as pilot:
        nodes = [*app.query("VerticalScroll"), *app.query("Static")]
        for _ in range(25):
            rng.choice(nodes).toggle_class(rng.choice("abcdef"))
            if rng.random() < 0.2:
                app.theme = rng.choice(["nord", "textual-light"])
            await pilot.pause()
            seen.append(painted(app))
    return seen


@pytest.mark.parametrize("seed", range(6))
async def test_no_change_of_rules_is_missed(seed: int):
    assert await toggled(PaintOnceStylesheet, seed) == await toggled(Stylesheet, seed)
