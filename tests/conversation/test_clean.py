"""What is shown holds nothing that acts unseen, however it was cut into pieces."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_workbench.conversation.clean import Cleaner, clean, clean_line

HOSTILE = "".join(map(chr, range(0x20))) + "\x7f\x9b\x9d\u200d\u202e\u2066\ufeff\U000e0041\ud83d\udc68👨💻❤\ufe0f🏽"
texts = st.text(st.one_of(st.sampled_from(HOSTILE), st.characters(codec=None, categories=None)))
acting = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("plain words\n\tand a tab", "plain words\n\tand a tab", id="plain text stays"),
        pytest.param("\x1b[31mred", "␛[31mred", id="a colour sequence"),
        pytest.param("\x1b]52;c;aGk=\x07", "␛]52;c;aGk=␇", id="a clipboard write"),
        pytest.param("\x1b]8;;http://x\x1b\\y", "␛]8;;http://x␛\\y", id="a hidden link"),
        pytest.param("\x9b2J\x85", "‹U+009B›2J‹U+0085›", id="C1 controls"),
        pytest.param("a\x00b\x7f", "a␀b␡", id="NUL and DEL"),
        pytest.param("one\r\ntwo\rthree", "one\ntwo␍three", id="carriage returns"),
        pytest.param("user\u202etxt.exe", "user‹U+202E›txt.exe", id="a bidi override"),
        pytest.param("a\u200bb\ufeff", "a‹U+200B›b‹U+FEFF›", id="zero width"),
        pytest.param("x\U000e0041", "x‹U+E0041›", id="tag characters"),
        pytest.param("a\ud800b", "a\ufffdb", id="a lone surrogate"),
        pytest.param("語 e\u0301 نص", "語 e\u0301 نص", id="wide, combining and right-to-left letters stay"),
        pytest.param(
            "👨\u200d👩\u200d👧 ❤\ufe0f\u200d🔥", "👨\u200d👩\u200d👧 ❤\ufe0f\u200d🔥", id="joined emoji stay"
        ),
        pytest.param("\u0645\u06cc\u200c\u062e", "\u0645\u06cc\u200c\u062e", id="a Persian word keeps its non-joiner"),
        pytest.param("a\u200db", "a‹U+200D›b", id="a joiner between letters"),
    ],
)
def test_what_acts_unseen_is_made_visible(text: str, shown: str):
    assert clean(text) == shown


def test_a_label_is_one_cleaned_line_of_bounded_length():
    assert clean_line(" a\n\tb\x1b ") == "a b␛"
    assert clean_line("x" * 50, limit=10) == "x" * 9 + "…"


@given(texts)
def test_nothing_that_acts_is_left_and_the_rest_encodes(text: str):
    shown = clean(text)
    assert not acting.search(shown)
    shown.encode()


@given(texts)
def test_cleaning_twice_changes_nothing_more(text: str):
    assert clean(clean(text)) == clean(text)


@given(st.lists(texts))
def test_pieces_give_what_the_whole_gives(pieces: list[str]):
    cleaner = Cleaner()
    shown = "".join(map(cleaner.feed, pieces)) + cleaner.finish()
    assert shown == clean("".join(pieces))


@given(texts)
def test_text_without_controls_is_never_altered(text: str):
    kept = "".join(char for char in text if char.isprintable())
    assert clean(kept) == kept
