"""A question takes an answer only from who meant to give one."""

import pytest
from looks import HOSTILE, assert_inert, painted, text, until
from textual import events
from textual.app import App, ComposeResult
from textual.widgets import Input

from agent_workbench.conversation.clean import clean_line
from agent_workbench.conversation.events import Answer, Question
from agent_workbench.conversation.messages import ToolCall
from agent_workbench.frontends.tui.widgets.lines import text_of
from agent_workbench.frontends.tui.widgets.question import GRACE_S, QuestionCard, question_lines

ALL = ("allow", "allow_session", "allow_always")
DIFF = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-old\n+new\n"


def question(call_id: str = "1", **values: object) -> Question:
    given: dict[str, object] = {"preview": "rm -rf build && ls", "preview_kind": "command", "paths": ("/w/build",)}
    return Question(ToolCall(call_id, "bash"), "every shell command asks", **{**given, **values})  # type: ignore[arg-type]


class Host(App[None]):
    def __init__(self, *questions: Question) -> None:
        super().__init__()
        self.now = 0.0
        self.first = questions
        self.answers: list[tuple[str, Answer]] = []
        self.typed = ""

    def compose(self) -> ComposeResult:
        yield QuestionCard(clock=lambda: self.now)
        yield Input(id="other")

    async def on_mount(self) -> None:
        for one in self.first:
            self.card.ask(one)
        self.call_after_refresh(self.card.focus)

    @property
    def card(self) -> QuestionCard:
        return self.query_one(QuestionCard)

    def on_question_card_answered(self, event: QuestionCard.Answered) -> None:
        self.answers.append((event.question.call.call_id, event.answer))

    def on_question_card_typed(self, event: QuestionCard.Typed) -> None:
        self.typed += event.text


@pytest.mark.parametrize("size", [(80, 24), (200, 50), (40, 24)])
async def test_the_exact_act_its_paths_and_the_reason_are_shown(size: tuple[int, int]):
    async with (app := Host(question(scopes=ALL, rules=("bash(rm *)",)))).run_test(size=size):
        for words in (
            "allow bash",
            "rm -rf build && ls",
            "/w/build",
            "every shell command asks",
            "bash(rm *)",
            "once",
            "no…",
        ):
            assert words in text(app)


async def test_a_change_is_shown_as_its_diff():
    async with (app := Host(question(preview=DIFF, preview_kind="diff"))).run_test():
        assert "- old" in text(app)
        assert "+ new" in text(app)


async def test_a_call_without_a_preview_shows_its_arguments():
    call = Question(ToolCall("1", "web_fetch", {"url": "http://x"}), "asks")
    async with (app := Host(call)).run_test():
        assert "url: http://x" in text(app)


@pytest.mark.parametrize(("key", "decision"), [("y", "allow"), ("s", "allow_session"), ("a", "allow_always")])
async def test_a_key_after_the_grace_period_answers(key: str, decision: str):
    async with (app := Host(question(scopes=ALL))).run_test() as pilot:
        app.now = GRACE_S + 0.1
        await pilot.press(key)
        assert app.answers == [("1", Answer(decision))]  # type: ignore[arg-type]
        assert not app.card.display


async def test_a_scope_that_is_not_offered_is_neither_shown_nor_taken():
    async with (app := Host(question(scopes=("allow",), rules=("bash(*)",)))).run_test() as pilot:
        app.now = 5
        assert "session" not in text(app)
        assert "would save" not in text(app)
        await pilot.press("s", "a")
        assert (app.answers, app.typed) == ([], "sa")


async def test_keys_within_the_grace_period_are_given_back_and_decide_nothing():
    async with (app := Host(question(scopes=ALL))).run_test() as pilot:
        await pilot.press("y", "e", "s", "n", "a")
        assert (app.answers, app.typed) == ([], "yesna")
        assert not app.card.refusing


async def test_without_the_focus_no_key_decides():
    async with (app := Host(question())).run_test() as pilot:
        await pilot.pause()
        app.query_one("#other").focus()
        await pilot.pause()
        app.now = 5
        await pilot.press("y", "s", "n")
        assert app.answers == []
        assert app.query_one("#other", Input).value == "ysn"
        assert "tab to answer" in text(app)


async def test_other_keys_are_given_back():
    async with (app := Host(question())).run_test() as pilot:
        app.now = 5
        await pilot.press("x", "1", "space")
        assert (app.answers, app.typed) == ([], "x1 ")


async def test_a_refusal_may_have_a_reason():
    async with (app := Host(question())).run_test() as pilot:
        app.now = 5
        await pilot.press("n", *"use y", "enter")
        assert app.answers == [("1", Answer("deny", "use y"))]


async def test_the_keys_that_are_named_are_those_that_work():
    async with (app := Host(question(scopes=ALL))).run_test() as pilot:
        app.now = 5
        assert "[y] once" in text(app)
        await pilot.press("n")
        await until(pilot, lambda: "[enter] refuse  [esc] back" in text(app))
        assert "once" not in text(app)
        await pilot.press("escape")
        assert "[y] once" in text(app)


async def test_a_pasted_reason_is_cleaned():
    async with (app := Host(question())).run_test() as pilot:
        app.now = 5
        await pilot.press("n")
        app.focused.post_message(events.Paste(HOSTILE + "\nsecond line"))  # type: ignore[union-attr]
        await painted(pilot)
        assert_inert(app)
        await pilot.press("enter")
        assert app.answers == [("1", Answer("deny", clean_line(HOSTILE + "\nsecond line")))]


async def test_a_refusal_can_be_taken_back():
    async with (app := Host(question())).run_test() as pilot:
        app.now = 5
        await pilot.press("n", "escape")
        assert app.answers == []
        await pilot.press("y")
        assert app.answers == [("1", Answer("allow"))]


async def test_questions_queue_and_each_has_its_own_grace_period():
    async with (app := Host(question("1"), question("2"), question("3"))).run_test() as pilot:
        assert "1 of 3" in text(app)
        app.now = 5
        await pilot.press("y", "y")
        assert (app.answers, app.typed) == ([("1", Answer("allow"))], "y")
        app.now = 10
        await pilot.press("y")
        assert [call_id for call_id, _ in app.answers] == ["1", "2"]


async def test_a_question_answered_elsewhere_goes_away():
    async with (app := Host(question("1"), question("2", preview="second"))).run_test() as pilot:
        app.card.withdraw("1")
        await until(pilot, lambda: "second" in text(app))
        app.card.withdraw("2")
        await until(pilot, lambda: not app.card.display)
        assert app.answers == []


async def test_the_same_question_twice_is_one_and_a_changed_one_is_asked_anew():
    async with (app := Host(question("1"))).run_test() as pilot:
        app.card.ask(question("1"))
        assert len(app.card.waiting) == 1
        app.now = 5
        app.card.ask(question("1", preview="rm -rf /"))
        await until(pilot, lambda: "rm -rf /" in text(app))
        await pilot.press("y")
        assert (app.answers, len(app.card.waiting)) == ([], 1)


async def test_a_withdrawn_question_behind_the_first_does_not_restart_its_grace():
    async with (app := Host(question("1"), question("2"))).run_test() as pilot:
        app.now = 5
        app.card.withdraw("2")
        await pilot.press("y")
        assert app.answers == [("1", Answer("allow"))]


async def test_a_long_preview_scrolls():
    async with (app := Host(question(preview="\n".join(f"echo {number}" for number in range(60))))).run_test() as pilot:
        assert "echo 59" not in text(app)
        await pilot.press(*["pagedown"] * 7)
        assert "echo 59" in text(app)


@pytest.mark.parametrize("kind", ["text", "diff", "command"])
@pytest.mark.parametrize("size", [(80, 24), (30, 12)])
async def test_hostile_text_is_only_shown(kind: str, size: tuple[int, int]):
    call = ToolCall("1", HOSTILE, {HOSTILE: HOSTILE})
    hostile = Question(call, HOSTILE, HOSTILE, kind, (HOSTILE,), ALL, (HOSTILE,))  # type: ignore[arg-type]
    bare = Question(call, HOSTILE)
    async with (app := Host(hostile, bare)).run_test(size=size) as pilot:
        assert_inert(app)
        app.card.withdraw("1")
        await painted(pilot)
        assert_inert(app)


def test_what_is_said_of_a_question_stands_under_each_other_where_there_is_room():
    asked = question(paths=("/w/build", "/w/dist"), rules=("bash(rm -rf build)",), scopes=ALL)
    wide, narrow = ([text_of(line) for line in question_lines(asked, width)] for width in (50, 30))
    assert wide[1:] == [
        "paths:      /w/build, /w/dist",
        "why:        every shell command asks",
        "would save: bash(rm -rf build)",
    ]
    assert narrow[1:] == [
        "paths: /w/build, /w/dist",
        "why: every shell command asks",
        "would save: bash(rm -rf build)",
    ]
