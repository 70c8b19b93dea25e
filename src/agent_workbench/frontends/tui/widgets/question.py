"""A permission question in the pane that asks it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from time import monotonic

from rich.cells import cell_len
from textual import events
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from agent_workbench.configs.words import counted
from agent_workbench.conversation.clean import clean, clean_line
from agent_workbench.conversation.events import Answer, Decision, Question
from agent_workbench.frontends.tui.widgets.bar import Bar
from agent_workbench.frontends.tui.widgets.diff_view import diff_lines
from agent_workbench.frontends.tui.widgets.inputs import LineInput
from agent_workbench.frontends.tui.widgets.lines import Line, Run, wrap
from agent_workbench.frontends.tui.widgets.markdown import code_lines
from agent_workbench.frontends.tui.widgets.paint import LinesView

GRACE_S = 0.6
"""Decision keys are no decision for so long after a question appears: they were meant for the prompt."""

TALLEST = 14
"""Lines of a preview at most; the rest scrolls."""

NARROW = 48
"""Cells under which the keys are written without brackets."""

_KEYS: tuple[tuple[str, Decision, str], ...] = (
    ("y", "allow", "once"),
    ("s", "allow_session", "session"),
    ("a", "allow_always", "always"),
)


class Preview(LinesView, can_focus=False):
    """Exactly what would be done, scrolling when it is long."""

    DEFAULT_CSS = """
    Preview {
        height: auto;
        max-height: 14;
        scrollbar-background: $surface;
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._question: Question | None = None
        self._lines: list[Line] = []

    class Looked(Message):
        """Another part of it is shown."""

    @property
    def below(self) -> int:
        """How many lines are there below the last one that is shown."""
        return max(0, len(self._lines) - round(self.scroll_offset.y) - self.scrollable_content_region.height)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Say that another part is shown."""
        super().watch_scroll_y(old_value, new_value)
        self.post_message(self.Looked())

    def put(self, question: Question) -> None:
        """Show a question's preview, paths, reason and what its wider scopes would save."""
        self._question = question
        self.scroll_to(y=0, animate=False, immediate=True)
        self._lay()

    def on_resize(self) -> None:
        """Wrap anew."""
        self._lay()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return how many lines there are at this width, scrollbar included."""
        return len(question_lines(self._question, width - self.scrollbar_size_vertical)) if self._question else 0

    def _lay(self) -> None:
        width = self.scrollable_content_region.width
        if self._question is not None and width > 0:
            self._lines = question_lines(self._question, width)
            self.virtual_size = Size(width, len(self._lines))
        self.refresh(layout=True)
        self.post_message(self.Looked())

    def render_line(self, y: int) -> Strip:
        """Paint one line."""
        number = round(self.scroll_y) + y
        line = self._lines[number] if number < len(self._lines) else []
        return self.strip_of(line).crop_extend(0, self.scrollable_content_region.width, self.rich_style)


def question_lines(question: Question, width: int) -> list[Line]:
    """Lay a question out: the exact act first, then where, why, and what the wider answers would save."""
    preview = clean(question.preview)
    lines: list[Line] = []
    if preview.strip():
        if question.preview_kind == "diff":
            lines += diff_lines(preview, width)
        else:
            lines += code_lines(preview, "bash" if question.preview_kind == "command" else "", width)
    else:
        lines += _fields(((str(name), str(value)) for name, value in question.call.arguments.items()), width)
    return lines + _fields(_about(question), width)


def _about(question: Question) -> Iterator[tuple[str, str]]:
    """Yield what is said of a question below the act itself."""
    if question.paths:
        yield "path" if len(question.paths) == 1 else "paths", ", ".join(question.paths)
    if question.reason:
        yield "why", question.reason
    if set(question.scopes) - {"allow"}:
        yield from (("would save", rule) for rule in question.rules)


def _fields(fields: Iterable[tuple[str, str]], width: int) -> list[Line]:
    """Lay names and values out, the values under each other where that leaves them room."""
    named = [(f"{clean_line(name, 40)}: ", clean(value)) for name, value in fields]
    column = max((cell_len(name) for name, _ in named), default=0)
    if column > width // 3:
        return [line for name, value in named for line in wrap([(value, "")], width, [(name, "key")], [("  ", "")])]
    rest = [(" " * column, "")]
    return [
        line
        for name, value in named
        for line in wrap([(value, "")], width, [(name + " " * (column - cell_len(name)), "key")], rest)
    ]


class Reason(LineInput):
    """Where a refusal's reason is written. A paste is cleaned on its way in, as all text is."""

    def _on_paste(self, event: events.Paste) -> None:
        """Insert a paste as one cleaned line."""
        event.stop()
        event.prevent_default()
        self.insert_text_at_cursor(clean_line(event.text))


class QuestionCard(Vertical, can_focus=True):
    """The questions that wait for an answer, one at a time, oldest first.

    A decision needs the focus and a key pressed after the grace period. Every other printable key, and a decision
    key within the period, is given back as `Typed`: nothing meant for the prompt is lost or taken for an answer.
    """

    BINDINGS = [
        Binding("y", "answer('allow')", "Once", id="question.once", tooltip="Allow this call"),
        Binding(
            "s", "answer('allow_session')", "Session", id="question.session", tooltip="Allow such calls in this session"
        ),
        Binding("a", "answer('allow_always')", "Always", id="question.always", tooltip="Allow such calls from now on"),
        Binding("n", "refuse", "No…", id="question.refuse", tooltip="Refuse, with a reason if you like"),
        Binding("up", "look(-1)", "Up", show=False, id="question.up", tooltip="Scroll up"),
        Binding("down", "look(1)", "Down", show=False, id="question.down", tooltip="Scroll down"),
        Binding("pageup", "look(-10)", "Page up", show=False, id="question.page_up", tooltip="A page up"),
        Binding("pagedown", "look(10)", "Page down", show=False, id="question.page_down", tooltip="A page down"),
        Binding("escape", "back", "Back", show=False, id="question.back", tooltip="Leave the reason"),
    ]
    DEFAULT_CSS = """
    QuestionCard {
        height: auto;
        max-height: 60%;
        display: none;
        padding: 0 1;
        border-left: outer $warning;
        background: $surface;
        &.-asking { display: block; }
        &:focus-within { border-left: outer $accent; }
        & Bar { padding: 0; }
        & Reason { display: none; background: $panel; }
        &.-refusing Reason { display: block; }
    }
    """

    asking = reactive(False, toggle_class="-asking")
    refusing = reactive(False, toggle_class="-refusing")

    @dataclass
    class Answered(Message):
        """A person answered the question about a call."""

        card: QuestionCard
        question: Question
        answer: Answer

        @property
        def control(self) -> QuestionCard:
            return self.card

    @dataclass
    class Typed(Message):
        """A key came that was not for the question."""

        card: QuestionCard
        text: str

        @property
        def control(self) -> QuestionCard:
            return self.card

    def __init__(self, *, clock: Callable[[], float] = monotonic, id: str | None = None) -> None:
        super().__init__(id=id)
        self._clock = clock
        self._waiting: list[Question] = []
        self._shown_at = 0.0
        self._room = 0
        self._way = "tab to answer"

    def compose(self) -> ComposeResult:
        """Title, preview, the field for a refusal's reason, keys."""
        yield Bar(classes="title")
        yield Preview()
        yield Reason(placeholder="why not?")
        yield Bar(classes="keys")

    def on_mount(self) -> None:
        """Show what came before there was a screen."""
        self._show()

    @property
    def waiting(self) -> tuple[Question, ...]:
        """The questions without an answer, the shown one first."""
        return tuple(self._waiting)

    def ask(self, question: Question) -> None:
        """Put a question at the end of the queue; one about the same call gives way to it, unless they are equal."""
        if question in self._waiting:
            return
        self.withdraw(question.call.call_id)
        self._waiting.append(question)
        if len(self._waiting) == 1:
            self._show()
        else:
            self._title()

    def withdraw(self, call_id: str) -> None:
        """Take a question away that was answered elsewhere, or whose call is gone."""
        shown = self._waiting[0] if self._waiting else None
        self._waiting = [question for question in self._waiting if question.call.call_id != call_id]
        if self._waiting[:1] != [shown]:
            self._show()
        elif self._waiting:
            self._title()

    def fit(self, height: int) -> None:
        """Take no more than 60 % of so many lines, and four where that is less; only the preview gives way."""
        self._room = max(4, height * 3 // 5)
        self.styles.max_height = self._room
        self._shrink()

    def watch_refusing(self) -> None:
        """Make room for the reason."""
        self._shrink()
        self._retitle()

    def _shrink(self) -> None:
        if self._room and self.is_mounted:
            around = 3 if self.refusing else 2
            self.query_one(Preview).styles.max_height = min(TALLEST, self._room - around)

    def lead(self, key: str) -> None:
        """Say which key goes to the question while its own keys are for somebody else."""
        self._way = f"{key} to answer"
        self._retitle()

    def clear(self) -> None:
        """Take all questions away: the turn is over."""
        self._waiting.clear()
        self._show()

    def _show(self) -> None:
        self._shown_at = self._clock()
        self.refusing = False
        self.asking = bool(self._waiting)
        if self._waiting and self.is_mounted:
            self.query_one(Preview).put(self._waiting[0])
            self.query_one(Reason).value = ""
            self._title()
            self.set_timer(GRACE_S, self.refresh_bindings)  # from then on the footer offers the answers

    def _title(self) -> None:
        if not self.is_mounted:
            return
        question, count = self._waiting[0], len(self._waiting)
        left: Line = [("? ", "warn"), ("allow ", "warn"), (clean_line(question.call.name, 60), "strong")]
        right: list[Run] = [(f"1 of {count}", "muted")] if count > 1 else []
        if below := self.query_one(Preview).below:  # what is not seen must not look like the end
            right = [(f"↓ {counted(below, 'more line')}  ", "warn"), *right]
        self.query_one(".title", Bar).put(left, right)
        here = self.has_focus_within
        self.query_one(".keys", Bar).put(self._keys(question), [] if here else [(self._way, "muted")])

    def _keys(self, question: Question) -> Line:
        offered = [(key, word) for key, decision, word in _KEYS if decision in question.scopes]
        narrow = self.size.width < (NARROW if self.has_focus_within else NARROW + len(self._way))
        offered = [("enter", "refuse"), ("esc", "back")] if self.refusing else [*offered, ("n", "no…")]
        keys: Line = []
        for key, word in offered:
            keys += [(key if narrow else f"[{key}]", "key"), (f" {word}  ", "")]
        return keys

    def on_resize(self) -> None:
        """Fit the keys."""
        self._retitle()

    def on_focus(self) -> None:
        """Say which keys work now."""
        self._retitle()

    def on_blur(self) -> None:
        """Say how to come back."""
        self._retitle()

    def on_preview_looked(self, event: Preview.Looked) -> None:
        """Say how much of it is not shown, once that is laid out."""
        event.stop()
        self.call_after_refresh(self._retitle)

    def _retitle(self) -> None:
        if self._waiting:
            self._title()

    @property
    def _too_soon(self) -> bool:
        return self._clock() - self._shown_at < GRACE_S

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the scopes that the question offers, and only once it could be read."""
        if action == "answer":
            return self._decidable and parameters[0] in self._waiting[0].scopes
        return self._decidable if action == "refuse" else True

    @property
    def _decidable(self) -> bool:
        return bool(self._waiting) and not self.refusing and not self._too_soon

    def on_key(self, event: events.Key) -> None:
        """Give back what was typed for somebody else (a binding that applies came first)."""
        if not (event.is_printable and event.character and self.has_focus):
            return
        decides = {key for key, decision, _ in _KEYS if self._waiting and decision in self._waiting[0].scopes} | {"n"}
        if self.refusing:
            self.query_one(Reason).insert_text_at_cursor(event.character)
        elif event.key not in decides or self._too_soon:
            self.post_message(self.Typed(self, event.character))
        else:
            return
        event.stop()
        event.prevent_default()

    def action_answer(self, decision: Decision) -> None:
        """Answer the shown question."""
        self._answer(Answer(decision))

    def action_refuse(self) -> None:
        """Open the field for the reason; Enter there refuses. It can take the focus only once it is displayed."""
        self.refusing = True
        self.call_after_refresh(self.query_one(Reason).focus)

    def action_back(self) -> None:
        """Close the field for the reason; with none open, the key means something to somebody else."""
        if not self.refusing:
            raise SkipAction
        self.refusing = False
        self.focus()

    def action_look(self, step: int) -> None:
        """Scroll the preview."""
        self.query_one(Preview).scroll_relative(y=step, animate=False)

    def on_input_submitted(self, event: Reason.Submitted) -> None:
        """Refuse with the reason that was written."""
        event.stop()
        self.refusing = False
        self.focus()
        self._answer(Answer("deny", event.value.strip()))

    def _answer(self, answer: Answer) -> None:
        if self._waiting:
            question = self._waiting.pop(0)
            self.post_message(self.Answered(self, question, answer))
            self._show()
