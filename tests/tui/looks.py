"""Reading the screen of a test app the way a terminal would get it."""

from __future__ import annotations

import re

from textual.app import App

HOSTILE = (
    "\x1b[31mred \x1b]52;c;aGk=\x07 \x1b]8;;http://x\x1b\\y \x9b2J \x00 \x7f user\u202etxt.exe a\u200bb \ud800 "
    "[@click=app.quit]go[/] [bold unbalanced [/red] [link=http://x]z"
)
"""Everything that must reach a screen only as something to read."""

ACTING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def rows(app: App[None]) -> list[str]:
    """Return the lines on the screen, right spaces and scrollbar cut."""
    return [strip.text.rstrip(" ▁▂▃▄▅▆▇█") for strip in app.screen._compositor.render_strips()]


def text(app: App[None]) -> str:
    """Return the screen as one text."""
    return "\n".join(rows(app))


def assert_inert(app: App[None]) -> None:
    """Assert that nothing on the screen acts: no control character, no link, no click action out of content."""
    for strip in app.screen._compositor.render_strips():
        assert not ACTING.search(strip.text), repr(strip.text)
        for segment in strip:
            if segment.style is not None:
                assert not segment.style.link
                assert "@click" not in segment.style.meta
