"""Permissions: who decides whether a tool call may run. Deny beats ask beats allow, over all layers."""

from __future__ import annotations

from agent_workbench.engine.permissions.commands import judge_command, may_move_links
from agent_workbench.engine.permissions.manager import MODES, Mode, PermissionManager, Verdict
from agent_workbench.engine.permissions.places import Place, UnresolvablePath, locate
from agent_workbench.engine.permissions.rules import Layer, Rule, Ruling, load_rules, parse_rule

__all__ = [
    "MODES", "Layer", "Mode", "PermissionManager", "Place", "Rule", "Ruling", "UnresolvablePath", "Verdict",
    "judge_command", "load_rules", "locate", "may_move_links", "parse_rule",
]  # fmt: skip
