"""The permission rules that hold for every session: the person's own and the administrator's."""

from __future__ import annotations

from pathlib import Path

from agent_workbench import paths
from agent_workbench.configs.reader import load
from agent_workbench.engine.permissions import Layer, Rule, load_rules
from agent_workbench.errors import PermissionRuleError, WorkbenchError

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
