"""The law of edits over documents in odd shapes, made by a generator that shares nothing with the ordinary one."""

from __future__ import annotations

import random

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_document_law import VERBS, alike, at, exact, meaning, obeys, paths
from wild_texts import Wild

from agent_workbench.configs.document import Document
from agent_workbench.configs.entries import removed, toggled
from agent_workbench.configs.problems import errors
from agent_workbench.configs.reader import read
from agent_workbench.errors import EditRefused

quiet = settings(database=None, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
seeds, sizes = st.integers(0, 2**40), st.integers(1, 7)


def good(seed: int, size: int) -> str | None:
    """Return a text without errors, None where the one of this seed has some."""
    text = Wild(seed, size).text()
    return None if errors(read(text).problems) else text


def test_most_of_the_texts_are_good_and_use_every_shape() -> None:
    texts = [text for seed in range(400) if (text := good(seed, 1 + seed % 7))]
    assert len(texts) > 200
    everything = "\n".join(texts)
    for shape in (
        "? ",
        "<<: *",
        "&n",
        ">",
        "|2",
        "\r\n",
        "\ufeff",
        "...",
        "---",
        "\t",
        "日本",
        "{ #",
        '"\n',
        "-  \n",
        "\\\n",
    ):
        assert shape in everything, shape
    assert any(not text.endswith("\n") for text in texts)


@settings(quiet, max_examples=300)
@given(seeds, sizes)
def test_a_wild_text_means_what_pyyaml_says_or_is_refused_with_a_place(seed: int, size: int) -> None:
    text = Wild(seed, size).text()
    reading = read(text)
    wrong = errors(reading.problems)
    if wrong:
        assert wrong[0].line
        return
    assert exact(reading.data) == exact(yaml.load(text[reading.start : reading.end], Loader=yaml.CSafeLoader) or {})


@settings(quiet, max_examples=400)
@given(seeds, sizes)
def test_every_edit_of_a_wild_text_is_exactly_what_was_meant_or_refused(seed: int, size: int) -> None:
    text = good(seed, size)
    chance = random.Random(seed)
    for name in chance.sample(list(VERBS), 6) if text else ():
        obeys(text or "", name, chance)


@settings(quiet, max_examples=200)
@given(seeds, sizes)
def test_what_is_commented_out_of_a_wild_text_comes_back(seed: int, size: int) -> None:
    text = good(seed, size)
    known = paths(meaning(text)) if text else []
    for path in random.Random(seed).sample(known, min(3, len(known))):
        assert text
        meant = meaning(text)
        try:
            edit = Document(text).comment_out(path)
        except EditRefused:
            continue
        del at(meant, path[:-1])[path[-1]]
        hidden = edit.apply(text)
        assert alike(meaning(hidden), meant), f"{path}\n{text}"
        try:
            back = Document(hidden).uncomment(text.count("\n", 0, edit.start) + 1)
        except EditRefused:
            continue
        assert exact(meaning(back.apply(hidden))) == exact(meaning(text)), f"{path}\n{text}"


@settings(quiet, max_examples=200)
@given(seeds, sizes)
def test_a_line_of_a_wild_text_is_toggled_and_removed_or_left_alone(seed: int, size: int) -> None:
    text = good(seed, size)
    count = text.count("\n") + 1 if text else 0
    for line in random.Random(seed).sample(range(1, count + 1), min(4, count)):
        for make in (toggled, removed):
            assert text
            try:
                edit = make(text, line)
            except EditRefused:
                continue
            assert not errors(read(edit.apply(text)).problems), f"{make.__name__} {line}\n{text}"
            assert edit.inverse().apply(edit.apply(text)) == text


def test_the_only_entry_behind_a_question_mark_is_removed_or_left_to_the_person() -> None:
    text = "---\n? own # c\n: ~"
    assert meaning(Document(text).remove_entry(("own",)).apply(text)) == {}
    with pytest.raises(EditRefused, match="by hand"):
        Document("? own  # c\n: x\n...\n").remove_entry(("own",))


ODD = {
    "a value in the column of its key": ("own: {\n  a:\n  x\n  }\n", ("own", "a")),
    "a value below a comment, in the column of its key": ("own: {\n  a:  # c\n  []\n  }\n", ("own", "a")),
}


@pytest.mark.parametrize(("text", "path"), ODD.values(), ids=ODD)
def test_what_would_not_come_back_is_not_commented_out(text: str, path: tuple[str | int, ...]) -> None:
    with pytest.raises(EditRefused, match="would not be what it is now"):
        Document(text).comment_out(path)


def test_the_blank_end_of_a_text_that_keeps_it_comes_back_with_its_spaces() -> None:
    text = "own: >+\n a: b\n   \n# c\nb: 1\n"
    hidden = Document(text).comment_out(("own",)).apply(text)
    assert Document(hidden).uncomment(1).apply(hidden) == text


def test_a_value_in_quotes_that_goes_on_in_its_keys_column_is_commented_in_again_whole() -> None:
    text = 'own: {\n    b: "{}\n    " \n    }\n'
    hidden = Document(text).comment_out(("own", "b")).apply(text)
    assert hidden == 'own: {\n    # b: "{}\n    # " \n    }\n'
    assert Document(hidden).uncomment(2).apply(hidden) == text
    torn = hidden.replace('    # " \n', "")
    with pytest.raises(EditRefused):
        Document(torn).uncomment(2)


@pytest.mark.slow
@pytest.mark.timeout(0)
@settings(quiet, max_examples=15_000)
@given(seeds, sizes)
def test_a_hundred_thousand_edits_of_wild_texts_obey_the_law(seed: int, size: int) -> None:
    text = good(seed, size)
    chance = random.Random(seed)
    for name in VERBS if text else ():
        obeys(text or "", name, chance)
