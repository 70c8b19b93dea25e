"""A pane shows a session's events in order and says upwards what the person wants."""

from decimal import Decimal

import pytest
from looks import HOSTILE, assert_inert, painted, rows, text, timers, until
from textual.app import App, ComposeResult
from textual.events import Paste

from agent_workbench.conversation.events import (
    Answer,
    ApprovalAnswered,
    ApprovalRequired,
    Event,
    Notice,
    Question,
    ReplyFinished,
    ResultsReady,
    Retrying,
    StepStarted,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    ToolFinished,
    ToolOutput,
    ToolStarted,
    TurnFinished,
    TurnStarted,
    UserSaid,
)
from agent_workbench.conversation.messages import Message, StopReason, Text, Thinking, ToolCall, ToolResult, user
from agent_workbench.conversation.usage import Usage
from agent_workbench.frontends.tui.widgets.blocks import NoticeBlock, blocks_of
from agent_workbench.frontends.tui.widgets.chat_pane import ChatPane
from agent_workbench.frontends.tui.widgets.question import GRACE_S

SIZES = [(80, 24), (120, 40), (200, 50)]
CALL = ToolCall("1", "bash", {"command": "ls"})
REPLY = Message("assistant", (Thinking("hm"), Text("I will **look**."), CALL), "model-x", "tool_calls")
RESULT = ToolResult("1", "a.py\nb.py")
ANSWER = Message("assistant", (Text("Two files."),), "model-x", "end")
USAGE = Usage(3100, 400, cost=Decimal("0.012"))
TURN: list[Event] = [
    UserSaid(user("what is here?")),
    TurnStarted("t1", 7, "model-x"),
    StepStarted(1, "model-x"),
    ThinkingDelta("hm"),
    TextDelta("I will "),
    TextDelta("**look**."),
    ToolCallDelta("1", "bash", '{"comm'),
    ToolCallDelta("1", "", 'and": "ls"}'),
    ReplyFinished(REPLY, USAGE),
    ToolStarted(CALL),
    ToolOutput("1", "a.py\n"),
    ToolFinished(CALL, RESULT, 1.5),
    ResultsReady(Message("tool", (RESULT,))),
    StepStarted(2, "model-x"),
    TextDelta("Two files."),
    ReplyFinished(ANSWER, USAGE),
    TurnFinished("completed", USAGE + USAGE, 2),
]
ASKED = ApprovalRequired(Question(CALL, "every shell command asks", "ls", "command"))


class Host(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.posted: list[tuple[object, ...]] = []

    def compose(self) -> ComposeResult:
        yield ChatPane(number=1, title="first steps", model="model-x", clock=lambda: self.now)

    def on_mount(self) -> None:
        self.pane.prompt.focus()

    @property
    def pane(self) -> ChatPane:
        return self.query_one(ChatPane)

    def show(self, *events: Event) -> None:
        for event in events:
            self.pane.show(event)
        self.pane.transcript.paint()

    def on_chat_pane_submitted(self, event: ChatPane.Submitted) -> None:
        self.posted.append(("send", event.text))

    def on_chat_pane_answered(self, event: ChatPane.Answered) -> None:
        self.posted.append(("answer", event.question.call.call_id, event.answer))

    def on_chat_pane_stop_requested(self, event: ChatPane.StopRequested) -> None:
        self.posted.append(("stop", event.pane.number))

    def on_chat_pane_copy_requested(self, event: ChatPane.CopyRequested) -> None:
        self.posted.append(("copy", event.text))

    def on_chat_pane_fork_requested(self, event: ChatPane.ForkRequested) -> None:
        self.posted.append(("fork", event.message))

    def on_chat_pane_edit_requested(self, event: ChatPane.EditRequested) -> None:
        self.posted.append(("edit", event.message, event.text))


@pytest.mark.parametrize("size", SIZES)
async def test_a_turn_ends_looking_as_it_does_when_loaded_later(size: tuple[int, int]):
    messages = [user("what is here?"), REPLY, Message("tool", (RESULT,)), ANSWER]
    async with (app := Host()).run_test(size=size) as pilot:
        app.show(*TURN)
        await painted(pilot)
        live = [row for row in rows(app)[1:-1] if row.strip()]
        app.pane.load(messages)
        await painted(pilot)
        later = [row for row in rows(app)[1:-1] if row.strip()]
        assert [row.replace("1.5 s", "").split() for row in live] == [row.split() for row in later]


async def test_what_comes_below_while_a_person_reads_above_moves_nothing_and_says_so_until_they_follow_again():
    async with (app := Host()).run_test(size=(80, 24)) as pilot:
        transcript = app.pane.transcript
        app.show(TurnStarted("t", 0, "model-x"), *(TextDelta(f"line {n}\n\n") for n in range(60)))
        await until(pilot, lambda: transcript.max_scroll_y > 50, "more than a page")
        await pilot.press("pageup", "pageup")
        place, seen = transcript.scroll_y, rows(app)[2]
        assert "new below" not in text(app)
        app.show(*(TextDelta(f"later {n}\n\n") for n in range(9)))
        await until(pilot, lambda: "↓ new below" in text(app), "it is said")
        assert (transcript.scroll_y, rows(app)[2]) == (place, seen)
        await pilot.press("h", "i", "home", "end")
        assert transcript.scroll_y == place, "the key meant the text of the prompt"
        await pilot.press("end")
        await until(pilot, lambda: "later 8" in text(app) and "new below" not in text(app), "the end")
        app.show(TextDelta("and more"))
        await until(pilot, lambda: "and more" in text(app), "it follows")


async def test_a_click_on_what_is_said_to_be_new_goes_there():
    async with (app := Host()).run_test(size=(80, 24)) as pilot:
        app.show(TurnStarted("t", 0, "model-x"), *(TextDelta(f"line {n}\n\n") for n in range(60)))
        await pilot.press("pageup")
        app.show(TextDelta("news"))
        await until(pilot, lambda: "↓ new below" in text(app), "it is said")
        await pilot.click(".meter")
        await until(pilot, lambda: "news" in text(app) and "new below" not in text(app), "the end")


async def test_a_question_says_which_key_goes_to_it_from_where_the_focus_is():
    async with (app := Host()).run_test(size=(120, 30)) as pilot:
        app.pane.prompt.type_in("half a thought")
        app.show(ApprovalRequired(Question(ToolCall("1", "bash"), "asks", "ls", "command")))
        await until(pilot, lambda: "tab to answer" in text(app))
        app.set_focus(None)
        await until(pilot, lambda: "alt+1 to answer" in text(app))
        app.pane.prompt.focus()
        await pilot.press("tab")
        await until(pilot, lambda: "to answer" not in text(app))


async def test_a_question_of_an_agent_that_works_for_the_session_leaves_no_card_that_waits_for_ever():
    async with (app := Host()).run_test(size=(120, 30)):
        app.show(TurnStarted("t"), StepStarted(1), ApprovalRequired(Question(ToolCall("c/1", "bash"), "asks", "ls")))
        assert app.pane.question.waiting
        app.show(ApprovalAnswered("c/1", Answer("allow")))
        assert app.pane.transcript.tool("c/1") is None


async def test_a_turn_whose_end_is_shown_already_is_over_without_saying_it_again():
    async with (app := Host()).run_test():
        for finished in (TurnFinished("failed", error="no key"), TurnFinished("cancelled")):
            app.show(TurnStarted("t", model="m"), StepStarted(1, "m"), TextDelta("half"))
            count = app.pane.transcript.count
            app.pane.show_told(finished)
            assert not app.pane.busy
            assert app.pane.transcript.count == count
            assert app.pane.state in ("failed", "stopped")


async def test_the_end_of_a_turn_is_the_same_blocks_as_those_loaded():
    async with (app := Host()).run_test():
        app.show(*TURN)
        loaded = blocks_of([user("what is here?"), REPLY, Message("tool", (RESULT,)), ANSWER])
        assert [type(block) for block in app.pane.transcript.blocks] == [type(block) for block in loaded]
        assert [block.message for block in app.pane.transcript.blocks] == [block.message for block in loaded]


@pytest.mark.parametrize(
    ("count", "words"),
    [
        pytest.param(2, ["● waiting", "what is here?"], id="after the start"),
        pytest.param(4, ["● thinking", "thinking… 1 word"], id="thinking"),
        pytest.param(6, ["● writing", "I will look."], id="words"),
        pytest.param(8, ["bash", "… writing"], id="a call being written"),
        pytest.param(9, ["bash ls", "… waiting", "3.1k in · 400 out · $0.012"], id="a reply"),
        pytest.param(10, ["● running bash", "● running"], id="a tool"),
        pytest.param(11, ["a.py"], id="its output"),
        pytest.param(12, ["✓", "1.5 s"], id="its result"),
        pytest.param(17, ["○ idle", "Two files.", "6.2k in · 800 out · $0.024"], id="the end"),
    ],
)
async def test_each_step_of_a_turn_is_visible(count: int, words: list[str]):
    async with (app := Host()).run_test() as pilot:
        app.show(*TURN[:count])
        await until(pilot, lambda: all(word in text(app) for word in words), str(words))


@pytest.mark.parametrize(
    ("end", "words"),
    [
        pytest.param(
            TurnFinished("failed", error="the key was refused"), ["✗ failed", "the key was refused"], id="failed"
        ),
        pytest.param(TurnFinished("cancelled"), ["■ stopped", "! stopped"], id="stopped"),
        pytest.param(TurnFinished("limited", error="50 steps used"), ["■ stopped", "50 steps used"], id="limited"),
    ],
)
async def test_a_turn_that_ends_early_keeps_what_came_and_says_why(end: TurnFinished, words: list[str]):
    async with (app := Host()).run_test() as pilot:
        app.show(*TURN[:6], end)
        await until(pilot, lambda: all(word in text(app) for word in ["I will look.", *words]), str(words))
        assert not app.pane.busy


async def test_a_tool_that_was_stopped_says_so_and_keeps_what_it_had_printed():
    async with (app := Host()).run_test() as pilot:
        made_up = ToolResult("1", "The turn was cancelled while this ran.", is_error=True, details={"unfinished": True})
        app.show(*TURN[:11], ToolFinished(CALL, made_up), TurnFinished("cancelled"))
        await until(pilot, lambda: "a.py" in text(app) and "while this ran" in text(app), "both are there")
        assert rows(app)[[row.split()[:2] for row in rows(app)].index(["▾", "bash"])].split()[-2:] == ["■", "stopped"]


@pytest.mark.parametrize("count", [8, 9, 10, 11])
async def test_no_call_of_a_turn_that_is_over_looks_as_if_it_still_ran(count: int):
    async with (app := Host()).run_test() as pilot:
        app.show(*TURN[:count], TurnFinished("cancelled"))
        await until(pilot, lambda: "stopped" in rows(app)[[row.split()[1:2] for row in rows(app)].index(["bash"])])


async def test_a_turn_that_did_not_come_to_its_end_names_the_commands_that_go_on():
    async with (app := Host()).run_test() as pilot:
        app.show(TurnStarted("t"), TurnFinished("failed", error="the key was refused"))
        await until(pilot, lambda: "/retry asks again, /console shows why" in text(app))
        app.show(TurnStarted("t"), TurnFinished("cancelled"))
        await until(pilot, lambda: "/continue goes on, /retry asks again" in text(app))
        app.show(TurnStarted("t"))
        await until(pilot, lambda: "/retry" not in text(app))


@pytest.mark.parametrize(
    ("stop", "ways"),
    [
        ("max_tokens", "/continue goes on, /retry asks again"),
        ("pause", "/continue goes on, /retry asks again"),
        ("interrupted", "/continue goes on, /retry asks again"),
        ("refusal", "/revise words it anew, /rerun asks another model"),
        ("end", "ask, or / for commands"),
    ],
)
async def test_a_reply_that_is_not_whole_names_the_commands_that_go_on(stop: StopReason, ways: str):
    reply = Message("assistant", (Text("half of"),), "model-x", stop)
    async with (app := Host()).run_test() as pilot:
        app.show(TurnStarted("t"), ReplyFinished(reply, USAGE), TurnFinished("completed"))
        await until(pilot, lambda: ways in text(app), "after the turn")
        app.show(TurnStarted("t"), UserSaid(user("and now?")), TurnFinished("completed"))
        await until(pilot, lambda: "ask, or / for commands" in text(app), "something was said after it")
        app.pane.load([user("go"), reply])
        await until(pilot, lambda: ways in text(app), "when it is opened later")


def _with_calls(*calls: ToolCall) -> Message:
    return Message("assistant", calls, "model-x", "tool_calls")


async def test_a_call_id_that_comes_again_in_a_later_reply_is_another_card():
    """Small models and proxies number the calls of each reply anew."""
    calls = [ToolCall("call_0", "bash", {"command": words}) for words in ("first", "second")]
    results = [ToolResult("call_0", f"came of the {words}") for words in ("first", "second")]
    said: list[Message] = [user("go")]
    async with (app := Host()).run_test() as pilot:
        app.show(UserSaid(said[0]), TurnStarted("t1", 7, "model-x"))
        for step, (call, result) in enumerate(zip(calls, results, strict=True)):
            reply, answer = _with_calls(call), Message("tool", (result,))
            app.show(StepStarted(step, "model-x"), ToolCallDelta("call_0", "bash", '{"comm'), ToolOutput("call_0", "x"))
            app.show(ReplyFinished(reply, USAGE), ToolStarted(call), ToolFinished(call, result, 0.1))
            app.show(ResultsReady(answer))
            said += [reply, answer]
        app.show(TurnFinished("completed"))
        await painted(pilot)
        live = [(block.call, block.result, block.state) for block in app.pane.transcript.blocks[1:]]  # type: ignore[union-attr]
        assert live == [(call, result, "done") for call, result in zip(calls, results, strict=True)]
        assert [(one.call, one.result, one.state) for one in blocks_of(said)[1:]] == live  # type: ignore[union-attr]


async def test_each_of_two_calls_with_one_id_in_one_reply_has_its_own_card_and_result():
    ran, not_run = (ToolCall("c", "bash", {"command": words}) for words in ("ls", "pwd"))
    came, refused = ToolResult("c", "a.py"), ToolResult("c", "Not run: another call has the id too.", is_error=True)
    reply = _with_calls(ran, not_run)
    expected = [(ran, came), (not_run, refused)]
    async with (app := Host()).run_test() as pilot:
        app.show(TurnStarted("t1"), StepStarted(1), ReplyFinished(reply, USAGE), ToolStarted(ran))
        app.show(ToolFinished(not_run, refused, 0), ToolOutput("c", "a."), ToolFinished(ran, came, 1))
        await painted(pilot)
        assert [(one.call, one.result) for one in app.pane.transcript.blocks] == expected  # type: ignore[union-attr]
        loaded = blocks_of([reply, Message("tool", (came, refused))])
        assert [(one.call, one.result) for one in loaded] == expected  # type: ignore[union-attr]


async def test_a_narrow_pane_shows_all_of_what_an_empty_one_says():
    async with (app := Host()).run_test(size=(30, 12)) as pilot:
        said = "Nothing said yet. Write below; Enter sends."
        await until(pilot, lambda: said in " ".join(text(app).split()), "it is wrapped")


async def test_unknown_usage_is_a_dash_and_known_context_a_share():
    async with (app := Host()).run_test() as pilot:
        assert rows(app)[-1].strip() == "– context · – in · – out · –"
        app.pane.set_meter(Usage(12_000, 900), context_tokens=12_000, context_window=100_000)
        await until(pilot, lambda: rows(app)[-1].strip() == "12% context · 12.0k in · 900 out · –")


async def test_a_notice_in_the_middle_of_a_reply_stays():
    async with (app := Host()).run_test() as pilot:
        app.show(*TURN[:6], Notice("revision 7 → 8"), *TURN[6:9])
        await until(pilot, lambda: "revision 7 → 8" in text(app))
        assert text(app).count("I will look.") == 1


async def test_thoughts_unfolded_while_they_came_stay_unfolded():
    async with (app := Host()).run_test() as pilot:
        app.show(*TURN[:4])
        app.pane.transcript.focus()
        await pilot.press("enter")
        app.show(*TURN[4:9])
        await until(pilot, lambda: "▾ thought" in text(app))


async def test_what_is_written_is_sent_and_the_end_followed():
    async with (app := Host()).run_test() as pilot:
        app.pane.load([user(f"q{number}") for number in range(40)])
        app.pane.transcript.action_edge(-1)
        await pilot.press("h", "i", "enter")
        assert app.posted == [("send", "hi")]
        assert app.pane.transcript.follow


async def test_escape_stops_a_running_turn_and_is_left_to_others_when_none_runs():
    async with (app := Host()).run_test() as pilot:
        await pilot.press("escape")
        assert app.posted == []
        app.show(*TURN[:5])
        await pilot.press("escape")
        assert app.posted == [("stop", 1)]


async def test_copy_fork_and_edit_are_passed_on():
    async with (app := Host()).run_test() as pilot:
        app.show(*TURN)
        app.pane.transcript.focus()
        await pilot.press("ctrl+y", "alt+k", "alt+r")
        assert app.posted == [("copy", "Two files."), ("fork", 3), ("edit", 0, "what is here?")]


async def test_the_prompt_reaches_what_was_said_without_leaving_it():
    async with (app := Host()).run_test() as pilot:
        app.pane.load([user(f"q{number}") for number in range(40)])
        app.show(*TURN)
        await pilot.press("ctrl+o", "ctrl+y")
        assert "command: ls" in text(app)
        assert app.posted == [("copy", "Two files.")]
        await pilot.press("pageup", "pageup")
        assert "Two files." not in text(app)
        assert app.pane.prompt.has_focus


async def test_a_question_takes_the_focus_from_an_empty_prompt_and_gives_it_back():
    async with (app := Host()).run_test() as pilot:
        app.show(*TURN[:9], ASKED)
        await until(pilot, lambda: "? needs you" in text(app))
        assert "? asks" in text(app)
        app.now = GRACE_S + 1
        await pilot.press("y")
        assert app.posted == [("answer", "1", Answer("allow"))]
        assert app.pane.prompt.has_focus


@pytest.mark.parametrize("size", [(40, 7), (40, 8), (80, 24), (120, 40)])
async def test_a_long_question_leaves_its_answers_and_the_prompt_in_sight(size: tuple[int, int]):
    command = "\n".join(f"echo {number}" for number in range(60))
    asked = Question(CALL, "why", command, "command", tuple(f"/tmp/some/path/{n}" for n in range(9)))
    items = [{"content": f"item {n}", "status": "pending"} for n in range(9)]
    async with (app := Host()).run_test(size=size) as pilot:
        app.show(*TURN[:9], ApprovalRequired(asked))
        app.pane.todo.put(items)
        await painted(pilot)
        app.now = GRACE_S + 1
        for words in ("allow bash", "echo 0", "once", "no…", "›"):
            assert words in text(app)
        await pilot.press("n")
        await until(pilot, lambda: "why not?" in text(app))
        await pilot.press("escape", *["pagedown"] * 9)
        assert "would save" in text(app) or "why" in text(app)


async def test_a_turn_that_ends_while_its_question_has_the_focus_leaves_that_to_the_prompt():
    async with (app := Host()).run_test() as pilot:
        app.show(*TURN[:9], ASKED)
        await until(pilot, lambda: app.pane.question.has_focus)
        app.show(TurnFinished("cancelled"))
        await pilot.press("h", "i")
        assert app.pane.prompt.has_focus
        assert app.pane.prompt.draft == "hi"


async def test_letters_and_pastes_in_the_transcript_go_to_the_prompt_which_takes_the_focus():
    async with (app := Host()).run_test() as pilot:
        app.show(*TURN)
        app.pane.transcript.focus()
        await pilot.press("f", "o", "r", "k", "enter")
        assert app.posted == [("send", "fork")]
        app.pane.transcript.focus()
        await until(pilot, lambda: app.pane.transcript.has_focus)
        app.post_message(Paste("pasted"))
        await until(pilot, lambda: app.pane.prompt.draft == "pasted" and app.pane.prompt.has_focus)
        await pilot.press("enter")
        assert app.posted[1:] == [("send", "pasted")]
        assert app.pane.prompt.has_focus


async def test_what_was_being_typed_when_a_question_came_reaches_the_prompt():
    async with (app := Host()).run_test() as pilot:
        app.show(*TURN[:9], ASKED)
        await until(pilot, lambda: app.pane.question.has_focus)
        await pilot.press("y", "e", "s")
        assert app.pane.prompt.draft == "yes"
        assert app.posted == []
        app.now = 5
        await pilot.press("y", "tab", "y")
        assert app.pane.prompt.draft == "yesy"
        assert app.posted == [("answer", "1", Answer("allow"))]


async def test_a_prompt_with_words_keeps_the_focus():
    async with (app := Host()).run_test() as pilot:
        await pilot.press("a")
        app.show(*TURN[:9], ASKED)
        await painted(pilot)
        app.now = 5
        await pilot.press("y")
        assert (app.pane.prompt.draft, app.posted) == ("ay", [])


async def test_an_answer_from_elsewhere_takes_the_question_away():
    async with (app := Host()).run_test() as pilot:
        app.show(*TURN[:9], ASKED)
        await until(pilot, lambda: app.pane.question.has_focus)
        app.show(ApprovalAnswered("1", Answer("allow")))
        await until(pilot, lambda: not app.pane.question.display)
        assert app.pane.prompt.has_focus
        app.show(*TURN[9:])
        assert app.pane.state == "idle"


async def test_a_retry_counts_down_and_goes_with_the_next_event():
    async with (app := Host()).run_test() as pilot:
        app.show(*TURN[:3], Retrying(2, 12, "rate limited"))
        await until(pilot, lambda: "again in 12 s, attempt 2 · rate limited" in text(app))
        app.now = 5
        app.pane.status.show()
        await until(pilot, lambda: "again in 7 s" in text(app))
        app.show(TextDelta("x"))
        await until(pilot, lambda: "rate limited" not in text(app))
        assert not app.pane.status.counting


async def test_a_pane_opened_in_the_middle_of_a_turn_keeps_what_was_loaded():
    async with (app := Host()).run_test() as pilot:
        app.pane.load([user("what is here?")])
        app.show(*TURN[4:])
        await until(pilot, lambda: "what is here?" in text(app))
        assert [block.message for block in app.pane.transcript.blocks] == [0, 1, 1, 1, 3]


async def test_what_is_queued_is_said_until_it_is_sent():
    async with (app := Host()).run_test() as pilot:
        app.pane.set_waiting(["and then this", "and that"])
        await until(pilot, lambda: "» 2 queued: and then this" in text(app))
        app.pane.set_waiting([])
        await until(pilot, lambda: "queued" not in text(app))


async def test_escape_stops_the_turn_also_from_the_question():
    async with (app := Host()).run_test() as pilot:
        app.show(*TURN[:9], ASKED)
        await until(pilot, lambda: app.pane.question.has_focus)
        await pilot.press("escape")
        assert app.posted == [("stop", 1)]


async def test_a_result_without_a_start_makes_its_own_card():
    async with (app := Host()).run_test() as pilot:
        app.show(ToolFinished(CALL, RESULT))
        await until(pilot, lambda: "bash ls" in text(app))


async def test_an_idle_pane_has_no_timers():
    async with (app := Host()).run_test() as pilot:
        idle = timers()
        app.show(*TURN)
        await until(pilot, lambda: timers() == idle, "no timer goes on")


async def test_two_panes_stream_at_once_each_into_its_own():
    class Two(App[None]):
        def compose(self) -> ComposeResult:
            yield ChatPane(number=1)
            yield ChatPane(number=2)

    async with (app := Two()).run_test(size=(60, 40)) as pilot:
        first, second = app.query(ChatPane)
        for word in ("a ", "b ", "c"):
            first.show(TextDelta(word))
            second.show(TextDelta(word.upper()))
        first.transcript.paint()
        second.transcript.paint()
        await until(pilot, lambda: "a b c" in text(app))
        assert "A B C" in text(app)


@pytest.mark.parametrize("size", [*SIZES, (30, 12)])
async def test_hostile_text_is_only_shown(size: tuple[int, int]):
    call = ToolCall("x", HOSTILE, {"command": HOSTILE})
    events: list[Event] = [
        UserSaid(user(HOSTILE)),
        TurnStarted("t", 1, HOSTILE),
        StepStarted(1, HOSTILE),
        ThinkingDelta(HOSTILE),
        TextDelta(HOSTILE),
        ToolCallDelta("x", HOSTILE, HOSTILE),
        Retrying(1, 3, HOSTILE),
        Notice(HOSTILE, "error"),
        ReplyFinished(Message("assistant", (Text(HOSTILE), call), HOSTILE)),
        ApprovalRequired(Question(call, HOSTILE, HOSTILE, "diff", (HOSTILE,), rules=(HOSTILE,))),
        ToolStarted(call),
        ToolOutput("x", HOSTILE),
        ToolFinished(call, ToolResult("x", HOSTILE, is_error=True)),
        TurnFinished("failed", error=HOSTILE),
    ]
    async with (app := Host()).run_test(size=size) as pilot:
        app.pane.set_title(HOSTILE, mode=HOSTILE, model=HOSTILE)
        app.pane.prompt.draft = HOSTILE
        app.pane.set_waiting([HOSTILE])
        for event in events:
            app.show(event)
            await painted(pilot)
            assert_inert(app)


@pytest.mark.parametrize(("end", "count"), [("max_tokens", 0), ("refusal", 0), ("pause", 0), ("interrupted", 1)])
def test_how_a_reply_ended_is_said_once(end: StopReason, count: int):
    reply = Message("assistant", (Text("half"),), "m", end)
    assert sum(isinstance(block, NoticeBlock) for block in blocks_of([reply])) == count
