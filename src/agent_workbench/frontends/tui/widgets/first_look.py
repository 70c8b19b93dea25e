"""What the screen shows while the rest of the program is loaded: the configs, and the text of the one that was open.

The lines stand where the real widgets will paint them, so that nothing jumps when they take over. One widget that
imports nothing of ours but the cleaning of text: at a third of a second to load, every module counts here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.strip import Strip
from textual.widget import Widget

from agent_workbench.conversation.clean import clean, clean_line
from agent_workbench.storage.glimpse import Glimpse

Run = tuple[str, str]
#: Columns of the browsers and of the empty place for chats; the widths of `main.tcss`.
WIDE, HUGE = (28, 40), (36, 56)
NARROW_UNDER, HUGE_FROM = 110, 170
NARROW_HEAD: Sequence[Run] = [("   F2 configs  F3 sessions  F4 chat ", "muted"), ("[F7 edit]", "strong")]
TABS = ("Edit", "Plan", "Problems", "History")


class FirstLook(Widget):
    """Paints a `Glimpse`."""

    DEFAULT_CSS = """
    FirstLook { width: 100%; height: 100%; }
    """

    def __init__(self, glimpse: Glimpse) -> None:
        super().__init__()
        self._glimpse = glimpse
        self._styles = _styles(glimpse.state.get("colors") or {})
        self._lines: list[Sequence[Run]] = []
        self._made_for = (0, 0)

    def render_line(self, y: int) -> Strip:
        """Paint one line of the screen."""
        width, height = self.size
        if (width, height) != self._made_for:
            self._lines = lines_of(self._glimpse, width, height)
            self._made_for = (width, height)
        runs = self._lines[y] if y < len(self._lines) else ()
        strip = Strip([Segment(text, self._styles[role]) for text, role in runs])
        return strip.adjust_cell_length(width, self._styles[""])


def lines_of(glimpse: Glimpse, width: int, height: int) -> list[Sequence[Run]]:
    """Return the lines of the whole screen; the last one is left to the keys."""
    name = next((clean_line(name, 24) for id, name, _ in glimpse.names if id == glimpse.config_id), "")
    about = f"{name} · rev {glimpse.revision}"
    if width < NARROW_UNDER:
        return [
            [(" ◆ ", "state"), (name, "strong")],
            [
                *_between([(f" {name}", "strong"), (f" · rev {glimpse.revision}", "muted")], _tabs(), width - 1),
                (" ", ""),
            ],
            *_text(glimpse.text, width, height - 4),
        ]
    left, right = HUGE if width >= HUGE_FROM else WIDE
    if glimpse.state.get("sessions"):
        right = (width - left) // 2 if width < HUGE_FROM else (width - left) * 5 // 9
    middle, rows = width - left - right, height - 2
    upper = rows * 3 // 5
    title = [(name, "strong"), (f" · rev {glimpse.revision}", "muted")]
    desk = [[(" ", ""), *_tabs()], *_text(glimpse.text, middle - 2, rows - 3)]
    browsers = [
        *_framed([[(" / filter, #tag", "muted")], *_names(glimpse)], [("Configs", "muted")], left, upper),
        *_framed([[(" / search what was said", "muted")]], [("Sessions", "muted")], left, rows - upper),
    ]
    columns = (browsers, _framed(desk, title, middle, rows, "focus"), _framed([], [], right, rows))
    head = [(" ◆ ", "state"), ("Agent Workbench", "strong"), (f"   {about}", "muted")]
    return [head, *([*a, *b, *c] for a, b, c in zip(*columns, strict=True))]


def _names(glimpse: Glimpse) -> list[list[Run]]:
    folders: dict[str, list[list[Run]]] = {}
    for id, name, folder in glimpse.names:
        open_ = id == glimpse.config_id
        row = [("▌" if open_ else " ", "edge"), (f"  {clean_line(name)}", "strong" if open_ else "")]
        folders.setdefault(folder, []).append(row)
    rows: list[list[Run]] = []
    for folder in sorted(folders, key=lambda one: (one == "samples", one)):
        if len(folders) > 1:
            rows.append([(f" {clean_line(folder) or 'mine'}", "muted")])
        rows += folders[folder]
    return rows


def _text(text: str, width: int, height: int) -> list[list[Run]]:
    lines = text.splitlines() or [""]
    digits = len(str(len(lines) + 1))
    shown = lines[: max(0, height)]
    return [
        [(f"{number:>{digits}}  ", "muted"), *_cut([(clean(line.expandtabs(4)), "")], width - digits - 2)]
        for number, line in enumerate(shown, 1)
    ]


def _tabs() -> list[Run]:
    return [(TABS[0], "tab"), *(run for tab in TABS[1:] for run in ((" · ", "muted"), (tab, "muted")))]


def _framed(
    lines: Sequence[Sequence[Run]], title: list[Run], width: int, height: int, role: str = "frame"
) -> list[list[Run]]:
    head = [("╭─ ", role), *_cut(title, width - 6), (" ", role)] if title else [("╭", role)]
    used = sum(cell_len(text) for text, _ in head)
    framed = [[*head, ("─" * (width - used - 1) + "╮", role)]]
    for number in range(height - 2):
        inner = _cut(lines[number], width - 2) if number < len(lines) else []
        space = width - 2 - sum(cell_len(text) for text, _ in inner)
        framed.append([("│", role), *inner, (" " * space, ""), ("│", role)])
    return [*framed, [("╰" + "─" * (width - 2) + "╯", role)]]


def _between(left: list[Run], right: list[Run], width: int) -> list[Run]:
    space = width - sum(cell_len(text) for text, _ in (*left, *right))
    return [*left, (" " * max(1, space), ""), *right]


def _cut(runs: Sequence[Run], width: int) -> list[Run]:
    kept: list[Run] = []
    for text, role in runs:
        cells = cell_len(text)
        if cells > width:
            return [*kept, (set_cell_size(text, max(0, width)), role)]
        kept.append((text, role))
        width -= cells
    return kept


def _styles(colors: Mapping[str, str]) -> dict[str, Style]:
    """Return the looks of the roles; without colours of a theme, those of a dark terminal."""

    def color(name: str, otherwise: str) -> Color:
        return Color.parse(str(colors.get(name, otherwise)))

    ground, text = color("background", "#101014"), color("foreground", "#dddddd")
    muted, border, primary = (
        color("text-muted", "#999999"), color("border-blurred", "#3d3d42"), color("primary", "#88aaff"),
    )  # fmt: skip
    base = Style(bgcolor=ground.rich_color, color=text.rich_color)
    return {
        "": base,
        "muted": base + Style(color=muted.rich_color),
        "strong": base + Style(bold=True),
        "tab": base + Style(bold=True, underline=True),
        "state": base + Style(color=primary.rich_color),
        "frame": base + Style(color=border.rich_color),
        "edge": base + Style(color=border.rich_color),
        "focus": base + Style(color=primary.rich_color),
    }
