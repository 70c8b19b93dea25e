"""The fault table at the command line: the exit code, and the one line that says what happened."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cli_kit import Awb

from agent_workbench.configs.modules import Catalog
from agent_workbench.plugins import load_catalog
from fakes.addresses import UNREACHABLE
from fakes.providers import KINDS, Kind
from fakes.turns import TURNS, Lookup, config_text, lookup_module
from fakes.wire import Broken, Reply, WireServer, fails, says

#: Each row with one of the formats, in turn, and on request with the others too: that every format is read alike is
#: proved below the front ends.
ROWS = [
    pytest.param(name, KINDS[(number + shift) % len(KINDS)], marks=[pytest.mark.slow] if shift else [])
    for number, name in enumerate(TURNS)
    for shift in range(len(KINDS))
]


@contextmanager
def served(*script: Reply) -> Iterator[WireServer]:
    """Run a server beside the command, which has an event loop of its own."""
    server, loop = WireServer(*script), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result(10)
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(server.__aexit__(None, None, None), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch) -> Lookup:
    """A tool that configs can name."""
    looks = Lookup()
    module = lookup_module(looks)
    known = Catalog({**load_catalog().modules, module.id: module})
    monkeypatch.setattr("agent_workbench.services.shared.load_catalog", lambda: known)
    return looks


def config(kind: Kind, url: str) -> str:
    Path("broken.yaml").write_text(config_text(kind, url))
    return "broken.yaml"


@pytest.mark.parametrize(("name", "kind"), ROWS, ids=str)
def test_a_run_that_was_hit_exits_with_its_code_and_says_why_once(awb: Awb, tool: Lookup, name: str, kind: Kind):
    row = TURNS[name]
    with served(*row.script) as server:
        done = awb("run", "go", "-c", config(kind, server.url), code=None)
        again = awb("run", "--continue", "and now?", code=None) if row.fault else None
    assert done.code == (0 if row.status == "completed" else 1)
    assert row.kept in done.out
    assert tuple(sorted(tool.asked)) == row.asked
    said = [line for line in done.err.splitlines() if line.startswith(("failed: ", "limited: "))]
    assert len(said) == bool(row.fault)
    assert "Traceback" not in done.err
    assert again is None or "Traceback" not in again.err


@pytest.mark.parametrize(("name", "kind"), zip(UNREACHABLE, KINDS, strict=True), ids=str)
def test_a_run_that_reaches_nobody_says_so_once_and_keeps_what_was_asked(awb: Awb, tool: Lookup, name: str, kind: Kind):
    address, _, words = UNREACHABLE[name]
    with address() as url:
        path = Path(config(kind, url))
        path.write_text(path.read_text().replace("max_retries: 2", "max_retries: 1\n      connect_timeout: 0.1"))
        done = awb("run", "go", "-c", str(path), code=1)
    assert done.err.count("failed: ") == 1
    assert words in done.err
    assert "Traceback" not in done.err
    shown = awb("session", "show", "last", "--json").json
    assert [one["role"] for one in shown["messages"]] == ["user"]


def test_the_line_names_the_place_in_the_file(awb: Awb, tool: Lookup):
    with served(fails(404, "model")) as server:
        done = awb("run", "go", "-c", config(KINDS[0], server.url), code=1)
    (line,) = (line for line in done.err.splitlines() if line.startswith("failed: "))
    assert "providers[provider-anthropic].config.default_model" in line
    assert "7)" in line


def test_a_cut_reply_is_printed_as_far_as_it_came_and_can_be_continued(awb: Awb, tool: Lookup):
    with served(
        says("Once upon a time", broken=Broken(cut=b"pon a", ending="clean"), delta=6), says("Go on.")
    ) as server:
        done = awb("run", "go", "-c", config(KINDS[2], server.url), "--json", code=1)
        assert (done.json["status"], done.json["response"]) == ("failed", "Once u")
        assert awb("run", "--continue", "continue").out == "Go on.\n"
