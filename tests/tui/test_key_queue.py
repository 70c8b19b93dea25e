"""Keys that come in one burst: each is acted on before the next, wherever the focus goes meanwhile."""

from __future__ import annotations

import asyncio
import itertools
import random
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual import events, work
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.keys import _character_to_key
from textual.pilot import Pilot
from textual.screen import ModalScreen
from textual.widgets import Input, TextArea
from textual.worker import get_current_worker

from agent_workbench.frontends.tui import key_queue
from agent_workbench.frontends.tui.key_queue import ENOUGH, LONGEST, PASTE, REST, KeyQueue
from agent_workbench.frontends.tui.screens.pick import Pick
from agent_workbench.frontends.tui.screens.settings import Settings
from agent_workbench.frontends.tui.widgets.browser import Browser
from agent_workbench.frontends.tui.widgets.find_bar import FindBar

sys.path.insert(0, str(Path(__file__).parent))

from workbench import Bench, workbench


def key(name: str) -> events.Key:
    """Return a key as the terminal's driver makes it; a letter may be given as itself."""
    character = {"enter": "\r", "tab": "\t", "ctrl+j": "\n"}.get(name, name if len(name) == 1 else None)
    return events.Key(_character_to_key(name) if len(name) == 1 else name, character)


def keys(*names: str) -> list[str]:
    """Return names of keys; `'words'` in quotes are written letter by letter."""
    return [one for name in names for one in (name[1:-1] if name[0] == "'" else (name,))]


def burst(app: App[None], *names: str) -> None:
    """Press keys at once: all are there before the first is looked at."""
    for name in keys(*names):
        app.post_message(key(name))


async def idle(pilot: Pilot[None], queue: KeyQueue) -> None:
    """Wait until a key that is pressed now would be acted on at once."""
    await pilot.pause(0)
    while queue.busy:
        await pilot.pause(0)


async def quiet(bench: Bench) -> None:
    """Wait until a key that is pressed now would be acted on at once."""
    await bench.until(lambda: not bench.app.keys.busy, "all keys were acted on")


# --- where bursts go wrong


async def test_letters_behind_a_change_of_the_focus_go_to_the_new_place(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        bench.editor.focus()
        await bench.pilot.pause()
        before = bench.editor.text
        burst(bench.app, "f2", "'/sec'")
        await quiet(bench)
        assert bench.main.query_one("#configs", Browser).query_one(Input).value == "sec"
        assert bench.editor.text == before


async def test_letters_behind_a_pane_number_go_to_that_pane(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        first, second = await bench.session(), await bench.session("ctrl+t")
        burst(bench.app, "'two'", "alt+1", "'one'", "alt+2", "'!'")
        await quiet(bench)
        assert (first.prompt.draft, second.prompt.draft) == ("one", "two!")


async def test_letters_behind_the_key_for_a_new_session_are_its_first_prompt(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        burst(bench.app, "ctrl+n", "'my name is Ada'", "enter", "'more'")
        await bench.until(lambda: bench.panes and "Ada!" in bench.text_of(bench.panes[0]), "an answer")
        assert bench.panes[0].prompt.draft == "more"


async def test_new_lines_moves_and_enter_keep_their_order_in_the_prompt(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        pane = await bench.session()
        burst(bench.app, "'one'", "ctrl+j", "'two'", "left", "'x'", "enter", "'three'")
        await bench.until(lambda: "user: one\ntwxo" in bench.text_of(pane), "it is sent")
        await quiet(bench)
        assert pane.prompt.draft == "three"


@pytest.mark.parametrize(
    ("pressed", "line"),
    [
        (("'bc'", "home", "'a'", "end", "'d'"), "abcd"),
        (("'ab'", "left", "left", "'x'", "delete", "'y'", "backspace"), "xb"),
        (("'ab'", "ctrl+z", "'c'"), "c"),
        (("'k:'", "enter", "'- a'", "enter", "'- b'"), "k:"),
    ],
)
async def test_text_keys_and_moving_keys_keep_their_order_in_the_editor(
    tmp_path: Path, pressed: tuple[str, ...], line: str
):
    async with workbench(tmp_path) as bench:
        bench.editor.load("\n")
        bench.editor.focus()
        await bench.pilot.pause()
        burst(bench.app, *pressed)
        await quiet(bench)
        assert bench.editor.document[0] == line


async def test_each_of_three_tab_keys_goes_one_on(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        burst(bench.app, "f6", "f6", "f6")
        await quiet(bench)
        assert bench.desk.tab == "History"


async def test_a_dialog_takes_the_keys_that_come_while_it_opens(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        burst(bench.app, "ctrl+p", "'settings'", "enter")
        await quiet(bench)
        assert isinstance(bench.app.screen, Settings)
        burst(bench.app, "escape", "f1", "escape", "ctrl+p", "'what'")
        await quiet(bench)
        assert isinstance(bench.app.screen, Pick)
        assert bench.app.screen.query_one(Input).value == "what"


async def test_a_tool_is_added_and_saved_in_one_burst(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        burst(bench.app, "alt+a", "enter", "'bash'", "enter", "ctrl+s", "ctrl+f", "'bash'")
        await bench.until(lambda: bench.main.query_one(FindBar).words == "bash", "the last key")
        await quiet(bench)
        config = bench.main.configs.config
        assert config is not None
        assert config.revision == 2
        assert config.yaml_content.endswith("- module: tool-bash\n")


async def test_a_letter_over_what_was_said_and_enter_are_sent(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        pane = await bench.session()
        await bench.say("my name is Grace")
        await bench.until(lambda: "Grace!" in bench.text_of(pane), "an answer")
        pane.transcript.focus()
        await bench.pilot.pause()
        burst(bench.app, "'count to 3'", "enter")
        await bench.until(lambda: "user: count to 3" in bench.text_of(pane), "it is sent")
        await quiet(bench)


async def test_a_click_between_keys_keeps_its_place(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        first, second = await bench.session(), await bench.session("ctrl+t")
        x, y = first.prompt.region.offset

        def mouse(kind: type[events.MouseEvent]) -> None:
            bench.app.post_message(kind(None, x, y, 0, 0, 1, False, False, False, screen_x=x, screen_y=y))

        burst(bench.app, "'two'")
        mouse(events.MouseDown)
        mouse(events.MouseUp)
        bench.app.post_message(events.Paste("one"))
        burst(bench.app, "'!'")
        await quiet(bench)
        assert (first.prompt.draft, second.prompt.draft) == ("one!", "two")


# --- nothing hangs


class Stuck(App[None]):
    """An application with a key that never comes back."""

    BINDINGS = [
        Binding("f5", "hang"),
        Binding("f6", "note", priority=True),
        Binding("f7", "stop", priority=True),
        Binding("f8", "wait", priority=True),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.keys = KeyQueue(self)
        self.noted = 0
        self.done = asyncio.Event()
        self.slow = asyncio.Event()

    def compose(self) -> ComposeResult:
        yield Hanging()

    async def on_event(self, event: events.Event) -> None:
        if not self.keys.keeps(event):
            await super().on_event(event)

    def action_note(self) -> None:
        self.noted += 1
        if self.noted == 20:
            self.done.set()

    async def action_stop(self) -> None:
        """Hang the application itself, until the queue has given up waiting for it and lets others through."""
        while len(self.keys.let_through) < 3:  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    @work
    async def action_wait(self) -> None:
        await self.slow.wait()


class Hanging(Input):
    def __init__(self) -> None:
        super().__init__()
        self.free = asyncio.Event()

    async def key_f5(self) -> None:
        await self.free.wait()


async def test_a_handler_that_hangs_keeps_no_other_key_for_long():
    app = Stuck()
    async with app.run_test() as pilot:
        burst(app, "f5", *["f6"] * 20)
        async with asyncio.timeout(2 * LONGEST):
            await app.done.wait()
        app.query_one(Hanging).free.set()
        await idle(pilot, app.keys)
        assert app.noted == 20


async def test_keys_behind_an_application_that_hangs_are_acted_on_in_their_order_when_it_goes_on():
    app = Stuck()
    async with app.run_test() as pilot:
        for name in ("f7", *"abcdefgh", *["f6"] * 20):
            app.keys.take(key(name))  # as the terminal's driver does: the application would come to none of them
        async with asyncio.timeout(4 * LONGEST):
            await app.done.wait()
        await pilot.pause()
        assert app.query_one(Input).value == "abcdefgh"


async def test_a_service_that_takes_longer_than_anybody_waits_loses_no_key():
    app = Stuck()
    async with app.run_test() as pilot:
        burst(app, "f8", *"abcdef", *["f6"] * 20)
        async with asyncio.timeout(2 * LONGEST):
            await app.done.wait()
        burst(app, *"gh")
        await pilot.pause()
        app.slow.set()
        assert app.query_one(Input).value == "abcdefgh"


async def test_held_keys_are_acted_on_in_their_order_afterwards():
    app = Stuck()
    async with app.run_test() as pilot:
        app.keys.hold()
        burst(app, "'ab'", "home", "'c'", "f6")
        await pilot.pause()
        assert (app.query_one(Input).value, app.noted) == ("", 0)
        app.keys.release()
        await pilot.pause()
        assert (app.query_one(Input).value, app.noted) == ("cab", 1)


# --- a terminal that does not say what was pasted


LINES = "".join(f"  - item: {number}\n\tdeeper: [1]\n" for number in range(PASTE // 20))


@pytest.mark.parametrize("end", ["enter", "ctrl+j"])
async def test_many_lines_pasted_as_keys_come_whole_into_the_text(tmp_path: Path, end: str):
    async with workbench(tmp_path) as bench:
        bench.editor.load("")
        bench.editor.focus()
        await bench.pilot.pause()
        burst(bench.app, *(end if one == "\n" else "tab" if one == "\t" else one for one in LINES))
        await quiet(bench)
        assert bench.editor.text == LINES  # with no indentation made up


async def test_many_lines_pasted_as_keys_are_one_prompt_and_not_sent(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        pane = await bench.session()
        burst(bench.app, *("enter" if one == "\n" else "tab" if one == "\t" else one for one in LINES))
        await quiet(bench)
        assert pane.prompt.draft == LINES
        assert not bench.text_of(pane)


async def test_a_paste_that_a_terminal_takes_long_to_send_is_one_chip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    async with workbench(tmp_path) as bench:
        pane = await bench.session()
        passing = itertools.count(0, ENOUGH / 4)
        monkeypatch.setattr(key_queue, "monotonic", lambda: next(passing))
        for _ in range(8):
            burst(bench.app, *("enter" if one == "\n" else "tab" if one == "\t" else one for one in LINES))
            await asyncio.sleep(REST / 3)
        await bench.until(lambda: pane.prompt.draft == 8 * LINES, "all of it")
        assert pane.prompt.text.count("[pasted") == 1


async def test_a_long_prompt_and_enter_in_one_burst_is_sent(tmp_path: Path):
    words = "my name is Ada " + "and so on " * (PASTE // 8)
    async with workbench(tmp_path) as bench:
        pane = await bench.session()
        burst(bench.app, f"'{words}'", "enter")
        await bench.until(lambda: f"user: {words.strip()}" in bench.text_of(pane), "it is sent")
        await quiet(bench)


# --- the law: a burst does what its keys do one at a time


class Words(ModalScreen[str]):
    """A dialog that takes a line."""

    def compose(self) -> ComposeResult:
        yield Input()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value)

    def key_escape(self) -> None:
        self.dismiss("")


class Small(App[None]):
    """Texts, keys that move the focus at once, later and after a while, and a dialog whose answer opens another."""

    BINDINGS = [
        Binding("f1", "ask", priority=True),
        Binding("f2", "go('#one')", priority=True),
        Binding("f3", "go('#two')"),
        Binding("f4", "go_later('TextArea')"),
        Binding("f5", "go_after('#one')"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.keys = KeyQueue(self)
        self.answers: list[str] = []

    def compose(self) -> ComposeResult:
        yield Input(id="one")
        yield Input(id="two")
        yield TextArea()

    async def on_event(self, event: events.Event) -> None:
        if not self.keys.keeps(event):
            await super().on_event(event)

    async def push_screen_wait(self, screen: Any, *, mode: str | None = None) -> Any:
        with self.keys.asking(get_current_worker()):
            return await super().push_screen_wait(screen, mode=mode)

    def action_go(self, where: str) -> None:
        self.screen.query(where).focus()

    def action_go_later(self, where: str) -> None:
        self.call_after_refresh(self.action_go, where)

    @work
    async def action_go_after(self, where: str) -> None:
        await asyncio.to_thread(int)
        self.action_go(where)

    @work
    async def action_ask(self) -> None:
        await asyncio.to_thread(int)
        answer = await self.push_screen_wait(Words())
        if answer:
            self.answers.append(answer + "/" + await self.push_screen_wait(Words()))

    @property
    def state(self) -> object:
        """What a person would see."""
        main = self.screen_stack[0]
        texts = [one.value for one in main.query(Input)], main.query_one(TextArea).text
        open = [one.query_one(Input).value for one in self.screen_stack[1:]]
        return texts, self.answers, open, getattr(self.focused, "id", None)


async def after(pressed: list[str], *, at_once: bool) -> object:
    """Return what some keys leave behind."""
    app = Small()
    async with app.run_test() as pilot:
        for some in [pressed] if at_once else [[one] for one in pressed]:
            burst(app, *some)
            await idle(pilot, app.keys)
        found = app.state
        app.workers.cancel_all()
        return found


PRESSED = st.lists(
    st.sampled_from(["a", "b", "enter", "backspace", "home", "tab", "escape", "f1", "f2", "f3", "f4", "f5"]),
    min_size=2,
    max_size=12,
)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(PRESSED)
def test_a_burst_does_what_its_keys_do_one_at_a_time(pressed: list[str]):
    assert asyncio.run(after(pressed, at_once=True)) == asyncio.run(after(pressed, at_once=False))


def shown(bench: Bench) -> tuple[object, ...]:
    """Return what a person sees: the dialogs, the focus, and every text that can be written in."""
    screen = bench.app.screen
    texts = [one.value if isinstance(one, Input) else one.text for one in screen.query("Input, TextArea").results()]
    focus = type(screen.focused).__name__, getattr(screen.focused, "id", None)
    names = [type(one).__name__ for one in bench.app.screen_stack]
    drafts = [pane.prompt.draft for pane in bench.panes]
    return names, focus, texts, drafts, bench.desk.tab, bench.editor.text


@pytest.mark.parametrize("seed", [1, 2])
async def test_the_whole_workbench_keeps_the_law(tmp_path: Path, seed: int):
    known = [*"ab/ :", "enter", "backspace", "home", "end", "left", "up", "down", "escape", "tab", "shift+tab"]
    known += ["f1", "f2", "f3", "f4", "f6", "f7", "ctrl+p", "ctrl+f", "ctrl+l", "alt+1", "alt+2", "alt+j", "alt+a"]
    pressed = random.Random(seed).choices(known, k=24)
    found = []
    for at_once in (True, False):
        folder = tmp_path / str(at_once)
        folder.mkdir()
        async with workbench(folder) as bench:
            await bench.session()
            await bench.session("ctrl+t")
            for some in [pressed] if at_once else [[one] for one in pressed]:
                burst(bench.app, *some)
                await quiet(bench)
            found.append(shown(bench))
    assert found[0] == found[1], pressed
