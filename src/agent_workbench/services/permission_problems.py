"""What is wrong with the permissions that a config's own text sets, said while it is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from agent_workbench.configs.bundle import problem_at
from agent_workbench.configs.edits import Edit
from agent_workbench.configs.fixes import key_fix, list_fix, word_fix
from agent_workbench.configs.problems import Problem
from agent_workbench.configs.reader import Path, Reading, read
from agent_workbench.configs.words import nearest
from agent_workbench.conversation.clean import clean_line
from agent_workbench.engine.permissions import MODES, load_rules
from agent_workbench.errors import PermissionRuleError
from agent_workbench.services.permissions import SHAPE

_AT: Path = ("session", "permissions")
_RULINGS = ("allow", "ask", "deny")


def permission_problems(text: str, *, source: str = "") -> tuple[Problem, ...]:
    """Return what is wrong with the permissions that a config's own text sets: no session of it would start."""
    if "permissions" not in text:
        return ()  # a text is read while somebody types, and most set none
    reading = read(text, source=source)
    session = reading.data.get("session")
    rules = session.get("permissions") if isinstance(session, dict) else None
    if rules is not None and not isinstance(rules, dict):
        return (_wrong(reading, (), SHAPE, "permission-kind"),)
    return tuple(one for key, value in (rules or {}).items() for one in _of_key(reading, rules or {}, key, value))


def _of_key(reading: Reading, rules: Mapping[str, Any], key: str, value: Any) -> Iterator[Problem]:
    if key == "mode":
        yield from _of_mode(reading, value)
    elif key in _RULINGS:
        yield from _of_rules(reading, key, value)
    else:
        like = nearest(key, (*_RULINGS, "mode"))
        hint = f"did you mean `{like}`?" if like else "use mode, allow, ask or deny"
        fix = key_fix(reading, (*_AT, key), like, rules)
        yield _wrong(reading, (key,), f"`{key}` says nothing about permissions", "permission-kind", hint, fix)


def _of_mode(reading: Reading, mode: Any) -> Iterator[Problem]:
    if mode and mode not in MODES:
        like = nearest(str(mode), MODES)
        hint = f"did you mean `{like}`?" if like else f"use one of {', '.join(MODES)}"
        message = f"there is no permission mode `{clean_line(str(mode), 40)}`"
        yield _wrong(reading, ("mode",), message, "permission-mode", hint, word_fix(reading, (*_AT, "mode"), like))


def _of_rules(reading: Reading, key: str, rules: Any) -> Iterator[Problem]:
    if rules is not None and not isinstance(rules, list):
        fix = list_fix(reading, (*_AT, key)) if isinstance(rules, str) else None
        yield _wrong(reading, (key,), f"`{key}` is not a list of rules", "permission-kind", "write a list", fix)
        return
    for index, rule in enumerate(rules or ()):
        try:
            load_rules({key: [rule]}, "bundle")
        except PermissionRuleError as error:
            yield _wrong(reading, (key, index), str(error), "permission-rule")


def _wrong(reading: Reading, path: Path, message: str, code: str, hint: str = "", fix: Edit | None = None) -> Problem:
    return problem_at(reading, "", (*_AT, *path), "error", message, code=code, hint=hint, fix=fix)
