"""What a long conversation costs on the screen: to open, for a key, for another theme, for another width.

CPU milliseconds of this process, medians over repeated runs in a headless terminal of 120×40; the same for an empty
conversation, where a cursor key finds nothing to move to, and for one of 30 messages, where it does. A key is measured
in the prompt under the conversation, as typed, and in the conversation itself, each time from the end of one that was
just opened: both conversations end with the same words.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from textual.app import App, ComposeResult
from textual.pilot import Pilot

from agent_workbench.conversation.messages import Message, Text, Thinking, ToolCall, ToolResult, user
from agent_workbench.frontends.tui.garbage import look_seldom
from agent_workbench.frontends.tui.widgets.chat_pane import ChatPane

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "tui"))

from workbench import workbench

SIZE = (120, 40)
SHORT = 30
"""Messages of the short conversation: seven screens of them."""
WORDS = (
    "the",
    "parser",
    "reads",
    "a",
    "tab",
    "as",
    "one",
    "column",
    "and",
    "lexer",
    "folds",
    "it",
    "into",
    "spaces",
    "before",
)
FOUR = "theme switch, all, 4 panes"
Step = Callable[[], Awaitable[object]]


class Host(App[None]):
    """One chat pane."""

    def compose(self) -> ComposeResult:
        yield ChatPane(title="a long conversation", model="model-x")


def main(arguments: list[str]) -> int:
    """Measure and print, as a table or as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks transcript")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--repeat", type=int, default=7)
    options = parser.parse_args(arguments)
    long = conversation(options.messages)
    empty, short, full = (asyncio.run(measure(said, options.repeat)) for said in ([], long[-SHORT:], long))
    figures = {name: {"empty": empty[name], "short": short[name], "full": full[name]} for name in full}
    four = asyncio.run(four_panes(long, options.repeat))
    if options.json:
        print(json.dumps({"messages": options.messages, "figures": figures, FOUR: four}, indent=2))
        return 0
    print(f"{'CPU ms':<28} {'empty':>8} {len(long[-SHORT:]):>8} {options.messages:>8,}")
    for name, value in figures.items():
        print(f"{name:<28} {value['empty']:>8.1f} {value['short']:>8.1f} {value['full']:>8.1f}")
    print(f"{FOUR:<28} {'':>8} {'':>8} {four:>8.1f}")
    return 0


def conversation(count: int, seed: int = 7) -> list[Message]:
    """Make up a conversation of `count` messages: questions, answers with code and lists, thoughts, tool calls."""
    rng = random.Random(seed)
    messages: list[Message] = []
    while len(messages) < count:
        call = ToolCall(f"c{len(messages)}", "read_file", {"path": f"src/file_{len(messages)}.py"})
        thought = Thinking(sentence(rng, 30))
        messages += [
            user(sentence(rng, 20)),
            Message("assistant", (thought, Text(sentence(rng, 15)), call), "model-x", "tool_calls"),
            Message("tool", (ToolResult(call.call_id, "\n".join(sentence(rng, 8) for _ in range(40))),)),
            Message("assistant", (Text(answer(rng)),), "model-x", "end"),
        ]
    return messages[:count]


def sentence(rng: random.Random, words: int) -> str:
    """Make up a sentence."""
    return " ".join(rng.choices(WORDS, k=words)).capitalize() + "."


def answer(rng: random.Random) -> str:
    """Make up an answer in markdown."""
    points = "\n".join(f"- **{rng.choice(WORDS)}**: {sentence(rng, 9)}" for _ in range(3))
    code = "\n".join(f"    {rng.choice(WORDS)} = {rng.randrange(99)}  # {sentence(rng, 4)}" for _ in range(6))
    return f"{sentence(rng, 40)}\n\n{points}\n\n```python\ndef f():\n{code}\n```\n\n{sentence(rng, 25)}"


async def measure(messages: list[Message], repeat: int) -> dict[str, float]:
    """Return the figures of one conversation by name."""
    app = Host()
    async with app.run_test(size=SIZE) as pilot:
        pane = app.query_one(ChatPane)
        pane.prompt.focus()
        await pilot.pause()
        figures = {"open": await median(lambda: opened(pilot, pane, messages), repeat)}
        figures["key in the prompt"] = await median(lambda: pilot.press(*"abcdefghij"), repeat) / 10
        pane.transcript.focus()
        for name, key, times in (("cursor in the transcript", "up", 10), ("page up", "pageup", 5)):
            again = partial(opened, pilot, pane, messages)
            figures[name] = await median(partial(pilot.press, *[key] * times), repeat, before=again) / times
        themes = iter(["textual-light", "nord"] * repeat)
        figures["theme switch"] = await median(lambda: switched(pilot, next(themes)), repeat)
        widths = iter([100, 120] * repeat)
        figures["resize"] = await median(lambda: pilot.resize_terminal(next(widths), SIZE[1]), repeat)
    return figures


async def four_panes(messages: list[Message], repeat: int) -> float:
    """Return what another theme costs the whole workbench while four panes show a conversation."""
    with tempfile.TemporaryDirectory() as folder:
        async with workbench(Path(folder)) as bench:
            look_seldom()  # as `awb` does when its main screen stands
            for key in ("ctrl+n", "ctrl+t", "ctrl+t", "ctrl+t"):
                (await bench.session(key)).load(messages)
            await bench.settled()
            themes = iter(["paper", "ink"] * repeat)
            return await median(lambda: switched(bench.pilot, next(themes)), repeat)


async def opened(pilot: Pilot[None], pane: ChatPane, messages: list[Message]) -> None:
    """Load a conversation and wait until it is shown."""
    pane.load(messages)
    await pilot.pause()


async def switched(pilot: Pilot[None], theme: str) -> None:
    """Switch the theme and wait until it is shown."""
    pilot.app.theme = theme
    await pilot.pause()


async def median(step: Step, repeat: int, *, before: Step | None = None) -> float:
    """Return the median CPU time of a step in milliseconds; the first run warms up, and `before` is not counted."""
    times = []
    for number in range(repeat + 1):
        if before is not None:
            await before()
        begin = time.process_time()
        await step()
        if number:
            times.append(1000 * (time.process_time() - begin))
    return statistics.median(times)
