"""The permission rules of a session: the person's own, the administrator's, and what its config says."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agent_workbench import paths
from agent_workbench.configs.plan import Plan
from agent_workbench.configs.reader import load
from agent_workbench.engine.permissions import MODES, Layer, Mode, Rule, load_rules
from agent_workbench.errors import PermissionRuleError, WorkbenchError

SHAPE = "session.permissions is a map with mode, allow, ask and deny"
ADMINISTRATOR_FILE = Path("/etc/agent-workbench/permissions.yaml")


def user_file() -> Path:
    """Return the file of the person's own rules: `allow`, `ask` and `deny` lists."""
    return paths.config_dir() / "permissions.yaml"


def standing_rules() -> tuple[Rule, ...]:
    """Return the rules of both files; a missing file holds none.

    Raises:
        PermissionRuleError: If a file cannot be read or a rule does not parse: rather no session than a looser one.
    """
    return (*_rules(user_file(), "user"), *_rules(ADMINISTRATOR_FILE, "administrator"))


def _rules(path: Path, layer: Layer) -> tuple[Rule, ...]:
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
            raise PermissionRuleError(SHAPE)


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
