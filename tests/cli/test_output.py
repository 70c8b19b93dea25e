"""What is printed: aligned, one line where a line is meant, and nothing that a terminal would obey."""

from __future__ import annotations

import json

import pytest

from agent_workbench.configs.problems import Problem
from agent_workbench.configs.words import counted
from agent_workbench.frontends.cli.output import emit_fields, emit_json, emit_table, narrate, show_problems


def test_columns_line_up_also_under_wide_letters(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    emit_table(("A", "B"), [("名前", 1), ("e\u0301", 2), ("line\nbreak", None)])
    assert capsysbinary.readouterr().out.decode().splitlines() == [
        "A           B",
        "名前        1",
        "e\u0301           2",
        "line break",
    ]


def test_a_table_without_rows_is_nothing(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    emit_table(("A", "B"), [])
    assert capsysbinary.readouterr().out == b""


@pytest.mark.parametrize("value", ["\x1b[2J", "\x9b2J", "a\u202eb", "\udc80", "\x00", "\u2028", "naïve 名前"])
def test_json_keeps_its_value_and_holds_nothing_that_acts(
    value: str, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    emit_json({"text": value})
    printed = capsysbinary.readouterr().out.decode()
    assert json.loads(printed) == {"text": value}
    assert all(char.isprintable() or char == "\n" for char in printed)


def test_narration_and_tables_show_control_characters_as_marks(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    narrate("\x1b]52;c;x\x07")
    emit_table(("A",), [("\x1b[31mred",)])
    emit_fields({"title": "\x1b[31m", "empty": ""})
    printed = capsysbinary.readouterr()
    assert printed.err.decode() == "␛]52;c;x␇\n"
    assert printed.out.decode() == "A\n␛[31mred\ntitle  ␛[31m\n"


def test_a_problem_is_a_place_a_severity_a_sentence_and_a_way_out(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    show_problems([Problem("error", "wrong", 3, 5, hint="do this"), Problem("info", "whole")], name="a.yaml")
    assert capsysbinary.readouterr().err.decode() == "  a.yaml:3:5: error: wrong\n    do this\n  a.yaml: info: whole\n"


@pytest.mark.parametrize(("number", "words"), [(0, "0 files"), (1, "1 file"), (1234, "1,234 files")])
def test_things_are_counted_in_words(number: int, words: str) -> None:
    assert counted(number, "file") == words
