"""What a terminal without the kitty protocol sends for alt arrives as the key that the commands are bound to."""

from __future__ import annotations

import pytest
from textual import events
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual._xterm_parser import XTermParser

from agent_workbench.frontends.tui.alt_keys import hear_alt_keys
from agent_workbench.frontends.tui.commands import bindings
from agent_workbench.frontends.tui.known_keys import known_keys


@pytest.fixture(autouse=True)
def heard():
    before = dict(ANSI_SEQUENCES_KEYS)
    hear_alt_keys()
    yield
    ANSI_SEQUENCES_KEYS.clear()
    ANSI_SEQUENCES_KEYS.update(before)


def keys(sent: str) -> list[str]:
    parser = XTermParser()
    heard = [*parser.feed(sent), *parser.feed("")]  # nothing more comes: what was held back is told
    return [event.key for event in heard if isinstance(event, events.Key)]


@pytest.mark.parametrize("number", range(1, 5))
def test_alt_with_a_digit_is_heard(number: int):
    assert keys(f"\x1b{number}") == [f"alt+{number}"]


def test_every_command_with_alt_and_a_letter_is_heard():
    bound = [key for one in bindings() for key in getattr(one, "key", "").split(",") if len(key) == 5]
    assert "alt+g" in bound
    assert [keys(f"\x1b{key[4:]}") for key in bound if key.startswith("alt+")] == [
        [key] for key in bound if key.startswith("alt+")
    ]


@pytest.mark.parametrize(("sent", "key"), [("\x1bb", "ctrl+left"), ("\x1bf", "ctrl+right")])
def test_option_with_an_arrow_still_moves_by_a_word(sent: str, key: str):
    assert keys(sent) == [key]


def test_no_key_is_one_that_terminals_send_for_option_with_an_arrow():
    assert not {"alt+b", "alt+f"} & {key for one in known_keys().values() for key in one.split(",")}


def test_alt_with_enter_is_a_new_line_and_never_sends():
    assert keys("one\x1b\rtwo\r") == [*"one", "alt+enter", *"two", "enter"]


def test_several_in_one_read_are_each_heard():
    assert keys("\x1bg\x1bc\x1b1") == ["alt+g", "alt+c", "alt+1"]
