"""Every key of a chat is pressed: in the prompt, in what was said, in a find, in a question, and around them."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from textual.drivers.headless_driver import HeadlessDriver

from agent_workbench.conversation.messages import ToolCall, ToolResult
from agent_workbench.frontends.tui.widgets.blocks import ReplyBlock, UserBlock
from agent_workbench.frontends.tui.widgets.pane_grid import PaneGrid, SessionPane
from agent_workbench.frontends.tui.widgets.question import Preview, Reason
from agent_workbench.frontends.tui.widgets.tool_card import ToolBlock

sys.path.insert(0, str(Path(__file__).parent))

from seen import Case, Place, Step, becomes, ceases, changes, dialog, grows, keys, shrinks, try_out
from workbench import Bench, workbench

LONG = "\n".join(f"line {n}" for n in range(60))
CARD = ToolBlock(ToolCall("1", "bash", {"command": "ls"}), "done", result=ToolResult("1", LONG))


def pane(bench: Bench) -> SessionPane:
    active = bench.main.query_one(PaneGrid).active
    assert active is not None
    return active


def draft(bench: Bench) -> str:
    return pane(bench).prompt.draft


def place(bench: Bench) -> tuple[int, int]:
    return pane(bench).prompt.cursor_location


def marked(bench: Bench) -> str:
    return pane(bench).prompt.selected_text


def clipboard(bench: Bench) -> str:
    return bench.app.clipboard


def count(bench: Bench) -> int:
    return len(bench.panes)


async def in_prompt(bench: Bench) -> None:
    """Begin in the empty prompt of the first pane, with nothing running."""
    await bench.press("alt+1")
    await bench.until(lambda: pane(bench) is bench.panes[0] and not pane(bench).busy, "the first pane")
    pane(bench).find.open = False
    pane(bench).prompt.draft = ""
    pane(bench).prompt.focus()
    bench.app.copy_to_clipboard("")
    await bench.until(lambda: pane(bench).prompt.has_focus, "the prompt has the focus")


def written(words: str, *more: str) -> Step:
    """Return what writes words and presses keys."""

    async def write(bench: Bench) -> None:
        pane(bench).prompt.type_in(words)
        await bench.press(*more)

    return write


def is_draft(words: str) -> object:
    return becomes(lambda bench: draft(bench) == words)


def at(row: int, column: int) -> object:
    return becomes(lambda bench: place(bench) == (row, column))


def marks(words: str) -> object:
    return becomes(lambda bench: marked(bench) == words)


async def answering(bench: Bench) -> None:
    await bench.say("count to 90")
    await bench.until(lambda: pane(bench).busy, "it writes")


async def queued(bench: Bench) -> None:
    await answering(bench)
    await bench.say("and then this")
    await bench.until(lambda: "1 queued" in bench.shown, "it is queued")


async def stopped(bench: Bench) -> None:
    """Let nothing run or wait any more."""
    for one in bench.panes:
        await bench.shared.sessions.cancel(one.session_id)
    await bench.until(lambda: not any(one.busy for one in bench.panes), "nothing runs")


async def offered(bench: Bench) -> None:
    await bench.type("/co")
    await bench.until(lambda: pane(bench).prompt.offers.open, "commands are offered")


async def sent(bench: Bench) -> None:
    pane(bench).prompt.sent = ["first", "second"]


async def in_past(bench: Bench) -> None:
    await sent(bench)
    await bench.press("up", "up")


async def copied(bench: Bench) -> None:
    bench.app.copy_to_clipboard("from elsewhere")


async def undone(bench: Bench) -> None:
    await bench.press("a", "ctrl+z")


async def told(bench: Bench) -> None:
    """Begin with the focus in what was said: a question, an answer with code, and a tall card."""
    await in_prompt(bench)
    shown = pane(bench).transcript
    shown.load([UserBlock("alpha one", message=0), ReplyBlock("beta\n\n```py\nx = 1\n```\nalpha two", message=1), CARD])
    shown.focus()
    await bench.until(lambda: shown.has_focus, "what was said has the focus")
    await bench.press("end")


def cursor(bench: Bench) -> int:
    return pane(bench).transcript.cursor


def top(bench: Bench) -> float:
    return pane(bench).transcript.scroll_y


def at_block(index: int) -> Step:
    async def there(bench: Bench) -> None:
        await bench.press("home", *["down"] * index)

    return there


async def unfolded(bench: Bench) -> None:
    await bench.press("enter")
    await bench.until(lambda: "line 59" in bench.shown, "the card is unfolded")


async def unfolded_from_top(bench: Bench) -> None:
    await unfolded(bench)
    await bench.press("home")


async def from_prompt(bench: Bench) -> None:
    """Go back to the prompt; what was said holds a tall card, unfolded."""
    await told(bench)
    await unfolded(bench)
    await bench.press("end")
    pane(bench).prompt.focus()
    await bench.until(lambda: pane(bench).prompt.has_focus, "the prompt has the focus")


async def from_prompt_above(bench: Bench) -> None:
    await from_prompt(bench)
    await bench.press("pageup")


async def asked_while_writing(bench: Bench) -> None:
    """A question waits while the prompt has the focus."""
    await asked(bench)
    await bench.press("x")
    await bench.until(lambda: pane(bench).prompt.has_focus, "a letter goes to the prompt")


async def with_agent(bench: Bench) -> None:
    child = (await bench.shared.sessions.fork_session(pane(bench).session_id)).session_id
    call = ToolCall("2", "delegate", {"agent": "explorer", "instruction": "find it"})
    pane(bench).transcript.append(ToolBlock(call, "done", result=ToolResult("2", "", details={"session_id": child})))
    await bench.press("end")


async def finding(bench: Bench) -> None:
    """Begin with two finds, at the last."""
    await told(bench)
    pane(bench).prompt.focus()
    await bench.press("ctrl+f", "ctrl+u", *"alpha")
    await bench.until(lambda: "2 of 2" in bench.shown, "they are counted")


async def found(bench: Bench) -> None:
    pane(bench).transcript.find("alpha")


async def asked(bench: Bench) -> None:
    """Begin with a question that was there long enough to be answered."""
    await stopped(bench)
    await in_prompt(bench)
    (bench.shared.workspace / "notes.txt").unlink(missing_ok=True)
    await bench.say("write notes.txt with " + " ".join(f"word{n}" for n in range(150)))
    await bench.until(lambda: pane(bench).question.has_focus, "the question has the focus")
    await bench.until(lambda: pane(bench).question.check_action("refuse", ()), "it can be answered")


def question(bench: Bench) -> bool:
    return pane(bench).question.display


def preview(bench: Bench) -> float:
    return pane(bench).query_one(Preview).scroll_y


async def refusing(bench: Bench) -> None:
    await bench.press("n")
    await bench.until(lambda: pane(bench).query_one(Reason).has_focus, "the reason")


WORDS = written("one two three")

PLACES: Mapping[str, Place] = {
    "PromptArea": Place(
        in_prompt,
        {
            "enter": Case(becomes(lambda bench: "hi" in bench.text_of(pane(bench))), written("hi")),
            "ctrl+s": Case(becomes(lambda bench: "hey" in bench.text_of(pane(bench))), written("hey")),
            "ctrl+j": Case(is_draft("hi\n"), written("hi")),
            "shift+enter": Case(is_draft("hi\n"), written("hi")),
            "alt+enter": Case(is_draft("hi\n"), written("hi")),
            "up": Case(is_draft("second"), sent),
            "down": Case(is_draft("second"), in_past),
            "tab": Case(becomes(lambda bench: draft(bench).endswith(" ")), offered),
            "escape": Case(ceases(lambda bench: pane(bench).prompt.offers.open), offered),
            "ctrl+c": Case(becomes(lambda bench: clipboard(bench) == "three"), written("three", "shift+home")),
            "super+c": Case(becomes(lambda bench: clipboard(bench) == "three"), written("three", "shift+home")),
            "ctrl+r": Case(dialog("What you sent"), sent),
            "left": Case(at(0, 12), WORDS),
            "right": Case(at(0, 1), written("one", "home")),
            "ctrl+left": Case(at(0, 8), WORDS),
            "ctrl+right": Case(at(0, 3), written("one two", "home")),
            "home": Case(at(0, 0), WORDS),
            "ctrl+a": Case(at(0, 0), WORDS),
            "end": Case(at(0, 3), written("one", "home")),
            "ctrl+e": Case(at(0, 3), written("one", "home")),
            "ctrl+shift+left": Case(marks("three"), WORDS),
            "ctrl+shift+right": Case(marks("one"), written("one two", "home")),
            "shift+home": Case(marks("one two three"), WORDS),
            "shift+end": Case(marks("one"), written("one", "home")),
            "shift+up": Case(marks("\nb"), written("a\nb")),
            "shift+down": Case(marks("a\n"), written("a\nb", "home", "up")),
            "shift+left": Case(marks("e"), WORDS),
            "shift+right": Case(marks("o"), written("one", "home")),
            "backspace": Case(is_draft("on"), written("one")),
            "ctrl+backspace": Case(is_draft("one two "), WORDS),
            "alt+backspace": Case(is_draft("one two "), WORDS),
            "delete": Case(is_draft("ne"), written("one", "home")),
            "ctrl+d": Case(is_draft("ne"), written("one", "home")),
            "alt+delete": Case(is_draft(" two"), written("one two", "home")),
            "ctrl+x": Case(
                becomes(lambda bench: not draft(bench) and clipboard(bench) == "one"), written("one", "shift+home")
            ),
            "super+x": Case(
                becomes(lambda bench: not draft(bench) and clipboard(bench) == "one"), written("one", "shift+home")
            ),
            "ctrl+v": Case(is_draft("from elsewhere"), copied),
            "ctrl+u": Case(is_draft(""), WORDS),
            "super+backspace": Case(is_draft(""), WORDS),
            "ctrl+k": Case(is_draft("one"), written("one two", *["left"] * 4)),
            "ctrl+shift+k": Case(is_draft(""), WORDS),
            "ctrl+z": Case(is_draft(""), keys("a")),
            "super+z": Case(is_draft(""), keys("a")),
            "super+y": Case(is_draft("a"), undone),
        },
    ),
    "PaneGrid": Place(in_prompt, {"shift+tab": Case(changes(lambda bench: pane(bench).mode))}),
    "MainScreen": Place(
        in_prompt,
        {
            "alt+2": Case(becomes(lambda bench: bench.panes[1].prompt.has_focus)),
            "alt+1": Case(becomes(lambda bench: bench.panes[0].prompt.has_focus), keys("alt+2")),
            "alt+3": Case(becomes(lambda bench: bench.panes[2].prompt.has_focus)),
            "alt+4": Case(becomes(lambda bench: bench.panes[3].prompt.has_focus)),
            "ctrl+c": Case(is_draft(""), written("one")),
        },
    ),
    "ChatPane": Place(
        in_prompt,
        {
            "escape": Case(ceases(lambda bench: pane(bench).busy), answering),
            "alt+up": Case(is_draft("and then this"), queued),
            "ctrl+f": Case(becomes(lambda bench: pane(bench).find.has_focus_within)),
            "ctrl+g": Case(becomes(lambda bench: "# elsewhere" in draft(bench))),
            "pageup": Case(shrinks(top), from_prompt),
            "pagedown": Case(grows(top), from_prompt_above),
            "end": Case(grows(top), from_prompt_above),
            "alt+o": Case(grows(count), with_agent),
            "ctrl+o": Case(ceases(lambda bench: "line 59" in bench.shown), from_prompt),
            "ctrl+y": Case(becomes(clipboard), from_prompt),
            "tab": Case(becomes(lambda bench: pane(bench).question.has_focus), asked_while_writing),
        },
    ),
    "Transcript": Place(
        told,
        {
            "up": Case(shrinks(cursor)),
            "down": Case(grows(cursor), keys("home")),
            "home": Case(shrinks(cursor)),
            "end": Case(grows(cursor), keys("home")),
            "pageup": Case(shrinks(top), unfolded),
            "pagedown": Case(grows(top), unfolded_from_top),
            "enter": Case(becomes(lambda bench: "line 59" in bench.shown)),
            "ctrl+o": Case(becomes(lambda bench: "line 59" in bench.shown)),
            "ctrl+y": Case(becomes(lambda bench: clipboard(bench) == "alpha one"), at_block(0)),
            "alt+y": Case(becomes(lambda bench: clipboard(bench) == "x = 1\n"), at_block(1)),
            "alt+k": Case(grows(count), at_block(0)),
            "alt+r": Case(is_draft("alpha one"), at_block(0)),
            "alt+o": Case(grows(count), with_agent),
            "ctrl+up": Case(shrinks(cursor), found),
            "ctrl+down": Case(changes(cursor), found),
            "x": Case(becomes(lambda bench: draft(bench) == "x" and pane(bench).prompt.has_focus)),
        },
    ),
    "FindLine": Place(
        finding,
        {
            "enter": Case(changes(cursor)),
            "up": Case(changes(cursor)),
            "shift+enter": Case(changes(cursor)),
            "down": Case(changes(cursor)),
            "escape": Case(becomes(lambda bench: pane(bench).prompt.has_focus and not pane(bench).find.display)),
        },
    ),
    "QuestionCard": Place(
        asked,
        {
            "down": Case(grows(preview)),
            "pagedown": Case(grows(preview)),
            "up": Case(shrinks(preview), keys("pagedown")),
            "pageup": Case(shrinks(preview), keys("pagedown")),
            "escape": Case(becomes(lambda bench: pane(bench).question.has_focus), refusing),
            "x": Case(becomes(lambda bench: draft(bench).endswith("x") and pane(bench).prompt.has_focus)),
            "n": Case(becomes(lambda bench: pane(bench).query_one(Reason).has_focus)),
            "y": Case(becomes(lambda bench: (bench.shared.workspace / "notes.txt").exists())),
            "a": Case(dialog("Allow always")),
            "s": Case(becomes(lambda bench: (bench.shared.workspace / "notes.txt").exists())),
        },
    ),
}
"""The places, and what is pressed there; the last answer of a question lets such calls through, so it comes last."""


async def fresh(bench: Bench, *, panes: int) -> None:
    """Begin with so many panes, of which the first is new."""
    while bench.panes:
        await stopped(bench)
        left = len(bench.panes)
        await bench.press("ctrl+w")
        await bench.until(lambda left=left: len(bench.panes) < left, "a pane is closed")
    for _ in range(panes):
        await bench.session()


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the person an editor that writes a line, and the test a terminal that can be handed over."""
    script = tmp_path / "editor"
    script.write_text('#!/bin/sh\necho "# elsewhere" >> "$1"\n')
    script.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(script))
    monkeypatch.setattr(HeadlessDriver, "can_suspend", True)


@pytest.mark.usefixtures("editor")
async def test_every_key_of_a_chat(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        await bench.press("ctrl+b")
        for name, place in PLACES.items():
            await fresh(bench, panes=4 if name == "MainScreen" else 1)
            await try_out(bench, name, place)
            await stopped(bench)
