"""Names, titles and texts from outside are shown as text: no markup in them acts, no control byte gets out."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from agent_workbench.frontends.tui.screens.main import MainScreen

sys.path.insert(0, str(Path(__file__).parent))

from workbench import Bench, workbench

NASTY = "[bold]x[/] \x1b[31m\x9b1m [@click=app.exit]q[/] \u202eevil [/nope]"
TEXT = "bundle:\n  name: '[bold]x'\nproviders:\n  - module: provider-mock # [bold]x [/nope]\n"


def painted(bench: Bench) -> str:
    """Return every character that goes to the terminal."""
    lines = bench.app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in lines)


def looks_safe(bench: Bench, shown: str = "[bold]x") -> None:
    text = painted(bench)
    acting = {letter for letter in text if (ord(letter) < 32 and letter != "\n") or 0x7F <= ord(letter) < 0xA0}
    assert acting == set()
    assert "\u202e" not in text
    assert shown in text


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
async def test_nothing_in_a_config_or_session_acts(tmp_path: Path, size: tuple[int, int]):
    async with workbench(tmp_path, size) as bench:
        made = await bench.shared.configs.create_config(NASTY, TEXT, NASTY, {"folder": NASTY})
        await bench.main.configs.open(made.config_id)
        bench.editor.load(f"{TEXT}# {NASTY}\n")
        session = await bench.shared.sessions.create_session(made.config_id, title=NASTY)
        await bench.main.sessions.open(session.session_id)
        await bench.main.refresh_lists()
        for key in ("f7", "f6", "f6", "f6", "f2", "f3", "f4"):
            await bench.press(key)
            await bench.settled()
            looks_safe(bench)


async def test_nothing_in_a_dialog_acts(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        made = await bench.shared.configs.create_config(NASTY, TEXT, NASTY)
        await bench.main.configs.open(made.config_id)
        await bench.main.refresh_lists()
        for keys in (("alt+a",), ("alt+a", "enter"), ("ctrl+p",), ("f2", "r"), ("f2", "t")):
            await bench.press(*keys)
            await bench.until(lambda: not isinstance(bench.app.screen, MainScreen), "the dialog")
            await bench.settled()
            looks_safe(bench)
            await bench.press("escape")
            await bench.until(lambda: isinstance(bench.app.screen, MainScreen), "closed")


async def test_what_the_screen_says_is_plain_text(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        bench.main.tell(NASTY, title=NASTY, severity="error")
        await bench.until(lambda: "[bold]x[/]" in painted(bench), "the words")
        looks_safe(bench)
