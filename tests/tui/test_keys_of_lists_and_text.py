"""Every key of the lists, the text and the tabs beside it is pressed, and what it does is seen."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from textual.drivers.headless_driver import HeadlessDriver

from agent_workbench.frontends.tui.widgets.browser import Browser
from agent_workbench.frontends.tui.widgets.config_list import ConfigList
from agent_workbench.frontends.tui.widgets.editor_pane import Completions
from agent_workbench.frontends.tui.widgets.find_bar import FindBar
from agent_workbench.frontends.tui.widgets.row_list import RowList
from agent_workbench.frontends.tui.widgets.session_list import SessionList

sys.path.insert(0, str(Path(__file__).parent))

from seen import Case, Place, Step, becomes, ceases, changes, dialog, grows, keys, revision, said, shrinks, try_out
from workbench import Bench, workbench

TEXT = "bundle:\n  name: hello\n  version: 1.0.0\ntools:\n  - module: tool-search\n  - module: tool-bsh\n"
"""Six lines of which the last has a problem that knows its fix."""


def row(bench: Bench) -> int:
    return bench.editor.cursor_location[0]


def text(bench: Bench) -> str:
    return bench.editor.text


def rows(bench: Bench, kind: type[Browser] = ConfigList) -> RowList:
    return bench.main.query_one(kind).entries


def listed(name: str, kind: type[Browser] = ConfigList) -> Step:
    """Return what brings a person to the row of a list that holds some words."""

    async def there(bench: Bench) -> None:
        await bench.press("f2" if kind is ConfigList else "f3")
        await bench.until(lambda: rows(bench, kind).has_focus, "the list has the focus")
        await bench.until(lambda: names(bench, kind, name), f"{name} is listed")
        rows(bench, kind).go_to(names(bench, kind, name)[0])

    return there


def names(bench: Bench, kind: type[Browser], words: str) -> list[str]:
    """Return the ids of the rows that hold some words."""
    found = (one for one in rows(bench, kind).rows if not one.heading)
    return [one.id for one in found if words in "".join(run[0] for run in one.left)]


def is_listed(name: str, kind: type[Browser] = ConfigList) -> object:
    return lambda bench: bool(names(bench, kind, name))


async def deleted(bench: Bench) -> None:
    await bench.press("delete")
    await bench.until(lambda: "Deleted" in bench.news, "it is deleted")
    bench.app.clear_notifications()


async def with_agent(bench: Bench) -> None:
    """Let an agent have worked for the session under the cursor."""
    parent = rows(bench, SessionList).row
    assert parent is not None
    session = bench.shared.store.sessions.get(parent.id)
    assert session is not None
    bench.shared.store.sessions.create(session.config_id, parent_session_id=parent.id, settings={"agent": "helper"})
    await bench.main.refresh_lists()
    await bench.until(lambda: names(bench, SessionList, "└") or names(bench, SessionList, "▸"), "it is listed")


async def folded(bench: Bench) -> None:
    await with_agent(bench)
    await bench.press("left")
    await bench.until(lambda: names(bench, SessionList, "▸"), "it is folded")


async def filtered(bench: Bench) -> None:
    await bench.press("slash", *"coding", "enter")
    await bench.until(lambda: not names(bench, ConfigList, "local"), "only what fits is listed")


async def in_text(bench: Bench) -> None:
    """Begin at the first line of a text with one problem."""
    await bench.press("f7")
    await bench.until(lambda: bench.editor.has_focus, "the text has the focus")
    bench.editor.load(TEXT)
    bench.editor.go_to(1)
    await bench.until(lambda: bench.editor.problem_at(5), "the problem is marked")


def at(line: int, column: int = 1, *more: str) -> Step:
    async def there(bench: Bench) -> None:
        bench.editor.go_to(line, column)
        await bench.press(*more)

    return there


def completing(bench: Bench) -> Completions:
    return bench.main.query_one(Completions)


async def offered(bench: Bench) -> None:
    bench.editor.go_to(5, 13)
    await bench.press("ctrl+@")
    await bench.until(lambda: completing(bench).is_open, "the list is open")


async def finding(bench: Bench) -> None:
    """Begin with the bar open, at the first of two finds."""
    await in_text(bench)
    await bench.press("ctrl+f", *"tool-", "tab", "ctrl+u", *"x-", "shift+tab")
    await bench.until(lambda: "of 2" in bench.shown, "they are counted")


async def walked_down(bench: Bench) -> None:
    await offered(bench)
    await bench.press("down")


async def gone(bench: Bench) -> None:
    await listed("team")(bench)
    await deleted(bench)


def second(bench: Bench) -> bool:
    return "2 of 2" in bench.shown


def in_bar(label: str) -> object:
    """Return whether the bar below the text has the focus, for finding or for a line."""
    return lambda bench: bench.main.query_one(FindBar).has_focus_within and f" {label} " in bench.shown


async def problems(bench: Bench) -> None:
    await in_text(bench)
    await bench.main.run_action("tab('Problems')")
    await bench.until(lambda: bench.desk.tab == "Problems" and "did you mean" in bench.shown, "the problem is listed")


async def history(bench: Bench) -> None:
    """Begin at the older of two revisions, with nothing unsaved."""
    config = bench.main.configs.config
    assert config is not None
    bench.editor.load(config.yaml_content)
    await bench.main.run_action("tab('History')")
    await bench.until(lambda: bench.desk.tab == "History", "the revisions")
    shown = bench.main.query_one("History RowList", RowList)
    await bench.until(lambda: shown.has_focus and len(shown.rows) > 1, "two of them")
    shown.action_last()
    await bench.pilot.pause()


async def plan(bench: Bench) -> None:
    await in_text(bench)
    bench.editor.load(TEXT.replace("bsh", "bash"))
    await bench.main.run_action("tab('Plan')")
    shown = bench.main.query_one("PlanView RowList", RowList)
    await bench.until(lambda: shown.has_focus and len(shown.rows) > 2, "the plan")
    shown.action_last()


def cursor(bench: Bench) -> int:
    return rows(bench).cursor


PLACES: Mapping[str, Place] = {
    "RowList": Place(
        listed("hello"),
        {
            "up": Case(shrinks(cursor), keys("end")),
            "down": Case(grows(cursor), keys("home")),
            "pageup": Case(shrinks(cursor), keys("end")),
            "pagedown": Case(grows(cursor), keys("home")),
            "home": Case(shrinks(cursor), keys("end")),
            "end": Case(grows(cursor), keys("home")),
            "enter": Case(becomes(lambda bench: "hello" in str(bench.desk.border_title) and bench.editor.has_focus)),
        },
    ),
    "Browser": Place(
        listed("hello"),
        {
            "slash": Case(becomes(lambda bench: bench.main.query_one("ConfigList LineInput").has_focus)),
            "escape": Case(becomes(is_listed("local")), filtered),
        },
    ),
    "ConfigList": Place(
        listed("hello"),
        {
            "c": Case(dialog("Start from")),
            "n": Case(grows(lambda bench: len(bench.panes))),
            "r": Case(dialog("Rename")),
            "d": Case(dialog("Copy hello")),
            "i": Case(dialog("Import")),
            "e": Case(dialog("Export")),
            "t": Case(dialog("Tags of hello")),
            "s": Case(said("by name")),
            "delete": Case(ceases(is_listed("local")), listed("local")),
            "u": Case(becomes(is_listed("team")), gone),
        },
    ),
    "SessionList": Place(
        listed("", SessionList),
        {
            "r": Case(dialog("Title of the session")),
            "f": Case(grows(lambda bench: len(bench.panes))),
            "delete": Case(said("Deleted")),
            "u": Case(grows(lambda bench: len(rows(bench, SessionList).rows)), deleted),
            "left": Case(shrinks(lambda bench: len(rows(bench, SessionList).rows)), with_agent),
            "right": Case(grows(lambda bench: len(rows(bench, SessionList).rows)), folded),
        },
    ),
    "YamlEditor": Place(
        in_text,
        {
            "ctrl+s": Case(grows(revision), at(7, 1, "#")),
            "ctrl+f": Case(becomes(in_bar("find"))),
            "ctrl+l": Case(becomes(in_bar("line"))),
            "alt+i": Case(dialog("tool-search"), at(5, 14)),
            "alt+t": Case(dialog("Go to a section")),
            "alt+w": Case(said("No jump leads back")),
            "ctrl+g": Case(becomes(lambda bench: "# elsewhere" in text(bench))),
            "f8": Case(becomes(lambda bench: row(bench) == 5)),
            "f9": Case(becomes(lambda bench: "tool-bash" in text(bench)), at(6)),
            "ctrl+@": Case(becomes(lambda bench: completing(bench).is_open), at(5, 18)),
            "ctrl+space": Case(becomes(lambda bench: completing(bench).is_open), at(5, 18)),
            "alt+up": Case(becomes(lambda bench: text(bench).startswith("  name")), at(2)),
            "alt+down": Case(becomes(lambda bench: text(bench).startswith("  name"))),
            "ctrl+home": Case(becomes(lambda bench: bench.editor.cursor_location == (0, 0)), at(5)),
            "ctrl+end": Case(becomes(lambda bench: bench.editor.cursor_location == bench.editor.document.end)),
            "ctrl+slash": Case(becomes(lambda bench: "\n  # - module: tool-search" in text(bench)), at(5)),
            "ctrl+underscore": Case(becomes(lambda bench: "\n  # - module: tool-search" in text(bench)), at(5)),
            "enter": Case(becomes(lambda bench: "tools:\n  \n" in text(bench)), at(4, 7)),
            "shift+tab": Case(becomes(lambda bench: "\nname: hello" in text(bench)), at(2, 5)),
        },
    ),
    "CompletingEditor": Place(
        in_text,
        {
            "down": Case(grows(lambda bench: completing(bench).cursor), offered),
            "up": Case(shrinks(lambda bench: completing(bench).cursor), walked_down),
            "enter": Case(ceases(lambda bench: completing(bench).is_open), offered),
            "tab": Case(ceases(lambda bench: completing(bench).is_open), offered),
            "escape": Case(ceases(lambda bench: completing(bench).is_open), offered),
        },
    ),
    "FindBar": Place(
        finding,
        {
            "enter": Case(becomes(second)),
            "down": Case(becomes(second)),
            "shift+enter": Case(becomes(second)),
            "up": Case(becomes(second)),
            "ctrl+r": Case(becomes(lambda bench: "x-search" in text(bench))),
            "ctrl+alt+r": Case(becomes(lambda bench: "x-search" in text(bench) and "x-bsh" in text(bench))),
            "f9": Case(becomes(lambda bench: "x-search" in text(bench) and "x-bsh" in text(bench))),
            "escape": Case(becomes(lambda bench: bench.editor.has_focus and not bench.main.query_one(FindBar).display)),
        },
    ),
    "ProblemList": Place(
        problems,
        {
            "enter": Case(becomes(lambda bench: bench.editor.has_focus and row(bench) == 5)),
            "f": Case(becomes(lambda bench: "tool-bash" in text(bench))),
        },
    ),
    "History": Place(
        history,
        {
            "s": Case(changes(lambda bench: bench.shown)),
            "d": Case(changes(lambda bench: bench.shown)),
            "p": Case(dialog("for a session")),
            "enter": Case(changes(lambda bench: bench.shown)),
            "r": Case(grows(revision)),
        },
    ),
    "PlanView": Place(plan, {"enter": Case(becomes(lambda bench: bench.editor.has_focus))}),
}


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the person an editor that writes a line, and the test a terminal that can be handed over."""
    script = tmp_path / "editor"
    script.write_text('#!/bin/sh\necho "# elsewhere" >> "$1"\n')
    script.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(script))
    monkeypatch.setattr(HeadlessDriver, "can_suspend", True)


@pytest.mark.usefixtures("editor")
async def test_every_key_of_the_lists_and_the_text(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        for name, place in PLACES.items():
            await try_out(bench, name, place)
