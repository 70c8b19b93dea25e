"""How fast configs are read and edited, and how often an edit is refused.

`bundle(lines)` is the text that all figures of one size are measured on. Times are the best of several calls, in
milliseconds; other parts of the config side add their own function to `PARTS`.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable

from agent_workbench.configs.document import Document
from agent_workbench.configs.reader import read


def main(arguments: list[str]) -> int:
    """Measure and print, as a table or as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks configs")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--lines", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args(arguments)
    text = bundle(options.lines)
    figures: dict[str, float] = {}
    for part in PARTS:
        figures |= part(text, options.rounds)
    if options.json:
        print(json.dumps({"lines": text.count("\n"), "figures": figures}, indent=2))
    else:
        print(f"a bundle of {text.count(chr(10)):,} lines; milliseconds\n")
        for name, value in figures.items():
            print(f"{name:<52} {value:>10,.2f}")
    return 0


def bundle(lines: int) -> str:
    """Return a commented bundle of about so many lines."""
    entry = (
        "  # tool {n}: what it is for\n  - module: tool-{n}\n    config:\n      timeout: {n}  # seconds\n"
        "      path: some words, unquoted\n      flags: [a, b, 'c']\n\n"
    )
    tools = "".join(entry.replace("{n}", str(n)) for n in range(max(1, (lines - 6) // 7)))
    return f"# a bundle\nbundle:\n  name: big\n\ntools:\n{tools}hooks:\n  - module: hooks-logging\n"


def best(call: Callable[[], object], rounds: int) -> float:
    """Return the best time of a call in milliseconds."""
    took = []
    for _ in range(rounds):
        start = time.perf_counter()
        call()
        took.append(time.perf_counter() - start)
    return min(took) * 1_000


def reading(text: str, rounds: int) -> dict[str, float]:
    """Read a good text and the worst ones that are refused."""
    bombs = {
        "aliases": "a0: &a0 [x,x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1},*a{i - 1}]\n" for i in range(1, 40)),
        "depth": "[" * 100_000,
        "size": "a: " + "x" * 10_000_000,
        "entries": "[" + "a," * 240_000 + "]",
    }
    figures = {"read": best(lambda: read(text), rounds)}
    for name, bomb in bombs.items():
        figures[f"refuse a bomb of {name}"] = best(lambda bomb=bomb: read(bomb, source="b.yaml"), rounds)  # type: ignore[misc]
    return figures


def edits(text: str, rounds: int) -> dict[str, float]:
    """Make each kind of edit in the middle of a text, from the text alone: read, splice, read again, compare."""
    middle = len(read(text).data["tools"]) // 2
    config = {"timeout": 5, "path": "words", "flags": ["z"], "new": 1}
    verbs: dict[str, Callable[[Document], object]] = {
        "add a tool": lambda d: d.add_tool("tool-new", config={"a": 1}),
        "add an include": lambda d: d.add_include("foundation"),
        "merge four values into a tool": lambda d: d.add_tool(f"tool-{middle}", config=config),
        "set a value": lambda d: d.set_value(("tools", middle, "config", "timeout"), 9_999),
        "remove an entry": lambda d: d.remove_entry(("tools", middle)),
        "move an entry": lambda d: d.move_entry(("tools", middle), 0),
        "comment an entry out": lambda d: d.comment_out(("tools", middle)),
    }
    return {name: best(lambda verb=verb: verb(Document(text)), rounds) for name, verb in verbs.items()}  # type: ignore[misc]


PARTS: tuple[Callable[[str, int], dict[str, float]], ...] = (reading, edits)
