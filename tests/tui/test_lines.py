"""Wrapping keeps every word and never a cell too many."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from agent_workbench.conversation.clean import clean
from agent_workbench.frontends.tui.widgets.lines import ends, fit, fold, pad, text_of, width_of, wrap

words = st.text(st.sampled_from("ab語e\u0301 \n\t👨-x"), max_size=60)
runs = st.lists(st.tuples(words, st.sampled_from(["", "strong", "code"])), max_size=5)
widths = st.integers(4, 30)


@given(runs, widths)
def test_wrapped_lines_fit_and_lose_only_space(content: list[tuple[str, str]], width: int):
    lines = wrap(content, width)
    assert all(width_of(line) <= width for line in lines)
    assert "".join("".join(map(text_of, lines)).split()) == "".join(text_of(content).split())


@given(runs, widths)
def test_folded_lines_fit_and_lose_nothing(content: list[tuple[str, str]], width: int):
    lines = fold(content, width)
    assert all(width_of(line) <= width for line in lines)
    expanded = "".join("".join(part.expandtabs(4) for part in piece.split("\n")) for piece, _ in content)
    assert len("".join(map(text_of, lines)).replace(" ", "")) == len(expanded.replace(" ", ""))


@pytest.mark.parametrize(
    ("written", "lines"),
    [
        ("put it in docs/a", ["put it in ", "docs/a"]),
        ("0123456789abcdef", ["0123456789", "abcdef"]),
        ("a 0123456789abc", ["a 01234567", "89abc"]),
        ("0123456789 abc", ["0123456789", " abc"]),
        ("漢字 漢字 漢字", ["漢字 漢字 ", "漢字"]),
        ("    x = f(y, z)", ["    x = ", "f(y, z)"]),
    ],
)
def test_a_folded_line_breaks_behind_a_space_in_its_second_half_and_keeps_every_character(
    written: str, lines: list[str]
):
    assert [text_of(line) for line in fold([(written, "")], 10)] == lines


@given(runs, runs, st.integers(1, 60))
def test_a_line_with_two_ends_is_as_wide_as_asked_when_the_right_one_fits(
    left: list[tuple[str, str]], right: list[tuple[str, str]], width: int
):
    left = [(text.replace("\n", ""), role) for text, role in left]
    right = [("ok", "good")]
    if width > 3:
        assert width_of(ends(left, right, width)) == width


@given(runs, st.integers(1, 40))
def test_a_cut_line_fits(content: list[tuple[str, str]], width: int):
    assert width_of(fit([(text.replace("\n", "").expandtabs(4), role) for text, role in content], width)) <= width


@pytest.mark.parametrize(("align", "shown"), [("left", "ab  "), ("right", "  ab"), ("center", " ab ")])
def test_a_padded_line_is_aligned(align: str, shown: str):
    assert text_of(pad([("ab", "")], 4, align)) == shown


def test_lines_after_the_first_hang_under_its_text():
    lines = wrap([("one two three", "")], 8, [("- ", "muted")], [("  ", "")])
    assert [text_of(line) for line in lines] == ["- one", "  two", "  three"]


def test_cleaned_text_measures_as_many_cells_as_it_shows():
    assert cell_len(clean("\x1b[31m")) == 5
