"""The add dialog shows the exact change before it is made, and makes no other."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from looks import PATIENCE
from textual.app import App
from textual.pilot import Pilot

from agent_workbench.configs.edits import Edit
from agent_workbench.configs.modules import Module, ModuleConfig, catalog
from agent_workbench.frontends.tui.additions import AddKind, addition
from agent_workbench.frontends.tui.screens.add_entry import AddEntry
from agent_workbench.frontends.tui.themes import load_themes
from agent_workbench.frontends.tui.widgets.bar import Bar
from agent_workbench.frontends.tui.widgets.change_view import ChangeView, change_lines
from agent_workbench.frontends.tui.widgets.row_list import RowList

TEXT = """\
# mine
tools:
  - module: tool-filesystem   # the files
    config:
      allowed_write_paths: [src]  # and no more
"""


class Web(ModuleConfig):
    timeout: int = 10
    """Seconds to wait."""
    allowed_domains: list[str] | None = None
    """Hosts that may be read."""


class Files(ModuleConfig):
    allowed_write_paths: list[str] | None = None
    """Folders that may be written to."""


KNOWN = catalog(
    [
        Module("tool-filesystem", "tool", "read and write files", Files),
        Module("tool-web", "tool", "fetch pages and search the web", Web),
        Module("tool-webhook", "tool", "post results to an address", origin="acme-tools"),
        Module("provider-mock", "provider", "offline"),
    ]
)


class Host(App[None]):
    def __init__(self, kind: AddKind, text: str) -> None:
        super().__init__()
        self.register_theme(load_themes().by_name["ink"])
        self.theme = "ink"
        self.dialog = AddEntry(addition(kind, "coding", text, KNOWN, [("foundation", "the shipped base")]))
        self.answer: list[Edit | None] = []

    def on_mount(self) -> None:
        self.push_screen(self.dialog, self.answer.append)

    @property
    def shown(self) -> list[str]:
        return ["".join(text for text, _ in line) for line in self.dialog.query_one("#change", ChangeView).lines]

    @property
    def offers(self) -> list[str]:
        return [row.id for row in self.dialog.query_one("#offers", RowList).rows]

    async def settled(self, pilot: Pilot[None], done: Callable[[], bool]) -> None:
        """Wait until the dialog has worked out the change; `PATIENCE` seconds are a failure."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            await pilot.pause(0.02)
            if done():
                return
        raise AssertionError(f"never settled: {self.shown}")


@asynccontextmanager
async def adding(kind: AddKind = "tool", text: str = TEXT) -> AsyncIterator[tuple[Pilot[None], Host]]:
    host = Host(kind, text)
    async with host.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        yield pilot, host


async def test_search_form_change_and_enter_without_a_mouse():
    async with adding() as (pilot, host):
        await pilot.press(*"web")
        assert host.offers == ["tool-web", "tool-webhook", "web"]
        await host.settled(pilot, lambda: "+6   - module: tool-web" in host.shown)
        await pilot.press("tab", "2", "0", "tab", *"docs.python.org")
        await host.settled(pilot, lambda: any("docs.python.org" in line for line in host.shown))
        assert [line.replace(" ", "") for line in host.shown[-5:]] == [
            "+6-module:tool-web", "+7config:", "+8timeout:20", "+9allowed_domains:", "+10-docs.python.org",
        ]  # fmt: skip
        await pilot.press("enter")
        await host.settled(pilot, lambda: bool(host.answer))
        edit = host.answer[0]
        assert edit is not None
        after = edit.apply(TEXT)
        assert after.startswith(TEXT.rstrip("\n"))
        assert "timeout: 20" in after


async def test_escape_changes_nothing():
    async with adding() as (pilot, host):
        await pilot.press(*"web", "escape")
        await pilot.pause()
        assert host.answer == [None]


async def test_what_does_not_fit_is_said_and_enter_does_nothing():
    async with adding() as (pilot, host):
        await pilot.press(*"tool-web", "tab", "x", "enter")
        await host.settled(pilot, lambda: "does not fit" in host.dialog.query_one("#verdict", Bar).plain)
        assert host.answer == []
        assert host.shown == []


async def test_an_entry_that_is_there_is_changed_in_place_with_its_comments():
    async with adding() as (pilot, host):
        await pilot.press(*"filesystem")
        await host.settled(pilot, lambda: "nothing would change" in host.dialog.query_one("#verdict", Bar).plain)
        await pilot.press("tab", "home", *"docs, ")
        await host.settled(pilot, lambda: any("docs, " in line for line in host.shown))
        await pilot.press("enter")
        await host.settled(pilot, lambda: bool(host.answer))
        edit = host.answer[0]
        assert edit is not None
        assert "# and no more" in edit.apply(TEXT)


async def test_an_include_may_be_typed():
    async with adding("include") as (pilot, host):
        assert host.offers == ["foundation"]
        await pilot.press(*"./base.yaml")
        await host.settled(pilot, lambda: any("./base.yaml" in line for line in host.shown))
        await pilot.press("enter")
        await host.settled(pilot, lambda: bool(host.answer))
        assert host.answer[0] is not None


async def test_an_agent_is_made_from_a_name():
    async with adding("agent") as (pilot, host):
        await pilot.press(*"Reader", "tab", *"reads")
        await host.settled(pilot, lambda: any("description: reads" in line for line in host.shown))


async def test_a_text_with_errors_is_refused_with_the_reason():
    async with adding("tool", "tools: [\n") as (pilot, host):
        await pilot.press(*"tool-web")
        await host.settled(pilot, lambda: "!" in host.dialog.query_one("#verdict", Bar).plain)
        assert host.shown == []


def test_a_change_is_shown_with_numbers_and_far_changes_apart():
    old = "".join(f"line {n}\n" for n in range(1, 31))
    new = old.replace("line 3\n", "").replace("line 20\n", "line 20\nmore\n")
    shown = ["".join(text for text, _ in line) for line in change_lines(old, new, context=1)]
    assert shown == ["  2 line 2", "- 3 line 3", "  3 line 4", "  …", " 19 line 20", "+20 more", " 21 line 21"]


def test_no_change_has_no_lines_and_line_ends_alone_are_said():
    assert change_lines("a\n", "a\n") == []
    assert change_lines("a\n", "a\r\n") == [[("only line ends change", "muted")]]


def test_of_several_entries_of_one_module_the_one_under_the_cursor_is_changed():
    entry = "  - {{module: tool-web, id: n{0}, config: {{timeout: {0}}}}}\n"
    text = "tools:\n" + entry.format(1) + entry.format(2)
    found = addition("tool", "coding", text, KNOWN, index=1)
    offer = next(one for one in found.offers if one.id == "tool-web")
    assert offer.config == {"timeout": 2}
    after = found.propose("tool-web", {"timeout": 3}).apply(text)
    assert after == text.replace("timeout: 2", "timeout: 3")
