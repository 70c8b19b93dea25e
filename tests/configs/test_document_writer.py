"""What the writer writes: the plainest form that YAML 1.1 and 1.2 both read as the value."""

from __future__ import annotations

import math
from datetime import date, datetime
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from agent_workbench.configs.document.writer import Style, Writer

SCALARS: dict[str, tuple[Any, str]] = {
    "nothing": (None, "null"),
    "true": (True, "true"),
    "false": (False, "false"),
    "a number": (-12, "-12"),
    "a fraction": (0.1, "0.1"),
    "a large number": (1e20, "1.0e+20"),
    "a small number": (1.5e-7, "1.5e-07"),
    "infinity": (math.inf, ".inf"),
    "minus infinity": (-math.inf, "-.inf"),
    "not a number": (math.nan, ".nan"),
    "a date": (date(2024, 1, 2), "2024-01-02"),
    "a time": (datetime(2024, 1, 2, 3, 4, 5), "2024-01-02 03:04:05"),
    "a word": ("word", "word"),
    "words": ("two words, three", "two words, three"),
    "an address": ("git+https://x/y@main#subdirectory=z", "git+https://x/y@main#subdirectory=z"),
    "a namespace": ("foundation:agents/x", "foundation:agents/x"),
    "a reference": ("${KEY:default}", "${KEY:default}"),
    "an option": ("--flag", "--flag"),
    "other letters": ("日本 é 𝕏", "日本 é 𝕏"),
    "a mention": ("@ns:path", '"@ns:path"'),
    "empty": ("", '""'),
    "blanks around": (" x ", '" x "'),
    "true as text": ("true", '"true"'),
    "on as text": ("on", '"on"'),
    "a number as text": ("010", '"010"'),
    "a 1.2 number as text": ("1e5", '"1e5"'),
    "a date that is none": ("2024-13-45", '"2024-13-45"'),
    "a merge": ("<<", '"<<"'),
    "an equals sign": ("=", '"="'),
    "a key": ("a: b", '"a: b"'),
    "a colon at the end": ("a:", '"a:"'),
    "a comment": ("a #b", '"a #b"'),
    "a dash": ("-", '"-"'),
    "an item": ("- a", '"- a"'),
    "a document": ("---", '"---"'),
    "an end": ("... x", '"... x"'),
    "quotes": ("\"'\\", '"\\"\'\\\\"'),
    "a tab": ("a\tb", '"a\\tb"'),
    "odd line ends": ("a\x85\u2028\u2029\r", '"a\\x85\\u2028\\u2029\\r"'),
    "control characters": ("\x00\x07\x1b", '"\\0\\x07\\e"'),
    "a byte order mark": ("\ufeffx", '"\\uFEFFx"'),
    "a large private character": ("\U0010ffff\ufffe", '"\U0010ffff\\uFFFE"'),
}


@pytest.mark.parametrize(("value", "text"), SCALARS.values(), ids=SCALARS.keys())
def test_a_scalar_is_written_as_plainly_as_it_can_be(value: Any, text: str) -> None:
    assert Writer(Style()).scalar(value) == text
    read = yaml.safe_load(f"a: {text}")["a"]
    assert read == value or value != value


def test_text_is_quoted_as_the_document_quotes() -> None:
    single = Writer(Style(quote="'"))
    assert single.scalar("it's: on") == "'it''s: on'"
    assert single.scalar("a\nb") == '"a\\nb"'
    assert single.scalar("word", quote='"') == '"word"'


def test_flow_style_quotes_what_would_end_an_item() -> None:
    writer = Writer(Style())
    assert writer.flow({"a": ["b, c", "d]", "e:f", "g: h", "x?", "${A}", "i j"], "k": {}, "l": []}) == (
        '{a: ["b, c", "d]", e:f, "g: h", "x?", "${A}", i j], k: {}, l: []}'
    )


LITERALS = {
    "two lines": ("a\nb", "t: |-\n  a\n  b"),
    "a line end behind": ("a\nb\n", "t: |\n  a\n  b"),
    "a blank line inside": ("a\n\nb\n", "t: |\n  a\n\n  b"),
    "deeper lines": ("a\n  b: [\n", "t: |\n  a\n    b: ["),
    "one line": ("a\n", 't: "a\\n"'),
    "blank lines behind": ("a\nb\n\n", 't: "a\\nb\\n\\n"'),
    "a blank before": (" a\nb", 't: " a\\nb"'),
    "a line end before": ("\na\nb", 't: "\\na\\nb"'),
    "a line of blanks": ("a\n \nb", 't: "a\\n \\nb"'),
    "a tab": ("a\n\tb", 't: "a\\n\\tb"'),
}


@pytest.mark.parametrize(("value", "text"), LITERALS.values(), ids=LITERALS.keys())
def test_lines_are_written_as_lines_where_they_survive_it(value: str, text: str) -> None:
    assert "\n".join(Writer(Style()).map_lines({"t": value}, 0)) == text
    assert yaml.safe_load(text + "\n") == {"t": value}


def test_a_style_shows_in_every_level() -> None:
    value = {"a": {"b": [1, {"c": 2, "d": "x\ny"}, [3, [4]], [], "p\nq"]}, "e": {}}
    assert Writer(Style(step=4, offset=2, gap=4)).map_lines(value, 1) == [
        " a:",
        "     b:",
        "       -   1",
        "       -   c: 2",
        "           d: |-",
        "               x",
        "               y",
        "       -   -   3",
        "           -   -   4",
        "       -   []",
        "       - |-",
        "           p",
        "           q",
        " e: {}",
    ]


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@settings(database=None, deadline=None, derandomize=True, max_examples=400)
@given(values, st.sampled_from((1, 2, 4)), st.sampled_from((0, 2)), st.sampled_from((2, 4)))
def test_whatever_is_written_reads_back_in_both_versions(value: Any, step: int, offset: int, gap: int) -> None:
    writer = Writer(Style(step, offset, gap))
    block = "\n".join(writer.map_lines({"a": value}, 0)) + "\n"
    flow = "a: " + writer.flow(value) + "\n"
    for text in (block, flow):
        for one in (yaml.load(text, yaml.CSafeLoader), YAML(typ="safe").load(text)):
            assert one == {"a": value}
