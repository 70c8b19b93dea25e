"""What streaming costs: several panes, each its own reply at a steady rate of tokens, in real time.

Reports the CPU share of a core and how late the event loop was (a sleeper every 5 ms), beside the same panes idle.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import time

from textual.app import App, ComposeResult
from textual.containers import Grid

from agent_workbench.conversation.events import StepStarted, TextDelta, TurnStarted
from agent_workbench.frontends.tui.widgets.chat_pane import ChatPane
from benchmarks.transcript import answer, conversation

TICK = 0.005


class Host(App[None]):
    """Panes in a grid of two columns."""

    CSS = "Grid { grid-size: 2; }"

    def __init__(self, panes: int) -> None:
        super().__init__()
        self.panes = panes

    def compose(self) -> ComposeResult:
        with Grid():
            for number in range(self.panes):
                yield ChatPane(number=number + 1, title=f"session {number + 1}")


def main(arguments: list[str]) -> int:
    """Measure and print, as a table or as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks stream")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--panes", type=int, default=4)
    parser.add_argument("--rate", type=float, default=50, help="tokens a second in each pane")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--history", type=int, default=200, help="messages already in each pane")
    options = parser.parse_args(arguments)
    figures = {
        "idle": asyncio.run(measure(options, streaming=False)),
        "streaming": asyncio.run(measure(options, streaming=True)),
    }
    if options.json:
        print(json.dumps({**vars(options), "figures": figures}, indent=2))
        return 0
    for name, values in figures.items():
        print(f"{name:<10}", "  ".join(f"{key} {value:.1f}" for key, value in values.items()))
    return 0


async def measure(options: argparse.Namespace, *, streaming: bool) -> dict[str, float]:
    """Return CPU % of a core and the loop's lag in ms at the 50th, 95th and 100th percentile."""
    app = Host(options.panes)
    async with app.run_test(size=(160, 48)) as pilot:
        panes = list(app.query(ChatPane))
        for pane in panes:
            pane.load(conversation(options.history))
        await pilot.pause(0.5)
        lags: list[float] = []
        begin, cpu = time.perf_counter(), time.process_time()
        sleeper = asyncio.create_task(watch(lags))
        if streaming:
            await asyncio.gather(*(stream(pane, options.rate, options.seconds) for pane in panes))
        else:
            await asyncio.sleep(options.seconds)
        sleeper.cancel()
        share = (time.process_time() - cpu) / (time.perf_counter() - begin)
    lags.sort()
    return {
        "CPU %": 100 * share,
        "lag p50 ms": 1000 * lags[len(lags) // 2],
        "lag p95 ms": 1000 * lags[int(len(lags) * 0.95)],
        "lag max ms": 1000 * lags[-1],
    }


async def watch(lags: list[float]) -> None:
    """Note how late each short sleep ends."""
    while True:
        begin = time.perf_counter()
        await asyncio.sleep(TICK)
        lags.append(time.perf_counter() - begin - TICK)


async def stream(pane: ChatPane, rate: float, seconds: float) -> None:
    """Give a pane tokens of four characters at a steady rate."""
    rng = random.Random(pane.number)
    text = "\n\n".join(answer(rng) for _ in range(round(rate * seconds / 100) + 1))
    pane.show(TurnStarted("t", 1, "model-x"))
    pane.show(StepStarted(1, "model-x"))
    begin = time.perf_counter()
    for number in range(round(rate * seconds)):
        pane.show(TextDelta(text[4 * number : 4 * number + 4]))
        await asyncio.sleep(max(0.0, begin + (number + 1) / rate - time.perf_counter()))
