"""What a turn costs, counted the same way for every engine: processor time of the whole process, threads included.

Needs nothing but Python, because each engine runs in an environment of its own.
"""

import asyncio
import gc
import json
import statistics
import sys
import time
from collections.abc import Awaitable, Callable

WARM_UP = 5
BATCHES = 9
QUESTION = "What are 0 + 2, 1 + 2 and 2 + 2? Use the tool."
INSTRUCTIONS = "You add numbers with the tool `add`."


async def batches(turn: Callable[[], Awaitable[str]], turns: int) -> dict[str, float]:
    """Return the median milliseconds of processor time of one turn, and the fastest batch's.

    Raises:
        AssertionError: If a turn does not come to the agreed answer.
    """
    for _ in range(WARM_UP):
        answer = await turn()
        assert answer.strip().endswith("word word"), answer
    gc.collect()
    costs = []
    for _ in range(BATCHES):
        begin = time.process_time()
        for _ in range(turns):
            await turn()
        costs.append(1000 * (time.process_time() - begin) / turns)
    return {"median_ms": statistics.median(costs), "least_ms": min(costs)}


def main(make: Callable[[str, str], Callable[[], Awaitable[str]]]) -> None:
    """Measure the formats named on the command line after the address and the number of turns; print JSON."""
    url, turns, *formats = sys.argv[1:]

    async def measure() -> dict[str, dict[str, float]]:
        return {one: await batches(make(url, one), int(turns)) for one in formats}

    print(json.dumps(asyncio.run(measure())))
