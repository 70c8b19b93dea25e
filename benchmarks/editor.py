"""What a key press in the editor costs, by the length of the text, with live problems on.

The editor stands alone in a headless terminal of 120×40, with the checks that the workbench makes: a few lines in the
middle of a long config are written and taken back, key by key. Reported are medians: CPU milliseconds of a key until
the screen is painted again, and seconds of CPU that the check of the whole text takes afterwards, in its own thread.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time

from textual.app import App, ComposeResult
from textual.pilot import Pilot

from agent_workbench.configs.problems import Problem
from agent_workbench.configs.validate import validate
from agent_workbench.frontends.tui.widgets.editor import YamlEditor
from agent_workbench.plugins import load_catalog

SIZE = (120, 40)


class Host(App[None]):
    """One editor. `seconds` holds what each check took."""

    def __init__(self) -> None:
        super().__init__()
        self.catalog = load_catalog()
        self.seconds: list[float] = []

    def compose(self) -> ComposeResult:
        yield YamlEditor(check=self.check)

    def check(self, text: str) -> tuple[Problem, ...]:
        """Validate, as the workbench does."""
        begin = time.thread_time()
        problems = tuple(validate(text, self.catalog))
        self.seconds.append(time.thread_time() - begin)
        return problems


def main(arguments: list[str]) -> int:
    """Measure and print, as a table or as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks editor")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--keys", type=int, default=60)
    parser.add_argument("--lines", type=int, nargs="+", default=[30, 1_000, 10_000])
    options = parser.parse_args(arguments)
    figures = {lines: asyncio.run(measure(lines, options.keys)) for lines in options.lines}
    if options.json:
        print(json.dumps({"keys": options.keys, "figures": figures}, indent=2))
        return 0
    print(f"{'CPU ms':<22}", *(f"{lines:>8,}" for lines in figures))
    for name in next(iter(figures.values())):
        print(f"{name:<22}", *(f"{one[name]:>8.1f}" for one in figures.values()))
    return 0


def config_of(lines: int) -> str:
    """Make up a config of so many lines: comments, tools with settings, and a long instruction."""
    head = "bundle:\n  name: long\nproviders:\n  - module: provider-mock\ntools:\n"
    tool = "  # what it may touch\n  - module: tool-filesystem\n    config:\n      allowed_write_paths: [., src]\n"
    text = head + tool * (lines // 8)
    rest = lines - text.count("\n") - 2
    return text + "agents:\n  dirs: [a]\n" + "# a line that explains something to whoever reads it\n" * rest


async def measure(lines: int, keys: int) -> dict[str, float]:
    """Return the figures of one length."""
    app = Host()
    async with app.run_test(size=SIZE) as pilot:
        editor = app.query_one(YamlEditor)
        editor.load(config_of(lines))
        editor.focus()
        editor.move_cursor((editor.document.line_count // 3, 0))
        await pilot.pause(1.0)
        app.seconds.clear()
        words = ("# note that it is so" * 10)[:keys]
        figures = {
            "a letter": await median(
                pilot, ["space" if letter == " " else letter for letter in words if letter != "#"]
            ),
            "backspace": await median(pilot, ["backspace"] * (keys // 2)),
            "enter": await median(pilot, ["enter"] * 9),
            "cursor down": await median(pilot, ["down"] * 20),
            "page down": await median(pilot, ["pagedown"] * 9),
            "undo": await median(pilot, ["ctrl+z"] * 5),
        }
        await pilot.pause(2.0)
        figures["check of the text"] = 1000 * statistics.median(app.seconds or [0.0])
    return figures


async def median(pilot: Pilot[None], keys: list[str]) -> float:
    """Return the median CPU milliseconds of the event loop's thread for a key, until it is painted."""
    times = []
    for key in keys:
        begin = time.thread_time()
        await pilot.press(key)
        times.append(1000 * (time.thread_time() - begin))
    return statistics.median(times[1:])
