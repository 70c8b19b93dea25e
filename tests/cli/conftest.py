"""Runs the command line in this process, in a folder and with a database of the test's own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_kit import Awb, Outcome
from click.testing import CliRunner

from agent_workbench.frontends.cli.app import cli
from agent_workbench.frontends.cli.opening import Settings


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that commands run in."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return work


@pytest.fixture
def awb(folder: Path) -> Awb:
    """Call the program; a failure that is no expected one is raised, not printed."""

    def call(*args: str, stdin: str | bytes = "", code: int | None = 0) -> Outcome:
        result = CliRunner().invoke(cli, list(args), input=stdin, obj=Settings(), prog_name="awb")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        outcome = Outcome(result.exit_code, result.stdout_bytes.decode(), result.stderr_bytes.decode())
        assert code is None or outcome.code == code, f"exit {outcome.code}\n{outcome.out}\n{outcome.err}"
        return outcome

    return call


@pytest.fixture
def scripted(folder: Path) -> Callable[..., str]:
    """Write a bundle file whose agent says what it is told to."""

    def write(*responses: Any, name: str = "scripted", tools: tuple[str, ...] = (), extra: str = "") -> str:
        tool_lines = "".join(f"  - module: {tool}\n" for tool in tools)
        text = (
            f"bundle: {{name: {name}}}\n"
            f"providers:\n  - module: provider-mock\n    config: {{delay: 0, responses: {json.dumps(responses)}}}\n"
            + (f"tools:\n{tool_lines}" if tools else "")
            + extra
        )
        (folder / f"{name}.yaml").write_text(text)
        return f"{name}.yaml"

    return write
