"""What a terminal without the focus is sent so that the person looks: at the end of a turn, and when one asks."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from terminal_kit import Terminal

READY = "F1 help"
FOCUS_OUT = b"\x1b[O"


def test_a_terminal_without_the_focus_rings_and_notifies_when_a_turn_ends_and_when_one_asks(tmp_path: Path):
    (tmp_path / "work").mkdir()
    own = {key: value for key, value in os.environ.items() if key not in ("TMUX", "KITTY_WINDOW_ID")}
    env = {**own, "TERM": "xterm-256color", "AWB_DB": str(tmp_path / "bench.db")}
    with Terminal([sys.executable, "-m", "agent_workbench"], env=env, cwd=tmp_path / "work", size=(140, 40)) as awb:
        awb.until(READY, "module: provider-mock")
        awb.send(b"\x0ecount to 60\r")
        awb.until("● writing")
        awb.send(b"write notes.txt with hello\r")
        awb.until("1 queued")
        assert b"\x1b]9;" not in awb.raw, "the person is looking"
        awb.send(FOCUS_OUT)
        awb.until(lambda: b"\x1b]9;count to 60 is done\x07" in awb.raw, what="the end of the turn")
        asked = b"\x1b]9;count to 60 needs you: may it run write_file?\x07"
        awb.until("? allow write_file", lambda: asked in awb.raw, what="the question")
        assert awb.raw.replace(b"\x1b]9;count to 60 is done\x07", b"").replace(asked, b"").count(b"\x07") >= 2
        awb.process.kill()
