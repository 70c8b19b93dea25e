"""The guide to the screen names every command, key, id and slash command there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from agent_workbench.frontends.tui.commands import COMMANDS, Command
from agent_workbench.frontends.tui.known_keys import known_keys

PAGE = (Path(__file__).parents[2] / "docs" / "workbench.md").read_text("utf-8")


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.id)
def test_the_page_has_a_line_for_the_command(command: Command):
    line = next((line for line in PAGE.splitlines() if line.endswith(f"`{command.id}` |")), "")
    assert command.title in line
    assert command.help in line
    assert all(f"`{key.strip()}`" in line for key in command.key.split(",") if key.strip())
    assert not command.slash or f"`/{command.slash}`" in line


def test_the_page_names_no_command_and_no_key_that_is_gone():
    named = set(re.findall(r"^\| .* `([a-z_]+\.[a-z_0-9]+)` \|$", PAGE, re.MULTILINE))
    assert named == {one.id for one in COMMANDS} | set(known_keys())


@pytest.mark.parametrize("id", known_keys())
def test_the_page_names_the_id_of_every_key(id: str):
    assert f"`{id}` |" in PAGE
