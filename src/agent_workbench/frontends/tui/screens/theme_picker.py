"""The theme picker: the whole screen takes a theme while the cursor is on it; escape puts the old one back."""

from __future__ import annotations

from collections.abc import Sequence

from agent_workbench.conversation.clean import clean_line
from agent_workbench.frontends.tui.screens.pick import Pick
from agent_workbench.frontends.tui.themes import Themes
from agent_workbench.frontends.tui.widgets.row_list import Row


def theme_rows(themes: Themes) -> Sequence[Row]:
    """Return a row for each theme: dark ones first, then by title."""
    ordered = sorted(themes.by_name.values(), key=lambda one: (not one.dark, themes.titles[one.name]))
    return [
        Row(one.name, [(clean_line(themes.titles[one.name], 40), "")], [("dark" if one.dark else "light", "muted")])
        for one in ordered
    ]


class ThemePicker(Pick):
    """Returns the name of the theme that was chosen."""

    def __init__(self, themes: Themes, current: str) -> None:
        note = "\n".join(f"! {problem.message}" for problem in themes.problems)
        super().__init__("Theme", theme_rows(themes), note=note, at=current)
        self.add_class("clear")
        self._before = current

    def preview(self, id: str) -> None:
        """Show everything in the theme."""
        self.app.theme = id

    def action_cancel(self) -> None:
        """Put the old theme back."""
        self.app.theme = self._before
        super().action_cancel()
