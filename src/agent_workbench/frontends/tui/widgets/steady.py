"""A text area whose undo cannot fail.

Textual 8.2 looks for the cursor in the middle of an undo: when the text becomes short enough to need no scrollbar, the
cursor may still be in a line that is gone by then, which raises `ValueError` out of the key.
"""

from __future__ import annotations

from textual.widgets import TextArea


class SteadyArea(TextArea):
    """Leaves the cursor's place on the screen as it was until the undo has set the cursor."""

    def _recompute_cursor_offset(self) -> None:
        if self.cursor_location[0] < self.document.line_count:
            super()._recompute_cursor_offset()  # type: ignore[no-untyped-call]
