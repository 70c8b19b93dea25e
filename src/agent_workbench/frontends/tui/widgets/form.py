"""A form made from a module's schema: one line a setting, name, value and what it is for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from rich.cells import cell_len
from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Input, Static, TextArea

from agent_workbench.configs.fields import OTHERS, Field, config_of, from_text, texts_of
from agent_workbench.conversation.clean import clean_line
from agent_workbench.errors import UsageError
from agent_workbench.frontends.tui.keys import bind
from agent_workbench.frontends.tui.widgets.clicks import acts
from agent_workbench.frontends.tui.widgets.inputs import LineInput, SafeArea
from agent_workbench.frontends.tui.widgets.lines import Run

#: What of a help only the setting with the focus says: a second sentence, and which values there are.
_REST = re.compile(r" · |[;.:] ")
#: How wide the names may be; a longer one is cut, its help says it in full.
NAME_WIDTH = 22


class Choice(Static, can_focus=True):
    """One of a few values on one line; the first is "not given", which leaves the default."""

    DEFAULT_CSS = """
    Choice { height: 1; pointer: pointer; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        bind("form.next", "right,space", "step(1)", "next value", "Take the next value"),
        bind("form.previous", "left,backspace", "step(-1)", "previous", "Take the value before", show=False),
    ]
    value: reactive[str] = reactive("", init=False)

    @dataclass
    class Changed(Message):
        """Another value was taken."""

        choice: Choice
        value: str

        @property
        def control(self) -> Choice:
            return self.choice

    def __init__(self, values: Sequence[str], value: str = "", default: str = "", *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._values = ["", *values] if value in ("", *values) else ["", *values, value]
        self._default = default
        self.set_reactive(Choice.value, value)

    def render(self) -> Content:
        """Show the value between arrows, what would hold without one in brackets."""
        shown = clean_line(self.value) or f"({self._default or 'not given'})"
        return Content.assemble(("‹ ", "dim"), shown, (" ›", "dim"))

    def watch_value(self) -> None:
        self.post_message(self.Changed(self, self.value))

    def action_step(self, by: int) -> None:
        """Go to the value `by` places further, round and round."""
        self.value = self._values[(self._values.index(self.value) + by) % len(self._values)]

    def on_click(self, event: events.Click) -> None:
        if acts(event, repeated=True):
            self.action_step(1)

    def on_key(self, event: events.Key) -> None:
        """Typing a letter takes the next value that begins with it."""
        letter = (event.character or "").lower()
        if letter.isalnum():
            at = self._values.index(self.value) + 1
            turned = self._values[at:] + self._values[:at]
            self.value = next((one for one in turned if one.lower().startswith(letter)), self.value)
            event.stop()


class FieldRow(Horizontal):
    """One setting of the form."""

    DEFAULT_CSS = """
    FieldRow {
        height: auto;
        & > .name { height: 1; }
        & > LineInput { width: 1fr; }
        & > SafeArea { width: 1fr; height: auto; max-height: 5; }
        & > Choice { width: 1fr; }
        & > .help { width: 2fr; height: 1; padding-left: 2; text-overflow: ellipsis; text-wrap: nowrap; }
    }
    """
    wrong: reactive[str] = reactive("", init=False)

    def __init__(self, field: Field, text: str, name_width: int) -> None:
        super().__init__()
        self.field = field
        self.text = text
        self._name_width = name_width

    def compose(self) -> ComposeResult:
        title = Static(self._called, classes="name", markup=False)
        title.styles.width = self._name_width + 2
        yield title
        yield self._control()
        yield Static(self._help, classes="help", markup=False)

    def _control(self) -> Widget:
        field = self.field
        if field.kind == "choice":
            values = [str(one).lower() if isinstance(one, bool) else str(one) for one in field.choices]
            return Choice(values, self.text, field.default)
        if field.kind == "yaml":
            return SafeArea(self.text)
        return LineInput(self.text, placeholder=field.default, password=field.secret)

    @property
    def _called(self) -> str:
        return "other settings" if self.field.key == OTHERS else clean_line(self.field.key)

    @property
    def _help(self) -> str:
        """What the line has room for: the first words of the help."""
        return clean_line(f"{'needed · ' if self.field.required else ''}{_REST.split(self.field.help)[0]}")

    @property
    def told(self) -> list[Run]:
        """All there is to say: the name, and what does not fit, else the help. The value shows the default."""
        name = (f"{self._called}  ", "strong")
        if self.wrong:
            return [name, (f"! {clean_line(self.wrong)}", "bad")]
        needed = " · needed" if self.field.required else ""
        return [name, (clean_line(f"{self.field.help.partition(' · default ')[0]}{needed}"), "muted")]

    def watch_wrong(self, wrong: str) -> None:
        """Say what does not fit in place of the help."""
        self.set_class(bool(wrong), "-wrong")
        self.query_one(".help", Static).update(Content(f"! {clean_line(wrong)}" if wrong else self._help))

    def check(self) -> bool:
        """Hold the text against the field; True where it fits or is not given."""
        try:
            if self.text.strip():
                from_text(self.field, self.text)
        except UsageError as error:
            self.wrong = str(error).removeprefix(f"{self._called}: ")
            return False
        self.wrong = ""
        return True


class Form(VerticalScroll, can_focus=False):
    """A form over a config. Lossless: without a key pressed, `config` is what was given."""

    DEFAULT_CSS = """
    Form { height: auto; }
    """

    @dataclass
    class Changed(Message):
        """A person changed a value. `config` is None while something does not fit."""

        form: Form
        config: dict[str, Any] | None

        @property
        def control(self) -> Form:
            return self.form

    def __init__(self, fields: tuple[Field, ...], config: Mapping[str, Any] | None = None, *, id: str | None = None):
        super().__init__(id=id)
        self.fields = fields
        self._texts = texts_of(fields, config or {})
        self._at_first = dict(self._texts)

    @property
    def dirty(self) -> bool:
        """Whether any text differs from the first ones."""
        return self._texts != self._at_first

    @property
    def config(self) -> dict[str, Any]:
        """What the form means.

        Raises:
            UsageError: If a text does not fit its field, or one that is needed is not given.
        """
        return config_of(self.fields, self._texts)

    def compose(self) -> ComposeResult:
        names = [cell_len(clean_line(field.key)) for field in self.fields]
        width = min(NAME_WIDTH, max([len("other settings"), *names]))
        for field in self.fields:
            yield FieldRow(field, self._texts[field.key], width)

    @on(Input.Changed)
    @on(TextArea.Changed)
    @on(Choice.Changed)
    def _changed(self, event: Input.Changed | TextArea.Changed | Choice.Changed) -> None:
        event.stop()
        control = event.control
        row = next(one for one in control.ancestors if isinstance(one, FieldRow))
        text = control.text if isinstance(control, TextArea) else control.value
        if text == row.text:
            return  # Input and TextArea also post what they were mounted with
        row.text = self._texts[row.field.key] = text
        row.check()
        try:
            self.post_message(self.Changed(self, self.config))
        except UsageError:
            self.post_message(self.Changed(self, None))
