"""Consent given beforehand: a front end that answers what the person allowed when they started the run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from agent_workbench.conversation.events import Answer, Question
from agent_workbench.engine.permissions import Rule, UnresolvablePath, judge_command, locate, parse_rule
from agent_workbench.engine.ports import Frontend
from agent_workbench.errors import PermissionRuleError, UsageError
from agent_workbench.services.sessions import SessionManager


@dataclass(frozen=True)
class Beforehand:
    """Answers by rules first, then asks somebody; what is allowed for the session is kept with the session.

    A rule answers only what merely asks by default. Questions about protected paths, hard links, repeated calls and
    rules that say `ask` go to the person. A shell command is covered by its tool's bare name, by its exact text, or
    where each of its parts is covered by a rule as a config would have it.
    """

    rules: Sequence[Rule]
    person: Frontend
    sessions: SessionManager
    session_id: str
    workspace: Path

    async def ask(self, question: Question) -> Answer:
        """Answer from the rules, or hand the question on."""
        if any(covers(rule, question, self.workspace) for rule in self.rules) or self._covers_parts(question):
            return Answer("allow", "allowed on the command line")
        answer = await self.person.ask(question)
        if answer.decision in ("allow_session", "allow_always") and answer.decision in question.scopes:
            await self.sessions.grant(self.session_id, question.rules)
        return answer

    def _covers_parts(self, question: Question) -> bool:
        is_plain = question.preview_kind == "command" and bool(question.rules)  # of others no rule could be saved
        if question.firm or not is_plain:
            return False
        judged = judge_command(question.preview, question.call.name, self.rules, self.workspace)
        return not judged.doubt and not judged.missing


def beforehand_rules(patterns: Iterable[str]) -> tuple[Rule, ...]:
    """Read `--yes-tools` patterns: `edit_file`, `write_file(out/**)`, `bash`, `bash(make test)`.

    Raises:
        UsageError: If one does not parse.
    """
    try:
        return tuple(parse_rule(pattern, "allow", "session") for pattern in patterns)
    except PermissionRuleError as error:
        raise UsageError(str(error)) from error


def covers(rule: Rule, question: Question, workspace: Path) -> bool:
    """Whether a rule answers a question."""
    call = question.call
    if question.firm or not rule.names(call.name):
        return False
    if question.preview_kind == "command":
        return rule.pattern is None or rule.pattern == question.preview.strip()
    if not question.rules:  # something besides the default asks: a person must see it
        return False
    if rule.pattern is None:
        return True
    if not question.paths:
        return f"{rule}" in question.rules
    try:
        return rule.matches_paths([locate(path, workspace) for path in question.paths], workspace)
    except UnresolvablePath:
        return False
