"""The fault table on the screen: one line that says what happened, what it cost, and a session that goes on.

The rows are played one after another in one session, so that each also follows other faults: a third of them with each
format, and on request all with all.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from agent_workbench.configs.modules import Catalog
from agent_workbench.frontends.tui.widgets.blocks import NoticeBlock
from agent_workbench.frontends.tui.widgets.pane_grid import SessionPane
from agent_workbench.plugins import load_catalog
from fakes.addresses import UNREACHABLE
from fakes.providers import KINDS, Kind
from fakes.turns import TURNS, Lookup, config_text, lookup_module
from fakes.wire import Broken, WireServer, fails, says

sys.path.insert(0, str(Path(__file__).parent))

from workbench import Bench, workbench

PRICES = "max_retries: 2\n      timeout: 2\n      prices: {fake-1: {input: 1000, output: 1000}}"


async def speaking(bench: Bench, kind: Kind, url: str, tool: Lookup, **settings: object) -> None:
    """Let the first config speak to a server."""
    module = lookup_module(tool)
    bench.shared.bundles.catalog = Catalog({**load_catalog().modules, module.id: module})
    more = "".join(f"\n      {key}: {value}" for key, value in settings.items())
    text = config_text(kind, url).replace("max_retries: 2", PRICES + more)
    config = await bench.shared.configs.find_config("hello")
    await bench.shared.configs.update_config(config.config_id, yaml_content=text)


def errors(pane: SessionPane) -> list[NoticeBlock]:
    """Return the lines of a pane that say that something went wrong."""
    return [one for one in pane.transcript.blocks if isinstance(one, NoticeBlock) and one.severity == "error"]


async def said(bench: Bench, pane: SessionPane, words: str) -> None:
    """Say something and wait until the turn is over, on the disk and on the screen."""
    turns = len(bench.shared.store.sessions.turns(pane.session_id))
    await bench.say(words)

    def over() -> bool:
        stored = bench.shared.store.sessions.turns(pane.session_id)
        return len(stored) > turns and stored[-1].state != "running" and not pane.busy

    await bench.until(over, f"the turn about {words!r} ends")


async def goes_on(bench: Bench, pane: SessionPane, server: WireServer, name: str) -> None:
    """Check that a session answers the next prompt, and that its meter shows what was used."""
    before = len(errors(pane))
    server.script[:] = [says(f"Back from {name}.")]
    await said(bench, pane, "and now?")
    assert squeezed(f"Back from {name}.") in squeezed(bench.shown)
    assert len(errors(pane)) == before
    assert server.refused == [], name
    used = bench.shared.store.sessions.usage(session_id=pane.session_id)
    await bench.until(lambda: pane.usage == used, f"after {name!r} the meter shows {used}, not {pane.usage}")


def squeezed(text: str) -> str:
    """Return words without the line breaks and borders that a screen puts between them."""
    return "".join(letter for letter in text if letter.isalnum())


PARTS = [
    pytest.param(kind, names, id=f"{kind}, {part}", marks=marks)
    for number, kind in enumerate(KINDS)
    for part, names, marks in (
        ("some", list(TURNS)[number :: len(KINDS)], []),
        ("all", list(TURNS), [pytest.mark.slow, pytest.mark.timeout(180)]),
    )
]


@pytest.mark.parametrize(("kind", "names"), PARTS)
async def test_after_every_fault_one_line_says_so_and_the_session_goes_on(
    tmp_path: Path, kind: Kind, names: Sequence[str]
):
    tool = Lookup()
    async with workbench(tmp_path) as bench, WireServer() as server:
        await speaking(bench, kind, server.url, tool)
        pane = await bench.session()
        for name in names:
            row = TURNS[name]
            known, tool.asked[:] = len(errors(pane)), []
            server.script[:] = row.script
            await said(bench, pane, f"try {name}")
            told = errors(pane)[known:]
            assert len(told) == (row.status == "failed"), (name, told)
            assert all(squeezed(one.text)[:60] in squeezed(bench.shown) for one in told), name
            assert tuple(sorted(tool.asked)) == row.asked, name
            assert squeezed(row.kept) in squeezed(bench.shown), name
            await goes_on(bench, pane, server, name)


@pytest.mark.parametrize(("name", "kind"), zip(UNREACHABLE, KINDS, strict=True), ids=str)
async def test_a_server_that_nobody_reaches_is_one_line_and_a_changed_config_helps(
    tmp_path: Path, name: str, kind: Kind
):
    address, _, words = UNREACHABLE[name]
    async with workbench(tmp_path) as bench:
        with address() as url:
            await speaking(bench, kind, url, Lookup(), connect_timeout=0.1)
            pane = await bench.session()
            await said(bench, pane, "go")
        (told,) = errors(pane)
        assert words in told.text
        async with WireServer() as server:
            await speaking(bench, kind, server.url, Lookup())
            await goes_on(bench, pane, server, name)


#: What keeps a person waiting, and what is to be seen meanwhile.
WAITS = {
    "seconds to wait": (fails(429, "rate_limit", headers={"retry-after": "100"}), "again in"),
    "milliseconds to wait": (fails(529, "overloaded", headers={"retry-after-ms": "90000"}), "again in"),
    "silence": (says("x", broken=Broken(stall=-1)), "waiting"),
}


@pytest.mark.parametrize(("name", "kind"), zip(WAITS, KINDS, strict=True), ids=str)
async def test_a_wait_is_counted_down_in_sight_and_esc_ends_it_at_once(tmp_path: Path, name: str, kind: Kind):
    reply, shown = WAITS[name]
    async with workbench(tmp_path) as bench, WireServer(reply) as server:
        await speaking(bench, kind, server.url, Lookup())
        pane = await bench.session()
        await bench.say("go")
        await bench.until(lambda: server.arrived.is_set() and shown in bench.shown, shown)
        if shown == "again in":
            first = pane.status.plain
            assert "esc stops" in bench.shown
            await bench.until(lambda: pane.status.plain != first, "it counts")
        await bench.press("escape")
        await bench.until(lambda: not pane.busy, "it stops")
        assert not pane.status.telling
        assert errors(pane) == []
        await goes_on(bench, pane, server, name)
