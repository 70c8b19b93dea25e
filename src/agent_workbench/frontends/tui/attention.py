"""Calls a person who looks elsewhere: the bell, and a notification of the desktop where the terminal can show one."""

from __future__ import annotations

import os
from collections.abc import Mapping

from textual.app import App

from agent_workbench.conversation.clean import clean_line

LONGEST = 120


def sequence(words: str, environment: Mapping[str, str]) -> str:
    """Return what makes a terminal notify: OSC 99 for kitty, OSC 9 for the others, which ignore what they do not know.

    tmux hands neither on by itself; wrapped, it does where `allow-passthrough` is on. The words are cleaned: nothing in
    them can end the sequence or begin another.
    """
    shown = clean_line(words, LONGEST).replace(";", ",")
    plain = f"\x1b]99;;{shown}\x1b\\" if "KITTY_WINDOW_ID" in environment else f"\x1b]9;{shown}\x07"
    return "\x1bPtmux;" + plain.replace("\x1b", "\x1b\x1b") + "\x1b\\" if "TMUX" in environment else plain


def call(app: App[None], words: str) -> bool:
    """Ring and notify where the terminal has lost the focus; False where the person is looking."""
    if app.app_focus:
        return False
    app.bell()
    driver = app._driver  # Textual has a way to ring through its driver, and none to say something
    if driver is not None and not app.is_headless:
        driver.write(sequence(words, os.environ))
    return True
