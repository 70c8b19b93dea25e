"""The program as a shell sees it: exit codes, signals, pipes, speed. Each test is a real process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PROGRAM = [sys.executable, "-m", "agent_workbench"]


def call(*args: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*PROGRAM, *args], capture_output=True, text=True, timeout=60, check=False, **options)


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("--version",), 0),
        (("config", "list"), 0),
        (("run", "hi", "-s", "nope"), 4),
        (("config", "validate", "-"), 3),
        (("frob",), 2),
        (("config",), 2),
    ],
)
def test_the_exit_code_says_what_kind_of_failure_it_was(folder: Path, args: tuple[str, ...], code: int) -> None:
    done = call(*args, input="tools: [")
    assert done.returncode == code
    assert "Traceback" not in done.stderr


def test_without_a_terminal_the_workbench_says_what_to_use_instead(folder: Path) -> None:
    done = call()
    assert done.returncode == 2
    assert "awb run" in done.stderr


def test_a_reader_that_leaves_early_is_no_failure_to_talk_about(folder: Path) -> None:
    command = f"{sys.executable} -m agent_workbench config schema | head -c 10"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True, timeout=60)
    assert len(done.stdout) == 10
    assert done.stderr == ""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_a_turn_and_leaves_a_session_that_goes_on(
    folder: Path, scripted: Callable[..., str], number: int, code: int
) -> None:
    config = scripted({"text": "word " * 400, "delay": 0.05}, "again")
    process = subprocess.Popen(
        [*PROGRAM, "run", "hi", "-c", config], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.read(5) == "word "
    process.send_signal(number)
    began = time.monotonic()
    _, err = process.communicate(timeout=10)
    assert process.returncode == code
    assert time.monotonic() - began < 5
    assert "Traceback" not in err
    assert call("run", "--continue", "go on").stdout == "again\n"


def test_help_is_quick(folder: Path) -> None:
    """The contract is 0.2 s on a quiet machine: processor time, the best of five, as others may use this machine."""
    times = []
    for _ in range(5):
        before = os.times()
        assert call("--help").returncode == 0
        after = os.times()
        times.append(after.children_user + after.children_system - before.children_user - before.children_system)
    assert min(times) < 0.2


def test_answers_are_written_as_they_come(folder: Path, scripted: Callable[..., str]) -> None:
    config = scripted({"text": "first second", "delay": 0.6})
    process = subprocess.Popen(
        [*PROGRAM, "run", "hi", "-c", config], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=dict(os.environ)
    )
    assert process.stdout is not None
    assert os.read(process.stdout.fileno(), 100) == b"first "
    assert process.poll() is None
    process.communicate(timeout=20)
    assert process.returncode == 0
