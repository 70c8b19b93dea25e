"""The usage panel, its plot, and the console."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from looks import HOSTILE

from agent_workbench.conversation.usage import Usage
from agent_workbench.frontends.tui.screens.console import Console, ConsoleRows, as_json
from agent_workbench.frontends.tui.screens.sheet import Sheet, SheetView
from agent_workbench.frontends.tui.screens.usage import usage_layout
from agent_workbench.frontends.tui.widgets.lines import text_of, width_of
from agent_workbench.frontends.tui.widgets.plot import bars
from agent_workbench.services.accounts import Account, Accounts
from fakes.wire import WireServer, says

sys.path.insert(0, str(Path(__file__).parent))

from workbench import workbench

USED = Usage(1200, 300, cost=Decimal("0.05"))
DAYS = tuple(Account(f"2026-11-{n:02}", USED if n % 3 else Usage(), n % 3) for n in range(1, 31))


async def test_usage_is_shown_by_day_config_and_session(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        pane = await bench.session()
        await bench.say("my name is Ada")
        await bench.until(lambda: not pane.busy and "Nice" in bench.text_of(pane), "an answer")
        await bench.press("alt+u")
        await bench.until(lambda: isinstance(bench.app.screen, Sheet), "the panel")
        await bench.until(lambda: bench.app.screen.query_one(SheetView).lines, "its lines")
        words = [text_of(line) for line in bench.app.screen.query_one(SheetView).lines]
        assert any(line.startswith("hello") and " in · " in line for line in words), words
        assert any(line.startswith("my name is Ada") for line in words)
        assert any(datetime.now(UTC).strftime("%Y-%m-%d") in line for line in words)


async def test_the_console_says_what_happened_and_what_would_be_sent(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        pane = await bench.session()
        await bench.say("my key is sk-ant-api03-abcdefghijklmnopqrstuvwxyz0123456789")
        await bench.until(lambda: not pane.busy and pane.transcript.count > 1, "an answer")
        await bench.press("alt+l")
        await bench.until(lambda: isinstance(bench.app.screen, Console), "the console")
        rows = bench.app.screen.query_one(ConsoleRows)
        kinds = {row.left[1][0].strip() for row in rows.rows}
        assert {"turn", "user", "assistant", "reply"} <= kinds
        assert "abcdefghijklmnop" not in str(rows.rows)
        assert bench.dialog == "Console of my key is ••••••••", "the prompt made the title"
        await bench.type("user")
        await bench.until(lambda: 0 < len(rows.rows) < 4, "fewer")
        await bench.press("enter")
        await bench.until(lambda: isinstance(bench.app.screen, Sheet), "all of it")
        await bench.press("escape", "ctrl+r")
        await bench.until(lambda: isinstance(bench.app.screen, Sheet), "the next request")
        await bench.until(lambda: bench.app.screen.query_one(SheetView).lines, "its lines")
        words = "\n".join(text_of(line) for line in bench.app.screen.query_one(SheetView).lines)
        assert "read_file" in words
        assert "my key is" in words
        assert "abcdefghijklmnop" not in words


WIRED = """\
bundle: {name: wired}
providers:
  - {module: provider-openai, config: {base_url: "URL/v1", api_key: canary-77, default_model: fake-1, max_retries: 0}}
"""


async def test_the_console_shows_the_request_as_it_was_sent_and_the_answer_as_it_arrived(tmp_path: Path):
    async with WireServer(says("Over the wire.")) as server, workbench(tmp_path) as bench:
        config = await bench.shared.configs.create_config("wired", WIRED.replace("URL", server.url))
        session = await bench.shared.sessions.create_session(config.config_id)
        await bench.main.sessions.open(session.session_id)
        pane = bench.panes[0]
        await bench.say("hello")
        await bench.until(lambda: not pane.busy and "Over the wire." in bench.text_of(pane), "an answer")
        await bench.press("alt+l")
        await bench.until(lambda: isinstance(bench.app.screen, Console), "the console")
        for kind, inside in (("request", "instructions"), ("answer", "response.completed")):
            rows = bench.app.screen.query_one(ConsoleRows)
            place = next(row for row in rows.rows if row.left[1][0].strip() == kind)
            rows.go_to(place.id)
            await bench.press("enter")
            await bench.until(lambda: isinstance(bench.app.screen, Sheet), "all of it")
            await bench.until(lambda: bench.app.screen.query_one(SheetView).lines, "its lines")
            words = "\n".join(text_of(line) for line in bench.app.screen.query_one(SheetView).lines)
            assert inside in words or '"input"' in words
            assert "canary" not in words
            await bench.press("escape")
            await bench.until(lambda: isinstance(bench.app.screen, Console), "back")


@pytest.mark.parametrize("width", [1, 10, 30, 90, 200])
def test_the_plot_fits_and_shows_every_day_that_had_any(width: int):
    lines = bars([0, 0.001, 5, 10], width)
    assert all(width_of(line) <= width for line in lines)
    if width >= 4:
        assert text_of(lines[-1])[:: max(1, min(4, width // 4))][:4] == " ▁██"


def test_nothing_used_is_no_plot():
    assert bars([], 80) == bars([0, 0], 80) == []


@pytest.mark.parametrize("width", [30, 80, 160])
def test_the_panel_fits_its_width(width: int):
    shown = usage_layout(Accounts(USED, DAYS, (Account("coding", USED),), (Account(HOSTILE, USED),) * 20))(width)
    assert all(width_of(line) <= width for line in shown)
    assert not any("\x1b" in text_of(line) for line in shown)
    assert any("and 8 more" in text_of(line) for line in shown)


def test_what_has_no_price_is_plotted_in_tokens():
    days = tuple(Account(f"2026-11-{n:02}", Usage(100, 10)) for n in range(1, 31))
    words = [text_of(line) for line in usage_layout(Accounts(Usage(100, 10), days, (), ()))(80)]
    assert any(line.startswith("tokens by day") and line.endswith("at most 110") for line in words)


def test_the_days_are_told_one_by_one_where_a_plot_cannot_be_heard():
    days = (Account("2026-11-01", Usage(100, 10), 1), Account("2026-11-02", Usage(), 0))
    words = [text_of(line) for line in usage_layout(Accounts(Usage(100, 10), days, (), ()), words=True)(80)]
    assert "2026-11-01: 1 turn, 100 in · 10 out · –" in words
    assert not any("2026-11-02" in line or "█" in line for line in words)


def test_a_record_is_shown_as_text():
    assert not any("\x1b" in text_of(line) for line in as_json(HOSTILE)(80))


async def test_the_console_shows_what_happens_while_it_is_open_and_stays_on_its_record(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        pane = await bench.session()
        await bench.say("count to 60")
        await bench.until(lambda: pane.busy and "user: count" in bench.text_of(pane), "it writes")
        await bench.press("alt+l")
        await bench.until(lambda: "Console" in bench.dialog, "the console")
        rows = bench.app.screen.query_one(ConsoleRows)
        await bench.until(lambda: any("assistant" in left for left in lefts(rows)), "the reply comes")
        assert rows.row is not None
        assert "assistant" not in "".join(words for words, _ in rows.row.left)


def lefts(rows: ConsoleRows) -> list[str]:
    return ["".join(words for words, _ in row.left) for row in rows.rows]
