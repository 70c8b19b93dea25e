"""The permission manager: one decision for one call, from all layers at once, the strictest winning."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from agent_workbench.conversation.events import Decision
from agent_workbench.engine.permissions.commands import NOT_PLAIN, Judgement, judge_command
from agent_workbench.engine.permissions.places import Place, UnresolvablePath, locate
from agent_workbench.engine.permissions.protected import MadeFrom, protection
from agent_workbench.engine.permissions.rules import STRICTNESS, Layer, Rule, Ruling, parse_rule
from agent_workbench.engine.permissions.words import spelled
from agent_workbench.engine.ports import Intent
from agent_workbench.errors import PermissionRuleError

Mode = Literal["ask", "fast-edit", "read-only", "plan"]
MODES: tuple[Mode, ...] = ("ask", "fast-edit", "read-only", "plan")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was decided about a call, by which rule of which layer, and why.

    `paths` are the resolved paths that the decision is about; a call may touch no others. `rules` are what "always"
    would save, empty where no rule could stand for the person's answer. `firm` says that something besides the default
    asks, so that nothing said beforehand answers for the person.
    """

    decision: Ruling
    reason: str
    rule: str = ""
    layer: Layer = "built-in"
    paths: tuple[Path, ...] = ()
    rules: tuple[str, ...] = ()
    firm: bool = False

    @property
    def scopes(self) -> tuple[Decision, ...]:
        """The allowing answers that a question may offer."""
        return ("allow", "allow_session", "allow_always") if self.rules else ("allow",)


@dataclass(frozen=True)
class PermissionManager:
    """The rules of one session. A value: changing the mode or granting makes another one.

    Layers are equal: deny beats ask beats allow wherever they come from, and neither order nor specificity
    matters. Where no rule speaks, the mode decides: reads in the workspace are allowed, the rest asks.
    """

    workspace: Path
    rules: tuple[Rule, ...] = ()
    mode: Mode = "ask"
    made_from: MadeFrom = MadeFrom()

    def with_mode(self, mode: Mode) -> PermissionManager:
        """Return the same rules in another mode."""
        return replace(self, mode=mode)

    def with_rules(self, rules: Iterable[Rule]) -> PermissionManager:
        """Return a manager with rules added."""
        return replace(self, rules=(*self.rules, *rules))

    def granting(self, texts: Iterable[str], layer: Layer = "session") -> PermissionManager:
        """Return a manager that allows what a person allowed for the session."""
        return self.with_rules(parse_rule(text, "allow", layer) for text in texts)

    def check(self, tool: str, intent: Intent) -> Verdict:
        """Decide about one call. Reads the file system (links, hard links), changes nothing.

        A shell command is allowed only where every part of it is; denying rules are looked for anywhere in it. Whatever
        else runs something asks each time.
        """
        try:
            places = tuple(locate(path, self.workspace) for path in intent.paths)
        except UnresolvablePath as error:
            return self._undecidable(tool, intent, str(error))
        verdicts = [*self._by_rules(tool, intent, places), *self._by_mode(intent)]
        verdicts += self._by_protection(intent, places)
        command = self._command(tool, intent)
        if command is not None:
            verdicts.append(self._by_parts(command))
        elif intent.access == "execute":
            verdicts.append(Verdict("ask", "what runs a program is asked about each time"))
        elif not any(verdict.decision == "allow" for verdict in verdicts):
            verdicts.append(self._by_default(intent, places))
        worst = max(verdicts, key=lambda verdict: STRICTNESS[verdict.decision])
        rules: tuple[str, ...] = ()
        if self._grantable(verdicts, worst):
            rules = command.grants(tool) if command is not None else self._grants(tool, intent, places)
        firm = any(verdict.rule not in ("", NOT_PLAIN) for verdict in verdicts if verdict.decision != "allow")
        return replace(worst, paths=tuple(place.resolved for place in places), rules=rules, firm=firm)

    def _undecidable(self, tool: str, intent: Intent, why: str) -> Verdict:
        """Ask about what cannot be resolved, unless it is denied whatever it is."""
        verdicts = [*self._by_rules(tool, intent, None), *self._by_mode(intent), Verdict("ask", why)]
        strict = [verdict for verdict in verdicts if verdict.decision != "allow"]
        return replace(max(strict, key=lambda verdict: STRICTNESS[verdict.decision]), firm=True)

    def _by_rules(self, tool: str, intent: Intent, places: tuple[Place, ...] | None) -> list[Verdict]:
        verdicts = []
        for rule in self.rules:
            if intent.shell and rule.ruling == "allow":
                continue  # judged part by part
            if rule.names(tool) and self._matches(rule, intent, places):
                why = f"a rule does not parse: {rule.broken}" if rule.broken else f"the rule {rule} says so"
                verdicts.append(Verdict(rule.ruling, why, str(rule), rule.layer))
        return verdicts

    def _matches(self, rule: Rule, intent: Intent, places: tuple[Place, ...] | None) -> bool:
        if rule.pattern is None:
            return True
        if places is None:
            return rule.ruling != "allow"
        if places:
            return rule.matches_paths(places, self.workspace)
        if intent.access == "execute" and rule.ruling != "allow":
            return rule.matches_command(intent.subject)
        return rule.matches_text(intent.subject)

    def _command(self, tool: str, intent: Intent) -> Judgement | None:
        if not intent.shell:
            return None
        return judge_command(intent.subject, tool, self.rules, self.workspace, self.made_from)

    @staticmethod
    def _by_parts(command: Judgement) -> Verdict:
        if command.doubt:
            return Verdict("ask", command.doubt, command.asked_by)
        if command.missing:
            return Verdict("ask", f"no rule allows `{spelled(command.missing[0])}`")
        named = ", ".join(map(str, command.by))
        why = f"the rule {named} says so" if len(command.by) == 1 else f"the rules {named} say so"
        return Verdict("allow", why, named, command.by[0].layer)

    def _by_mode(self, intent: Intent) -> list[Verdict]:
        if self.mode in ("read-only", "plan") and intent.access in ("write", "execute"):
            return [Verdict("deny", f"the mode is {self.mode}: nothing is changed or run")]
        return []

    def _by_protection(self, intent: Intent, places: tuple[Place, ...]) -> list[Verdict]:
        writing = intent.access not in ("read", "none")
        verdicts = []
        for place in places:
            found = protection(place, writing=writing, workspace=self.workspace, made_from=self.made_from)
            if found:
                verdicts.append(Verdict(found[0], f"{place.given} is protected: {found[1]}", "protected paths"))
            elif place.hard_linked:
                verdicts.append(Verdict("ask", f"{place.given} has another name (a hard link)", "hard links"))
        return verdicts

    def _by_default(self, intent: Intent, places: tuple[Place, ...]) -> Verdict:
        outside = [place.given for place in places if not place.inside(self.workspace)]
        if outside:
            return Verdict("ask", f"{', '.join(outside)} is outside the workspace")
        match intent.access:
            case "none" | "read":
                return Verdict("allow", "reading in the workspace is allowed")
            case "write" if self.mode == "fast-edit" and places:
                return Verdict("allow", "fast edit: files in the workspace may be edited")
            case "write":
                return Verdict("ask", "it changes something")
            case _:
                return Verdict("ask", "it reaches the network")

    @staticmethod
    def _grantable(verdicts: list[Verdict], worst: Verdict) -> bool:
        """Whether an allowing rule would have changed the outcome: only where nothing but the default asked."""
        return worst.decision == "ask" and not any(v.rule for v in verdicts if v.decision != "allow")

    def _grants(self, tool: str, intent: Intent, places: tuple[Place, ...]) -> tuple[str, ...]:
        """Return the narrowest rules for this call, leaving out those that would read as a wider pattern."""
        if intent.access == "execute":
            return ()  # no rule lets anything but a shell command run
        if places:
            subjects = [self._short(place) for place in places]
        else:
            subjects = [intent.subject] if intent.subject else []
        texts = [f"{tool}({subject})" for subject in subjects] or [tool]
        return tuple(dict.fromkeys(texts)) if all(map(self._literal, texts)) else ()

    def _short(self, place: Place) -> str:
        for root in (self.workspace, Path(self.workspace).resolve()):
            if place.resolved == place.lexical and place.resolved.is_relative_to(root):
                short = str(place.resolved.relative_to(root))
                return str(place.resolved) if short.startswith("~") else short  # `~` in a rule is the home folder
        return str(place.resolved)

    @staticmethod
    def _literal(text: str) -> bool:
        if any(char in text for char in "*?["):
            return False
        try:
            parse_rule(text, "allow", "session")
        except PermissionRuleError:
            return False
        return True
