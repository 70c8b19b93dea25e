"""The permission rules of a session: the person's own, the administrator's, and what its config says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any

from agent_workbench import paths
from agent_workbench.configs.bundle import problem_at
from agent_workbench.configs.edits import Edit
from agent_workbench.configs.fixes import key_fix, list_fix, word_fix
from agent_workbench.configs.plan import Plan
from agent_workbench.configs.problems import Problem
from agent_workbench.configs.reader import Path, Reading, load, read
from agent_workbench.configs.words import nearest
from agent_workbench.conversation.clean import clean_line
from agent_workbench.engine.permissions import MODES, Layer, Mode, Rule, load_rules
from agent_workbench.errors import PermissionRuleError, WorkbenchError

_SHAPE = "session.permissions is a map with mode, allow, ask and deny"
_AT: Path = ("session", "permissions")
_RULINGS = ("allow", "ask", "deny")
ADMINISTRATOR_FILE = FilePath("/etc/agent-workbench/permissions.yaml")


def user_file() -> FilePath:
    """Return the file of the person's own rules: `allow`, `ask` and `deny` lists."""
    return paths.config_dir() / "permissions.yaml"


def standing_rules() -> tuple[Rule, ...]:
    """Return the rules of both files; a missing file holds none.

    Raises:
        PermissionRuleError: If a file cannot be read or a rule does not parse: rather no session than a looser one.
    """
    return (*_rules(user_file(), "user"), *_rules(ADMINISTRATOR_FILE, "administrator"))


def _rules(path: FilePath, layer: Layer) -> tuple[Rule, ...]:
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError) as error:
        raise PermissionRuleError(f"{path} cannot be read: {error}") from error
    try:
        return load_rules(load(text), layer)
    except WorkbenchError as error:
        raise PermissionRuleError(f"{path}: {error}") from error


def mode_of(plan: Plan, own: Mapping[str, Any]) -> Mode:
    """Return the permission mode that a config starts its sessions in.

    `own` is the data of the config's own text: what it includes may tighten the mode, never loosen it.

    Raises:
        PermissionRuleError: If the mode is not one of `MODES`.
    """
    _require_map(own, plan.mount_plan)
    mine = permissions_of(own).get("mode")
    inherited = permissions_of(plan.mount_plan).get("mode")
    named = mine or (inherited if inherited in ("read-only", "plan") else "ask")
    for mode in MODES:
        if mode == named:
            return mode
    raise PermissionRuleError(f"session.permissions.mode is {named!r}: use one of {', '.join(MODES)}")


def rules_of(plan: Plan, own: Mapping[str, Any]) -> tuple[Rule, ...]:
    """Return the permission rules of a config's own text, then those that only what it includes brought.

    Raises:
        PermissionRuleError: If one does not parse.
    """
    _require_map(own, plan.mount_plan)
    mine, composed = _lists(own), _lists(plan.mount_plan)
    brought = {key: _without(rules, mine.get(key)) for key, rules in composed.items()}
    return (*load_rules(mine, "bundle"), *load_rules(brought, "import"))


def _lists(data: Mapping[str, Any]) -> Mapping[str, Any]:
    return {key: value for key, value in permissions_of(data).items() if key != "mode" and value is not None}


def _require_map(*texts: Mapping[str, Any]) -> None:
    """Refuse permissions that are no map: whoever wrote them meant something by it, perhaps a denial."""
    for data in texts:
        session = data.get("session")
        if isinstance(session, dict) and not isinstance(session.get("permissions"), dict | None):
            raise PermissionRuleError(_SHAPE)


def _without(rules: Any, mine: Any) -> Any:
    """Return the rules that are not in `mine`; what is no list is left for `load_rules` to refuse."""
    if not isinstance(rules, list) or not isinstance(mine, list):
        return rules
    return [rule for rule in rules if rule not in mine]


def permissions_of(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return `session.permissions` of a bundle's data, empty where there is none."""
    session = data.get("session")
    rules = session.get("permissions") if isinstance(session, dict) else None
    return rules if isinstance(rules, dict) else {}


def permission_problems(text: str, *, source: str = "") -> tuple[Problem, ...]:
    """Return what is wrong with the permissions that a config's own text sets: no session of it would start."""
    if "permissions" not in text:
        return ()  # a text is read while somebody types, and most set none
    reading = read(text, source=source)
    session = reading.data.get("session")
    rules = session.get("permissions") if isinstance(session, dict) else None
    if rules is not None and not isinstance(rules, dict):
        return (_wrong(reading, (), _SHAPE, "permission-kind"),)
    return tuple(one for key, value in (rules or {}).items() for one in _of_key(reading, rules or {}, key, value))


def _of_key(reading: Reading, rules: Mapping[str, Any], key: str, value: Any) -> Iterator[Problem]:
    if key == "mode":
        if value and value not in MODES:
            like = nearest(str(value), MODES)
            hint = f"did you mean `{like}`?" if like else f"use one of {', '.join(MODES)}"
            message = f"there is no permission mode `{clean_line(str(value), 40)}`"
            yield _wrong(reading, (key,), message, "permission-mode", hint, word_fix(reading, (*_AT, key), like))
    elif key not in _RULINGS:
        like = nearest(key, (*_RULINGS, "mode"))
        hint = f"did you mean `{like}`?" if like else "use mode, allow, ask or deny"
        fix = key_fix(reading, (*_AT, key), like, rules)
        yield _wrong(reading, (key,), f"`{key}` says nothing about permissions", "permission-kind", hint, fix)
    elif value is not None and not isinstance(value, list):
        fix = list_fix(reading, (*_AT, key)) if isinstance(value, str) else None
        yield _wrong(reading, (key,), f"`{key}` is not a list of rules", "permission-kind", "write a list", fix)
    else:
        for index, rule in enumerate(value or ()):
            try:
                load_rules({key: [rule]}, "bundle")
            except PermissionRuleError as error:
                yield _wrong(reading, (key, index), str(error), "permission-rule")


def _wrong(reading: Reading, path: Path, message: str, code: str, hint: str = "", fix: Edit | None = None) -> Problem:
    return problem_at(reading, "", (*_AT, *path), "error", message, code=code, hint=hint, fix=fix)
