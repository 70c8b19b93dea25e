"""What a tool call would be decided as, without running it: the same rules and tools that a session would have."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from agent_workbench.configs.plan import Plan
from agent_workbench.configs.reader import read
from agent_workbench.engine.arguments import argument_fault
from agent_workbench.engine.permissions import MODES, Mode, PermissionManager, Ruling, Verdict, parse_rule
from agent_workbench.engine.ports import Intent, Tool, ToolContext
from agent_workbench.errors import PermissionRuleError, UsageError
from agent_workbench.services.mounting import Agent, mount
from agent_workbench.services.permissions import standing_rules
from agent_workbench.services.shared import SharedContext
from agent_workbench.services.texts import ConfigText
from agent_workbench.services.trust import made_from


@dataclass(frozen=True)
class Judge:
    """The permissions and tools that a session of a config would have in a folder."""

    permissions: PermissionManager
    tools: Mapping[str, Tool]
    spare: Mapping[str, Tool]
    """The tools of all other modules, so that a call of a tool that is not mounted can be judged too."""

    def decide(self, tool: str, arguments: Mapping[str, Any]) -> Verdict:
        """Decide about one call. An unknown tool asks; arguments that do not fit are denied, as they never run."""
        known = self.tools.get(tool) or self.spare.get(tool)
        if known is None:
            return self._unknown(tool)
        fault = argument_fault(known, arguments)
        if fault:
            return Verdict("deny", fault)
        context = ToolContext(session_id="", workspace=self.permissions.workspace)
        try:
            intent = known.intent(arguments, context)
        except Exception as error:  # noqa: BLE001  a tool may be a stranger's
            return Verdict("deny", f"{tool} cannot say what it would do: {error}")
        return self.permissions.check(tool, intent)

    def _unknown(self, tool: str) -> Verdict:
        """Judge a tool that nobody knows as the worst that a tool can be: one that runs something."""
        verdict = self.permissions.check(tool, Intent("execute", tool))
        if verdict.decision == "deny":
            return verdict
        return replace(
            verdict, decision="ask", reason=f"there is no tool {tool!r} here: what is unknown asks", rules=()
        )


async def judge(
    bench: SharedContext,
    text: ConfigText | None,
    *,
    folder: Path,
    mode: str = "",
    allow: Sequence[str] = (),
    deny: Sequence[str] = (),
) -> Judge:
    """Make the judge of a config, or of a session without any rules of its own. Needs no provider and no key.

    Raises:
        UsageError: If there is no such mode, or a rule of `allow` or `deny` does not parse.
        InvalidBundle: If the config cannot be resolved.
    """
    asked: tuple[tuple[Ruling, Sequence[str]], ...] = (("allow", allow), ("deny", deny))
    every = await asyncio.to_thread(_mounted, bench, _every_tool(bench), {}, folder)
    agent = every
    if text is not None:
        plan = await bench.configs.plan_text(text.text, name=text.label, base=text.base or folder, root=text.root)
        plan, _, is_own = await asyncio.to_thread(bench.configs.trust.restrain, plan, text.owner)
        agent = await asyncio.to_thread(_mounted, bench, plan, read(text.text).data if is_own else {}, folder)
        agent = replace(agent, made_from=made_from(plan, text.owner))
    try:
        given = [parse_rule(rule, ruling, "session") for ruling, rules in asked for rule in rules]
    except PermissionRuleError as error:
        raise UsageError(str(error)) from error
    rules = (*agent.rules, *standing_rules(), *given)
    manager = PermissionManager(folder, rules, known_mode(mode or agent.mode), agent.made_from)
    return Judge(manager, agent.tools.tools, every.tools.tools)


def known_mode(name: str) -> Mode:
    """Return the permission mode of a name.

    Raises:
        UsageError: If there is none.
    """
    for mode in MODES:
        if mode == name:
            return mode
    raise UsageError(f"{name!r} is no permission mode; use one of {', '.join(MODES)}")


def _mounted(bench: SharedContext, plan: Plan, own: Mapping[str, Any], folder: Path) -> Agent:
    """Mount a plan's tools with the offline provider and without hooks: a question about rules needs neither."""
    parts = {**plan.mount_plan, "providers": [{"module": "provider-mock"}], "hooks": []}
    problems = tuple(problem for problem in plan.problems if problem.code != "environment-unset")
    return mount(replace(plan, mount_plan=parts, problems=problems), bench.bundles.catalog, "", folder, {}, own)


def _every_tool(bench: SharedContext) -> Plan:
    tools = [{"module": module.id} for module in bench.bundles.catalog.of_kind("tool") if not module.noted_only]
    return Plan("every tool", "1.0.0", "", {"tools": tools})
