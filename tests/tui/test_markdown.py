"""Markdown becomes lines that fit, at every width, whatever is written."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from agent_workbench.conversation.clean import clean
from agent_workbench.frontends.tui.widgets.lines import Line, text_of, width_of
from agent_workbench.frontends.tui.widgets.markdown import code_blocks, markdown
from agent_workbench.frontends.tui.widgets.tail import Tail

PIECES = [
    "# head\n", "words and more words ", "**bold** ", "`code` ", "\n\n", "- item\n", "  - inner\n", "1. one\n",
    "> quote\n", "```py\nx = 1\n", "```\n", "~~~\n", "| a | b |\n|---|---|\n| 1 | 2 |\n", "[t](http://u) ", "---\n",
    "語語 ", "\x1b[1m", "* * *\n", "&#x202e;", "![i](u)", "<b>", "\\", "    indented\n", "\t", "\r\n",
]  # fmt: skip
texts = st.lists(st.sampled_from(PIECES), max_size=25).map("".join)


def shown(text: str, width: int = 60) -> list[str]:
    return [text_of(line).rstrip() for line in markdown(clean(text), width)]


def roles(lines: list[Line], word: str) -> str:
    return next(role for line in lines for text, role in line if word in text)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        pytest.param("# Head\n\ntext", ["Head", "", "text"], id="a heading"),
        pytest.param("a\nb  \nc", ["a b", "c"], id="soft and hard breaks"),
        pytest.param("- a\n  - b\n    - c\n- d", ["• a", "  ◦ b", "    ▪ c", "• d"], id="nested lists"),
        pytest.param("9. a\n10. b", ["9. a", "10. b"], id="numbers go on from the first"),
        pytest.param("- a\n\n- b", ["• a", "", "• b"], id="a loose list"),
        pytest.param("- [ ] a\n- [x] b", ["• ☐ a", "• ☑ b"], id="tasks"),
        pytest.param("> a\n> > b", ["▎ a", "▎", "▎ ▎ b"], id="quotes in quotes"),
        pytest.param("[t](http://u)", ["t (http://u)"], id="a link shows its address"),
        pytest.param("<http://u>", ["http://u"], id="an address shows once"),
        pytest.param("![alt](u)", ["[image: alt] (u)"], id="an image"),
        pytest.param("<b>x</b>", ["<b>x</b>"], id="HTML is text"),
        pytest.param("```py\nx = 1\n```", ["py", "  x = 1"], id="a fence"),
        pytest.param("a\n\n---\n\nb", ["a", "", "─" * 60, "", "b"], id="a rule"),
        pytest.param("&#x202e;x &#27;y", ["‹U+202E›x �y"], id="entities that act are shown"),
        pytest.param("", [], id="nothing"),
    ],
)
def test_markdown_is_laid_out(text: str, lines: list[str]):
    assert shown(text) == lines


def test_table_cells_wrap_and_align():
    table = "| name | long |\n|:--|--:|\n| a | one two three four |\n"
    assert shown(table, 22) == [
        "name │            long",
        "─────┼────────────────",
        "a    │   one two three",
        "     │            four",
    ]


def test_a_table_too_narrow_for_its_columns_becomes_records():
    table = "| name | size | kind |\n|---|---|---|\n| a | 1 | x |\n| b | 2 | y |\n"
    assert shown(table, 20) == ["name: a", "size: 1", "kind: x", "", "name: b", "size: 2", "kind: y"]


def test_styles_follow_the_markup():
    lines = markdown("# Head\n\n**b** *i* ~~s~~ `c`\n\n```python\ndef f(): ...\n```", 40)
    assert roles(lines, "Head") == "heading strong"
    assert [roles(lines, char) for char in ("b", "i", "s", "c")] == ["strong", "emphasis", "strike", "code"]
    assert roles(lines, "def") == "block keyword"


def test_code_is_copied_as_it_was_written():
    assert code_blocks("a\n\n```py\nx = 1\n```\n\n- b\n  ```\n  y\n  ```") == ["x = 1\n", "y\n"]


@given(texts, st.integers(20, 70))
def test_no_line_is_wider_than_asked(text: str, width: int):
    assert all(width_of(line) <= width for line in markdown(clean(text), width))


@example("| a | b |\n|---|---|\n| 1 | 2 |\n```py\nx = 1\n", 20, [1, 9])
@given(texts, st.integers(20, 70), st.lists(st.integers(1, 9), max_size=40))
def test_a_text_in_pieces_ends_as_the_same_lines_however_often_it_was_painted(text: str, width: int, sizes: list[int]):
    tail, rest = Tail(), text
    for size in sizes:
        tail.feed(rest[:size])
        rest = rest[size:]
        tail.lines(width)
    tail.feed(rest)
    whole = Tail()
    whole.feed(text)
    assert tail.lines(width) == whole.lines(width)
    assert all(width_of(line) <= width for line in whole.lines(width))


@pytest.mark.parametrize("text", ["[" * 30_000, "*a " * 9_000, "![" * 9_000, "words " * 30_000, "a\n" * 60_000])
def test_text_that_would_stall_the_parser_is_laid_out_plain(text: str):
    lines = markdown(text, 60)
    assert "".join(map(text_of, lines)).replace(" ", "") == text.replace(" ", "").replace("\n", "")
    assert not any(role for line in lines for _, role in line)


def test_a_long_open_fence_keeps_its_finished_lines():
    tail = Tail()
    tail.feed("```\n" + "line\n" * 2_000)
    before = tail.lines(40)
    tail.feed("more")
    after = tail.lines(40)
    assert after[: len(before)] == before
    assert all(one is other for one, other in zip(before, after, strict=False))
