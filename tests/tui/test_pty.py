"""The program in a real terminal: the first minute, the end that it comes to, and what never reaches the terminal."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent_workbench.paths import shipped
from agent_workbench.services.shared import open_workbench
from agent_workbench.storage.database import open_store
from agent_workbench.storage.records import Page
from terminal_kit import Terminal

AWB = [sys.executable, "-m", "agent_workbench"]
SIZE = (140, 40)
READY = "F1 help"
#: What switches the alternate screen, the cursor, mouse reports and bracketed paste off again.
RESTORED = (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?1000l", b"\x1b[?1003l", b"\x1b[?2004l")
#: A title, a clipboard write and a colour as data would smuggle them in: OSC and CSI by ESC, and by their C1 bytes.
EVIL = "\x1b]0;pwned\x07\x1b]52;c;cHduZWQ=\x07\x1b[31mred\x9b32mgreen\x9d0;pwned2\x9c"
SMUGGLED = (b"\x1b]0;pwned", b"\x1b]52;", b"\x1b[31mred", "\x9b".encode(), "\x9d".encode(), b"\x9b32m")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "work").mkdir()
    return tmp_path


def terminal(home: Path, size: tuple[int, int] = SIZE) -> Terminal:
    env = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "AWB_DB": str(home / "bench.db")}
    return Terminal(AWB, env=env, cwd=home / "work", size=size)


@pytest.fixture
def awb(home: Path) -> Iterator[Terminal]:
    with terminal(home) as opened:
        yield opened


def quit(awb: Terminal) -> None:
    awb.press("ctrl+q")
    awb.ended()
    assert awb.process.returncode == 0


def pane(awb: Terminal, number: int) -> str:
    """Return the title line of a pane, once it is there."""
    return next((line for line in awb.lines if re.search(rf"│ {number} · ", line)), "")


def has_focus(awb: Terminal, number: int) -> bool:
    """Whether a pane's frame has another colour than that of the list at the left, which has no focus."""
    for row, line in enumerate(awb.lines):
        found = re.search(rf"│ {number} · ", line)
        if found:
            return bool(awb.screen.buffer[row][found.start()].fg != awb.screen.buffer[row][0].fg)
    return False


def test_the_first_minute(awb: Terminal, home: Path):
    awb.until("hello", "anthropic", "team", "module: provider-mock", READY, what="samples and hello on the desk")

    awb.press("alt+a")
    awb.until("Add to hello", what="what can be added")
    awb.press("enter")
    awb.until("Add a tool to hello", what="the dialog")
    awb.type("bash")
    awb.until("   - module: tool-bash", "Seconds a command may take", what="form and change")
    awb.press("enter")
    awb.until("* unsaved", what="the edit")
    awb.press("ctrl+s")
    awb.until("hello · rev 2", what="the new revision")

    awb.press("ctrl+n")
    awb.until(lambda: "idle" in pane(awb, 1), "ask, or / for commands", what="a session")
    awb.type("my name is Ada")
    awb.press("enter")
    awb.until("Nice to meet you, Ada!", what="an answer")
    awb.until(lambda: "idle" in pane(awb, 1))
    awb.type("write notes.txt with hello")
    awb.press("enter")
    awb.until("[y] once", what="a question")
    awb.until(lambda: answered(awb, home / "work" / "notes.txt"), what="the file")
    awb.until("Created notes.txt", lambda: "idle" in pane(awb, 1))

    awb.press("ctrl+t")
    awb.until(lambda: "idle" in pane(awb, 2) and has_focus(awb, 2), what="a second pane")
    awb.type("count to 90")
    awb.press("enter", "alt+1")
    awb.until(lambda: "writing" in pane(awb, 2) and has_focus(awb, 1), what="the first pane has the focus")
    awb.type("count to 90")
    awb.press("enter")
    awb.until(lambda: "writing" in pane(awb, 1) and "writing" in pane(awb, 2), what="both answer at once")
    awb.until(lambda: "idle" in pane(awb, 1) and "idle" in pane(awb, 2), what="both are done")
    quit(awb)
    assert all(one in awb.raw for one in RESTORED)
    assert termios.tcgetattr(awb.slave) == awb.before
    assert awb.before[3] & termios.ECHO
    check_the_first_minute(home)


def answered(awb: Terminal, file: Path) -> bool:
    """Press y once the screen rested for longer than the grace period, within which it would go to the prompt."""
    if file.exists():
        return True
    if awb.read(0.8):
        return False
    awb.press("y")
    return file.exists()


def check_the_first_minute(home: Path) -> None:
    sample = (shipped("sample_configs") / "hello.yaml").read_text()
    store = open_store(home / "bench.db")
    configs, _ = store.configs.list_configs(Page(), q="")
    hello = store.configs.get(next(one.config_id for one in configs if one.name == "hello"))
    sessions, _ = store.sessions.list_sessions()
    said = [[one.message.text for one in store.sessions.messages(session.session_id)] for session in sessions]
    store.close()
    assert hello is not None
    assert hello.yaml_content == sample.rstrip("\n") + "\n  - module: tool-bash\n"
    assert len(said) == 2
    assert all(texts[-1].endswith("90") for texts in said)
    assert (home / "work" / "notes.txt").read_text().strip() == "hello"


def test_what_is_shown_first_stays_where_it_is(home: Path):
    with terminal(home) as awb:
        awb.until(READY, "module: provider-mock", "1/5")
        awb.press("alt+q")
        awb.until(lambda: "1/5" not in awb.text)
        quit(awb)
    for size in (SIZE, (80, 24), (200, 50)):
        with terminal(home, size) as awb:
            awb.until("name: hello")
            first = [line.rstrip() for line in awb.lines]
            awb.until(READY, lambda first=first, awb=awb: moved(first, awb.lines) == [], what=f"{size}: the same lines")
            quit(awb)


def moved(first: list[str], last: list[str]) -> list[tuple[str, str]]:
    """Return the lines that lost words or have them elsewhere."""
    return [(a, b) for a, b in zip(first, last, strict=True) if not same(a, b.rstrip())]


def same(first: str, last: str) -> bool:
    """Whether a line only gained words: nothing that was there went away or elsewhere."""
    return all(b in (a, "▅", "▇", "█", "▂", "▃", "▁", "▄", "▆") or a == " " for a, b in zip(first, last, strict=False))


def test_keys_pressed_before_it_is_ready_are_not_lost(home: Path):
    with terminal(home) as awb:
        awb.until(READY, "module: provider-mock")
        quit(awb)
    with terminal(home) as awb:
        awb.until("module: provider-mock")
        awb.type("# typed")
        awb.until("# typed# A first agent", "* unsaved", what="the words in the text")
        awb.press("ctrl+s")
        awb.until("rev 2")
        quit(awb)


@pytest.mark.parametrize("how", ["SIGTERM", "SIGHUP", "closed"])
def test_it_ends_at_once_and_loses_nothing(home: Path, how: str):
    with terminal(home) as awb:
        awb.until(READY, "module: provider-mock")
        awb.press("ctrl+n")
        awb.until(lambda: "idle" in pane(awb, 1))
        awb.type("half a thought")
        awb.until("half a thought")
        awb.press("f7")
        awb.until("^f find", what="the text has the focus")
        awb.type("# not saved")
        awb.until("# not saved# A first agent")
        if how == "closed":
            awb.hang_up()
        else:
            awb.process.send_signal(getattr(signal, how))
        assert awb.ended() < 2
        if how != "closed":
            assert all(one in awb.raw for one in RESTORED)
    with terminal(home) as awb:
        awb.until("# not saved# A first agent", "half a thought", "* unsaved", READY)
        awb.press("f7", "ctrl+s")
        awb.until("rev 2")
        quit(awb)


def test_no_control_byte_of_data_reaches_the_terminal(home: Path):
    (home / "work" / "evil\x1b]0;pwned\x07\x1b[31mred.txt").write_text("x")
    script = json.dumps(
        {"responses": [EVIL, {"text": "", "tool_calls": [{"name": "glob", "arguments": {"pattern": "*"}}]}, EVIL]}
    )
    provider = f"providers:\n  - module: provider-mock\n    config: {script}\n"
    text = f"bundle: {{name: evil}}\n{provider}tools:\n  - module: tool-search\n"
    shared = open_workbench(home / "bench.db", workspace=home / "work")

    async def store() -> None:
        config = await shared.configs.create_config("evil", text)
        shared.store.remember("tui.state", {"config": config.config_id, "sessions": [], "view": "edit"})
        await shared.close()

    asyncio.run(store())
    with terminal(home) as awb:
        awb.until("evil", READY)
        awb.press("ctrl+n")
        awb.until(lambda: "idle" in pane(awb, 1))
        awb.type("one")
        awb.press("enter")
        awb.until("␛]0;pwned", lambda: "idle" in pane(awb, 1))
        awb.type("two")
        awb.press("enter")
        awb.until("glob", lambda: awb.text.count("pwned2") > 1 and "idle" in pane(awb, 1))
        quit(awb)
        assert [one for one in SMUGGLED if one in awb.raw] == []


def test_the_first_frame_loads_no_sdk_and_none_of_the_rest(home: Path):
    code = """
import sys
from agent_workbench.frontends.tui.app import WorkbenchApp
from agent_workbench.storage.glimpse import glimpse
print(*sorted({name for name in sys.modules}))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert not loaded & {
        "anthropic",
        "openai",
        "mcp",
        "fastapi",
        "pydantic",
        "yaml",
        "ruamel",
        "tree_sitter",
        "jsonschema",
    }
    assert not {name for name in done.stdout.split() if name.startswith("agent_workbench.services")}
