"""The list keeps its cursor on a row, also while rows come and go."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from textual.app import App, ComposeResult
from textual.pilot import Pilot

from agent_workbench.frontends.tui.widgets.row_list import Row, RowList


class Host(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.chosen: list[str] = []

    def compose(self) -> ComposeResult:
        yield RowList(empty="Nothing yet.\npress n for one")

    def on_row_list_chosen(self, event: RowList.Chosen) -> None:
        self.chosen.append(event.row.id)


@asynccontextmanager
async def listing(*ids: str) -> AsyncIterator[tuple[Pilot[None], RowList, Host]]:
    host = Host()
    async with host.run_test(size=(30, 6)) as pilot:
        rows = host.query_one(RowList)
        rows.put(made(*ids))
        rows.focus()
        await pilot.pause()
        yield pilot, rows, host


def made(*ids: str) -> list[Row]:
    return [Row(one, [(one, "")], [("!", "bad")], heading=one.isupper()) for one in ids]


async def test_enter_and_a_click_choose_the_row():
    async with listing("a", "b", "c") as (pilot, _, host):
        await pilot.press("down", "enter")
        await pilot.click(RowList, offset=(3, 2))
        assert host.chosen == ["b", "c"]


async def test_headings_are_passed_over():
    async with listing("ONE", "a", "TWO", "b") as (pilot, rows, _):
        assert rows.row is not None
        assert rows.row.id == "a"
        await pilot.press("down")
        assert rows.row.id == "b"
        await pilot.press("up", "up")
        assert rows.row.id == "a"


async def test_the_cursor_stays_with_its_row_when_others_come_and_go():
    async with listing("a", "b", "c") as (pilot, rows, _):
        await pilot.press("down")
        rows.put(made("x", "y", "b"))
        assert rows.row == made("b")[0]
        rows.put(made("x"))
        assert rows.row == made("x")[0]
        rows.put([])
        assert rows.row is None
        rows.put(made("p", "q"), at="q")
        assert rows.row == made("q")[0]


async def test_an_empty_list_says_what_to_press():
    async with listing() as (_, rows, _host):
        shown = [strip.text.strip() for strip in rows.render_lines(rows.region.reset_offset)]
        assert shown[:2] == ["Nothing yet.", "press n for one"]


async def test_ten_thousand_rows_paint_only_what_is_seen():
    async with listing(*(str(n) for n in range(10_000))) as (pilot, rows, _):
        await pilot.press("end")
        assert rows.row is not None
        assert rows.row.id == "9999"
        lines = rows.render_lines(rows.region.reset_offset)
        assert lines[-1].text.startswith("▌9999")
        assert len({strip.cell_length for strip in lines}) == 1
