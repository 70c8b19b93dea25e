"""Reading the screen of a test app the way a terminal would get it."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from typing import Any

from textual.app import App
from textual.geometry import Region
from textual.pilot import Pilot

#: How many seconds a test waits for something that happens in another thread or task, also on a busy machine.
PATIENCE = 30.0
#: Seconds without a change after which a screen is still: longer than every pause after which the workbench looks anew.
STILL = 0.3

HOSTILE = (
    "\U000e0041\u2060\ufeff\u00ad\u200f\x1bPq\x1b\\ \x9d0;t\x9c \x90p\x9c \r界①e" + "\u0301" * 40 + " "
    "\x1b[31mred \x1b]52;c;aGk=\x07 \x1b]8;;http://x\x1b\\y \x9b2J \x00 \x7f user\u202etxt.exe a\u200bb \ud800 "
    "[@click=app.quit]go[/] [bold unbalanced [/red] [link=http://x]z"
)
"""Everything that must reach a screen only as something to read."""

ACTING = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\U000e0000-\U000e0fff]"
)


def rows(app: App[None]) -> list[str]:
    """Return the lines on the screen, right spaces and scrollbar cut."""
    return [strip.text.rstrip(" ▁▂▃▄▅▆▇█") for strip in app.screen._compositor.render_strips()]


def text(app: App[None]) -> str:
    """Return the screen as one text."""
    return "\n".join(rows(app))


Cell = tuple[str, str]
"""A character, and the attributes of a terminal that it is painted with."""
ATTRIBUTES = ("bold", "dim", "italic", "underline", "reverse", "strike")


def cells(app: App[None], region: Region | None = None) -> list[list[Cell]]:
    """Return what is painted without its colours: each character with its attributes, of a region or of all."""
    region = region or app.screen.region
    strips = app.screen._compositor.render_strips()[region.y : region.bottom]
    return [
        [
            (letter, " ".join(name for name in ATTRIBUTES if segment.style and getattr(segment.style, name)))
            for segment in strip.crop(region.x, region.right)
            for letter in segment.text
        ]
        for strip in strips
    ]


def colours(app: App[None]) -> set[str]:
    """Return the colours that anything is painted with."""
    styles = {one.style for strip in app.screen._compositor.render_strips() for one in strip if one.style}
    return {str(one) for style in styles for one in (style.color, style.bgcolor) if one is not None}


def assert_inert(app: App[None]) -> None:
    """Assert that nothing on the screen acts: no control character, no link, no click action out of content."""
    for strip in app.screen._compositor.render_strips():
        assert not ACTING.search(strip.text), repr(strip.text)
        for segment in strip:
            if segment.style is not None:
                assert not segment.style.link
                assert "@click" not in segment.style.meta


def timers() -> int:
    """Return how many timers run."""
    return sum("Timer." in getattr(task.get_coro(), "__qualname__", "") for task in asyncio.all_tasks())


async def until(pilot: Pilot[Any], done: Callable[[], object], what: str = "") -> None:
    """Wait until something holds; `PATIENCE` seconds are a failure."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        await pilot.pause(0.02)
        if done():
            return
    raise AssertionError(f"never came true: {what or done}")


async def painted(pilot: Pilot[Any]) -> None:
    """Wait until everything that was told so far is on the screen: the next frame, and what that led to."""
    done = asyncio.Event()
    pilot.app.screen.call_after_refresh(lambda: pilot.app.screen.call_after_refresh(done.set))
    await until(pilot, done.is_set, "a frame")


async def settled(pilot: Pilot[Any]) -> None:
    """Wait until the screen is still."""
    before, since = "", time.monotonic()

    def still() -> bool:
        nonlocal before, since
        now = text(pilot.app)
        if now != before:
            before, since = now, time.monotonic()
        return time.monotonic() - since >= STILL

    await until(pilot, still, "the screen is still")
