"""What the program says, as a line of text that stays: for those who hear the screen, or want nothing to pop up."""

from __future__ import annotations

from textual.widgets import Static

from agent_workbench.conversation.clean import clean


class Said(Static):
    """The last thing that was said. Hidden until there is one."""

    DEFAULT_CSS = """
    Said { height: auto; max-height: 4; padding: 0 1; display: none; &.-on { display: block; } }
    """

    def __init__(self) -> None:
        super().__init__(markup=False)

    def say(self, words: str) -> None:
        """Show words in place of the last ones."""
        self.update(clean(words))
        self.add_class("-on")
