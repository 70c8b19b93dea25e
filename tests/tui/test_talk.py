"""What a person does within one conversation: queue, steer, take back, run, find, retry, attach, take away."""

from __future__ import annotations

import json
import sys
import webbrowser
from collections.abc import Callable
from pathlib import Path

import pytest
from looks import text as screen_text
from textual.widgets import Input

from agent_workbench.conversation.messages import ToolCall, ToolResult
from agent_workbench.frontends.tui.screens.pick import Name, Pick
from agent_workbench.frontends.tui.takeaway import file_name, links, newest, write_new
from agent_workbench.frontends.tui.talk import best
from agent_workbench.frontends.tui.widgets.blocks import ReplyBlock, TailBlock
from agent_workbench.frontends.tui.widgets.lines import text_of
from agent_workbench.frontends.tui.widgets.row_list import RowList
from agent_workbench.frontends.tui.widgets.session_list import SessionList
from agent_workbench.frontends.tui.widgets.todo_panel import TodoPanel
from agent_workbench.frontends.tui.widgets.tool_card import ToolBlock, todos, tool_lines

sys.path.insert(0, str(Path(__file__).parent))

from workbench import Bench, workbench

TEAM = """\
bundle: {name: team}
providers:
  - {module: provider-mock, config: {delay: 0, responses: SCRIPT}}
  - {module: provider-mock, id: slow, config: {delay: 0.05}}
tools: [{module: tool-delegate}]
agents:
  counter: {description: It counts., provider_preferences: [{provider: slow}], instruction: Count.}
"""


async def pick(bench: Bench, id: str) -> None:
    """Choose a row of the dialog that opens."""
    await bench.until(lambda: isinstance(bench.app.screen, Pick), "a dialog")
    rows = bench.app.screen.query_one(RowList)
    rows.put(rows.rows, at=id)
    await bench.press("enter")


async def with_shell(bench: Bench) -> None:
    """Give the first config a shell."""
    config = await bench.shared.configs.find_config("hello")
    text = config.yaml_content.rstrip("\n") + "\n  - module: tool-bash\n"
    await bench.shared.configs.update_config(config.config_id, yaml_content=text)


async def test_enter_queues_and_ctrl_s_steers_and_both_can_be_taken_back(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        pane = await bench.session()
        await bench.say("count to 60")
        await bench.until(lambda: pane.busy, "it writes")
        await bench.say("my name is Ada")
        await bench.until(lambda: "1 queued: my name is Ada" in pane.status.plain, "queued")
        await bench.type("quick")
        await bench.press("ctrl+s")
        await bench.until(lambda: "next step: quick" in pane.status.plain, "steered")
        await bench.press("alt+up")
        await bench.until(lambda: pane.prompt.draft == "my name is Ada", "the queued one is back")
        await bench.press("alt+up")
        await bench.until(lambda: pane.prompt.draft == "quick\n\nmy name is Ada", "the steered one too")
        assert not pane.status.telling
        await bench.press("escape")


async def test_a_steered_message_reaches_the_running_turn(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        pane = await bench.session()
        await bench.say("count to 60")
        await bench.until(lambda: pane.busy, "it writes")
        pane.prompt.type_in("my name is Ada")
        await bench.press("ctrl+s")
        await bench.until(lambda: not pane.busy, "done")
        assert len(bench.shared.store.sessions.turns(pane.session_id)) == 1
        assert "user: my name is Ada" in bench.text_of(pane)


async def test_a_shell_command_runs_in_the_session_and_its_output_is_said(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        pane = await bench.session()
        await bench.say("!echo hi")
        await bench.until(lambda: not pane.busy and pane.transcript.count, "refused: no shell here")
        assert "tool-bash" in pane.transcript.blocks[-1].text  # type: ignore[union-attr]
        await with_shell(bench)
        await bench.say("!echo hi")
        await bench.until(lambda: pane.question.waiting, "it asks")
        await bench.answerable(pane)
        await bench.press("y")
        await bench.until(lambda: not pane.busy and "$ echo hi\nhi" in bench.text_of(pane), "it ran")
        assert "hi" in pane.transcript.blocks[-1].text  # type: ignore[union-attr]
        await bench.until(lambda: pane.session_title == "!echo hi", "the session is called by it")
        await bench.say("/retry")
        await bench.until(lambda: "Nothing was said yet." in bench.news, "a command of one's own is no prompt")


async def test_esc_stops_a_command(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        pane = await bench.session()
        await with_shell(bench)
        await bench.say("!sleep 60")
        await bench.until(lambda: pane.question.waiting, "it asks")
        await bench.press("escape")
        await bench.until(lambda: pane.state == "stopped", "stopped")
        assert bench.text_of(pane) == ""


async def test_files_are_offered_after_an_at_and_sent_along(tmp_path: Path):
    (tmp_path / "work" / "src").mkdir(parents=True)
    (tmp_path / "work" / "src" / "notes.txt").write_text("the answer is 42")
    async with workbench(tmp_path) as bench:
        pane = await bench.session()
        await bench.type("what is in @not")
        await bench.until(lambda: pane.prompt.offers.open, "an offer")
        await bench.press("tab")
        assert pane.prompt.draft == "what is in @src/notes.txt "
        await bench.press("enter")
        await bench.until(lambda: not pane.busy and pane.transcript.count > 1, "said")
        stored = bench.shared.store.sessions.messages(pane.session_id)[0].message
        assert "the answer is 42" in stored.text
        assert pane.transcript.blocks[0].files == ("src/notes.txt",)  # type: ignore[union-attr]
        assert pane.transcript.blocks[0].text == "what is in @src/notes.txt "  # type: ignore[union-attr]


async def test_commands_are_offered_from_the_registry(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        pane = await bench.session()
        await bench.type("/compar")
        await bench.until(lambda: pane.prompt.draft == "/compar" and pane.prompt.offers.open, "offers for all of it")
        chosen = pane.prompt.offers.chosen
        assert chosen is not None
        assert chosen.text == "/compare"


async def test_a_draft_survives_a_crash(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        pane = await bench.session()
        await bench.type("half a thou")
        store = bench.shared.store.sessions

        def kept() -> bool:
            session = store.get(pane.session_id)
            return session is not None and session.draft == "half a thou"

        await bench.until(kept, "the draft is kept while it is written")


async def test_find_marks_words_and_walks_over_them(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        pane = await bench.session()
        await bench.say("my name is Ada")
        await bench.until(lambda: not pane.busy and "Ada" in bench.text_of(pane), "an answer")
        await bench.press("ctrl+f")
        await bench.until(lambda: pane.find.has_focus_within, "the line")
        await bench.type("ada")
        await bench.until(lambda: pane.transcript.needle == "ada", "marked")
        before = pane.transcript.cursor
        await bench.press("enter")
        assert pane.transcript.cursor != before
        await bench.press("escape")
        await bench.until(lambda: pane.prompt.has_focus and not pane.transcript.needle, "back")


async def test_retry_says_the_last_prompt_again_in_this_pane_and_keeps_the_session_as_it_was(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        pane = await bench.session()
        await bench.say("my name is Ada")
        await bench.until(lambda: not pane.busy and "Ada" in bench.text_of(pane), "an answer")
        await bench.say("what is my name?")
        await bench.until(lambda: not pane.busy and bench.text_of(pane).count("user:") == 2, "another")
        before, words = pane.session_id, bench.text_of(pane)
        await bench.say("/retry")
        await bench.until(lambda: bench.panes[0].session_id != before, "a fork takes the place")
        await bench.until(lambda: bench.text_of(bench.panes[0]) == words and not bench.panes[0].busy, "says the same")
        retried = bench.panes[0]
        assert (len(bench.panes), retried.number, retried.session_title) == (1, 1, pane.session_title)
        assert bench.text_of(pane) == words
        await bench.say("/revise")
        await bench.until(lambda: bench.panes[0].prompt.draft == "what is my name?", "edit")
        assert bench.text_of(bench.panes[0]).count("user:") == 1
        assert len(bench.panes) == 1


async def test_any_message_of_the_person_is_edited_and_sent_again_in_its_pane(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        pane = await bench.session()
        for words in ("my name is Ada", "quick"):
            await bench.say(words)
            await bench.until(lambda: not pane.busy and bench.text_of(pane).count("assistant:"), "an answer")
        pane.transcript.focus()
        await bench.press("home", "alt+r")
        await bench.until(lambda: bench.panes[0].prompt.draft == "my name is Ada", "its words are in the prompt")
        assert (len(bench.panes), bench.text_of(bench.panes[0])) == (1, "")


async def test_a_running_turn_is_not_retried_and_another_model_answers_beside(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        pane = await bench.session()
        await bench.say("count to 60")
        await bench.until(lambda: pane.busy and bench.text_of(pane), "it writes")
        await bench.say("/retry")
        await bench.until(lambda: "esc stops it" in bench.news, "that is said")
        await bench.press("escape")
        await bench.until(lambda: not pane.busy, "stopped")
        await bench.say("/retry mock-large")
        await bench.until(lambda: len(bench.panes) == 2 and bench.panes[1].busy, "beside")
        assert bench.panes[0] is pane
        await bench.press("escape")


async def test_the_conversation_is_exported_and_a_name_that_cannot_be_is_asked_for_again(tmp_path: Path):
    folder = tmp_path / "work"
    async with workbench(tmp_path) as bench:
        pane = await bench.session()
        await bench.say("my name is Ada")
        await bench.until(lambda: not pane.busy and "Ada" in bench.text_of(pane), "an answer")
        await bench.say("/title odd: /names…")
        await bench.until(lambda: pane.session_title == "odd: /names…", "named")
        for name in ("odd-names.md", "odd-names-2.md"):
            await bench.say("/export")
            await pick(bench, "md")
            await bench.until(lambda: isinstance(bench.app.screen, Name), "where to")
            await bench.press("enter")
            await bench.until((folder / name).exists, "written beside what is there")
            assert "Ada" in (folder / name).read_text()
        await bench.say("/export")
        await pick(bench, "html")
        for given, why in (("odd-names.md", "File exists"), ("no/x.html", "No such file"), ("~nobody-here/x", "home")):
            await bench.until(lambda: isinstance(bench.app.screen, Name), "where to")
            bench.app.screen.query_one(Input).value = given
            await bench.press("enter")
            await bench.until(lambda why=why: why in screen_text(bench.app), "why not")
            assert bench.app.screen.query_one(Input).value == given
        await bench.press("escape")
        assert len([*folder.glob("odd*")]) == 2


async def test_a_link_opens_only_when_it_is_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    opened: list[str] = []
    async with workbench(tmp_path) as bench:
        monkeypatch.setattr(bench.app, "open_url", lambda url, new_tab=True: opened.append(url))
        monkeypatch.setattr(webbrowser, "get", lambda: webbrowser.BackgroundBrowser("a-window"))
        pane = await bench.session()
        pane.transcript.append(ReplyBlock("see https://example.org/a_(b) and http://x.test/."))
        await bench.say("/links")
        await bench.until(lambda: isinstance(bench.app.screen, Pick), "the links")
        assert opened == []
        await pick(bench, "http://x.test/")
        await bench.until(lambda: opened == ["http://x.test/"], "opened")


def _no_browser() -> webbrowser.BaseBrowser:
    raise webbrowser.Error("could not locate runnable browser")


@pytest.mark.parametrize(
    "browser",
    [
        pytest.param(_no_browser, id="none"),
        pytest.param(lambda: webbrowser.GenericBrowser("lynx"), id="one that takes the terminal"),
        pytest.param(lambda: webbrowser.Elinks("elinks"), id="elinks"),
    ],
)
async def test_a_link_is_copied_where_no_browser_has_a_window_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, browser: Callable[[], webbrowser.BaseBrowser]
):
    monkeypatch.setattr(webbrowser, "get", browser)
    async with workbench(tmp_path) as bench:
        monkeypatch.setattr(bench.app, "open_url", lambda url, new_tab=True: pytest.fail("opened"))
        pane = await bench.session()
        pane.transcript.append(ReplyBlock("see http://x.test/."))
        await bench.say("/links")
        await pick(bench, "http://x.test/")
        await bench.until(lambda: "the link is copied instead" in bench.news, "that is said")
        assert bench.app.clipboard == "http://x.test/"


async def test_any_message_that_waits_is_taken_back_from_the_list(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        pane = await bench.session()
        await bench.say("count to 60")
        await bench.until(lambda: pane.busy, "it writes")
        for words in ("first", "second"):
            await bench.say(words)
        await bench.until(lambda: "2 queued" in pane.status.plain, "queued")
        await bench.say("/queue")
        await pick(bench, "0")
        await bench.until(lambda: pane.prompt.draft == "first", "it is back")
        assert "1 queued: second" in pane.status.plain
        await bench.press("escape")


async def test_the_mode_is_set_by_name(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        pane = await bench.session()
        await bench.say("/mode plan")
        await bench.until(lambda: pane.mode == "plan", "set")
        await bench.say("/title a new name")
        await bench.until(lambda: pane.session_title == "a new name", "named")


def test_links_lose_the_punctuation_after_them():
    text = "a https://a.b/c. (https://d.e/f_(g)) javascript:alert(1) http:// <https://h.i>"
    assert list(links(text)) == ["https://a.b/c", "https://d.e/f_(g)", "https://h.i"]


def test_the_newest_code_and_reply_are_copied_as_written():
    blocks = [ReplyBlock("# a\n```py\nx = 1\n```\n"), ReplyBlock("**b**")]
    assert newest(blocks, "reply") == "**b**"
    assert newest(blocks, "code").strip() == "x = 1"
    assert newest(blocks, "command") == ""


def test_file_names_that_begin_with_what_was_typed_come_first():
    assert best(["docs/mainland.md", "a/domain.py", "src/main.py"], "main") == [
        "docs/mainland.md",
        "src/main.py",
        "a/domain.py",
    ]


def test_an_export_is_never_written_over_a_file(tmp_path: Path):
    write_new(tmp_path / "a.md", "one")
    with pytest.raises(FileExistsError):
        write_new(tmp_path / "a.md", "two")
    assert file_name("Fix: the /etc\x1b thing!") == "fix-the-etc-thing"


async def test_what_is_left_to_do_stands_over_the_prompt(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        pane = await bench.session()
        await bench.say("add a todo water the plants")
        await bench.until(lambda: pane.todo.open, "the list")
        words = [text_of(line) for line in pane.todo.lines(60)]
        assert words[0] == "to do · 0 of 1 done"
        assert "water the plants" in words[1]
        await bench.until(lambda: not pane.busy, "done")
        await bench.press("ctrl+w")
        await bench.until(lambda: not bench.panes, "closed")
        await bench.press("f3", "enter")
        await bench.until(lambda: bench.panes and bench.panes[0].todo.open, "it is there again")


async def test_an_agents_own_session_opens_from_its_card(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        pane = await bench.session()
        child = (await bench.shared.sessions.fork_session(pane.session_id)).session_id
        call = ToolCall("1", "delegate", {"agent": "explorer", "instruction": "find it"})
        block = ToolBlock(call, "done", result=ToolResult("1", "found", details={"session_id": child}))
        pane.transcript.append(block)
        lines = [text_of(line) for line in tool_lines(block, 60, "full")]
        assert lines[0].startswith("▾ delegate explorer: find it")
        assert lines[-1] == "  │ found"
        pane.transcript.focus()
        await bench.press("alt+o")
        await bench.until(lambda: [one.session_id for one in bench.panes] == [pane.session_id, child], "beside it")


def test_a_list_that_is_done_takes_the_panel_away():
    panel = TodoPanel()
    panel.put([{"content": "a", "status": "completed"}])
    assert not panel.open
    panel.put(
        [{"content": str(n), "status": "pending"} for n in range(9)] + [{"content": "x", "status": "in_progress"}]
    )
    assert [text_of(line) for line in panel.lines(40)][1] == "◐ x"
    assert text_of(panel.lines(40)[-1]) == "… and 6 more"


async def test_what_was_told_besides_is_there_again_when_a_session_is_opened_again(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        pane = await bench.session()
        await bench.say("my name is Ada")
        await bench.until(lambda: not pane.busy and "Nice" in bench.text_of(pane), "an answer")
        await with_shell(bench)
        await bench.say("hello again")
        await bench.until(lambda: not pane.busy and bench.text_of(pane).count("assistant") == 2, "another")
        shown = [getattr(block, "text", "") for block in pane.transcript.blocks]
        assert any("revision 1 → 2" in words or "revision 2" in words for words in shown), shown
        await bench.press("ctrl+w")
        await bench.until(lambda: not bench.panes, "closed")
        await bench.press("f3", "enter")
        await bench.until(lambda: bench.panes and bench.panes[0].transcript.count, "open again")
        again = [getattr(block, "text", "") for block in bench.panes[0].transcript.blocks]
        assert sorted(again) == sorted(shown)


async def test_the_same_words_said_again_in_an_opened_session_are_shown_again(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        pane = await bench.session()
        await bench.say("my name is Ada")
        await bench.until(lambda: not pane.busy and "Nice" in bench.text_of(pane), "an answer")
        await bench.press("ctrl+w")
        await bench.until(lambda: not bench.panes, "closed")
        await bench.press("f3", "enter")
        await bench.until(lambda: bench.panes and bench.panes[0].transcript.count == 2, "open again")
        await bench.settled()
        await bench.press("f4")
        await bench.say("my name is Ada")
        await bench.until(lambda: bench.panes[0].transcript.count == 4, "both are shown again")


async def test_a_commands_question_is_counted_and_called_like_one_of_a_turn(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        pane = await bench.session()
        await with_shell(bench)
        await bench.say("!sleep 60")
        await bench.until(lambda: pane.question.waiting, "it asks")
        await bench.until(lambda: bench.main.sessions.asking == {pane.session_id}, "the list says so")
        await bench.press("escape")
        await bench.until(lambda: not bench.main.sessions.asking, "nothing asks any more")


async def test_what_was_queued_behind_a_stopped_turn_comes_back_to_the_prompt(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        pane = await bench.session()
        await bench.say("count to 60")
        await bench.until(lambda: pane.busy, "it writes")
        await bench.say("and then this")
        await bench.until(lambda: bench.shared.sessions.waiting(pane.session_id), "it waits")
        await bench.press("escape")
        await bench.until(lambda: pane.prompt.draft == "and then this", "it is back")


async def test_a_pane_keeps_no_draft_that_nobody_changed_there(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        pane = await bench.session()
        await bench.shared.sessions.update_session(pane.session_id, draft="written elsewhere")
        await bench.press("ctrl+w")
        await bench.until(lambda: not bench.panes, "closed")
        session = await bench.shared.sessions.get_session(pane.session_id)
        assert session is not None
        assert session.draft == "written elsewhere"


async def test_a_pane_takes_its_title_as_soon_as_the_first_words_are_stored(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        pane = await bench.session()
        await bench.say("count to 60")
        await bench.until(lambda: pane.session_title == "count to 60", "titled")
        assert pane.busy


async def test_broadcast_shows_at_every_prompt_and_a_fork_is_found_in_the_list(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        pane = await bench.session()
        await bench.say("my name is Ada")
        await bench.until(lambda: not pane.busy and pane.transcript.count > 1, "said")
        await bench.say("/fork")
        await bench.until(lambda: len(bench.panes) == 2, "forked")
        rows = bench.main.query_one(SessionList).entries
        await bench.until(lambda: rows.row and rows.row.id == bench.panes[1].session_id, "the cursor is on the fork")
        assert ("⑂1 ", "muted sign") in rows.row.left  # type: ignore[union-attr]
        marks = list(bench.main.query("PromptRow > .all"))
        assert [mark.display for mark in marks] == [False, False]
        await bench.press("alt+g")
        assert [mark.display for mark in marks] == [True, True]


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40), (200, 50)], ids=str)
async def test_what_is_told_covers_the_keys_below_and_nothing_of_a_pane(tmp_path: Path, size: tuple[int, int]):
    async with workbench(tmp_path, size) as bench:
        pane = await bench.session()
        bench.main.tell("Sealed the envelope.", title="Title")
        await bench.until(lambda: "Sealed the envelope" in bench.shown, "it is told")
        toast = bench.main.query_one("Toast").region
        assert toast.bottom == size[1]
        assert not toast.overlaps(pane.prompt.region)
        bench.main.tell("Deleted a title of thirty letters or so. u brings it back, for 10 s.")
        await bench.until(lambda: "or so. u brings" in bench.shown, "it is told, too")
        bench.main.tell("Something went wrong.", severity="error")
        await bench.until(lambda: "went wrong" in bench.shown, "and this")
        assert "Sealed the envelope" not in bench.shown, "one thing is said at a time"
        bench.main.tell("Copied.")
        await bench.until(lambda: "Copied" in bench.shown, "and the last")
        assert "went wrong" in bench.shown, "but what went wrong stays"


async def test_an_agents_session_opens_while_it_works_and_shows_what_it_writes(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        pane = await bench.session()
        count = {"name": "delegate", "arguments": {"agent": "counter", "instruction": "count to 80"}}
        script = [{"tool_calls": [count]}, "done"]
        await bench.shared.configs.create_config("counting", TEAM.replace("SCRIPT", json.dumps(script)))
        made = (await bench.shared.configs.find_config("counting")).config_id
        parent = (await bench.shared.sessions.create_session(made)).session_id
        await bench.main.sessions.open(parent)
        pane = bench.panes[0]
        await bench.say("go")
        await bench.until(lambda: pane.transcript.tool("call_1_1"), "the agent works")
        pane.transcript.focus()
        await bench.press("end")
        await bench.until(lambda: "│ " in bench.shown and pane.transcript.has_focus, "its lane grows")
        await bench.press("end", "alt+o")
        await bench.until(lambda: len(bench.panes) == 2, "its own session")
        child = bench.panes[1]
        await bench.until(lambda: child.busy and any(isinstance(b, TailBlock) for b in child.transcript.blocks), "live")
        await bench.shared.sessions.cancel(parent)
        await bench.until(lambda: not child.busy and not pane.busy, "both end")


def test_a_call_that_failed_to_write_the_list_shows_why_and_no_list():
    call = ToolCall("1", "todo_write", {"todos": [{"content": "x", "status": "pending"}]})
    block = ToolBlock(call, "done", result=ToolResult("1", "a field is missing", is_error=True))
    assert todos(block) == ()
    assert any("a field is missing" in text_of(line) for line in tool_lines(block, 40, "short"))


async def test_what_was_sent_is_searched_in_all_sessions_and_up_stays_with_this_one(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        other = await bench.session()
        await bench.say("my name is Ada")
        await bench.until(lambda: "Ada" in bench.text_of(other) and not other.busy, "it was said")
        await bench.shared.sessions.update_session(other.session_id, title="names")
        pane = await bench.session("ctrl+t")
        report = "I ran a command myself:\n\n```\n$ make test\nfine\n```"
        pane.prompt.sent = ["a prompt of this session"]
        await bench.shared.sessions.send_message(pane.session_id, report)
        await bench.shared.sessions.update_session(pane.session_id, title="builds")
        await bench.press("up", "up")
        assert pane.prompt.draft == "a prompt of this session"
        await bench.press("ctrl+r")
        await bench.until(lambda: "What you sent" in bench.dialog, "the search")
        search = bench.app.screen
        assert isinstance(search, Pick)
        shown = [["".join(words for words, _ in end).strip() for end in (row.left, row.right)] for row in search.rows]
        assert shown == [["a prompt of this session", ""], ["!make test", "builds"], ["my name is Ada", "names"]]
        await bench.type("ada")
        await bench.press("enter")
        await bench.until(lambda: pane.prompt.draft == "my name is Ada", "it is in the prompt")
