"""What the word at the cursor may become: a few rows above the prompt, walked with the arrows, taken with tab."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual.geometry import Size
from textual.reactive import reactive
from textual.strip import Strip

from agent_workbench.conversation.clean import clean_line
from agent_workbench.frontends.tui.widgets.lines import ends, fit
from agent_workbench.frontends.tui.widgets.paint import LinesView

MOST = 6


@dataclass(frozen=True, slots=True)
class Offer:
    """A text to stand in for the word, and a note about it."""

    text: str
    note: str = ""


def mention(path: str) -> str:
    """Return how a file or a context text is named in a prompt: in quotes where its name holds a space."""
    return f'@"{path}"' if any(letter.isspace() for letter in path) else f"@{path}"


def fitting(offers: Iterable[Offer], word: str) -> list[Offer]:
    """Return the offers that hold the word, those that begin with it first, in their order; the word itself is none."""
    wanted = word.casefold()
    held = [offer for offer in offers if wanted in offer.text.casefold() and offer.text != word]
    return sorted(held, key=lambda offer: not offer.text.casefold().startswith(wanted))[:MOST]


class Offers(LinesView, can_focus=False):
    """The offers of one word. Shows nothing when there are none; never takes the focus."""

    DEFAULT_CSS = """
    Offers {
        display: none;
        height: auto;
        max-height: 6;
        overflow-y: hidden;
        padding: 0 1;
        background: $panel;
        &.-open { display: block; }
    }
    """

    open = reactive(False, toggle_class="-open")

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._offers: Sequence[Offer] = ()
        self._chosen = -1

    @property
    def chosen(self) -> Offer | None:
        """The offer that the arrows stand on, the first one before they were used, None without offers."""
        return self._offers[max(0, self._chosen)] if self._offers else None

    @property
    def walked(self) -> bool:
        """Whether the arrows were used."""
        return self._chosen >= 0

    def put(self, offers: Sequence[Offer]) -> None:
        """Show these offers."""
        if offers != self._offers:
            self._offers, self._chosen = offers, -1
            self.open = bool(offers)
            self.refresh(layout=True)

    def move(self, step: int) -> None:
        """Go to the next or the previous offer, around the ends."""
        self._chosen = (self._chosen + step) % len(self._offers) if self.walked or step > 0 else len(self._offers) - 1
        self.refresh()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return one line for each offer."""
        return len(self._offers)

    def render_line(self, y: int) -> Strip:
        """Paint one offer."""
        width = self.size.width
        if y >= len(self._offers):
            return Strip.blank(width, self.rich_style)
        offer = self._offers[y]
        here = y == max(0, self._chosen)
        mark = ("▸ " if here else "  ", "state here")
        text = clean_line(offer.text)
        room = max(0, width - cell_len(text) - 4)  # the mark, and two cells between; what is taken is never cut for it
        note = fit([(clean_line(offer.note, 60), "muted")], room)
        line = ends([mark, (text, "strong" if here else "")], note, width)
        return self.strip_of(line).crop_extend(0, width, self.rich_style)
