"""Where a person writes to a session."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from textual import events, on
from textual.actions import SkipAction
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Label, TextArea

from agent_workbench.conversation.clean import clean
from agent_workbench.frontends.tui.widgets.offers import MOST, Offer, Offers, fitting, mention
from agent_workbench.frontends.tui.widgets.steady import SteadyArea

PLACEHOLDER = "ask, or / for commands"
AFTER_END = {
    "failed": "/retry asks again, /console shows why",
    "stopped": "/continue goes on, /retry asks again",
}
"""What stands there after a turn that did not come to its end."""
_REST = "/continue goes on, /retry asks again"
AFTER_REPLY = {
    "max_tokens": _REST,
    "pause": _REST,
    "interrupted": _REST,
    "refusal": "/revise words it anew, /rerun asks another model",
}
"""What stands there after a reply that is not whole, by why it ended."""
PASTE_LINES = 10
PASTE_CHARACTERS = 1_000
"""A paste over either is folded into a chip, so that the prompt stays readable and fast."""

_CHIP = re.compile(r"\[pasted \d+: \d+ (?:lines|characters)\]")
_OFFERED = re.compile(r"^/\S*$|(?<!\S)@(?:\S*|\"[^\"\n]*)$")
_TAKEN = {"ctrl+c", "super+c", "ctrl+f", "ctrl+w", "ctrl+y", "f6", "f7", "up", "down", "pageup", "pagedown"}
"""TextArea's keys that mean something else in the workbench, or are bound anew below."""


def _bindings(inherited: Iterable[BindingType]) -> list[BindingType]:
    kept: list[BindingType] = []
    for binding in inherited:
        if isinstance(binding, Binding):
            keys = ",".join(key for key in binding.key.split(",") if key not in _TAKEN)
            if keys:
                kept.append(Binding(keys, binding.action, binding.description, show=False))
    return kept


class PromptArea(SteadyArea, inherit_bindings=False):
    """A text area that sends on Enter, grows to eight lines, remembers, and folds big pastes.

    What is typed or pasted is cleaned on its way in. A folded paste shows as a chip such as `[pasted 1: 120 lines]`;
    `draft` and what is sent hold the whole text in its place; a chip that was edited is sent as it reads.
    """

    BINDINGS = [
        Binding("enter", "send", "Send", id="prompt.send", tooltip="Send it"),
        Binding(
            "ctrl+s",
            "send(True)",
            "Steer",
            show=False,
            id="prompt.steer",
            tooltip="Say it at the next step of the running turn; Enter queues it behind the turn",
        ),
        Binding("ctrl+j,shift+enter,alt+enter", "newline", "Newline", id="prompt.newline", tooltip="A new line"),
        Binding("up", "older", "Older", show=False, id="prompt.older", tooltip="Up; at the top, what you sent before"),
        Binding(
            "down", "newer", "Newer", show=False, id="prompt.newer", tooltip="Down; at the end, what you sent after"
        ),
        Binding("tab", "take", "Complete", show=False, id="prompt.take", tooltip="Take what is offered for the word"),
        Binding("escape", "dismiss", "Dismiss", show=False, id="prompt.dismiss", tooltip="Take the offers away"),
        Binding("ctrl+c,super+c", "copy_selection", "Copy", show=False, id="prompt.copy", tooltip="Copy the selection"),
        Binding(
            "ctrl+r",
            "search",
            "History",
            show=False,
            id="prompt.search",
            tooltip="Search what you sent, here and in other sessions",
        ),
        *_bindings(TextArea.BINDINGS),
    ]
    DEFAULT_CSS = """
    PromptArea {
        height: auto;
        min-height: 1;
        max-height: 8;
        border: none;
        padding: 0 1;
        background: $surface;
        &:focus { border: none; }
        & .text-area--cursor-line { background: transparent; }
    }
    """

    @dataclass
    class Submitted(Message):
        """A text is to be sent, chips unfolded; the prompt is empty again. `steer`: into the turn that runs."""

        prompt: PromptArea
        text: str
        steer: bool = False

        @property
        def control(self) -> PromptArea:
            return self.prompt

    @dataclass
    class HistoryRequested(Message):
        """A person wants to search what was sent before."""

        prompt: PromptArea

        @property
        def control(self) -> PromptArea:
            return self.prompt

    @dataclass
    class PathsRequested(Message):
        """Paths that fit what stands after an `@` are wanted; `offer_paths` shows them."""

        prompt: PromptArea
        start: str

        @property
        def control(self) -> PromptArea:
            return self.prompt

    def __init__(self, *, placeholder: str = PLACEHOLDER, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(
            compact=True,
            placeholder=placeholder,
            id=id,
            classes=classes,
            show_line_numbers=False,
            highlight_cursor_line=False,
        )
        self.cursor_blink = False  # nothing moves, and no timer runs, while nobody does anything
        self.offers = Offers()
        """What the word at the cursor may become; whoever composes the prompt gives it a place above."""
        self.commands: Sequence[Offer] = ()
        """What a `/` at the start may become."""
        self._dismissed = ""
        self._sent: list[str] = []
        self._place = 0
        self._unsent = ""
        self._pastes: dict[str, str] = {}

    @property
    def sent(self) -> Sequence[str]:
        """What was sent before, oldest first."""
        return tuple(self._sent)

    @sent.setter
    def sent(self, texts: Iterable[str]) -> None:
        self._sent = list(texts)
        self._place = len(self._sent)

    @property
    def draft(self) -> str:
        """What is written so far, chips unfolded; setting it puts the cursor at its end."""
        return _CHIP.sub(lambda chip: self._pastes.get(chip.group(), chip.group()), self.text)

    @draft.setter
    def draft(self, text: str) -> None:
        self._pastes.clear()
        self.text = ""
        self.type_in(text)

    def type_in(self, text: str) -> None:
        """Insert a text at the cursor as if it was pasted there."""
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        lines = text.count("\n") + 1
        if lines > PASTE_LINES or len(text) > PASTE_CHARACTERS:
            size = f"{lines} lines" if lines > 1 else f"{len(text)} characters"
            chip = f"[pasted {len(self._pastes) + 1}: {size}]"
            self._pastes[chip] = text
            text = chip
        start, end = self.selection
        result = self.replace(clean(text), min(start, end), max(start, end), maintain_selection_offset=False)
        self.move_cursor(result.end_location)

    async def _on_paste(self, event: events.Paste) -> None:
        """Insert a paste cleaned, folded when it is big."""
        event.prevent_default()
        event.stop()
        self.type_in(event.text)

    async def _on_key(self, event: events.Key) -> None:
        """Leave Enter to its binding: TextArea would make it a newline whatever it is bound to."""
        if event.key == "enter":
            event.prevent_default()

    def action_paste(self) -> None:
        """Insert what was copied within the program."""
        self.type_in(self.app.clipboard)

    def action_send(self, steer: bool = False) -> None:
        """Send the draft, unless there is nothing but space; an offer that the arrows chose is taken instead."""
        if self.offers.open and self.offers.walked:
            self.action_take()
            return
        text = self.draft
        if not text.strip():
            return
        if not self._sent or self._sent[-1] != text:
            self._sent.append(text)
        self._place = len(self._sent)
        self._unsent = ""
        self.draft = ""
        self.post_message(self.Submitted(self, text, steer))

    def action_cursor_line_end(self, select: bool = False) -> None:
        """Go to the end of the line; at the end of the text, the key means something to somebody else."""
        if not select and self.cursor_at_end_of_text:
            raise SkipAction
        super().action_cursor_line_end(select)

    def action_newline(self) -> None:
        """Insert a newline."""
        self.insert("\n")

    def action_older(self) -> None:
        """Move up; on the first line, show what was sent before. Walks the offers while there are some."""
        if self.offers.open:
            self.offers.move(-1)
        elif not self.cursor_at_first_line or not self._recall(-1):
            self.action_cursor_up()

    def action_newer(self) -> None:
        """Move down; on the last line, show what was sent after, and at last the unsent draft."""
        if self.offers.open:
            self.offers.move(1)
        elif not self.cursor_at_last_line or not self._recall(1):
            self.action_cursor_down()

    def offer_paths(self, start: str, paths: Iterable[str]) -> None:
        """Offer paths, best first, for what stands after the `@`, unless something else stands there by now."""
        if self._word == f"@{start}" and self._word != self._dismissed:
            wanted = start.removeprefix('"')
            named = [path for path in paths if wanted.casefold() in path.casefold() and path != wanted]
            fit = [Offer(mention(clean(path))) for path in named]
            self.offers.put(fit[:MOST])

    def action_take(self) -> None:
        """Put the chosen offer in place of the word; without one, the key means something to somebody else."""
        offer = self.offers.chosen
        if offer is None:
            raise SkipAction
        row, column = self.cursor_location
        result = self.replace(offer.text + " ", (row, column - len(self._word)), (row, column))
        self.move_cursor(result.end_location)
        self.offers.put(())

    def action_dismiss(self) -> None:
        """Take the offers for this word away."""
        if not self.offers.open:
            raise SkipAction
        self._dismissed = self._word
        self.offers.put(())

    @property
    def _word(self) -> str:
        """The command or the path that ends at the cursor, with its `/` or `@`."""
        row, column = self.cursor_location
        match = _OFFERED.search(self.document.get_line(row)[:column])
        return match.group() if match and (row == 0 or match.group().startswith("@")) else ""

    @on(TextArea.Changed)
    def _look_for_offers(self) -> None:
        word = self._word
        if word != self._dismissed:
            self._dismissed = ""
        if word.startswith("@") and not self._dismissed:
            self.post_message(self.PathsRequested(self, word[1:]))
        elif word.startswith("/") and not self._dismissed:
            self.offers.put(fitting(self.commands, word))
        else:
            self.offers.put(())

    def action_copy_selection(self) -> None:
        """Copy the selection; without one the key means something to somebody else."""
        if not self.selected_text:
            raise SkipAction
        self.action_copy()

    def action_search(self) -> None:
        """Ask for the history to be searched."""
        self.post_message(self.HistoryRequested(self))

    def _recall(self, step: int) -> bool:
        place = self._place + step
        if not 0 <= place <= len(self._sent):
            return False
        if self._place == len(self._sent):
            self._unsent = self.draft
        self._place = place
        self.draft = self._unsent if place == len(self._sent) else self._sent[place]
        return True


class PromptRow(Widget):
    """The mark before the prompt, and the prompt. The mark shows the focus in shape and colour."""

    DEFAULT_CSS = """
    PromptRow {
        layout: horizontal;
        height: auto;
        max-height: 8;
        background: $surface;
        & > .mark { width: 2; padding: 0 0 0 1; color: $text-muted; }
        &:focus-within > .mark { color: $accent; text-style: bold; }
        & > .all { display: none; width: auto; padding: 0 0 0 1; color: $text-warning; }
        & > PromptArea { width: 1fr; }
    }
    """

    def __init__(self, prompt: PromptArea) -> None:
        all_panes = Label("→ all panes", classes="all", markup=False)
        super().__init__(all_panes, Label("›", classes="mark", markup=False), prompt)
