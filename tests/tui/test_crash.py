"""A bug ends the program loudly, and says nothing that a person would not want in a report."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from terminal_kit import Terminal

SCRIPT = """
from agent_workbench.frontends.tui import app, run

class Broken(app.WorkbenchApp):
    def on_mount(self):
        api_key = "sk-very-secret-0123456789"
        raise RuntimeError("a bug of ours")

app.WorkbenchApp = Broken
run()
"""


def test_a_bug_is_shown_with_its_place_and_no_values(tmp_path: Path):
    env = {**os.environ, "TERM": "xterm-256color", "AWB_DB": str(tmp_path / "bench.db")}
    with Terminal([sys.executable, "-c", SCRIPT], env=env, cwd=tmp_path) as awb:
        awb.ended()
        said = awb.raw.decode(errors="replace")
    assert "a bug of ours" in said
    assert "on_mount" in said
    assert "This is a bug in the workbench" in said
    assert "sk-very-secret" not in said
    assert awb.process.returncode != 0
