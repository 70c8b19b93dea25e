"""The transcript shows what is near, keeps its place, and hands out sources."""

import pytest
from looks import HOSTILE, assert_inert, colours, painted, rows, text, timers, until
from textual import events
from textual.app import App, ComposeResult
from textual.strip import Strip

from agent_workbench.conversation.messages import Image, Message, Text, Thinking, ToolCall, ToolResult, user
from agent_workbench.frontends.tui.widgets.blocks import (
    Block,
    NoticeBlock,
    ReplyBlock,
    UserBlock,
    blocks_of,
    layout,
)
from agent_workbench.frontends.tui.widgets.lines import text_of
from agent_workbench.frontends.tui.widgets.tool_card import ToolBlock
from agent_workbench.frontends.tui.widgets.transcript import Transcript

SIZES = [(80, 24), (120, 40), (200, 50), (30, 10)]
DIFF = "--- a/x\n+++ b/x\n@@ -1 +1,2 @@\n-old\n+new\n+more\n"


class Host(App[None]):
    def __init__(self, *blocks: Block) -> None:
        super().__init__()
        self.first = blocks
        self.posted: list[object] = []

    def compose(self) -> ComposeResult:
        yield Transcript(hint="say something")

    def on_mount(self) -> None:
        self.query_one(Transcript).load(self.first)

    def on_transcript_copy_requested(self, event: Transcript.CopyRequested) -> None:
        self.posted.append((event.what, event.text))

    def on_transcript_fork_requested(self, event: Transcript.ForkRequested) -> None:
        self.posted.append(("fork", event.message))

    def on_transcript_edit_requested(self, event: Transcript.EditRequested) -> None:
        self.posted.append(("edit", event.message, event.text))


def talk(count: int) -> list[Message]:
    return [
        user(f"question {number}")
        if number % 2 == 0
        else Message("assistant", (Text(f"answer **{number}**\n\nmore"),), "m")
        for number in range(count)
    ]


def card(name: str, result: str = "", *, error: bool = False, state: str = "done", **details: object) -> ToolBlock:
    answer = ToolResult("c", result, error, details=details) if state == "done" else None
    return ToolBlock(ToolCall("c", name, {"path": "src/x.py"}), state, result=answer)  # type: ignore[arg-type]


@pytest.mark.parametrize("size", SIZES)
async def test_a_conversation_opens_at_its_end(size: tuple[int, int]):
    app = Host(*blocks_of(talk(60)))
    async with app.run_test(size=size):
        shown = rows(app)
        assert shown[-3:] == ["  answer 59", "", "  more"]


async def test_an_empty_transcript_says_what_to_do():
    async with (app := Host()).run_test():
        assert "say something" in text(app)


async def test_a_message_of_several_parts_is_shown_in_order_under_one_name():
    call = ToolCall("1", "read_file", {"path": "a.py"})
    said = Message("assistant", (Thinking("let me see"), Text("Looking."), call), "model-x")
    blocks = blocks_of(
        [user("hi", Image("image/png", "", "p.png")), said, Message("tool", (ToolResult("1", "x" * 1200),))]
    )
    async with (app := Host(*blocks)).run_test():
        assert [row for row in rows(app) if row] == [
            "  you", "  hi", "  [image: p.png]", "  model-x", "  ▸ thought · 3 words", "  Looking.",
            "  ▸ read_file a.py" + " " * 52 + "1.2 kB  ✓",
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("block", "words"),
    [
        pytest.param(
            card("edit_file", "ok", diff=DIFF), ["▾ edit_file", "+2 −1", "- old", "+ more"], id="a change is open"
        ),
        pytest.param(card("bash", "boom", error=True), ["✗ failed", "boom"], id="a failure is open"),
        pytest.param(card("bash", "boom", error=True, exit_code=2), ["✗ exit 2"], id="an exit code"),
        pytest.param(card("bash", "no", error=True, denied=True), ["✗ denied"], id="a refusal"),
        pytest.param(card("bash", state="running"), ["▸ bash", "● running"], id="running"),
        pytest.param(card("bash", state="asking"), ["? asks"], id="asking"),
        pytest.param(card("bash", state="called"), ["– no result"], id="without a result"),
        pytest.param(
            card(
                "todo",
                "ok",
                todos=[
                    {"content": "a", "status": "completed"},
                    {"content": "b", "status": "in_progress"},
                    {"content": "c"},
                ],
            ),
            ["☑ a", "◐ b", "☐ c"],
            id="a checklist",
        ),
        pytest.param(NoticeBlock("careful", "warning"), ["! careful"], id="a warning"),
        pytest.param(NoticeBlock("broken", "error"), ["✗ broken"], id="an error"),
    ],
)
async def test_a_block_says_its_state_in_words_or_signs(block: Block, words: list[str]):
    async with (app := Host(block)).run_test():
        for word in words:
            assert word in text(app)


async def test_unfolding_a_card_shows_its_arguments_and_result():
    async with (app := Host(card("read_file", "the content"))).run_test() as pilot:
        app.query_one(Transcript).focus()
        await pilot.press("enter")
        assert "path: src/x.py" in text(app)
        assert "the content" in text(app)
        await pilot.press("ctrl+o")
        assert "the content" not in text(app)


async def test_a_click_on_a_folded_head_unfolds_it():
    async with (app := Host(card("read_file", "the content"))).run_test() as pilot:
        await pilot.click(Transcript, offset=(5, 0))
        await until(pilot, lambda: "the content" in text(app))


async def test_long_results_say_how_much_is_left_out():
    async with (app := Host(card("bash", "line\n" * 5_000, error=True))).run_test():
        assert "… " in text(app)
        assert "more" in text(app)


async def test_a_long_paste_is_folded_until_it_is_asked_for():
    async with (app := Host(UserBlock("\n".join(f"line {number}." for number in range(200))))).run_test() as pilot:
        transcript = app.query_one(Transcript)
        transcript.focus()
        assert "more" in rows(app)[-1]
        assert "line 60." not in text(app)
        await pilot.press("enter", "end")
        assert transcript.virtual_size.height == 201


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("I ran it:\n\n```\n$ ls\na  b\n```", ["you", "I ran it:", "", "  $ ls", "  a  b"]),
        ("```py\nx = 1\n```\nwhat is *this*?", ["you", "  x = 1", "what is *this*?"]),
        ("one\n\n```\nnever closed", ["you", "one", "", "  never closed"]),
        ("no `code` ``` here", ["you", "no `code` ``` here"]),
    ],
)
def test_what_a_person_wrote_is_shown_as_written_and_fences_in_it_as_code(said: str, shown: list[str]):
    assert [text_of(line).rstrip() for line in layout(UserBlock(said), 40, "full")] == shown


async def test_a_resize_within_a_tall_block_keeps_about_the_same_words_in_view():
    tall = ReplyBlock("\n\n".join(f"paragraph {number} of words that wrap" for number in range(100)))
    async with (app := Host(tall, UserBlock("end"))).run_test(size=(60, 20)) as pilot:
        app.query_one(Transcript).scroll_to(y=100, animate=False, immediate=True)
        await until(pilot, lambda: "paragraph 50" in text(app))
        await pilot.resize_terminal(24, 20)
        await until(pilot, lambda: "paragraph 50" in text(app))


async def test_what_the_person_looks_at_stays_while_new_words_come():
    async with (app := Host(*blocks_of(talk(100)))).run_test() as pilot:
        transcript = app.query_one(Transcript)
        transcript.focus()
        await pilot.press("pageup", "pageup")
        before = rows(app)
        for _ in range(20):
            transcript.stream("more words\n\n")
        transcript.append(ReplyBlock("and a reply"))
        await painted(pilot)
        assert rows(app) == before


async def test_the_end_is_followed_until_the_person_scrolls_up_and_again_after_end():
    async with (app := Host(*blocks_of(talk(40)))).run_test() as pilot:
        transcript = app.query_one(Transcript)
        transcript.append(UserBlock("newest"))
        await until(pilot, lambda: rows(app)[-1] == "  newest")
        transcript.focus()
        await pilot.press("home")
        assert rows(app)[:2] == ["▌ you", "▌ question 0"]
        await pilot.press("end")
        transcript.append(UserBlock("later"))
        await until(pilot, lambda: rows(app)[-1] == "  later")


async def test_scrolling_up_through_guessed_heights_meets_every_block_once():
    blocks = blocks_of(
        [Message("assistant", (Text(f"n{number}:\n\n" + "- a\n" * (number % 7)),), "m") for number in range(30)]
    )
    async with (app := Host(*blocks)).run_test(size=(40, 20)) as pilot:
        transcript = app.query_one(Transcript)
        seen: list[str] = []
        while True:
            fresh = [row.strip() for row in rows(app) if row.strip().startswith("n")]
            seen += [row for row in reversed(fresh) if row not in seen]
            if transcript.scroll_y == 0:
                break
            transcript.scroll_relative(y=-5, animate=False)
            await painted(pilot)
        assert seen == [f"n{number}:" for number in reversed(range(30))]


async def test_the_cursor_walks_by_block_and_scrolls_within_a_tall_one():
    tall = ReplyBlock("\n\n".join(f"paragraph {number}" for number in range(60)))
    async with (app := Host(UserBlock("top"), tall, UserBlock("bottom"))).run_test(size=(60, 20)) as pilot:
        transcript = app.query_one(Transcript)
        transcript.focus()
        await pilot.press("home", "down")
        assert transcript.current == tall
        seen = text(app)
        for _ in range(20):
            await pilot.press("down")
            seen += text(app)
        assert all(f"paragraph {number}" in seen for number in range(60))
        assert transcript.current == UserBlock("bottom")


async def test_a_resize_keeps_the_block_at_the_top():
    async with (app := Host(*blocks_of(talk(200)))).run_test(size=(80, 24)) as pilot:
        transcript = app.query_one(Transcript)
        transcript.scroll_to(y=300, animate=False, immediate=True)
        await painted(pilot)
        numbers = [row for row in rows(app) if "question" in row]
        await pilot.resize_terminal(50, 24)
        await painted(pilot)
        assert next(row for row in rows(app) if "question" in row) in numbers[:2]


async def test_the_source_of_a_block_is_copied_not_its_looks():
    async with (app := Host(ReplyBlock("# H\n\n```\ncode\n```"), card("bash"))).run_test() as pilot:
        app.query_one(Transcript).focus()
        await pilot.press("up", "ctrl+y", "alt+y")
        assert app.posted == [("block", "# H\n\n```\ncode\n```"), ("code", "code\n")]


async def test_forking_and_editing_name_the_message():
    async with (app := Host(*blocks_of(talk(4)))).run_test() as pilot:
        app.query_one(Transcript).focus()
        await pilot.press("alt+k", "alt+r", "home", "alt+k")
        assert app.posted == [("fork", 3), ("edit", 2, "question 2"), ("fork", 0)]


async def test_a_find_says_which_of_how_many_it_is_and_goes_around_the_ends():
    async with (app := Host(*blocks_of(talk(9)))).run_test() as pilot:
        transcript = app.query_one(Transcript)
        assert (transcript.find("answer"), transcript.finds) == (4, (4, 4))
        transcript.focus()
        for key, place in (("ctrl+up", 3), ("ctrl+up", 2), ("ctrl+down", 3), ("ctrl+down", 4), ("ctrl+down", 1)):
            await pilot.press(key)
            assert transcript.finds == (place, 4)
        transcript.append(ReplyBlock("one more answer"))
        await pilot.press("ctrl+up")
        assert transcript.finds == (5, 5), "what came meanwhile counts"
        assert (transcript.find(""), transcript.finds) == (0, (0, 0))


@pytest.mark.parametrize(
    "block",
    [
        ToolBlock(ToolCall("c", "bash", {"command": "ls"}), "done", result=ToolResult("c", "a.py\nneedle 漢字")),
        ToolBlock(ToolCall("c", "bash", {"command": "ls"}), "running", output="needle 漢字"),
        ToolBlock(ToolCall("c", "read", {"needle 漢字": 1})),
        ToolBlock(ToolCall("c", "read", {"path": ["needle 漢字"]})),
        card("edit_file", "ok", diff="--- a/x\n+++ b/x\n@@ -1 +1 @@\n-old\n+needle 漢字\n"),
    ],
    ids=["output of a command", "output that still comes", "argument", "value", "change"],
)
async def test_what_an_unfolded_card_shows_is_found_in_a_folded_one(block: Block):
    async with (app := Host(*blocks_of(talk(9)), block)).run_test() as pilot:
        assert app.query_one(Transcript).find("NEEDLE 漢") == 1
        await until(pilot, lambda: "needle 漢字" in text(app), "it is shown")


async def test_finding_goes_to_the_last_place_and_around():
    async with (app := Host(*blocks_of(talk(50)))).run_test() as pilot:
        transcript = app.query_one(Transcript)
        transcript.focus()
        assert transcript.find("QUESTION 1") == 5
        await until(pilot, lambda: transcript.current == UserBlock("question 18", message=18))
        await pilot.press("ctrl+down")
        assert transcript.current == UserBlock("question 10", message=10)
        await pilot.press("ctrl+up")
        assert transcript.current == UserBlock("question 18", message=18)
        assert transcript.find("nowhere") == 0


async def test_finding_unfolds_what_hides_the_place():
    async with (app := Host(card("read_file", "needle in here"))).run_test() as pilot:
        app.query_one(Transcript).find("needle")
        await until(pilot, lambda: "needle in here" in text(app))


async def test_streamed_words_appear_without_waiting_for_the_end_and_cost_one_paint():
    async with (app := Host()).run_test() as pilot:
        transcript = app.query_one(Transcript)
        idle = timers()
        for word in ("some ", "**bold** ", "words"):
            transcript.stream(word, who="m")
        assert timers() == idle + 1, "one timer for all of them"
        transcript.paint()
        await until(pilot, lambda: rows(app)[:2] == ["  m", "  some bold words"])
        await until(pilot, lambda: timers() == idle, "no timer goes on")


async def test_what_came_while_it_was_hidden_is_there_when_it_is_shown():
    async with (app := Host(*blocks_of(talk(40)))).run_test() as pilot:
        transcript = app.query_one(Transcript)
        transcript.display = False
        await painted(pilot)
        transcript.append(UserBlock("came meanwhile"))
        transcript.stream("and this")
        transcript.paint()
        await painted(pilot)
        transcript.display = True
        await painted(pilot)
        assert "came meanwhile" in text(app)
        assert rows(app)[-1] == "  and this"


async def test_the_wheel_scrolls_and_stops_following():
    async with (app := Host(*blocks_of(talk(40)))).run_test() as pilot:
        transcript = app.query_one(Transcript)
        before = transcript.scroll_y
        transcript.post_message(events.MouseScrollUp(transcript, 4, 4, 0, 0, 0, False, False, False))
        await until(pilot, lambda: transcript.scroll_y < before)
        assert not transcript.follow


async def test_a_selection_by_mouse_is_copied_as_characters():
    async with (app := Host(ReplyBlock("one two three"), ReplyBlock("four"))).run_test() as pilot:
        await pilot.mouse_down(Transcript, offset=(6, 0))
        await pilot.hover(Transcript, offset=(4, 2))
        await pilot.mouse_up(Transcript, offset=(4, 2))
        await until(pilot, lambda: app.screen.get_selected_text() == "two three\n\nfou")


async def test_a_theme_switch_repaints_in_the_new_colours():
    async with (app := Host(ReplyBlock("words"))).run_test() as pilot:
        words, before = text(app), colours(app)
        app.theme = "textual-light"
        await until(pilot, lambda: colours(app) != before)
        assert text(app) == words


@pytest.mark.parametrize("size", SIZES)
async def test_hostile_text_is_only_shown(size: tuple[int, int]):
    call = ToolCall("c", HOSTILE, {HOSTILE: HOSTILE, "command": HOSTILE})
    blocks: list[Block] = [
        UserBlock(HOSTILE, (Image("image/png", "", HOSTILE),)),
        ReplyBlock(f"{HOSTILE}\n\n```{HOSTILE}\n{HOSTILE}\n```\n\n[{HOSTILE}]({HOSTILE}) <javascript:x>", HOSTILE),
        NoticeBlock(HOSTILE, "error"),
        ToolBlock(call, "done", result=ToolResult("c", HOSTILE, details={"diff": f"+{HOSTILE}"})),
        ToolBlock(call, "running", output=HOSTILE),
        ToolBlock(
            ToolCall("d", "todo", {"todos": [{"content": HOSTILE, "status": HOSTILE}]}),
            "done",
            result=ToolResult("d", ""),
        ),
    ]
    async with (app := Host(*blocks)).run_test(size=size) as pilot:
        transcript = app.query_one(Transcript)
        transcript.stream(HOSTILE, thinking=True)
        transcript.stream(HOSTILE, who=HOSTILE)
        transcript.focus()
        for _ in range(len(blocks) + 2):
            await pilot.press("enter", "up")
            assert_inert(app)


class Counted(Transcript):
    """Counts the lines that are painted."""

    painted = 0

    def render_line(self, y: int) -> Strip:
        self.painted += 1
        return super().render_line(y)


@pytest.mark.parametrize(
    ("messages", "keys", "most"), [(60, ["up"], 9), (0, ["up", "pageup", "pagedown"], 0)], ids=["two blocks", "nothing"]
)
async def test_a_cursor_key_paints_what_it_changes(messages: int, keys: list[str], most: int):
    async with (app := Host()).run_test(size=(80, 40)) as pilot:
        await app.query_one(Transcript).remove()
        transcript = Counted()
        await app.mount(transcript)
        transcript.load(blocks_of(talk(messages)))
        transcript.focus()
        await pilot.press("up")
        await painted(pilot)
        transcript.painted = 0
        await pilot.press(*keys)
        await painted(pilot)
    assert transcript.painted <= most
    assert bool(transcript.painted) is bool(most)
