"""Rules: a tool, optionally a pattern over what it is asked to do, and a decision.

`bash(git log *)`, `edit_file(src/**)`, `web_fetch(docs.python.org)`, `mcp_github_*`. A rule that does not parse is an
error when it is loaded; where it must be loaded anyway, it asks about every call.
"""

from __future__ import annotations

import fnmatch
import functools
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from agent_workbench.engine.permissions.places import PathPattern, Place, fold
from agent_workbench.engine.permissions.shell import read_command
from agent_workbench.engine.permissions.words import words_pattern
from agent_workbench.errors import PermissionRuleError

Ruling = Literal["allow", "ask", "deny"]
Layer = Literal["built-in", "import", "bundle", "session", "user", "administrator"]

STRICTNESS: Mapping[Ruling, int] = {"allow": 0, "ask": 1, "deny": 2}
FAMILIES = (("read_file", "grep"), ("write_file", "edit_file"))
"""Tools that reach the same files."""

_RULE = re.compile(r"(?P<tool>[A-Za-z0-9_*?.:-]+)(?:\((?P<pattern>.+)\))?", re.DOTALL)
_QUOTING = re.compile(r"""\\\n|['"\\]""")
_IFS = re.compile(r"\$\{?IFS\}?")
_OPTION = re.compile(r"(?: -c [^ ]+| -[^ ]*)++")
"""Options, also those of git that stand before its subcommand with their value in the next word (`-C`, folded)."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `pattern` is None where every call of the tool is meant; `broken` says why it did not parse."""

    tool: str
    pattern: str | None
    ruling: Ruling
    layer: Layer
    broken: str = ""

    def __str__(self) -> str:
        return self.tool if self.pattern is None else f"{self.tool}({self.pattern})"

    def names(self, tool: str) -> bool:
        """Whether the rule is about this tool.

        An allowing rule must spell it exactly. A denying or asking one with a pattern is about the tools of the same
        family too: who may not read a file by one of them may not by another.
        """
        if self.ruling == "allow":
            return fnmatch.fnmatchcase(tool, self.tool)
        family = next((names for names in FAMILIES if tool in names), ()) if self.pattern is not None else ()
        return any(fnmatch.fnmatchcase(fold(name), fold(self.tool)) for name in (tool, *family))

    def matches_paths(self, places: Iterable[Place], base: Path) -> bool:
        """Whether it applies: allowing needs every reading of every path, asking and denying any of them."""
        assert self.pattern is not None
        pattern = PathPattern.parse(self.pattern, base)
        readings = [path for place in places for path in place.both]
        if self.ruling == "allow":
            return bool(readings) and all(pattern.covers(path) for path in readings)
        return any(pattern.touches(path) for path in readings)

    def matches_text(self, subject: str) -> bool:
        """Whether it applies to a host or another plain subject."""
        assert self.pattern is not None
        if self.ruling == "allow":
            return fnmatch.fnmatchcase(subject, self.pattern)
        return fnmatch.fnmatchcase(fold(subject), fold(self.pattern))

    def matches_command(self, command: str) -> bool:
        """Whether a denying or asking rule is found anywhere in a command, quoted or not."""
        assert self.pattern is not None
        wanted = _command_pattern(self.pattern)
        return any(_found_in_order(wanted, text) for text in _readings(command))


@functools.lru_cache(maxsize=256)
def _command_pattern(pattern: str) -> tuple[re.Pattern[str], ...]:
    """Compile a command's glob, to look for anywhere at the beginning of a word: what its stars part, in order."""
    chunks = _spaced_once(fold(pattern)).split("*")
    parts = []
    for number, chunk in enumerate(chunks):
        core = chunk.strip(" ")
        if not core:
            continue
        body = "".join("." if char == "?" else re.escape(char) for char in core)
        whole_word = chunk.endswith(" ") or number == len(chunks) - 1
        right = r"(?![\w-])" if whole_word and core[-1].isalnum() else ""
        left = r"(?<![\w.-])" if number == 0 else r"(?<!\w)" if chunk.startswith(" ") else ""
        parts.append(re.compile(left + body + right, re.DOTALL))
    return tuple(parts)


def _found_in_order(parts: Iterable[re.Pattern[str]], text: str) -> bool:
    """Whether each part is found behind the one before.

    Every part has a fixed length, so its first place is also where it ends first: no other could help the next parts,
    and the text is gone through once.
    """
    at = 0
    for part in parts:
        found = part.search(text, at)
        if found is None:
            return False
        at = found.end()
    return True


def _readings(command: str) -> tuple[str, ...]:
    """Return a command as written, with quotes, escapes and `$IFS` taken out, and without options as well.

    Runs of white space are one space. Without options `git --no-pager push` is the `git push` that a rule names.
    """
    plain = _spaced_once(fold(_IFS.sub(" ", _QUOTING.sub("", command))))
    return (_spaced_once(fold(command)), plain, _OPTION.sub("", plain))


def _spaced_once(text: str) -> str:
    return " ".join(text.split())


def _allows_command(pattern: str, command: str) -> bool:
    wanted, parts = words_pattern(pattern), read_command(command).parts
    return wanted is not None and bool(parts) and all(wanted.match(argv) is not None for argv in parts)


def parse_rule(text: str, ruling: Ruling, layer: Layer) -> Rule:
    """Read one rule.

    Raises:
        PermissionRuleError: If it is not `tool` or `tool(pattern)`.
    """
    found = _RULE.fullmatch(text.strip()) if isinstance(text, str) else None
    if found is None or any(ord(char) < 32 for char in text):
        raise PermissionRuleError(f"{text!r} is not a permission rule: write `tool` or `tool(pattern)`")
    return Rule(found["tool"], found["pattern"], ruling, layer)


def broken_rule(text: object, layer: Layer, why: str) -> Rule:
    """Stand in for a rule that does not parse: it asks about everything, because nobody knows what it meant."""
    return Rule("*", None, "ask", layer, broken=f"{text!r}: {why}")


def load_rules(section: Mapping[str, Any], layer: Layer, *, strict: bool = True) -> tuple[Rule, ...]:
    """Read `{allow: [...], ask: [...], deny: [...]}`; unknown keys are refused, a missing one is empty.

    An entry is a rule, or `{rule, match, not_match}` with examples of calls that it must fit, or must not.

    With `strict=False` a rule that does not parse asks about every call instead. Allowing rules of an
    import are left out: what a person has not written may only tighten.

    Raises:
        PermissionRuleError: If `strict` and anything does not parse.
    """
    rules: list[Rule] = []
    for ruling, texts in section.items():
        try:
            rules.extend(_load(ruling, texts, layer, strict))
        except PermissionRuleError as error:
            if strict:
                raise
            rules.append(broken_rule({ruling: texts}, layer, str(error)))
    return tuple(rule for rule in rules if not (layer == "import" and rule.ruling == "allow"))


def _load(ruling: Any, texts: Any, layer: Layer, strict: bool) -> list[Rule]:
    if ruling not in get_args(Ruling):
        raise PermissionRuleError(f"{ruling!r} is not a decision: use allow, ask or deny")
    if not isinstance(texts, list | tuple):
        raise PermissionRuleError(f"`{ruling}` is a list of rules, not {type(texts).__name__}")
    rules: list[Rule] = []
    for text in texts:
        try:
            rules.append(_entry(text, ruling, layer))
        except PermissionRuleError as error:
            if strict:
                raise
            rules.append(broken_rule(text, layer, str(error)))
    return rules


def _entry(entry: Any, ruling: Ruling, layer: Layer) -> Rule:
    if not isinstance(entry, Mapping):
        return parse_rule(entry, ruling, layer)
    if unknown := set(entry) - {"rule", "match", "not_match"}:
        raise PermissionRuleError(f"a rule has `rule`, `match` and `not_match`, not {', '.join(map(str, unknown))}")
    rule = parse_rule(entry.get("rule", ""), ruling, layer)
    for key, wanted in (("match", True), ("not_match", False)):
        examples = entry.get(key, [])
        if not isinstance(examples, list | tuple):
            raise PermissionRuleError(f"`{key}` of {rule} is a list of calls")
        for text in examples:
            if _fits_example(rule, parse_rule(text, ruling, layer)) is not wanted:
                raise PermissionRuleError(
                    f"the rule {rule} {'does not fit' if wanted else 'fits'} its example {text!r}"
                )
    return rule


def _fits_example(rule: Rule, call: Rule) -> bool:
    """Whether a rule fits an example call `tool(subject)`, taken as a command, a path or a host by how it looks."""
    if not rule.names(call.tool) or rule.pattern is None:
        return rule.names(call.tool)
    subject, base = call.pattern or "", Path("/workspace")
    if " " in rule.pattern or " " in subject:
        return _allows_command(rule.pattern, subject) if rule.ruling == "allow" else rule.matches_command(subject)
    path = Path(os.path.normpath(os.path.join(base, subject)))
    as_path = rule.matches_paths([Place(subject, path, path)], base)
    return as_path if "/" in rule.pattern else as_path or rule.matches_text(subject)
