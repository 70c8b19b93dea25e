"""The reader: the data is PyYAML's, every place is right, bad text is a problem with a place, and bombs are cheap."""

from __future__ import annotations

import time
from pathlib import Path as File

import pytest
import yaml

from agent_workbench.configs.problems import Problem
from agent_workbench.configs.reader import decode, load, read, show_path
from agent_workbench.errors import InvalidYAML

WRONG = {
    "a tab as indentation": ("a:\n\tb: 1\n", "yaml-tab", 2, 1),
    "the same key twice": ("a: 1\nb: 2\na: 3\n", "yaml-duplicate-key", 3, 1),
    "the same nested key twice": ("a:\n  b: 1\n  b: 2\n", "yaml-duplicate-key", 3, 3),
    "two documents": ("a: 1\n---\nb: 2\n", "yaml-several-documents", 2, 1),
    "a number as key": ("a:\n  1: x\n", "yaml-key-not-text", 2, 3),
    "on as key": ("on: x\n", "yaml-key-not-text", 1, 1),
    "nothing as key": ("? \n: x\n", "yaml-key-not-text", 1, 2),
    "a list as key": ("[a]: x\n", "yaml-key-not-text", 1, 1),
    "a list at the top": ("# list\n- a\n", "yaml-not-a-map", 2, 1),
    "a word at the top": ("hello\n", "yaml-not-a-map", 1, 1),
    "a python tag": ("a: !!python/object/apply:os.system [ls]\n", "yaml-tag", 1, 4),
    "an own tag": ("a: !mine x\n", "yaml-tag", 1, 4),
    "a set": ("a: !!set {b}\n", "yaml-tag", 1, 4),
    "an unknown alias": ("a: *b\n", "yaml-unknown-alias", 1, 4),
    "an alias inside itself": ("a: &a [*a]\n", "yaml-recursive-alias", 1, 8),
    "an anchor used twice": ("a: &x 1\nb: &x 2\n", "yaml-duplicate-anchor", 2, 4),
    "a merge of a word": ("a:\n  <<: x\n", "yaml-merge", 2, 7),
    "a date that is none": ("a: 2024-13-45\n", "yaml-bad-value", 1, 4),
    "a lone equals sign": ("a: =\n", "yaml-bad-value", 1, 4),
    "a number that is none": ("a: !!int x\n", "yaml-bad-value", 1, 4),
    "a number without end behind a tag": ("a: !!int " + "9" * 500 + "\n", "yaml-bad-value", 1, 4),
    "front matter without end": ("---\na: 1\n", "yaml-front-matter", 1, 1),
    "an open quote": ("a: 'x\n", "yaml-syntax", 2, 1),
    "a colon inside": ("a: b: c\n", "yaml-syntax", 1, 5),
    "an open list": ("a: [1\nb: 2\n", "yaml-syntax", 2, 2),
    "a zero byte": ("a: b\x00\n", "yaml-character", 1, 5),
    "an escape character": ("a: 1\nb: \x1b[31m\n", "yaml-character", 2, 4),
    "half a surrogate pair": ("a: \ud800\n", "yaml-character", 1, 4),
    "half a surrogate pair in the body": ("---\na: 1\n---\nx\udfff\n", "yaml-character", 4, 2),
}


def only(text: str, source: str = "x.yaml") -> Problem:
    problems = [p for p in read(text, source=source).problems if p.severity == "error"]
    assert problems, text
    return problems[0]


@pytest.mark.parametrize(("text", "code", "line", "column"), WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_has_a_code_and_a_place_and_no_data(text: str, code: str, line: int, column: int) -> None:
    source = "x.md" if text.startswith("---") else "x.yaml"
    problem = only(text, source)
    assert (problem.code, problem.line, problem.column) == (code, line, column)
    assert read(text, source=source).data == {}
    with pytest.raises(InvalidYAML) as caught:
        load(text, source=source)
    assert problem in caught.value.problems


@pytest.mark.parametrize("text", ["", "\n", "# nothing\n", "\ufeff", "---\n", "---\n...\n", "~\n", "---\n---\n"])
def test_a_text_without_content_is_an_empty_bundle(text: str) -> None:
    reading = read(text)
    assert (reading.data, reading.problems) == ({}, ())


def test_every_file_of_the_corpus_reads_as_pyyaml_reads_it(corpus: File) -> None:
    files = [file for file in corpus.rglob("*") if file.suffix in (".md", ".yaml")]
    assert len(files) > 60
    for file in files:
        reading = read(decode(file.read_bytes()), source=str(file))
        assert reading.data == (yaml.safe_load(reading.text[reading.start : reading.end]) or {}), file
        assert not [p for p in reading.problems if p.severity == "error"], file


BOMBS = {
    "aliases": "a0: &a0 [x,x,x,x,x,x,x,x,x]\n"
    + "".join(f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 20)),
    "merge keys": "a0: &a0 {x: 1}\n"
    + "".join(f"a{i}: &a{i}\n  <<: [{','.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 20)),
    "aliases that deepen": "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 600)),
    "brackets": "[" * 100_000,
    "maps": "{a: " * 100_000,
    "dashes": "- " * 100_000,
    "ten megabytes": "a: " + "x" * 10_000_000,
    "a huge integer": "a: " + "9" * 400_000,
    "a huge base 60 integer": "a: " + "1:" * 200_000 + "1",
    "many entries": "- a\n" * 120_000,
    "many flow entries": "[" + "a," * 240_000 + "]",
    "many duplicate keys": "a: 1\n" * 90_000,
    "many bad tags": "- !x a\n" * 70_000,
    "many documents": "---\n" * 120_000,
}


@pytest.mark.parametrize("text", BOMBS.values(), ids=BOMBS.keys())
def test_a_bomb_is_refused_in_a_tenth_of_a_second(text: str) -> None:
    took: list[float] = []
    while len(took) < 3 or (min(took) >= 0.1 and len(took) < 25):  # what shares the processor slows each down
        start = time.process_time()
        problems = read(text, source="bomb.yaml").problems
        took.append(time.process_time() - start)
    assert problems[0].severity == "error"
    assert problems[0].line
    assert min(took) < 0.1


def test_front_matter_counts_only_at_the_very_start_and_the_body_keeps_its_rules() -> None:
    text = "---\nbundle:\n  name: x\n---\n# Hello\n\n---\n\nmore\n"
    reading = read(text)
    assert reading.is_markdown
    assert reading.data == {"bundle": {"name": "x"}}
    assert reading.body == "# Hello\n\n---\n\nmore\n"
    assert reading.values["bundle", "name"].line == 3
    later = read("Words\n---\na: 1\n---\n", source="x.md")
    assert (later.data, later.body) == ({}, "Words\n---\na: 1\n---\n")


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_places_are_those_of_the_whole_file(newline: str) -> None:
    front = "\ufeff---\ntools: # ü\n  - module: 'x'\n    config: {deep: [1, 𝕏]}\n  - text: |\n      a\n      b\n"
    text = (front + "    after: y\n---\nbody\n").replace("\n", newline)
    reading = read(text)
    assert not reading.problems
    for path, place in reading.values.items():
        lines = text[: place.start].split(newline)
        assert (place.line, place.column) == (len(lines), len(lines[-1]) + 1), path
    shown = {show_path(p): text[v.start : v.end] for p, v in reading.values.items()}
    assert shown["tools[0].module"] == "'x'"
    assert shown["tools[0].config.deep[1]"] == "𝕏"
    assert shown["tools[1].after"] == "y"
    keys = {show_path(p): text[k.start : k.end] for p, k in reading.keys.items()}
    assert keys["tools[0].config.deep"] == "deep"


def test_an_alias_and_a_merged_key_lead_to_where_the_text_stands() -> None:
    reading = read("base: &b\n  x: 1\nuse:\n  <<: *b\n  y: 2\nsame: *b\n")
    assert reading.data["use"] == {"x": 1, "y": 2}
    assert reading.values["use", "x"].line == 2
    assert reading.keys["same", "x"].line == 2
    assert reading.keys["same",].line == 6


def test_the_place_of_an_unknown_path_is_its_nearest_ancestor() -> None:
    reading = read("session:\n  orchestrator:\n    module: loop\n")
    place = reading.place(("session", "orchestrator", "config", "x"))
    assert place is not None
    assert (place.line, place.column) == (2, 3)
    assert read("").place(("x",)) is None


DIFFER = ["on", "Off", "yes", "NO", "010", "12:30", "2024-01-01", "1_000", "0b11", "1e5", "0o17"]


@pytest.mark.parametrize("word", DIFFER)
def test_a_value_that_yaml_1_2_reads_otherwise_is_a_warning_that_quotes_it(word: str) -> None:
    text = f"a:\n  - {word} # why\n"
    (problem,) = read(text).problems
    assert (problem.severity, problem.code, problem.line, problem.column) == ("warning", "yaml-ambiguous", 2, 5)
    assert problem.fix is not None
    fixed = read(problem.fix.apply(text))
    assert (fixed.data, fixed.problems) == ({"a": [word]}, ())


@pytest.mark.parametrize("word", ["true", "8", "-1.5", "~", "null", ".inf", "0x1F", "text", "'on'", "1.0e+5", "''"])
def test_a_value_that_both_read_alike_is_no_warning(word: str) -> None:
    assert read(f"a: {word}\n").problems == ()


def test_warnings_end_where_nobody_reads_them_any_more() -> None:
    reading = read("a:\n" + "  - on\n" * 300)
    assert len(reading.problems) == 200
    assert reading.data == {"a": [True] * 300}


def test_all_places_are_known_through_merges_once() -> None:
    reading = read("a: &a {x: 1, y: 2}\nb:\n  <<: *a\n  x: 3\n")
    assert [path for path in reading.values if path[:1] == ("b",)] == [("b",), ("b", "x"), ("b", "y")]
    assert len(reading.keys) == 7
    assert load("a: 1\n") == {"a": 1}


def test_merged_keys_come_first_and_the_first_source_wins_as_in_pyyaml() -> None:
    text = "a: &a {x: 1, y: 2}\nb: &b {x: 3, z: 4}\nc:\n  w: 0\n  <<: [*a, *b]\n  y: 9\n"
    assert list(read(text).data["c"].items()) == list(yaml.safe_load(text)["c"].items())


def test_bytes_that_are_not_utf_8_are_refused_with_a_place() -> None:
    assert decode(b"\xef\xbb\xbfa: \xc3\xbc\n") == "\ufeffa: ü\n"
    with pytest.raises(InvalidYAML) as caught:
        decode(b"a: 1\nb: \xff\n", source="f.yaml")
    (problem,) = caught.value.problems
    assert (problem.line, problem.column, problem.code, problem.source) == (2, 4, "yaml-encoding", "f.yaml")


def test_front_matter_below_blank_lines_is_text_and_said_to_be_with_a_fix():
    text = "\n \n---\nbundle: {name: a}\n---\nBe kind.\n"
    reading = read(text, source="a.md")
    assert reading.data == {}
    (problem,) = reading.problems
    assert (problem.severity, problem.code, problem.line) == ("warning", "yaml-front-matter", 3)
    assert problem.fix is not None
    assert read(problem.fix.apply(text), source="a.md").data == {"bundle": {"name": "a"}}
    assert read("\n---\nA rule above, no front matter.\n", source="a.md").problems == ()
