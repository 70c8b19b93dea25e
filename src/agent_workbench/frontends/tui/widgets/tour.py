"""The first minutes in five steps, on one line above the keys: each is done by doing it, all can be skipped."""

from __future__ import annotations

import re
from dataclasses import dataclass

from textual import events
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from agent_workbench.frontends.tui.keys import keys_in_use
from agent_workbench.frontends.tui.widgets.clicks import acts
from agent_workbench.frontends.tui.widgets.footer import named
from agent_workbench.frontends.tui.widgets.lines import Run, ends, width_of


@dataclass(frozen=True, slots=True)
class Step:
    """One step: `done` is what the screen says has been done."""

    done: str
    key: str
    words: str


STEPS = (
    Step("said", "{config.run|F5}", "starts a session: say something in it, enter sends"),
    Step("add", "{config.add|alt+a}", "adds a tool: type to search, enter takes it"),
    Step("save", "{editor.save|^s}", "saves; History has every save to go back to"),
    Step("split", "{session.split|^t}", "opens a second session beside it; both answer"),
    Step("palette", "{app.palette|^p}", "finds everything by name, {app.help|F1} explains it"),
)
#: What follows the first words of a step: where they do not all fit, whole clauses are left out.
_CLAUSE = re.compile(r"[,:;][^,:;]*$")
_STYLES = {"muted": "$text-muted", "strong": "bold", "state": "$text-primary", "key": "bold $text-accent"}


class Tour(Widget):
    """Takes no focus and no key from anything else; a click, or its command, ends it."""

    DEFAULT_CSS = """
    Tour { height: 1; padding: 0 1; display: none; background: $panel; &.-on { display: block; } }
    """
    step: reactive[int] = reactive(-1, init=False)

    @dataclass
    class Ended(Message):
        """The last step was made, or the person has seen enough."""

        tour: Tour

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, lambda _: self.refresh() if self.step >= 0 else None)

    def __init__(self) -> None:
        super().__init__()
        self._made: set[str] = set()

    def begin(self) -> None:
        """Show the first step."""
        self._made.clear()
        self.step = 0

    def end(self) -> None:
        """Show no more."""
        if self.step >= 0:
            self.step = -1
            self.post_message(self.Ended(self))

    def did(self, what: str) -> None:
        """Go on to the next step that was not made yet, where the one that is shown was made by now."""
        if self.step < 0:
            return
        self._made.add(what)
        left = [number for number, step in enumerate(STEPS) if number >= self.step and step.done not in self._made]
        if left:
            self.step = left[0]
        else:
            self.end()

    def watch_step(self, step: int) -> None:
        self.set_class(step >= 0, "-on")

    @property
    def _keys(self) -> dict[str, str]:
        return keys_in_use(self.screen)

    @property
    def words(self) -> str:
        """The step that is shown, as a sentence."""
        if self.step < 0:
            return ""
        step = STEPS[self.step]
        return named(f"Step {self.step + 1} of {len(STEPS)}: {step.key} {step.words}.", self._keys)

    def render(self) -> Content:
        """Show the step, and at the right the way out."""
        if self.step < 0:
            return Content("")
        step, keys = STEPS[self.step], self._keys
        left: list[Run] = [(f"{self.step + 1}/{len(STEPS)}  ", "state"), (named(step.key, keys), "key")]
        way_out: list[Run] = [(named("{app.end_tour|alt+q}", keys), "key"), (" ends this", "muted")]
        words, width = named(step.words, keys), self.content_size.width
        while width_of([*left, (words, ""), *way_out]) + 2 > width and (ends_at := _CLAUSE.search(words)):
            words = words[: ends_at.start()]
        line = ends([*left, (f" {words}", "")], way_out, width)
        return Content.assemble(*((text, _STYLES.get(role, "")) for text, role in line))

    def on_click(self, event: events.Click) -> None:
        """End the tour."""
        event.stop()
        if acts(event):
            self.end()
