"""The documentation tells the truth: commands, options, exit codes, links, and code that runs."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from agent_workbench.frontends.cli.app import COMMANDS, EXIT_CODES, cli
from agent_workbench.frontends.cli.examples import EXAMPLES as EXAMPLES_OF_HELP
from agent_workbench.services.configs import ConfigManager
from agent_workbench.services.sessions import SessionManager

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
CLI = (ROOT / "docs" / "cli.md").read_text("utf-8")
LIBRARY = (ROOT / "docs" / "library.md").read_text("utf-8")
EVERYWHERE = {"--help", "-h", "--json", "--db"}


def commands() -> Iterator[tuple[str, click.Command]]:
    """Yield every command with its whole name."""
    context = click.Context(cli)
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from ((f"awb {name} {part}", one) for part, one in command.commands.items())
        else:
            yield f"awb {name}", command


@pytest.mark.parametrize(
    ("name", "command"), list(commands()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_command_and_option_is_in_the_docs(name: str, command: click.Command) -> None:
    assert name in CLI
    section = CLI.split(f"## {' '.join(name.split()[:2])}\n", 1)[1].split("\n## ", 1)[0]
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            for option in (*parameter.opts, *parameter.secondary_opts):
                assert option in EVERYWHERE or f"`{option}" in section, f"{name} {option}"


def test_every_command_says_what_it_does() -> None:
    for name, command in commands():
        assert command.get_short_help_str(), name


def test_every_exit_code_is_in_the_docs() -> None:
    for code in {0, 130, *(code for _, code in EXIT_CODES)}:
        assert f"\n| {code} | " in CLI


def shown(page: Path) -> Iterator[str]:
    """Yield the command lines of our program that a page shows in its code."""
    for line in page.read_text("utf-8").splitlines():
        if re.match(r"    |[$] |awb ", line):
            yield from typed(line)


def typed(line: str) -> Iterator[str]:
    """Yield the calls of our program in a line, each up to a pipe, a file or a comment."""
    for part in re.split(r"\s(?:\||>>?|<)\s", line):
        found = re.match(r"(?:[$] )?(?:uv run )?(awb( .*)?)$", re.split(r"\s+#|\s{3,}(?=\S)", part.strip())[0])
        if found:
            yield found[1]


@pytest.mark.parametrize(
    ("page", "line"),
    [(page, line) for page in PAGES for line in dict.fromkeys(shown(page))],
    ids=lambda value: value if isinstance(value, str) else value.stem,
)
def test_every_command_line_that_is_shown_could_be_typed(page: Path, line: str) -> None:
    could_be_typed(line)


@pytest.mark.parametrize("name", EXAMPLES_OF_HELP)
def test_every_example_of_a_help_could_be_typed_and_is_of_that_command(name: str) -> None:
    for line in EXAMPLES_OF_HELP[name]:
        calls = list(typed(line))
        assert any(call.startswith(f"awb {name}".rstrip()) for call in calls), line
        for call in calls:
            could_be_typed(call)


def test_every_command_has_an_example_in_its_help() -> None:
    for name, command in commands():
        assert "Examples:" in command.get_help(click.Context(command, info_name=name)), name


def could_be_typed(line: str) -> None:
    """Parse a call as click would, without running it."""
    command: click.Command | None = cli
    _, *words = shlex.split(line)
    while isinstance(command, click.Group) and words:
        rest = command.make_parser(click.Context(command)).parse_args(words)[1]
        if not rest:  # options alone: of what the group does without a command
            break
        command, words = command.get_command(click.Context(command), rest[0]), rest[1:]
    assert command is not None
    command.make_parser(click.Context(command)).parse_args(words)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
        if not re.match(r"[a-z]+:", target):
            assert (page.parent / target).exists(), f"{page.name} → {target}"


def test_the_index_lists_every_guide() -> None:
    index = (ROOT / "docs" / "index.md").read_text("utf-8")
    for page in sorted((ROOT / "docs").glob("*.md")):
        assert page.name == "index.md" or f"({page.name})" in index


def test_every_guide_says_first_for_whom_it_is() -> None:
    for page in sorted((ROOT / "docs").glob("*.md")):
        first = page.read_text("utf-8").split("\n\n")[1]
        assert page.name == "index.md" or first.startswith("For "), page.name


def test_contributing_is_short_enough_to_be_read() -> None:
    assert len((ROOT / "CONTRIBUTING.md").read_text("utf-8").splitlines()) < 100


EXAMPLES = re.findall(
    r"## ([^\n]+)\n(?:(?!\n## ).)*?```python\n(.*?)```\n\n```text\n(.*?)```", LIBRARY, flags=re.DOTALL
)
"""Title, code, and what it prints."""


def test_every_example_of_the_library_page_says_what_it_prints() -> None:
    assert len(EXAMPLES) == LIBRARY.count("```python")


@pytest.mark.parametrize(("title", "code", "printed"), EXAMPLES, ids=[title for title, _, _ in EXAMPLES])
def test_an_example_of_the_library_page_prints_what_it_says(
    title: str, code: str, printed: str, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", "-c", code],
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False, env=dict(os.environ),
    )  # fmt: skip
    assert (done.stdout, done.stderr) == (printed, "")


def test_the_command_lines_of_the_readme_do_what_they_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is run in turn, with the offline agent in place of those that need a key."""
    monkeypatch.chdir(tmp_path)
    section = (ROOT / "README.md").read_text("utf-8").split("## On the command line\n", 1)[1].split("\n## ", 1)[0]
    lines = [line.strip() for line in section.splitlines() if line.startswith("    ")]
    assert len(lines) > 5
    for line in lines:
        for call in typed(line):
            words = [{"anthropic": "hello"}.get(word, word) for word in shlex.split(call)[1:]]
            words = ["hello" if word == "coding" and words[0] == "run" else word for word in words]
            done = CliRunner().invoke(cli, words, input="a text", prog_name="awb")
            assert done.exit_code == 0, f"{call}\n{done.output}"
    assert (tmp_path / "talk.html").exists()


def test_the_readme_example_runs(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), flags=re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.startswith("Hello!")


@pytest.mark.parametrize("manager", [ConfigManager, SessionManager])
def test_the_library_page_names_every_call_and_no_other(manager: type) -> None:
    name = {"ConfigManager": "configs", "SessionManager": "sessions"}[manager.__name__]
    table = LIBRARY.split(f"| call of `bench.{name}` | does |", 1)[1].split("\n\n", 1)[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("|")]
    calls = {call for row in rows for call in re.findall(r"`(\w+)`", row)}
    assert calls == {name for name in dir(manager) if not name.startswith("_")}
