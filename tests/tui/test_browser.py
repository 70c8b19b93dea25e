"""The lists around the editor: configs, sessions, plan, problems, history."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from looks import until
from rich.cells import cell_len
from textual import on
from textual.app import App, ComposeResult

from agent_workbench.configs.edits import Edit
from agent_workbench.configs.plan import AgentSpec, Origin, Plan
from agent_workbench.configs.problems import Problem
from agent_workbench.frontends.tui.widgets.bar import Bar
from agent_workbench.frontends.tui.widgets.browser import Browser
from agent_workbench.frontends.tui.widgets.change_view import ChangeView, change_lines
from agent_workbench.frontends.tui.widgets.config_list import ConfigList, config_rows
from agent_workbench.frontends.tui.widgets.diff_columns import column_lines
from agent_workbench.frontends.tui.widgets.history import LISTED, History, revision_rows
from agent_workbench.frontends.tui.widgets.plan_view import PlanView, plan_rows
from agent_workbench.frontends.tui.widgets.problems import ProblemList, problem_rows
from agent_workbench.frontends.tui.widgets.row_list import Row, RowList
from agent_workbench.frontends.tui.widgets.session_list import SessionList, agents_below, session_rows, without
from agent_workbench.storage.records import ConfigMetadata, Revision, Session

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def words(rows: Iterable[Row]) -> list[str]:
    return [" | ".join("".join(t for t, _ in side) for side in (r.left, r.right) if side).rstrip() for r in rows]


def config(name: str, folder: str = "", sessions: int = 0) -> ConfigMetadata:
    tags = {"folder": folder} if folder else {}
    return ConfigMetadata(name, name, None, NOW, NOW, tags, sessions=sessions)


def session(title: str, **values: object) -> Session:
    values = {"config_name": "coding", **values}
    return Session(title or "s", "c", "active", NOW, NOW, title=title, **values)  # type: ignore[arg-type]


def test_configs_stand_by_folder_with_the_samples_last():
    rows = list(config_rows([config("hello", "samples"), config("coding", "work", 7), config("draft")]))
    assert [line.split()[0] for line in words(rows)] == ["mine", "draft", "work", "coding", "samples", "hello"]
    assert words(rows)[3].endswith("| 7")


def test_one_folder_needs_no_heading_and_marks_say_what_is_up():
    rows = list(config_rows([config("a"), config("b"), config("c")], {"a": "unsaved", "b": "problem", "c": "running"}))
    assert [line.split()[:2] for line in words(rows)] == [["*", "a"], ["!", "b"], ["●", "c"]]


def test_what_happened_to_a_linked_file_stands_beside_its_config():
    rows = list(config_rows([config("a"), config("b"), config("c")], files={"a": "both", "b": "gone"}))
    assert [line.partition("| ")[2] for line in words(rows)] == ["file changed", "file gone", ""]


def test_the_state_of_a_session_is_a_sign_and_a_word():
    made = [
        session("asks", needs_you=True),
        session("runs"),
        session("cut", state="interrupted"),
        session("fresh"),
        session(""),
    ]
    rows = session_rows(made, running={"runs"}, unread={"fresh"}, open_in={"runs": 2})
    assert words(rows) == [
        "? asks | needs you", "● runs | running 2", "! cut | interrupted", "• fresh | new", "  new session |",
    ]  # fmt: skip


def test_the_name_of_the_config_stands_beside_a_session_only_where_there_are_several_and_the_title_has_its_room():
    made = [session("short"), session("a title that needs all cells"), session("other", config_name="writer")]
    names = [line.partition("|")[2].strip() for line in words(session_rows(made, width=28))]
    assert names == ["coding", "", "writer"]
    assert [line.partition("|")[2].strip() for line in words(session_rows(made[:2], width=28))] == ["", ""]


def test_where_there_is_room_a_row_says_config_model_age_and_cost():
    made = [session("s", pinned_revision=3, settings={"model": "model-x"}, cost=Decimal("0.04"))]
    rows = list(session_rows(made, width=80, now=NOW + timedelta(hours=30)))
    assert words(rows) == ["  s | coding 3 · model-x · 1 d · $0.040"]


def test_agents_stand_below_the_session_they_work_for_and_forks_on_their_own():
    made = [
        session("grandchild", parent_session_id="child", settings={"agent": "b"}),
        session("parent"),
        session("fork", parent_session_id="parent"),
        session("child", parent_session_id="parent", settings={"agent": "a"}),
        session("orphan", parent_session_id="gone", settings={"agent": "a"}),
    ]
    assert [line.split(" |")[0] for line in words(list(session_rows(made)))] == [
        "  parent", "  └ child", "    └ grandchild", "  ⑂1 fork", "  orphan",
    ]  # fmt: skip


FAMILY = [
    session("parent"),
    session("child", parent_session_id="parent", settings={"agent": "a"}),
    session("grandchild", parent_session_id="child", settings={"agent": "b"}, needs_you=True),
    session("fork", parent_session_id="parent"),
]


@pytest.mark.parametrize(
    ("folded", "searched", "shown"),
    [
        ((), "", ["  parent", "  └ child", "?   └ grandchild | needs you", "  ⑂1 fork"]),
        ({"parent"}, "", ["? ▸2 parent | needs you", "  ⑂1 fork"]),
        ({"child"}, "", ["  parent", "? └ ▸1 child | needs you", "  ⑂1 fork"]),
        ({"parent", "child"}, "", ["? ▸2 parent | needs you", "  ⑂1 fork"]),
        ({"fork", "grandchild"}, "child", [
            "  parent", "  └ child", "?   └ grandchild | needs you", "  ⑂1 fork",
        ]),
    ],
    ids=["nothing", "a parent", "a child", "both", "those without agents, while searching"],
)  # fmt: skip
def test_a_folded_session_hides_its_agents_and_says_how_many_and_what_they_want(
    folded: set[str], searched: str, shown: list[str]
):
    rows = session_rows(FAMILY, folded=folded, words=searched)
    assert [line.removesuffix(" |") for line in words(rows)] == shown


@pytest.mark.parametrize(
    ("gone", "left"),
    [
        ((), ["parent", "child", "grandchild", "fork"]),
        ({"parent"}, ["fork"]),
        ({"child"}, ["parent", "fork"]),
        ({"fork", "grandchild"}, ["parent", "child"]),
    ],
    ids=["nothing", "a parent", "an agent", "a fork and the last agent"],
)
def test_with_a_session_go_the_agents_that_worked_for_it_and_not_its_forks(gone: set[str], left: list[str]):
    assert [one.title for one in without(FAMILY, gone)] == left


async def test_left_hides_the_agents_of_a_session_and_right_shows_them_again():
    asked: list[set[str]] = []

    class Host(App[None]):
        def compose(self) -> ComposeResult:
            yield SessionList()

        @on(SessionList.Filtered)
        def _put(self) -> None:
            shown = self.query_one(SessionList)
            asked.append(set(shown.folded))
            shown.put(list(session_rows(FAMILY, folded=shown.folded)))

    app = Host()
    async with app.run_test() as pilot:
        shown = app.query_one(SessionList)
        shown.above = agents_below(FAMILY)
        shown.put(list(session_rows(FAMILY)), at="grandchild")
        shown.focus_list()
        for key, at, folded in (
            ("left", "child", {"child"}), ("left", "parent", {"child", "parent"}), ("right", "parent", {"child"}),
            ("down", "child", None), ("right", "child", set()), ("down", "grandchild", None),
        ):  # fmt: skip
            count = len(asked)
            await pilot.press(key)
            await until(pilot, lambda at=at: shown.entries.row is not None and shown.entries.row.id == at, at)
            if folded is not None:
                await until(pilot, lambda count=count: len(asked) > count, "rows are asked for")
                assert asked[-1] == folded


PLAN = Plan(
    "x",
    "1.0.0",
    "",
    {
        "session": {"context": {"module": "context-simple", "config": {"max_tokens": 300000}}},
        "providers": [{"module": "provider-x", "config": {"api_key": "sk-very-secret-value", "base": "${URL}"}}],
        "tools": [{"module": "tool-a"}],
        "agents": {"r": {}},
    },
    agents={"r": AgentSpec("r", "reads")},
    origins={
        "session.context.config.max_tokens": (Origin("foundation", 12), Origin("coding", 24)),
        "tools[tool-a]": (Origin("coding", 15),),
    },
)


def test_the_plan_names_the_place_that_won_and_those_it_won_over():
    shown = words(plan_rows(PLAN))
    assert "      max_tokens        300000 | coding:24  over foundation:12" in shown
    assert "  tool-a | coding:15" in shown
    assert "  r  reads" in [line.rstrip(" |") for line in shown]


def test_the_plan_shows_no_secret_and_leaves_references_as_they_are():
    text = "\n".join(words(plan_rows(PLAN)))
    assert "sk-very-secret-value" not in text
    assert "${URL}" in text


def test_a_long_history_says_that_it_goes_on():
    revisions = [Revision("c", number, "a: 1\n", "", NOW) for number in range(LISTED + 1, 0, -1)]
    assert len(list(revision_rows(revisions[1:]))) == LISTED
    *listed, last = revision_rows(revisions)
    assert len(listed) == LISTED
    assert (last.heading, words([last])[0].strip()) == (True, "older ones are kept, too: awb config diff --from 1")


class Host(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[object] = []

    def compose(self) -> ComposeResult:
        yield ConfigList()
        yield PlanView()
        yield ProblemList()
        yield History()

    def on_browser_asked(self, event: Browser.Asked) -> None:
        self.seen.append((event.what, event.id))

    def on_browser_filtered(self, event: Browser.Filtered) -> None:
        self.seen.append(event.words)

    def on_plan_view_jump(self, event: PlanView.Jump) -> None:
        self.seen.append(event.origin)

    def on_plan_view_to_problem(self, event: PlanView.ToProblem) -> None:
        self.seen.append(event.problem)

    def on_problem_list_jump(self, event: ProblemList.Jump) -> None:
        self.seen.append(event.problem)

    def on_problem_list_fix(self, event: ProblemList.Fix) -> None:
        self.seen.append(("fix", event.problem))

    def on_history_restore(self, event: History.Restore) -> None:
        self.seen.append(event.revision)


async def test_a_key_asks_for_something_to_be_done_with_the_config():
    host = Host()
    async with host.run_test(size=(60, 40)) as pilot:
        browser = host.query_one(ConfigList)
        browser.put(list(config_rows([config("a"), config("b")])))
        browser.focus_list()
        await pilot.press("down", "n", "enter", "slash", "x", "escape")
        await pilot.pause()
        assert host.seen == [("session", "b"), ("open", "b"), "x", ""]


async def test_enter_in_the_plan_goes_to_the_line_that_set_the_value():
    host = Host()
    async with host.run_test(size=(80, 40)) as pilot:
        view = host.query_one(PlanView)
        view.show(PLAN)
        view.query_one("RowList").focus()
        for _ in range(4):
            await pilot.press("down")
        await pilot.press("enter")
        await pilot.pause()
        assert host.seen == [Origin("coding", 24)]


async def test_the_plan_writes_out_the_row_under_the_cursor_where_its_line_cuts_it():
    value = " ".join(f"word{number}" for number in range(60))
    places = tuple(Origin(f"a-rather-long-name-of-a-source-{number}", number) for number in range(1, 6))
    plan = Plan("x", "", "", {"tools": [{"module": "tool-a", "config": {"long": value, "short": 1}}]},
                origins={"tools[tool-a].config.long": places})  # fmt: skip
    host = Host()
    async with host.run_test(size=(80, 100)) as pilot:
        view = host.query_one(PlanView)
        view.show(plan)
        view.query_one(RowList).focus()
        bar = view.query_one(Bar)
        assert not bar.display
        await pilot.press("down", "down")
        await pilot.pause()
        told = str(bar.render()).replace("\n", " ")
        assert value in told
        assert [str(one) in told for one in places] == [True] * 5
        assert max(map(len, str(bar.render()).splitlines())) <= 80
        assert bar.size.height == len(str(bar.render()).splitlines())
        await pilot.press("down")
        await pilot.pause()
        assert not bar.display


async def test_problems_are_gone_to_and_fixed():
    fixable = Problem("error", "unknown module", 3, 5, hint="tool-bash?", fix=Edit(0, "a", "b"))
    other = Problem("warning", "odd", source="base.yaml")
    host = Host()
    async with host.run_test(size=(80, 40)) as pilot:
        view = host.query_one(ProblemList)
        view.show((fixable, other))
        view.query_one("RowList").focus()
        await pilot.press("enter", "f", "down", "enter", "f")
        await pilot.pause()
        assert host.seen == [fixable, ("fix", fixable), other]


LONG = Problem(
    "error", "the message is long enough that no narrow pane can hold it on one line, whatever its font", 12, 3,
    hint="and so is its hint, which says in detail what to write there instead, and where it is described",
    source="foundation:behaviors/a-rather-long-name.yaml",
)  # fmt: skip


@pytest.mark.parametrize("width", [40, 60, 78, 120, 300])
def test_a_problem_can_be_read_whole_at_any_width(width: int):
    rows = list(problem_rows([LONG], width))
    assert all(cell_len(line) <= width for line in words(rows))
    told = "".join(t for row in rows for t, _ in row.left).replace(" ", "")
    place = f"{LONG.source}:12:3"
    assert told.replace(place, "") == f"● error {LONG.message} {LONG.hint}".replace(" ", "")
    assert place in told + "".join(t for t, _ in rows[0].right)
    assert [row.id for row in rows if not row.heading] == ["0"]


def test_a_place_without_a_column_names_its_line():
    assert words(problem_rows([replace(LONG, message="x", column=0, source="a.yaml")]))[0].endswith("| a.yaml:12")


async def test_all_lines_of_the_problem_under_the_cursor_are_in_view():
    host = Host()
    async with host.run_test(size=(60, 24)) as pilot:
        view = host.query_one(ProblemList)
        view.show(tuple(replace(LONG, line=number) for number in range(1, 6)))
        rows = view.query_one(RowList)
        rows.focus()
        await pilot.press("end")
        await pilot.pause()
        assert rows.scroll_offset.y + rows.size.height == len(rows.rows)


async def test_the_plan_of_a_text_that_cannot_be_read_points_at_the_problem_above_the_last_good_one():
    broken = Problem("error", "did not find what it wants", 7, 2, code="yaml-syntax")
    host = Host()
    async with host.run_test(size=(80, 60)) as pilot:
        view = host.query_one(PlanView)
        view.show(Plan("x", "", "", {}, problems=(broken,)), last=PLAN)
        rows = view.query_one(RowList)
        shown = words(rows.rows)
        assert shown[0] == "● error   did not find what it wants | 7:2"
        assert shown[1] == "The plan of the text as it was when it could be read:"
        assert shown[2:] == words(plan_rows(PLAN))
        rows.focus()
        await pilot.press("home", "enter")
        await pilot.pause()
        assert host.seen == [broken]


async def test_what_keeps_a_session_from_starting_stands_above_what_could_be_composed():
    missing = [Problem("error", f"./{n}.yaml is not included", n, 3, code="include-missing") for n in range(1, 6)]
    host = Host()
    async with host.run_test(size=(80, 60)):
        view = host.query_one(PlanView)
        view.show(replace(PLAN, problems=tuple(missing)))
        shown = words(view.query_one(RowList).rows)
        assert [line.split()[0] for line in shown[:4]] == ["●", "●", "●", "and"]
        assert shown[4:] == words(plan_rows(PLAN))


async def test_history_shows_what_each_revision_changed_and_restores_an_old_one():
    def revision(number: int, text: str) -> Revision:
        return Revision("c", number, text, "", NOW, note=f"n{number}")

    host = Host()
    async with host.run_test(size=(70, 40)) as pilot:
        view = host.query_one(History)
        view.show([revision(3, "a\nb\nc\n"), revision(2, "a\nb\n"), revision(1, "a\n")])
        change = view.query_one(ChangeView)

        def shown() -> list[str]:
            return ["".join(t for t, _ in line) for line in change.lines]

        assert shown() == ["revision 2 → 3  n3", " 1 a", " 2 b", "+3 c"]
        view.query_one("RowList").focus()
        await pilot.press("r", "down", "r")
        await pilot.pause()
        assert shown() == ["revision 1 → 2  n2", " 1 a", "+2 b"]
        await pilot.press("d")
        await pilot.pause()
        assert shown() == ["revision 2 → 3  n2", " 1 a", " 2 b", "+3 c"]
        await pilot.press("up")
        await pilot.pause()
        assert shown() == ["revision 3 → 3  n3", "No difference."]
        assert host.seen == [2]


def test_a_change_of_a_text_shows_no_secret():
    old, new = "api_key: sk-very-secret-value-1\n", "api_key: sk-very-secret-value-2\nname: x\n"
    for lines in (change_lines(old, new), column_lines(old, new, 100)):
        shown = "\n".join("".join(t for t, _ in line) for line in lines)
        assert "very-secret" not in shown
        assert "api_key: •" in shown
        assert "name: x" in shown


async def test_a_note_that_does_not_fit_its_row_stands_whole_above_the_change():
    note = "a long note that says in many words why all of this had to be changed once more, for good"
    host = Host()
    async with host.run_test(size=(50, 40)) as pilot:
        view = host.query_one(History)
        view.show([Revision("c", 1, "a\n", "", NOW, author="ada", note=note)])
        await pilot.pause()
        lines = ["".join(t for t, _ in line) for line in view.query_one(ChangeView).lines]
        assert f"revision 1, the first kept {note} · by ada" in " ".join(" ".join(lines).split())


def test_the_author_stands_in_the_list_where_several_saved():
    def saved(number: int, author: str) -> Revision:
        return Revision("c", number, "", "", NOW, author=author, note="n")

    assert "ada" not in words(revision_rows([saved(2, "ada"), saved(1, "ada")]))[0]
    assert "ada" in words(revision_rows([saved(2, "ada"), saved(1, "bob")]))[0]
