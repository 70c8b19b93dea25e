"""The editor with what belongs around it: completion, find and replace, and a line that says what the cursor is on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from rich.cells import cell_len
from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.geometry import Offset
from textual.message import Message
from textual.timer import Timer
from textual.widgets import TextArea

from agent_workbench.configs.complete import Completion, completions, help_at
from agent_workbench.configs.edits import Edit
from agent_workbench.configs.known import Known
from agent_workbench.configs.modules import Catalog
from agent_workbench.conversation.clean import clean_line
from agent_workbench.errors import EditRefused
from agent_workbench.frontends.tui.finding import NoPattern, matches, next_match, replacement
from agent_workbench.frontends.tui.widgets.bar import Bar
from agent_workbench.frontends.tui.widgets.editor import Check, YamlEditor
from agent_workbench.frontends.tui.widgets.find_bar import FindBar
from agent_workbench.frontends.tui.widgets.row_list import Row, RowList

#: Seconds of rest before help and completion follow the cursor: nothing flickers while somebody types.
LOOK_AFTER = 0.12
#: Lines that a problem may take below the text.
TOLD = 3
#: How many completions are shown at once; the list scrolls.
SHOWN = 8


class Completions(RowList, can_focus=False):
    """What fits at the cursor. The editor keeps the focus and passes it the keys."""

    DEFAULT_CSS = """
    Completions {
        overlay: screen;
        constrain: inside inside;
        display: none;
        width: 64;
        max-width: 90%;
        background: $panel;
        &.-open { display: block; }
    }
    """

    LIT = True
    offered: tuple[Completion, ...] = ()

    def offer(self, offered: tuple[Completion, ...], at: Offset) -> None:
        """Show completions under a place of the screen, or hide where there are none."""
        self.offered = offered
        self.set_class(bool(offered), "-open")
        if offered:
            self.styles.height = min(SHOWN, len(offered))
            self.absolute_offset = at
            self.put([])
            self.put([Row(str(n), [(one.label, "strong")], [(clean_line(one.detail, 40), "muted")])
                      for n, one in enumerate(offered)])  # fmt: skip
            self.refresh(layout=True)

    @property
    def is_open(self) -> bool:
        """Whether something is offered."""
        return bool(self.offered)

    @property
    def chosen(self) -> Completion:
        """The completion under the cursor."""
        return self.offered[max(0, self.cursor)]


class CompletingEditor(YamlEditor):
    """The config as text. Problems show while you type; ctrl+space offers what fits at the cursor.

    An open completion list borrows the keys that move in it.
    """

    @dataclass
    class KeyForList(Message):
        """A key that an open list takes: up, down, enter, tab or escape."""

        key: str

    list_is_open: Callable[[], bool] = staticmethod(lambda: False)

    def on_resize(self) -> None:
        """Keep the cursor in view where the words below take lines of the text."""
        self.call_after_refresh(self.scroll_cursor_visible, animate=False)

    async def _on_key(self, event: events.Key) -> None:
        if event.key in ("up", "down", "enter", "tab", "escape") and self.list_is_open():
            event.stop()
            event.prevent_default()
            self.post_message(self.KeyForList(event.key))


class EditorPane(Vertical):
    """Everything of the Edit tab. `catalog` is asked for once, off the event loop: it imports every module."""

    DEFAULT_CSS = """
    EditorPane {
        & > YamlEditor { height: 1fr; }
        & > #editor-help { height: auto; padding: 0 1; }
    }
    """

    def __init__(
        self, *, check: Check | None = None, catalog: Callable[[], Catalog] = Catalog, id: str | None = None
    ) -> None:
        super().__init__(id=id)
        self._check = check
        self._load_catalog = catalog
        self._catalog: Catalog | None = None
        self.known = Known()
        """What the text could name besides modules."""
        self._look: Timer | None = None
        self._typed = False

    def compose(self) -> ComposeResult:
        editor = CompletingEditor(check=self._check)
        editor.list_is_open = lambda: self.completions.is_open
        yield editor
        yield Completions()
        yield FindBar()
        yield Bar(id="editor-help")

    @property
    def editor(self) -> YamlEditor:
        """The text."""
        return self.query_one(YamlEditor)

    @property
    def completions(self) -> Completions:
        """What fits at the cursor."""
        return self.query_one(Completions)

    # --- what the cursor is on, and what fits there

    @on(TextArea.Changed)
    def _on_typed(self) -> None:
        self._typed = self.editor.has_focus
        self._look_soon()

    @on(TextArea.SelectionChanged)
    def _on_moved(self) -> None:
        if not self._typed:
            self.completions.offer((), Offset())
        self._look_soon()

    def on_resize(self) -> None:
        self.completions.offer((), Offset())

    def on_descendant_blur(self) -> None:
        self.completions.offer((), Offset())

    @on(YamlEditor.Checked)
    def _checked(self) -> None:
        self._show_help()

    def _look_soon(self) -> None:
        if self._look is not None:
            self._look.stop()
        self._look = self.set_timer(LOOK_AFTER, self.look)

    def look(self) -> None:
        """Bring the help line, and while somebody types the completions, to the cursor."""
        self._show_help()
        typed, self._typed = self._typed, False
        if typed and self.editor.has_focus:
            self.complete(asked=False)

    def _show_help(self) -> None:
        row, column = self.editor.cursor_location
        problem = self.editor.problem_at(row)
        if problem is not None:
            words = f"{problem.message}{f' · {problem.hint}' if problem.hint else ''}"
            shown = [("F9 fixes  ", "key")] if problem.fix is not None else []
            shown.append((clean_line(words), "bad" if problem.severity == "error" else "warn"))
        elif self._catalog is None:
            self.run_worker(self._learn(self._show_help), group="check")
            return
        else:
            found = help_at(self.editor.text, row, column, self._catalog)
            shown = [] if found is None else [(f"{clean_line(found.path)}  ", "key"), (clean_line(found.text), "muted")]
        most = 1 if problem is None else TOLD
        self.query_one("#editor-help", Bar).put(shown, [(f"{row + 1}:{column + 1}", "muted")], most=most)

    async def _learn(self, then: Callable[[], None]) -> None:
        """Load the catalog, then do what needed it."""
        self._catalog = await asyncio.to_thread(self._load_catalog)
        then()

    def complete(self, *, asked: bool = True) -> None:
        """Offer what fits. While typing only after a letter, and never what stands there already."""
        if self._catalog is None:
            self.run_worker(self._learn(partial(self.complete, asked=asked)), group="complete")
            return
        editor = self.editor
        self._typed = self._typed and not asked  # a look that is due would take away what was asked for
        row, column = editor.cursor_location
        found = () if editor.read_only else completions(editor.text, row, column, self._catalog, self.known)
        before = editor.document[row][:column]
        if not asked:
            found = tuple(one for one in found if before[one.start :] and before[one.start :] != one.insert.strip())
        at = editor.cursor_screen_offset if found else Offset()
        typed = cell_len(before[min(one.start for one in found) :]) if found else 0
        # A row begins with a sign: so the words stand in line with what is typed.
        self.completions.offer(found, at + Offset(-typed - 1, 1))

    @on(CompletingEditor.KeyForList)
    def _key_for_list(self, event: CompletingEditor.KeyForList) -> None:
        event.stop()
        match event.key:
            case "up" | "down":
                self.completions.action_move(-1 if event.key == "up" else 1)
            case "escape":
                self.completions.offer((), Offset())
            case _:
                self._take(self.completions.chosen)

    @on(RowList.Chosen)
    def _clicked(self, event: RowList.Chosen) -> None:
        event.stop()
        self._take(self.completions.chosen)
        self.editor.focus()

    def _take(self, one: Completion) -> None:
        self.completions.offer((), Offset())
        row, column = self.editor.cursor_location
        self.editor.replace(one.insert, (row, min(one.start, column)), (row, column), maintain_selection_offset=False)
        self._typed = False

    # --- find, replace, go to line

    @on(YamlEditor.Wanted)
    def _wanted(self, event: YamlEditor.Wanted) -> None:
        if event.what == "complete":
            self.complete()
        elif event.what in ("find", "line"):
            line = event.what == "line"
            self.query_one(FindBar).open("line" if line else "find", "" if line else self.editor.selected_text)
        else:
            return
        event.stop()

    @on(FindBar.Step)
    def _step(self, event: FindBar.Step) -> None:
        event.stop()
        editor = self.editor
        try:
            spans = matches(editor.text, event.words)
        except NoPattern as error:
            event.bar.say(str(error))
            return
        start, end = sorted((editor.offset_of(editor.selection.start), editor.offset_of(editor.selection.end)))
        index = next_match(spans, end if event.by > 0 else start, -1 if event.by < 0 else 1)
        if index >= 0:
            editor.select(*spans[index])
        event.bar.count(index, len(spans))

    @on(FindBar.Replace)
    def _replace(self, event: FindBar.Replace) -> None:
        event.stop()
        editor = self.editor
        before = text = editor.text
        try:
            spans = matches(before, event.words)
            if not event.all:
                start = min(map(editor.offset_of, editor.selection))
                spans = [span for span in spans if span[0] == start][:1]
            for start, end in reversed(spans):
                text = text[:start] + replacement(before, event.words, (start, end), event.by) + text[end:]
            editor.replace_all(text)
        except NoPattern as error:
            event.bar.say(str(error))
            return
        except EditRefused as error:
            self.notify(str(error), title=error.title, severity="warning", markup=False)
            return
        self._step(FindBar.Step(event.bar, event.words, 1))

    @on(FindBar.GoTo)
    def _go_to(self, event: FindBar.GoTo) -> None:
        event.stop()
        self.editor.go_to(event.line)

    @on(FindBar.Closed)
    def _find_closed(self, event: FindBar.Closed) -> None:
        event.stop()
        self.editor.focus()

    def apply(self, edit: Edit) -> None:
        """Make an edit (see `YamlEditor.apply_edit`) and go on in the text."""
        self.editor.apply_edit(edit)
        self.editor.focus()
