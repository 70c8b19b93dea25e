"""One prompt, several answers: a table with a column for each pane; read one, diff two, keep one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content

from agent_workbench.conversation.clean import clean, clean_line
from agent_workbench.frontends.tui.keys import bind
from agent_workbench.frontends.tui.screens.dialog import Dialog
from agent_workbench.frontends.tui.screens.pick import Pick
from agent_workbench.frontends.tui.screens.sheet import Sheet, SheetView
from agent_workbench.frontends.tui.widgets.bar import Bar
from agent_workbench.frontends.tui.widgets.diff_view import diff_lines, unified
from agent_workbench.frontends.tui.widgets.lines import Line, fit, pad, wrap
from agent_workbench.frontends.tui.widgets.markdown import markdown
from agent_workbench.frontends.tui.widgets.meter import spent, tokens
from agent_workbench.frontends.tui.widgets.row_list import Row
from agent_workbench.services.comparing import Answered

LABEL = 9
#: Lines of each answer that the table shows; enter reads the whole.
SHOWN = 12


def facts(one: Answered) -> list[tuple[str, str]]:
    """Return what the table says of an answer, by name."""
    used = one.usage
    known = used.input_tokens is not None or used.output_tokens is not None
    return [
        ("time", "–" if one.seconds is None else f"{one.seconds:.1f} s"),
        ("tokens", f"{tokens(used.input_tokens)} → {tokens(used.output_tokens)}" if known else "–"),
        ("cost", spent(used)),
        ("tools", clean_line(", ".join(dict.fromkeys(one.tools)), 60) or "–"),
        ("calls", str(len(one.tools))),
        ("revision", str(one.revision) if one.revision else "–"),
        ("end", clean_line(one.state, 20)),
    ]


def told(answers: Sequence[Answered], at: int, width: int) -> list[Line]:
    """Tell of the answer `at`, one fact after the other: a table cannot be heard."""
    one = answers[at]
    name = clean_line(one.model, 40) or "no answer yet"
    lines: list[Line] = [[(f"answer {at + 1} of {len(answers)}: {name}", "strong")]]
    lines += [[(f"{label}: ", "muted"), (text, "")] for label, text in facts(one)]
    return [*lines, *wrap([(clean(one.answer.strip()) or "–", "")], width)]


def table(answers: Sequence[Answered], at: int, width: int) -> list[Line]:
    """Lay the table out; the column `at` is under the cursor."""
    room = max(8, (width - LABEL) // max(1, len(answers)))

    def row(label: str, cells: Sequence[tuple[str, str]]) -> Line:
        line: Line = pad([(label, "muted")], LABEL)
        for text, role in cells:
            line += pad(fit([(text, role)], room - 1), room)
        return line

    names = [clean_line(one.model, 40) or "no answer yet" for one in answers]
    heads = [(f"{'▸' if n == at else ' '} {n + 1} {name}", "strong" if n == at else "") for n, name in enumerate(names)]
    rules = [("  " + "─" * (room - 4), "state" if n == at else "muted") for n in range(len(answers))]
    lines = [row("", heads), row("", rules)]
    columns = [facts(one) for one in answers]
    for number, (label, _) in enumerate(columns[0] if columns else ()):
        lines.append(row(label, [(f"  {column[number][1]}", "") for column in columns]))
    pieces = [wrap([(clean(one.answer.strip()) or "–", "")], room - 3) for one in answers]
    for number in range(min(SHOWN, max(map(len, pieces), default=0))):
        cells = [("  " + "".join(t for t, _ in piece[number]) if number < len(piece) else "", "") for piece in pieces]
        lines.append(row("answer" if number == 0 else "", cells))
    if any(len(piece) > SHOWN for piece in pieces):
        lines.append(row("", [("  …" if len(piece) > SHOWN else "", "muted") for piece in pieces]))
    return lines


class Compare(Dialog[str | None]):
    """Returns the session to keep, None where all stay."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("compare.left", "left,shift+tab", "column(-1)", "left", "The answer before", show=False),
        bind("compare.right", "right,tab", "column(1)", "next answer", "The next answer"),
        bind("compare.read", "enter", "read", "read", "Read the whole answer"),
        bind("compare.diff", "d", "diff", "diff", "What differs from another answer"),
        bind("compare.keep", "k", "keep", "keep it alone", "Keep this pane and close the others"),
        bind("dialog.cancel", "escape", "cancel", "close", "Keep all"),
    ]
    ABOUT = "One column for each pane's answer. Read one, hold two against each other, or keep one."

    def __init__(self, answers: Sequence[Answered], at: int = 0) -> None:
        super().__init__()
        self._answers = answers
        self.at = at
        self._view = SheetView(self._lines)
        self._view.can_focus = False

    def compose(self) -> ComposeResult:
        with Vertical(id="box", classes="page") as box:
            box.border_title = Content("Compare")
            yield Bar(id="prompt")
            yield self._view

    def on_mount(self) -> None:
        prompts = list(dict.fromkeys(clean_line(one.prompt, 200) for one in self._answers if one.prompt))
        words = prompts[0] if len(prompts) == 1 else "the panes were asked different things" if prompts else ""
        self.query_one("#prompt", Bar).put(
            [("» ", "state ornament"), (words, "strong" if len(prompts) == 1 else "warn")]
        )

    def _lines(self, width: int) -> list[Line]:
        return (told if self._view.heard else table)(self._answers, self.at, width)

    def action_column(self, step: int) -> None:
        """Go to another answer, round and round."""
        self.at = (self.at + step) % len(self._answers)
        self._view.lay()

    def action_read(self) -> None:
        """Read the whole answer."""
        one = self._answers[self.at]
        self.app.push_screen(Sheet(f"{self.at + 1} {one.model}", reading(one.answer)))

    def action_diff(self) -> None:
        """Show what differs between this answer and another: with three or more, the person chooses which."""
        others = [n for n in range(len(self._answers)) if n != self.at]
        if len(others) == 1:
            self._show_diff(str(others[0]))
        elif others:
            rows = [Row(str(n), [(f"{n + 1} {clean_line(self._answers[n].model, 60)}", "")]) for n in others]
            self.app.push_screen(Pick("Diff with", rows), self._show_diff)

    def _show_diff(self, other: str | None) -> None:
        if other is None:
            return
        one, two = self._answers[self.at], self._answers[int(other)]
        title = f"{self.at + 1} {one.model} → {int(other) + 1} {two.model}"
        self.app.push_screen(Sheet(title, difference(one.answer, two.answer)))

    def action_keep(self) -> None:
        """Keep this pane."""
        self.dismiss(self._answers[self.at].session_id)

    def action_cancel(self) -> None:
        """Keep all."""
        self.dismiss(None)


def reading(text: str) -> Callable[[int], list[Line]]:
    """Return the layout of an answer."""
    return lambda width: markdown(clean(text), width) or [[("nothing was said", "muted")]]


def difference(one: str, two: str) -> Callable[[int], list[Line]]:
    """Return the layout of what differs between two answers."""
    diff = clean(unified(one.rstrip() + "\n", two.rstrip() + "\n"))
    return lambda width: diff_lines(diff, width) if diff else [[("both say the same", "muted")]]
