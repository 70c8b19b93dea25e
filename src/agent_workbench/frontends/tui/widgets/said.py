"""What the program says, as lines that stay: for those who hear the screen."""

from __future__ import annotations

from textual.widgets import Static

from agent_workbench.conversation.clean import clean


class Said(Static):
    """The last thing that was said, and below it what has the focus. Hidden until there is something."""

    DEFAULT_CSS = """
    Said { height: auto; max-height: 6; padding: 0 1; display: none; &.-on { display: block; } }
    """

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._news = ""
        self._at = ""

    def say(self, words: str) -> None:
        """Show words in place of the last ones."""
        self._news = clean(words)
        self._show()

    def at(self, words: str) -> None:
        """Say what has the focus."""
        self._at = clean(words)
        self._show()

    def _show(self) -> None:
        lines = [line for line in (self._news, self._at) if line]
        self.update("\n".join(lines))
        self.set_class(bool(lines), "-on")
