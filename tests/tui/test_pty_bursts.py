"""Keys that a real terminal sends at once, while the program starts and afterwards."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from terminal_kit import Terminal

AWB = [sys.executable, "-m", "agent_workbench"]
READY = "F1 help"


def terminal(home: Path) -> Terminal:
    (home / "work").mkdir(exist_ok=True)
    env = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "AWB_DB": str(home / "bench.db")}
    return Terminal(AWB, env=env, cwd=home / "work", size=(140, 40))


def quit(awb: Terminal) -> None:
    awb.press("ctrl+q")
    awb.ended()
    assert awb.process.returncode == 0


def test_keys_pressed_at_the_first_frame_are_a_whole_session(tmp_path: Path):
    """Two panes, a prompt in each, drafts, and a filter: all pressed before the program is ready."""
    with terminal(tmp_path) as awb:
        awb.until(READY, "module: provider-mock")
        quit(awb)
    with terminal(tmp_path) as awb:
        awb.until("module: provider-mock")
        awb.send(b"\x0emy name is Ada\r\x14my name is Bob\r\x1b1one\x1b2two\x1bOQ/hel")
        awb.until("meet you, Ada!", "meet you, Bob!", "› one", "› two", "/ hel", READY, what="all of it")
        awb.until(lambda: awb.text.count("○ idle") == 2, what="both turns' end: until then quitting asks")
        quit(awb)


def test_text_home_and_end_keep_their_order_in_the_editor(tmp_path: Path):
    with terminal(tmp_path) as awb:
        awb.until(READY, "module: provider-mock")
        awb.send(b"bc\x1b[Ha\x1b[Hx: 1 #\x1b[H\x1b[3~y")
        awb.until("y: 1 #abc", what="the line as it was written")
        awb.send(b"\x10settings\r")
        awb.until("Settings", what="the dialog that the palette opens")
        awb.send(b"\x1b")
        awb.until(lambda: "Settings" not in awb.lines[0] + awb.lines[5])
        awb.process.kill()


def test_a_hundred_kilobytes_sent_as_keys_arrive_whole(tmp_path: Path):
    lines = [f"# line {number} of a text that a terminal sends as keys" for number in range(2_000)]
    with terminal(tmp_path) as awb:
        awb.until(READY, "module: provider-mock")
        awb.send(b"#\r" + "\r".join(lines).encode())
        awb.until(lines[-1], "2001", what="the last line", patience=60)
        assert all(any(line in row for row in awb.lines) for line in lines[-10:])
        awb.process.kill()
