"""Merging two changes of one text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_workbench.configs.merge import merge

TEXTS = st.lists(st.sampled_from(["a\n", "b\n", "c\n", "# d\n", "\n"]), max_size=8).map("".join)

CASES = {
    "different lines are both taken": ("a\nb\nc\n", "A\nb\nc\n", "a\nb\nC\n", "A\nb\nC\n"),
    "equal changes are taken once": ("a\nb\n", "a\nx\n", "a\nx\n", "a\nx\n"),
    "both add at different ends": ("m\n", "first\nm\n", "m\nlast\n", "first\nm\nlast\n"),
    "one deletes, the other edits elsewhere": ("a\nb\nc\n", "a\nc\n", "a\nb\nc!\n", None),
    "carriage returns are kept": ("a\r\nb\r\nc\r\n", "A\r\nb\r\nc\r\n", "a\r\nb\r\nC\r\n", "A\r\nb\r\nC\r\n"),
}


@pytest.mark.parametrize(("base", "ours", "theirs", "expected"), CASES.values(), ids=CASES)
def test_merge(base: str, ours: str, theirs: str, expected: str | None):
    merged = merge(base, ours, theirs)
    if expected is None:
        assert not merged.is_clean
    else:
        assert (merged.text, merged.clashes) == (expected, ())


def test_both_versions_of_a_clash_stand_in_the_text_with_its_line():
    merged = merge("a\nb\n", "a\nours\n", "a\ntheirs\n")
    (clash,) = merged.clashes
    assert (clash.line, clash.ours, clash.theirs) == (2, "ours\n", "theirs\n")
    assert merged.text == "a\n<<<<<<< yours\nours\n=======\ntheirs\n>>>>>>> theirs\n"


@given(TEXTS, TEXTS)
def test_a_change_of_one_side_is_taken_whole(base: str, changed: str):
    assert merge(base, changed, base).text == changed
    assert merge(base, base, changed).text == changed
    assert merge(base, changed, changed).text == changed


@given(TEXTS, TEXTS, TEXTS)
def test_no_line_of_either_side_is_lost_unless_the_other_deleted_it(base: str, ours: str, theirs: str):
    merged = merge(base, ours, theirs).text.splitlines()
    for side, other in ((ours, theirs), (theirs, ours)):
        for line in set(side.splitlines()) - set(base.splitlines()):
            assert line in merged, (line, other)


@given(TEXTS, TEXTS, TEXTS)
def test_the_order_of_the_sides_does_not_change_whether_it_is_clean(base: str, ours: str, theirs: str):
    assert merge(base, ours, theirs).is_clean == merge(base, theirs, ours).is_clean
