"""How long a person waits for a screen that is of use, in a real pty, beside a bare Textual application and peers.

Every program starts in a terminal of its own (120×40) and is read until its screen shows what is awaited; the runs take
turns, so that a busy machine is busy for all. Reported are medians: seconds to the screen, CPU seconds until then, and
resident memory then. Ours has two rows more: until the whole screen answers keys, and the very first start, which makes
the database. Peers are installed with uv, pinned, each into an environment of its own under the cache folder.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from agent_workbench.paths import cache_dir

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from terminal_kit import Never, Terminal  # noqa: E402

BARE = """
from textual.app import App
from textual.widgets import Footer, Static

class Bare(App):
    def compose(self):
        yield Static("it is there")
        yield Footer()

Bare().run()
"""


@dataclass(frozen=True)
class Program:
    """What is started, and the words that its first useful screen shows."""

    name: str
    command: Sequence[str]
    shows: Sequence[str]
    env: dict[str, str] = field(default_factory=dict)
    fresh: bool = False
    """Whether each run has a home folder of its own."""


@dataclass(frozen=True)
class Peer:
    """A Textual program from the package index; `shows` are words of its first screen."""

    requirement: str
    script: str
    shows: tuple[str, ...]
    arguments: tuple[str, ...] = ()


#: The newest releases that install with Python 3.11. What is awaited is the first screen that takes input.
PEERS = (
    Peer("elia-chat==1.10.0", "elia", ("ctrl+j", "Send")),
    Peer("posting==2.10.0", "posting", ("GET", "Collection")),
    Peer("parllama==0.10.1", "parllama", ("Local", "Chat")),
    Peer("harlequin==2.5.2", "harlequin", ("Query Editor", "Run Query")),
)


def main(arguments: list[str]) -> int:
    """Measure and print, as a table or as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks startup")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--repeat", type=int, default=9)
    parser.add_argument("--no-peers", action="store_true", help="measure beside the bare application only")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        programs, skipped = [*ours()], dict[str, str]()
        for peer in () if options.no_peers else PEERS:
            installed = install(peer)
            if isinstance(installed, Program):
                programs.append(installed)
            else:
                skipped[peer.requirement] = installed
        figures = measure(programs, options.repeat, Path(folder), skipped)
    ratios = compare(figures)
    if options.json:
        print(json.dumps({"figures": figures, "ratios": ratios, "skipped": skipped}, indent=2))
        return 0
    print(f"{'median of ' + str(options.repeat):<34} {'seconds':>8} {'CPU s':>8} {'MB':>8}")
    for name, one in figures.items():
        print(f"{name:<34} {one['seconds']:>8.3f} {one['cpu']:>8.2f} {one['memory']:>8.1f}")
    for name, ratio in ratios.items():
        print(f"{name:<34} {ratio:>8.2f}")
    for name, reason in skipped.items():
        print(f"{name:<34} skipped: {reason}")
    return 0


def ours() -> list[Program]:
    """Return the bare application and the rows of this program, all in this environment."""
    awb = [str(Path(sys.executable).with_name("awb"))]
    config = ("hello", "anthropic", "module: provider-mock")
    return [
        Program("bare Textual", [sys.executable, "-c", BARE], ("it is there",)),
        Program("agent-workbench", awb, config),
        Program("agent-workbench, keys answered", awb, (*config, "F1 help")),
        Program("agent-workbench, very first start", awb, (*config, "F1 help"), fresh=True),
    ]


def install(peer: Peer) -> Program | str:
    """Return a peer in an environment of its own; the reason where it cannot be installed."""
    home = cache_dir() / "peers" / peer.requirement.replace("==", "-")
    script = home / "bin" / peer.script
    if not script.exists():
        for command in (
            ["uv", "venv", "-q", "--clear", str(home)],
            ["uv", "pip", "install", "-q", "-p", str(home), peer.requirement],
        ):
            try:
                done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
            except (OSError, subprocess.TimeoutExpired) as error:
                return str(error)
            if done.returncode:
                return (done.stderr.strip().splitlines() or ["it cannot be installed"])[-1][:200]
    if not script.exists():
        return f"it has no command {peer.script}"
    return Program(peer.requirement, [str(script), *peer.arguments], peer.shows)


def measure(programs: list[Program], repeat: int, folder: Path, skipped: dict[str, str]) -> dict[str, dict[str, float]]:
    """Run all in turns; the first round warms the caches and makes the databases, and is not counted."""
    runs: dict[str, list[tuple[float, float, float]]] = {one.name: [] for one in programs}
    for number in range(repeat + 1):
        for program in programs:
            if program.name in skipped:
                continue
            home = folder / (f"fresh-{number}" if program.fresh else "home-" + program.name.partition(",")[0])
            home.mkdir(exist_ok=True)
            try:
                figures = start(program, home, warm=number == 0)
            except Never as error:
                skipped[program.name] = str(error).splitlines()[0]
                continue
            if number:
                runs[program.name].append(figures)
    names = ("seconds", "cpu", "memory")
    return {
        name: dict(zip(names, (statistics.median(column) for column in zip(*rows, strict=True)), strict=True))
        for name, rows in runs.items()
        if rows
    }


def start(program: Program, home: Path, *, warm: bool) -> tuple[float, float, float]:
    """Return seconds, CPU seconds and megabytes at the first useful screen."""
    kept = {key: os.environ[key] for key in ("PATH", "LANG", "LC_ALL") if key in os.environ}
    env = {**kept, "HOME": str(home), "TERM": "xterm-256color", "COLORTERM": "truecolor", **program.env}
    with Terminal(program.command, env=env, cwd=home) as terminal:
        try:
            seconds = terminal.until(*program.shows, patience=40)
        except Never as error:
            ended = terminal.process.poll()
            if ended is None:
                raise
            raise Never(f"it ended with {ended} before a screen") from error
        figures = seconds, terminal.cpu(), terminal.memory() / 1e6
        if warm and program.name.startswith("agent-workbench"):
            terminal.until("F1 help")
            terminal.press("ctrl+q")  # a start that follows an orderly end, as most do
            terminal.ended()
    return figures


def compare(figures: dict[str, dict[str, float]]) -> dict[str, float]:
    """Return how our first screen stands to the others."""
    mine = figures["agent-workbench"]["seconds"]
    ratios = {"× of bare Textual": mine / figures["bare Textual"]["seconds"]}
    peers = {name: one["seconds"] for name, one in figures.items() if "==" in name}
    if peers:
        fastest = min(peers, key=lambda name: peers[name])
        ratios[f"× of the fastest peer ({fastest})"] = mine / peers[fastest]
        ready = figures["agent-workbench, keys answered"]["seconds"]
        ratios["  the same until keys are answered"] = ready / peers[fastest]
    return ratios
