"""Themes are read, checked and told apart from files that cannot be used."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from textual.color import Color
from textual.theme import Theme

from agent_workbench.errors import UsageError
from agent_workbench.frontends.tui.themes import DEFAULT, load_themes, read_theme
from agent_workbench.frontends.tui.widgets.inputs import LineInput
from agent_workbench.paths import config_dir, shipped

sys.path.insert(0, str(Path(__file__).parent))

from workbench import workbench

SHIPPED = sorted(path.stem for path in shipped("themes").glob("*.yaml"))
INK = (shipped("themes") / "ink.yaml").read_text("utf-8")

TEXTS = ("foreground", "secondary", "primary", "success", "warning", "error")
GROUNDS = ("background", "surface")


def contrast(a: str, b: str) -> float:
    def luminance(color: str) -> float:
        parts = [c / 255 for c in Color.parse(color).rgb]
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def wanted(name: str) -> float:
    """Return the contrast that a theme of this name promises for all that is read."""
    return 7.0 if name.startswith("contrast") else 4.5


def test_there_are_at_least_six_themes_with_a_light_and_two_high_contrast_ones():
    themes = load_themes()
    assert themes.problems == ()
    assert len(themes.by_name) >= 6
    assert DEFAULT in themes.by_name
    assert {"contrast-dark", "contrast-light"} <= set(themes.by_name)
    assert any(not theme.dark for theme in themes.by_name.values())


@pytest.mark.parametrize("name", SHIPPED)
def test_every_text_colour_can_be_read_on_every_ground(name: str):
    theme = load_themes().by_name[name]
    colors = {part: str(getattr(theme, part)) for part in TEXTS}
    colors |= {key: value for key, value in theme.variables.items() if key.startswith("syntax-")}
    for ground in GROUNDS:
        for part, color in colors.items():
            assert contrast(color, str(getattr(theme, ground))) >= wanted(name), f"{part} on {ground}"


def grounds(theme: Theme) -> dict[str, Color]:
    """Return what quiet words and comments are painted on: plain, under the cursor, in code, in a difference."""
    plain = {part: Color.parse(str(getattr(theme, part))) for part in (*GROUNDS, "panel")}
    for part in GROUNDS:
        for tint, share in (("foreground", 0.08), ("success", 0.12), ("error", 0.12)):
            plain[f"{tint} over {part}"] = plain[part].blend(Color.parse(str(getattr(theme, tint))), share)
    return plain


@pytest.mark.parametrize("name", SHIPPED)
def test_quiet_words_can_be_read_on_all_that_they_are_painted_on(name: str):
    theme = load_themes().by_name[name]
    for part, ground in grounds(theme).items():
        assert contrast(theme.variables["text-muted"], ground.hex) >= wanted(name), f"quiet words on {part}"


@pytest.mark.parametrize("name", SHIPPED)
def test_syntax_can_be_read_in_the_line_of_the_cursor_too(name: str):
    theme = load_themes().by_name[name]
    for part, color in theme.variables.items():
        if part.startswith("syntax-"):
            assert contrast(color, str(theme.panel)) >= wanted(name), part


def test_a_theme_that_names_no_quiet_colour_gets_one_that_can_be_read():
    theme, _ = read_theme("".join(line for line in INK.splitlines(True) if "muted:" not in line), "mine")
    assert contrast(theme.variables["text-muted"], str(theme.background)) >= 4.5


async def test_numbers_of_lines_and_the_names_in_frames_can_be_read_in_every_theme(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        pane = await bench.session()
        for name in SHIPPED:
            bench.app.theme = name
            await bench.pilot.pause()
            number = bench.editor.get_visual_style("text-area--gutter")
            assert number.foreground is not None
            ground = bench.editor.background_colors[1]
            assert contrast((ground + number.foreground).hex, ground.hex) >= wanted(name), f"numbers in {name}"
            assert contrast(pane.styles.border_subtitle_color.hex, ground.hex) >= wanted(name), f"frames in {name}"


@pytest.mark.parametrize("name", SHIPPED)
def test_the_part_with_the_focus_has_a_frame_that_is_seen(name: str):
    theme = load_themes().by_name[name]
    seen = ("border", "border-blurred", "scrollbar") if name.startswith("contrast") else ("border",)
    for part in seen:
        assert contrast(theme.variables[part], str(theme.background)) >= 3.0, part


@pytest.mark.parametrize("name", SHIPPED)
def test_the_other_frames_are_seen_but_quieter_than_that_of_the_focus(name: str):
    theme = load_themes().by_name[name]
    frame, ground = theme.variables["border-blurred"], str(theme.background)
    assert 1.5 <= contrast(frame, ground) < contrast(theme.variables["border"], ground)


async def test_what_stands_in_an_empty_field_can_be_read_in_every_theme(tmp_path: Path):
    async with workbench(tmp_path) as bench:
        pane = await bench.session()
        fields = [(bench.main.query(LineInput).first(), "input--placeholder")]
        fields += [(pane.prompt, "text-area--placeholder")]
        for name in SHIPPED:
            bench.app.theme = name
            await bench.pilot.pause()
            for field, part in fields:
                style = field.get_visual_style(part)
                assert style.foreground is not None
                ground = field.background_colors[1]
                assert contrast((ground + style.foreground).hex, ground.hex) >= wanted(name), f"{part} in {name}"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"#7aa2f7"      # focus', '"#nope"      # focus', "colors.primary: '#nope' is not a colour"),
        ("dark: true", "dark: maybe", "dark"),
        ("title: Ink\n", "", "title"),
        ("syntax:", "sintax:", "sintax"),
        ("title: Ink", "title: [", "not valid YAML"),
    ],
)
def test_a_file_that_is_not_a_theme_is_named_with_the_key(old: str, new: str, said: str):
    with pytest.raises(UsageError) as caught:
        read_theme(INK.replace(old, new), "mine")
    assert said in str(caught.value)
    assert "mine" in str(caught.value)


def test_a_persons_own_theme_wins_and_a_broken_one_is_a_problem():
    folder = config_dir() / "themes"
    folder.mkdir(parents=True)
    (folder / "ink.yaml").write_text(INK.replace("title: Ink", "title: My ink"), "utf-8")
    (folder / "broken.yaml").write_text("title: x", "utf-8")
    (folder / "latin.yaml").write_bytes(b"title: \xff")
    themes = load_themes()
    assert themes.titles["ink"] == "My ink"
    assert "broken" not in themes.by_name
    assert [Path(problem.source).stem for problem in themes.problems] == ["broken", "latin"]
