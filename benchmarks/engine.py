"""What the engine costs: a turn beside pydantic-ai and openai-agents, and many sessions at once.

All talk to one model on loopback, in a process of its own (`_server.py`), in the same wire format, streamed, with the
same tool, the same three calls and the same answer. Each engine runs in a process and an environment of its own; the
peers' are made with uv below the cache folder, with the versions named here. Processor time is counted, not the
clock's, after a warm-up; figures are medians of nine batches. Lateness is the clock's, so it wants a quiet machine.
Where the package registry cannot be reached, the peers are left out and that is said.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agent_workbench import paths

HERE = Path(__file__).resolve().parent
OURS = "agent-workbench"
#: The peers, with the versions that are compared, and the script that plays the turn with each.
PEERS: Mapping[str, tuple[str, str]] = {
    "pydantic-ai": ("pydantic-ai-slim[openai]==2.68.0", "with_pydantic_ai.py"),
    "openai-agents": ("openai-agents==0.24.0", "with_openai_agents.py"),
}
COMPARED = ("chat", "responses")
GOALS = {
    "cpu_ratio": 0.7, "latency_p95_ms": 50.0, "first_token_ms": 2.0, "idle_kb": 50.0, "running_kb": 1000.0,
}  # fmt: skip


PARTS = ("turns", "stored", "first", "latency", "memory")
"""What can be measured alone: turns beside the peers, turns stored in SQLite, the first word, lateness, memory."""


def main(arguments: list[str]) -> int:
    """Measure and print, as a table or as JSON; 1 where a goal of what was measured is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks engine")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--turns", type=int, default=20, help="turns in each batch")
    parser.add_argument("--sessions", type=int, default=200, help="sessions that stream at once")
    parser.add_argument("--rate", type=int, default=20, help="words a second in each")
    parser.add_argument("--seconds", type=int, default=10, help="how long they stream")
    parser.add_argument("--without-peers", action="store_true")
    parser.add_argument("--only", choices=PARTS, action="append", help="measure this part; may be repeated")
    options = parser.parse_args(arguments)
    skipped: dict[str, str] = {}
    load = os.getloadavg()[0]
    wanted = options.only or PARTS
    turns: dict[str, Any] = {}
    with server() as url:
        if "turns" in wanted:
            turns = {OURS: ours(url, options.turns)}
            turns |= {} if options.without_peers else peers(url, options.turns, skipped)
        given = {
            "stored": (options.turns,), "first": (100,), "latency": (options.sessions, options.rate, options.seconds),
            "memory": (300, options.sessions),
        }  # fmt: skip
        many = {part: sessions(part, url, *numbers) for part, numbers in given.items() if part in wanted}
    report = {
        "python": platform.python_version(), "cores": os.cpu_count(), "load_before": load,
        "versions": {name: pinned for name, (pinned, _) in PEERS.items()},
        "options": vars(options), "goals": GOALS, "skipped": skipped, "turn_cpu_ms": turns, **many,
        "reached": reached(turns, many),
    }  # fmt: skip
    print(json.dumps(report, indent=2)) if options.json else show(report)
    return 0 if all(report["reached"].values()) else 1


def reached(turns: Mapping[str, Any], many: Mapping[str, Any]) -> dict[str, bool]:
    """Return which goals are met. Without peers there is nothing to compare with, and no verdict on that."""
    found = {}
    for wire, ratio in ratios(turns).items():
        found[f"cpu_ratio_{wire}"] = ratio <= GOALS["cpu_ratio"]
    for who in ("engine", "sessions"):
        if "latency" in many:
            added = many["latency"][who]["p95_ms"] - many["latency"]["socket"]["p95_ms"]
            found[f"latency_{who}"] = added < GOALS["latency_p95_ms"]
        if "first" in many:
            found[f"first_token_{who}"] = many["first"][who]["p95_ms"] < GOALS["first_token_ms"]
    for name in ("idle_kb", "running_kb"):
        if "memory" in many:
            found[name] = many["memory"][name] < GOALS[name]
    return found


def ratios(turns: Mapping[str, Any]) -> dict[str, float]:
    """Return our cost as a share of the better peer's, by format."""
    return {
        wire: turns[OURS][wire]["median_ms"] / min(turns[name][wire]["median_ms"] for name in turns if name != OURS)
        for wire in COMPARED
        if len(turns) > 1
    }


def show(report: Mapping[str, Any]) -> None:
    """Print the figures for people."""
    if report["turn_cpu_ms"] or "stored" in report:
        print("processor time of a turn with three tool calls, ms (median of nine batches)\n")
    for name, formats in report["turn_cpu_ms"].items():
        print(f"  {name:<18}", "  ".join(f"{wire} {cost['median_ms']:6.1f}" for wire, cost in formats.items()))
    if "stored" in report:
        print(f"  {'stored in SQLite':<18} chat {report['stored']['median_ms']:6.1f}")
    for name, why in report["skipped"].items():
        print(f"  {name:<18} left out: {why}")
    for wire, ratio in ratios(report["turn_cpu_ms"]).items():
        print(f"  {wire}: {ratio:.2f} of the better peer (goal {GOALS['cpu_ratio']})")
    _show_spreads(report)
    if "memory" in report:
        print("\nkB of one more session:", "  ".join(f"{name} {value:.1f}" for name, value in report["memory"].items()))
    if report["load_before"] > (report["cores"] or 1) / 2:
        print(f"\nthe machine was busy before (load {report['load_before']:.1f}): lateness here is partly its own")
    missed = [name for name, met in report["reached"].items() if not met]
    print("\nmissed: " + ", ".join(missed) if missed else "\nevery goal is met")


def _show_spreads(report: Mapping[str, Any]) -> None:
    sessions, rate = report["options"]["sessions"], report["options"]["rate"]
    headings = {
        "latency": f"ms from a word's bytes to its event, {sessions} sessions at {rate} words a second",
        "first": "ms from the first word's bytes to its event, one session",
    }
    for part, heading in headings.items():
        if part in report:
            print(f"\n{heading}\n")
            for who, spread in report[part].items():
                print(f"  {who:<10}", "  ".join(f"{name} {value:8.2f}" for name, value in spread.items()))


# --- processes ----------------------------------------------------------------------------------------------------


@contextmanager
def server() -> Iterator[str]:
    """Run the model and give its address; it ends with its standard input."""
    command = [sys.executable, "-m", "benchmarks._server"]
    with subprocess.Popen(
        command, cwd=HERE.parent, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()
            process.wait(timeout=10)


def ours(url: str, turns: int) -> Any:
    """Measure our loop, in the formats that are compared and in Anthropic's."""
    return turn_costs(Path(sys.executable), "with_workbench.py", url, turns, (*COMPARED, "anthropic"))


def peers(url: str, turns: int, skipped: dict[str, str]) -> dict[str, Any]:
    """Measure the peers whose environments can be made; the others are noted in `skipped`."""
    found = {}
    for name, (requirement, script) in PEERS.items():
        try:
            python = environment(name, requirement)
            found[name] = turn_costs(python, script, url, turns, COMPARED)
        except (OSError, subprocess.SubprocessError) as error:
            output = getattr(error, "stderr", "") or str(error)
            skipped[name] = output.strip().splitlines()[-1][:200]
    return found


def environment(name: str, requirement: str) -> Path:
    """Return the Python of a peer's environment, made where it is missing or of another version.

    Raises:
        subprocess.SubprocessError: If uv cannot make it, as without a network.
        OSError: If there is no uv.
    """
    folder = paths.cache_dir() / "benchmarks" / name
    python, mark = folder / "bin" / "python", folder / "requirement.txt"
    if not (mark.is_file() and mark.read_text() == requirement):
        run(["uv", "venv", "--quiet", "--clear", "--python", platform.python_version(), str(folder)], 300)
        run(["uv", "pip", "install", "--quiet", "--python", str(python), requirement], 900)
        mark.write_text(requirement)
    return python


def turn_costs(python: Path, script: str, url: str, turns: int, formats: Sequence[str]) -> Any:
    """Play the agreed turn in a process of its own."""
    return json.loads(run([str(python), str(HERE / "_peers" / script), url, str(turns), *formats], 900))


def sessions(name: str, url: str, *numbers: int) -> Any:
    """Run one of the measurements of `_sessions.py` in a process of its own; what goes wrong there is printed."""
    try:
        return json.loads(run([sys.executable, "-m", "benchmarks._sessions", name, url, *map(str, numbers)], 900))
    except subprocess.CalledProcessError as error:
        print(error.stderr, file=sys.stderr)
        raise


def run(command: Sequence[str], seconds: float) -> str:
    """Return what a program prints.

    Raises:
        subprocess.SubprocessError: If it fails or takes too long.
    """
    done = subprocess.run(
        command, cwd=HERE.parent, capture_output=True, text=True, check=True, timeout=seconds, stdin=subprocess.DEVNULL
    )
    return done.stdout
