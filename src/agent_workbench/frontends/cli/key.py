"""`awb key`: the keys and passwords that configs refer to as `${NAME}`, kept in the system's keyring."""

from __future__ import annotations

import re
import sys

import click

from agent_workbench.errors import NotFound, UsageError
from agent_workbench.frontends.cli.opening import database_option, json_option
from agent_workbench.frontends.cli.output import emit_json, emit_table, narrate

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@click.group("key")
def command() -> None:
    """Keep API keys in the system's keyring, for configs that say ${NAME}.

    A variable of that name in the environment wins over the keyring. Values are never printed.
    """


@command.command("list")
@json_option
@database_option
def list_keys(as_json: bool) -> None:
    """List the names that the keyring holds, and where each value comes from now."""
    from agent_workbench.services.keys import names, source_of

    found = [(name, source_of(name) or "") for name in sorted(names())]
    if as_json:
        emit_json({"keys": [{"name": name, "source": source} for name, source in found]})
    else:
        emit_table(("NAME", "TAKEN FROM"), found)
        if not found:
            narrate("the keyring holds no key yet; `awb key set NAME` keeps one")


@command.command("set")
@click.argument("name")
@json_option
@database_option
def set_key(name: str, as_json: bool) -> None:
    """Keep the value of ${NAME} in the keyring, in place of what was there.

    It is asked for without being shown, or read from standard input where that is no terminal; never from the command
    line, which other programs can see.
    """
    from agent_workbench.services.keys import put, source_of

    _check(name)
    put(name, _value(name))
    if as_json:
        emit_json({"name": name, "source": source_of(name)})
    elif source_of(name) == "environment":
        narrate(f"kept {name}; while the variable {name} is set in the environment, that one is taken")
    else:
        narrate(f"kept {name} in the keyring")


@command.command("remove")
@click.argument("name")
@json_option
@database_option
def remove(name: str, as_json: bool) -> None:
    """Take NAME out of the keyring."""
    from agent_workbench.services.keys import forget, names

    _check(name)
    if name not in names():
        raise NotFound(f"the keyring holds no {name}; `awb key list` shows what it holds")
    forget(name)
    if as_json:
        emit_json({"name": name, "removed": True})
    else:
        narrate(f"removed {name}")


def _check(name: str) -> None:
    """Refuse what is no name, without repeating it: it may be the key itself."""
    if not NAME.fullmatch(name):
        raise UsageError("NAME is letters, digits and _, such as ANTHROPIC_API_KEY; the key itself is asked for")


def _value(name: str) -> str:
    asked = sys.stdin.isatty()
    value = str(click.prompt(name, hide_input=True, err=True)) if asked else sys.stdin.read()
    value = value.strip()
    if not value or len(value.splitlines()) > 1:
        raise UsageError("the key is empty" if not value else "the key has several lines; give it alone")
    return value
