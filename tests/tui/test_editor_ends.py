"""The editor at its ends: the first and the last line, scrollbars that come and go, a line asked for by its number."""

from __future__ import annotations

from looks import rows, settled, until
from textual.app import App, ComposeResult

from agent_workbench.frontends.tui.themes import load_themes
from agent_workbench.frontends.tui.widgets.editor import YamlEditor
from agent_workbench.frontends.tui.widgets.editor_pane import EditorPane
from agent_workbench.frontends.tui.widgets.find_bar import FindBar


class Host(App[None]):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.register_theme(load_themes().by_name["ink"])
        self.theme = "ink"
        self.text = text

    def compose(self) -> ComposeResult:
        yield EditorPane()

    def on_mount(self) -> None:
        self.editor.load(self.text)
        self.editor.focus()

    @property
    def editor(self) -> YamlEditor:
        return self.query_one(YamlEditor)


async def test_ctrl_home_and_ctrl_end_go_to_the_ends_of_the_text():
    async with (host := Host("a: 1\nb: 2\nc: 3")).run_test() as pilot:
        await pilot.press("ctrl+end")
        assert host.editor.cursor_location == (2, 4)
        await pilot.press("ctrl+home")
        assert host.editor.cursor_location == (0, 0)


async def test_scrollbars_follow_a_text_that_grows_and_shrinks():
    async with (host := Host("a: 1")).run_test(size=(40, 10)) as pilot:
        editor = host.editor
        await pilot.press("end", *["enter"] * 30, *"b" * 60)
        assert (editor.show_vertical_scrollbar, editor.show_horizontal_scrollbar) == (True, True)
        assert editor.vertical_scrollbar.window_virtual_size == 31
        assert editor.region.contains_point(editor.cursor_screen_offset)
        editor.replace_all("a: 1")
        bars = (False, False)
        await until(
            pilot, lambda: (editor.show_vertical_scrollbar, editor.show_horizontal_scrollbar) == bars, "no scrollbars"
        )
        assert editor.scroll_offset == (0, 0)


async def test_a_line_number_does_not_become_the_words_to_find():
    async with (host := Host("a: 1\nb: 2\nc: 3")).run_test() as pilot:
        bar = host.query_one(FindBar)
        await pilot.press("ctrl+f", *"b:", "escape", "ctrl+l")
        assert bar.words == ""
        offered = {one.binding.id for one in host.screen.active_bindings.values()}
        assert not offered & {"find.replace", "find.replace_all", "find.previous"}
        await pilot.press("3", "enter", "ctrl+f")
        assert host.editor.cursor_location[0] == 2
        assert bar.words == "b:"


async def test_a_line_that_goes_on_beyond_an_edge_says_so_there():
    async with (host := Host("a: " + "b" * 60 + "\nshort: 1\n")).run_test(size=(40, 10)) as pilot:
        await settled(pilot)
        long, short = rows(host)[:2]
        assert long.endswith("b…")
        assert "…" not in short
        await pilot.press("end")
        await settled(pilot)
        long, short = rows(host)[:2]
        assert long.startswith("1  …b")
        assert "b…" not in long
        assert short.startswith("2  …")
