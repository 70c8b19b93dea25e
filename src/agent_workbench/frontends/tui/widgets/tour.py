"""The first minutes in five steps, on one line above the keys: each is done by doing it, all can be skipped."""

from __future__ import annotations

from dataclasses import dataclass

from textual import events
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from agent_workbench.frontends.tui.widgets.clicks import acts
from agent_workbench.frontends.tui.widgets.lines import Run, ends


@dataclass(frozen=True, slots=True)
class Step:
    """One step: `done` is what the screen says has been done."""

    done: str
    key: str
    words: str


STEPS = (
    Step("add", "alt+a", "adds a tool: type to search, enter takes it"),
    Step("save", "^s", "saves; History has every save to go back to"),
    Step("session", "^n", "starts a session: write, enter sends"),
    Step("split", "^t", "opens a second one beside it; both answer"),
    Step("palette", "^p", "finds everything by name, F1 explains it"),
)
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

    def begin(self) -> None:
        """Show the first step."""
        self.step = 0

    def end(self) -> None:
        """Show no more."""
        if self.step >= 0:
            self.step = -1
            self.post_message(self.Ended(self))

    def did(self, what: str) -> None:
        """Go on where the step that is shown, or one after it, was made."""
        ahead = [number for number, step in enumerate(STEPS) if step.done == what and number >= self.step >= 0]
        if not ahead:
            return
        if ahead[0] + 1 < len(STEPS):
            self.step = ahead[0] + 1
        else:
            self.end()

    def watch_step(self, step: int) -> None:
        self.set_class(step >= 0, "-on")

    @property
    def words(self) -> str:
        """The step that is shown, as a sentence."""
        if self.step < 0:
            return ""
        step = STEPS[self.step]
        return f"Step {self.step + 1} of {len(STEPS)}: {step.key} {step.words}."

    def render(self) -> Content:
        """Show the step, and at the right the way out."""
        if self.step < 0:
            return Content("")
        step = STEPS[self.step]
        left: list[Run] = [(f"{self.step + 1}/{len(STEPS)}  ", "state"), (step.key, "key"), (f" {step.words}", "")]
        line = ends(left, [("alt+q", "key"), (" ends this", "muted")], self.content_size.width)
        return Content.assemble(*((text, _STYLES.get(role, "")) for text, role in line))

    def on_click(self, event: events.Click) -> None:
        """End the tour."""
        event.stop()
        if acts(event):
            self.end()
