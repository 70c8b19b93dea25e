"""How fast configs are read, checked, edited, resolved and found.

Times are medians of many calls after a warm-up, in milliseconds. Figures with a limit are promises; a figure that
misses its limit is marked. The texts are made up; the include tree is the foundation of the corpus where that lies
beside this checkout, else the one that ships.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

from agent_workbench.configs.document import Document
from agent_workbench.configs.reader import read
from agent_workbench.configs.resolve import resolve_bundle
from agent_workbench.plugins import load_catalog
from agent_workbench.services.bundles import Bundles
from agent_workbench.services.sources import Sources
from agent_workbench.storage.database import open_store
from agent_workbench.storage.records import Page
from benchmarks.storage import fill_configs

CORPUS = Path(__file__).resolve().parents[2] / "shared" / "corpus" / "amplifier-foundation"
FOUNDATION = "git+https://github.com/microsoft/amplifier-foundation@main"

#: What is promised, in milliseconds.
LIMITS = {
    "check while typing": 30,
    "check while typing, over the include tree": 30,
    "check while typing, a small text over the unchanged tree": 10,
    "add a tool": 15,
    "set a value": 15,
    "remove an entry": 15,
    "resolve the tree cold": 150,
    "resolve the tree from cache": 1,
    "list a page": 5,
    "search, a rare word": 30,
    "search, two words": 30,
    "search, a word in every text": 30,
    "search, two words in every text": 30,
}

clock: Callable[[], float] = time.perf_counter


def main(arguments: list[str]) -> int:
    """Measure and print, as a table or as JSON. Exits with 1 where a limit is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks configs")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--lines", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--configs", type=int, default=100_000)
    parser.add_argument("--cpu", action="store_true", help="CPU time, where the machine is busy with other things")
    options = parser.parse_args(arguments)
    if options.cpu:
        global clock
        clock = time.process_time
    text, tree = bundle(options.lines), "corpus" if CORPUS.is_dir() else "shipped (the corpus is absent)"
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for part in PARTS:
            figures |= part(text, options.rounds)
        figures |= resolving(text, options.rounds, Path(folder))
        figures |= finding(options.configs, options.rounds, Path(folder))
    missed = [name for name, limit in LIMITS.items() if figures[name] > limit]
    if options.json:
        sizes = {"lines": text.count("\n"), "configs": options.configs, "tree": tree}
        print(json.dumps({**sizes, "figures": figures, "limits": LIMITS, "missed": missed}, indent=2))
        return bool(missed)
    print(f"a bundle of {text.count(chr(10)):,} lines, {options.configs:,} configs, foundation: {tree}; milliseconds\n")
    for name, value in figures.items():
        limit = f"{LIMITS[name]:>6} {'MISSED' if name in missed else ''}" if name in LIMITS else ""
        print(f"{name:<60} {value:>10,.2f} {limit}".rstrip())
    return bool(missed)


def bundle(lines: int) -> str:
    """Return a commented bundle of about so many lines."""
    entry = (
        "  # tool {n}: what it is for\n  - module: tool-{n}\n    config:\n      timeout: {n}  # seconds\n"
        "      path: some words, unquoted\n      flags: [a, b, 'c']\n\n"
    )
    tools = "".join(entry.replace("{n}", str(n)) for n in range(max(1, (lines - 6) // 7)))
    return f"# a bundle\nbundle:\n  name: big\n\ntools:\n{tools}hooks:\n  - module: hooks-logging\n"


def median(call: Callable[[], object], rounds: int) -> float:
    """Return the median time of a call in milliseconds, after two that do not count."""
    took = []
    for _ in range(rounds + 2):
        start = clock()
        call()
        took.append(clock() - start)
    return statistics.median(took[2:]) * 1_000


def reading(text: str, rounds: int) -> dict[str, float]:
    """Read a good text and the worst ones that are refused."""
    bombs = {
        "aliases": "a0: &a0 [x,x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1},*a{i - 1}]\n" for i in range(1, 40)),
        "depth": "[" * 100_000,
        "size": "a: " + "x" * 10_000_000,
        "entries": "[" + "a," * 240_000 + "]",
    }
    figures = {"read": median(lambda: read(text), rounds)}
    for name, bomb in bombs.items():
        figures[f"refuse a bomb of {name}"] = median(lambda bomb=bomb: read(bomb, source="b.yaml"), rounds)  # type: ignore[misc]
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
    return {name: median(lambda verb=verb: verb(Document(text)), rounds) for name, verb in verbs.items()}  # type: ignore[misc]


def known(lines: int) -> str:
    """Return a bundle of about so many lines whose modules are all known."""
    entry = (
        "  # shell {n}: what it is for\n  - module: tool-bash\n    id: shell-{n}\n    config:\n"
        "      timeout: {n}  # seconds\n      denied_commands: [a, b, 'c']\n\n"
    )
    tools = "".join(entry.replace("{n}", str(n)) for n in range(1, max(2, lines // 7)))
    return f"bundle:\n  name: big\nproviders:\n  - module: provider-mock\ntools:\n{tools}"


def resolving(text: str, rounds: int, folder: Path) -> dict[str, float]:
    """Check a text as it is typed, another each time, and resolve an include tree."""
    overrides = {FOUNDATION: str(CORPUS)} if CORPUS.is_dir() else {}
    top = CORPUS if CORPUS.is_dir() else Sources().shipped / "foundation"
    sources = Sources(overrides=overrides, cache=folder, offline=True)
    bundles = Bundles(sources, load_catalog)
    keys = count()

    def typed(text: str, before: str = "") -> Callable[[], object]:
        return lambda: bundles.validate(f"{before}# {next(keys)}\n{text}", name="mine", base=folder, fetch=False)

    def cold() -> object:
        fresh = Sources(overrides=overrides, cache=folder, offline=True)
        return resolve_bundle(whole, name="bundle.md", base=top, fetcher=fresh, catalog=bundles.catalog, cache=None)

    lines, include = text.count("\n"), "includes: [foundation]\n"
    whole = next(top / name for name in ("bundle.md", "bundle.yaml") if (top / name).is_file()).read_text("utf-8")
    return {
        "check while typing": median(typed(known(lines)), rounds),
        "check while typing, over the include tree": median(typed(known(lines), include), rounds),
        "check while typing, a small text over the unchanged tree": median(typed("tools: []\n", include), rounds),
        "check while typing, every module unknown": median(typed(text), rounds),
        "resolve the tree cold": median(cold, rounds),
        "resolve the tree from cache": median(lambda: bundles.plan(whole, name="bundle.md", base=top), rounds),
    }


def finding(configs: int, rounds: int, folder: Path) -> dict[str, float]:
    """List and search many stored configs."""
    store = open_store(folder / "many.db")
    fill_configs(store, configs)
    queries: Iterator[tuple[str, str]] = iter([
        ("list a page", ""), ("search, a rare word", "needle777"), ("search, two words", "parser grammar"),
        ("search, a word in every text", "bundle"), ("search, two words in every text", "bundle providers"),
        ("search, a rare word and one in every text", "needle777 bundle"),
    ])  # fmt: skip
    found = {
        name: median(lambda query=query: store.configs.list_configs(Page(limit=50), q=query), rounds)  # type: ignore[misc]
        for name, query in queries
    }
    store.close()
    return found


PARTS: tuple[Callable[[str, int], dict[str, float]], ...] = (reading, edits)
