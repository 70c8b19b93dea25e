"""The dialog that adds a tool, provider, hook, include or agent: search, form, and the exact change of the text."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from rich.cells import cell_len
from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Input, Rule, Static

from agent_workbench.configs.edits import Edit
from agent_workbench.configs.fields import Field
from agent_workbench.conversation.clean import clean_line
from agent_workbench.errors import UsageError, WorkbenchError
from agent_workbench.frontends.tui.keys import bind
from agent_workbench.frontends.tui.screens.dialog import Dialog
from agent_workbench.frontends.tui.widgets.bar import Bar
from agent_workbench.frontends.tui.widgets.change_view import ChangeView, change_lines
from agent_workbench.frontends.tui.widgets.form import FieldRow, Form
from agent_workbench.frontends.tui.widgets.inputs import LineInput
from agent_workbench.frontends.tui.widgets.lines import Line, Run, pad
from agent_workbench.frontends.tui.widgets.row_list import LedList, Row, RowList

#: Cells for the names of the offers: at least, and at most.
NAME, LONGEST = 20, 34
#: Lines for what the focused setting is for.
TOLD = 2
NOTHING = Edit(0, "", "")
#: Seconds of rest before the change is worked out again.
PROPOSE_AFTER = 0.1


@dataclass(frozen=True)
class Offer:
    """One thing that can be added; `config` is what its form begins with."""

    id: str
    summary: str = ""
    origin: str = ""
    fields: tuple[Field, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Addition:
    """What a dialog is for. `propose` makes the edit and may raise; it is called off the event loop.

    Where `typed` is given, words that fit no offer can be added as they are; it makes the offer for them.
    """

    title: str
    text: str
    offers: Sequence[Offer]
    propose: Callable[[str, Mapping[str, Any]], Edit]
    typed: Callable[[str], Offer] | None = None
    placeholder: str = "type to search, tab to the settings"
    empty: str = "nothing fits"

    @property
    def has_settings(self) -> bool:
        """Whether anything that is added can be set."""
        return (self.typed is not None and bool(self.typed("x").fields)) or any(one.fields for one in self.offers)


class AddEntry(Dialog[Edit | None]):
    """Returns the edit, or None where the person thought better of it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("dialog.accept", "enter", "accept", "add", "Make the change that is shown"),
        bind("dialog.cancel", "escape", "cancel", "cancel", "Change nothing"),
        bind("dialog.up", "up", "move(-1)", "up", "The offer above", show=False),
        bind("dialog.down", "down", "move(1)", "down", "The offer below", show=False),
    ]
    ABOUT = "Choose an entry and set it. Below stands the exact change of the text; enter makes it."

    def __init__(self, addition: Addition, *, at: str = "") -> None:
        super().__init__()
        self._addition = addition
        self._at = at if any(one.id == at for one in addition.offers) else ""
        self.set_class(bool(self._at), "-entry")
        self.set_class(not addition.has_settings, "-plain")
        self._names = max([NAME, *(cell_len(clean_line(one.id, LONGEST)) for one in addition.offers)])
        self._offer: Offer | None = None
        self._config: dict[str, Any] | None = {}
        self._edit: Edit | None = None
        self._soon: Timer | None = None

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            title = f"Settings of {self._at}" if self._at else self._addition.title
            box.border_title = Content(clean_line(title))  # a str would be read as markup
            yield LineInput(placeholder=self._addition.placeholder, id="words")
            yield LedList(empty=self._addition.empty, id="offers")
            yield Rule(id="below-offers")
            yield Bar(id="told")
            yield Vertical(id="settings")
            yield Rule()
            yield ChangeView(id="change")
            yield Bar(id="verdict")

    def on_mount(self) -> None:
        offers = self.query_one("#offers", RowList)
        offers.styles.height = min(6, max(1, len(self._addition.offers)))
        self._search("")
        self.query_one("#words").focus()
        if self._at:  # an entry that is there: straight to its settings
            offers.put(self._rows, at=self._at)
            self._choose(offers.row)

    def words_of(self, id: str, words: str) -> str:
        """Say of an entry that is there that it is changed."""
        return "change" if id == "dialog.accept" and self.has_class("-entry") else super().words_of(id, words)

    # --- what to add

    @on(Input.Changed, "#words")
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._search(event.value)

    def _search(self, words: str) -> None:
        self._shown = {offer.id: offer for offer in self._fitting(words)}
        self._rows = [self._row(one) for one in self._shown.values()]
        offers = self.query_one("#offers", RowList)
        offers.put(self._rows)
        self._choose(offers.row)

    def _row(self, one: Offer) -> Row:
        name = pad([(clean_line(one.id, LONGEST), "strong")], self._names + 2)
        return Row(one.id, [*name, (clean_line(one.summary), "muted")], [(clean_line(one.origin, 28), "muted")])

    def _fitting(self, words: str) -> list[Offer]:
        wanted = words.lower().split()
        found = [
            offer for offer in self._addition.offers
            if all(word in f"{offer.id} {offer.summary} {offer.origin}".lower() for word in wanted)
        ]  # fmt: skip
        found.sort(key=lambda offer: not offer.id.lower().startswith(words.lower().strip()))
        if self._addition.typed is not None and words.strip() and words.strip() not in (one.id for one in found):
            found.append(self._addition.typed(words.strip()))
        return found

    @on(RowList.Moved, "#offers")
    def _moved(self, event: RowList.Moved) -> None:
        event.stop()
        self._choose(event.row)

    @on(RowList.Chosen, "#offers")
    def _clicked(self, event: RowList.Chosen) -> None:
        event.stop()

    def _choose(self, row: Row | None) -> None:
        offer = self._shown.get(row.id) if row else None
        if offer == self._offer and offer is not None:
            return
        self._offer, self._config = offer, dict(offer.config) if offer else None
        self._tell()
        self._show_form(offer)
        self._propose_soon(0)

    @work(group="form", exclusive=True)
    async def _show_form(self, offer: Offer | None) -> None:
        settings = self.query_one("#settings")
        await settings.remove_children()
        if offer is not None and offer.fields:
            await settings.mount(Form(offer.fields, offer.config))
            if offer.id == self._at:
                self._at = ""
                self.focus_next("FieldRow *")
        elif offer is not None:
            await settings.mount(Static("nothing to set", classes="quiet"))

    def on_descendant_focus(self) -> None:
        """Tell of the setting that has the focus."""
        self._tell()

    def _tell(self) -> None:
        """Say all of what the focused setting is for, else what the offer is: their lines may cut it."""
        row = next((one for one in self.focused.ancestors if isinstance(one, FieldRow)), None) if self.focused else None
        words: Sequence[Run] = ()
        if row is not None:
            words = row.told
        elif self._offer is not None:
            words = [(f"{clean_line(self._offer.id)}  ", "strong"), (clean_line(self._offer.summary), "muted")]
        self.query_one("#told", Bar).put(words, most=TOLD)

    # --- the change

    @on(Form.Changed)
    def _set(self, event: Form.Changed) -> None:
        event.stop()
        self._config = event.config
        self._tell()
        self._propose_soon(PROPOSE_AFTER)

    def _propose_soon(self, delay: float) -> None:
        self._edit = None
        if self._soon is not None:
            self._soon.stop()
        self._soon = self.set_timer(max(delay, 0.01), self._propose)

    @work(group="propose", exclusive=True)
    async def _propose(self) -> None:
        await self._work_out()

    async def _work_out(self) -> None:
        """Make the edit as it would be made now, and show it or why it cannot be made."""
        offer, config = self._offer, self._config
        change, verdict = self.query_one("#change", ChangeView), self.query_one("#verdict", Bar)
        self._edit = None
        lines: Sequence[Line] = ()
        said: Sequence[Run]
        try:
            if offer is not None and config is None:
                raise UsageError("a value does not fit")
            edit = await asyncio.to_thread(self._addition.propose, offer.id, config or {}) if offer else NOTHING
        except WorkbenchError as error:
            said = [("! ", "warn"), (clean_line(str(error)), "warn")]
        else:
            if edit.is_noop:
                said = [("the text has it like this: nothing would change" if offer else "nothing chosen yet", "muted")]
            else:
                self._edit, said = edit, [(clean_line(edit.summary), "muted")]
                lines = change_lines(self._addition.text, edit.apply(self._addition.text))
        change.show(lines)
        verdict.put(said)

    # --- keys

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.run_worker(self.action_accept(), group="accept", exclusive=True)

    async def action_accept(self) -> None:
        """Hand back the edit of what is shown; stay where there is none."""
        if self._soon is not None:
            self._soon.stop()
        await self._work_out()
        if self._edit is not None:
            self.dismiss(self._edit)

    def action_cancel(self) -> None:
        """Leave the text as it is."""
        self.dismiss(None)

    def action_move(self, step: int) -> None:
        """Move among the offers, in the settings among those: a step there must not throw away what was set."""
        if self.focused is None or self.focused.id == "words":
            self.query_one("#offers", RowList).action_move(step)
        elif step > 0:
            self.focus_next("FieldRow *")
        else:
            self.focus_previous()
