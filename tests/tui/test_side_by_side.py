"""Several panes at once: compared, and run again another way."""

from __future__ import annotations

import sys
from decimal import Decimal
from pathlib import Path

import pytest
from looks import HOSTILE

from agent_workbench.conversation.usage import Usage
from agent_workbench.frontends.tui.screens.compare import Compare, difference, reading, table
from agent_workbench.frontends.tui.screens.sheet import Sheet, SheetView
from agent_workbench.frontends.tui.widgets.bar import Bar
from agent_workbench.frontends.tui.widgets.lines import text_of, width_of
from agent_workbench.services.comparing import Answered

sys.path.insert(0, str(Path(__file__).parent))

from workbench import Bench, workbench

ONE = Answered("1", "a", "model-x", 7, "why?", "Because.", Usage(3100, 412, cost=Decimal("0.012")), 6.1, ("read",))
TWO = Answered("2", "b", "model-y", 8, "why?", "Because\nof tabs.", Usage(2900, 380), 4.4)


async def two_answers(bench: Bench) -> None:
    await bench.session()
    await bench.session("ctrl+t")
    await bench.press("alt+g")
    await bench.say("my name is Ada")
    await bench.until(lambda: all("Nice" in bench.text_of(pane) for pane in bench.panes), "both answer")
    await bench.until(lambda: not any(pane.busy for pane in bench.panes), "both are done")
    await bench.press("alt+g")


async def test_answers_are_compared_read_held_against_each_other_and_one_is_kept(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        await two_answers(bench)
        kept = bench.panes[0].session_id
        await bench.press("alt+c")
        await bench.until(lambda: isinstance(bench.app.screen, Compare), "the table")
        await bench.until(lambda: bench.app.screen.query_one(SheetView).lines, "its lines")
        words = "\n".join(text_of(line) for line in bench.app.screen.query_one(SheetView).lines)
        assert words.count("Nice to meet you, Ada!") == 2
        await bench.press("enter")
        await bench.until(lambda: isinstance(bench.app.screen, Sheet), "the whole answer")
        await bench.press("escape", "d")
        await bench.until(lambda: isinstance(bench.app.screen, Sheet), "the diff")
        await bench.until(lambda: bench.app.screen.query_one(SheetView).lines, "its lines")
        assert "both say the same" in text_of(bench.app.screen.query_one(SheetView).lines[0])
        await bench.press("escape", "left", "k")
        await bench.until(lambda: [pane.session_id for pane in bench.panes] == [kept], "the others are closed")
        assert bench.shared.store.sessions.list_sessions()[1] == 2


async def test_the_last_prompt_runs_again_with_another_model(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        pane = await bench.session()
        await bench.say("my name is Ada")
        await bench.until(lambda: not pane.busy and "Nice" in bench.text_of(pane), "an answer")
        await bench.say("/rerun other-model")
        await bench.until(lambda: len(bench.panes) == 2 and "Nice" in bench.text_of(bench.panes[1]), "another answer")
        turn = bench.shared.store.sessions.turns(bench.panes[1].session_id)[-1]
        assert turn.model == "other-model"
        assert "my name is Ada" in bench.text_of(bench.panes[1])


async def test_the_last_prompt_runs_again_with_the_edited_config(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        pane = await bench.session()
        await bench.say("my name is Ada")
        await bench.until(lambda: not pane.busy and "Nice" in bench.text_of(pane), "an answer")
        await bench.say("/rerun-edited")
        await bench.settled()
        assert len(bench.panes) == 1
        await bench.press("alt+e")
        await bench.until(lambda: bench.editor.has_focus, "the text")
        await bench.type("# edited")
        await bench.press("f4")
        await bench.say("/rerun-edited")
        await bench.until(lambda: len(bench.panes) == 2 and "Nice" in bench.text_of(bench.panes[1]), "another answer")
        sessions = bench.shared.store.sessions
        before, after = (sessions.get(one.session_id) for one in bench.panes)
        assert before is not None
        assert after is not None
        assert (before.pinned_revision, after.pinned_revision) == (1, None)
        assert "pinned 1" in pane.query(Bar).first().plain
        assert "pinned" not in bench.panes[1].query(Bar).first().plain
        assert sessions.turns(after.session_id)[-1].config_revision == 2


@pytest.mark.parametrize("width", [20, 60, 120, 200])
@pytest.mark.parametrize("answers", [(), (ONE,), (ONE, TWO), (ONE, TWO, ONE, TWO)])
def test_the_table_fits_its_width(width: int, answers: tuple[Answered, ...]):
    assert all(width_of(line) <= max(width, 9 + 8 * len(answers)) for line in table(answers, 0, width))


def test_the_table_says_what_is_known_and_a_dash_where_nothing_is():
    words = [text_of(line).split() for line in table((ONE, TWO), 0, 100)]
    assert ["time", "6.1", "s", "4.4", "s"] in words
    assert ["cost", "$0.012", "–"] in words
    assert ["tools", "read", "–"] in words


def test_what_a_model_says_is_shown_as_text():
    hostile = Answered("1", HOSTILE, HOSTILE, 1, HOSTILE, HOSTILE, tools=(HOSTILE,))
    for lines in (table((hostile,), 0, 80), reading(HOSTILE)(80), difference(HOSTILE, "x")(80)):
        assert not any("\x1b" in text_of(line) for line in lines)


def test_a_diff_of_two_answers_names_what_changed():
    lines = [text_of(line).strip() for line in difference(ONE.answer, TWO.answer)(60)]
    assert "- Because." in lines
    assert "+ of tabs." in lines


async def test_a_fifth_session_takes_the_place_of_the_idle_pane_that_was_used_longest_ago(tmp_path: Path):
    async with workbench(tmp_path, (200, 50)) as bench:
        panes = [await bench.session() for _ in range(4)]
        await bench.press("alt+1")
        await bench.say("count to 60")
        await bench.until(lambda: panes[0].busy, "the first works")
        await bench.press("alt+3")
        panes[1].prompt.type_in("half a thought")
        await bench.press("ctrl+n")
        await bench.until(lambda: panes[1] not in bench.panes, "a new one takes the place of the second")
        await bench.until(lambda: bench.panes[1].prompt.has_focus, "and the focus")
        assert [pane.number for pane in bench.panes] == [1, 2, 3, 4]
        assert [bench.panes[n] is panes[n] for n in range(4)] == [True, False, True, True]
        assert "in pane 2 made room; F3 brings it back" in bench.news
        kept = bench.shared.store.sessions.get(panes[1].session_id)
        assert kept is not None
        assert kept.draft == "half a thought"
        await bench.shared.sessions.cancel(panes[0].session_id)


async def test_where_all_others_work_the_one_that_was_used_longest_ago_makes_room_and_goes_on(tmp_path: Path):
    async with workbench(tmp_path, (200, 50)) as bench:
        panes = [await bench.session() for _ in range(4)]
        await bench.press("alt+g")
        await bench.say("count to 80")
        await bench.until(lambda: all(pane.busy for pane in panes), "all work")
        await bench.press("ctrl+n")
        await bench.until(lambda: panes[0] not in bench.panes, "the first makes room")
        assert "made room and goes on" in bench.news
        assert bench.shared.sessions.is_running(panes[0].session_id)
        for pane in panes:
            await bench.shared.sessions.cancel(pane.session_id)


async def test_the_first_line_counts_the_sessions_whatever_the_list_shows(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        await bench.session()
        await bench.session()
        await bench.until(lambda: "2 sessions" in bench.shown, "both are counted")
        await bench.press("f3", "slash")
        await bench.type("zebra")
        await bench.until(lambda: "Nothing fits" in bench.shown, "the list is empty")
        assert "2 sessions" in bench.shown


async def test_compact_says_in_the_pane_what_is_left_out_and_still_does_when_that_is_opened_again(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        pane = await bench.session()
        for number in range(8):
            await bench.shared.sessions.send_message(pane.session_id, f"count to {number + 20}")
        await bench.say("/compact lighthouse")
        await bench.until(lambda: "no message holds all of “lighthouse”" in bench.news, "it is refused")
        await bench.say("/compact")
        await bench.until(lambda: "was compacted" in bench.shown, "the pane says it")
        await bench.press("ctrl+w", "f3", "enter")
        await bench.until(lambda: bench.panes and bench.panes[0] is not pane, "it is opened again")
        await bench.until(lambda: "was compacted" in bench.shown, "the line is there")


async def test_several_panes_say_which_config_revision_and_model_each_runs(tmp_path: Path):
    async with workbench(tmp_path, size=(200, 50)) as bench:
        first = await bench.session()
        assert first.origin == ""
        second = await bench.session("ctrl+t")
        await bench.until(lambda: first.origin == second.origin == "hello 1 · mock", "both say it")
        await bench.main.sessions.set(second, model="mock-large")
        await bench.until(lambda: second.origin == "hello 1 · mock-large", "another model")
        await bench.until(lambda: "hello 1 · mock-large" in bench.shown, "it is seen")
        await bench.main.sessions.close(second)
        await bench.until(lambda: first.origin == "", "alone it needs no saying")
