"""What a plan may not do as long as a text that it came from is not trusted, and the plan without it.

A value belongs to the text that set it last. Where a list or map has pieces of several texts, the untrusted pieces are
taken out, and what they replaced is there again: the rest is as if they had said nothing. So an include can neither
add to a program of yours nor switch it off. What is taken out is a `Held`, which says what it would have done.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from agent_workbench.configs.compose import MODULE_SECTIONS, Node, bare, merge, plain
from agent_workbench.configs.environment import REFERENCE, expand, references
from agent_workbench.configs.modules import SECTION, Catalog, Module, ModuleKind
from agent_workbench.configs.plan import Origin, Plan
from agent_workbench.conversation.clean import clean_line
from agent_workbench.services.held_words import shown, summary, unit_words

HeldKind = Literal["program", "server", "address", "request", "variable", "rule", "file", "module", "setting"]
#: Where a provider sends to when nothing else is said; a module's own default counts as well.
VENDORS = {"provider-anthropic": "https://api.anthropic.com", "provider-openai": "https://api.openai.com/v1"}
#: Written strictly: `http://127.0.0.1@elsewhere` and `http://localhost.elsewhere` are not on this computer.
LOOPBACK = re.compile(
    r"https?://(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?(/[\w./~-]*)?", re.ASCII | re.IGNORECASE
)
TIGHT_MODES = ("read-only", "plan")

_KINDS: Mapping[str, ModuleKind] = {section: kind for kind, section in SECTION.items()}
_SLOTS: tuple[ModuleKind, ...] = ("orchestrator", "context")


@dataclass(frozen=True, slots=True)
class Held:
    """One thing that an untrusted text would do. `what` is a verb with its object; secrets in it are dots."""

    kind: HeldKind
    what: str
    path: str
    origin: Origin

    def __str__(self) -> str:
        return f"{self.origin}: would {self.what}"


@dataclass(frozen=True, slots=True)
class Power:
    """A setting through which a module reaches beyond the conversation.

    `each` says that the entries of the map are looked at one by one. `widening` says that it limits what a tool may
    do: pieces of an untrusted text go only where a trusted text limits too, since there they add to what is allowed.
    `guard` says that it holds a session in bounds: what a trusted text said stays, unless another is a lower number.
    """

    kind: HeldKind
    verb: str
    each: bool = False
    widening: bool = False
    guard: bool = False


_REQUEST = Power("request", "add to every request")
_LIMIT = Power("setting", "allow more than the config does", widening=True)
_PROVIDER = {
    "base_url": Power("address", "send the conversation, and the key that goes with it, to"),
    **dict.fromkeys(("headers", "default_headers", "extra_headers", "extra_body", "extra_request_params"), _REQUEST),
}
_ORDER = Power("setting", "change which provider answers, by the priority")
_SERVERS = Power("server", "use the MCP server", each=True)
_BOUND = Power("setting", "change a limit to", guard=True)
_BOUNDS = dict.fromkeys(("max_iterations", "max_tokens", "max_cost", "max_seconds"), _BOUND)
_PATHS = ("allowed_read_paths", "allowed_write_paths", "allowed_write_files", "allowed_paths")
POWERS: Mapping[str, Mapping[str, Power]] = {
    "hook-shell": {
        "hooks": Power("program", "run"),
        "environment": Power("variable", "hand to programs the variables"),
        "fail_closed": Power("setting", "change for guarding programs"),
    },
    "hooks-logging": {"session_log_template": Power("file", "write what is said to")},
    "hooks-redaction": {
        "allowlist": Power("setting", "leave unhidden"),
        "rules": Power("setting", "change what is hidden to"),
    },
    "tool-mcp": {"servers": _SERVERS, "mcpServers": _SERVERS},
    "tool-sql": {"databases": Power("file", "open the database", each=True)},
    "tool-web": {
        "search_url": Power("address", "send searches to"),
        "allow_private": Power("address", "fetch from inside your network"),
        "allowed_domains": _LIMIT,
    },
    "tool-bash": {
        "network": Power("setting", "give commands the network"),
        "environment": Power("variable", "hand to commands the variables"),
    },
    "context-persistent": {"memory_files": Power("file", "send the files")},
    "hooks-approval": {"default_action": Power("setting", "decide what nobody answers as", guard=True)},
    "loop-basic": _BOUNDS,
    "loop-streaming": _BOUNDS,
    "tool-filesystem": dict.fromkeys(_PATHS, _LIMIT),
    "tool-search": dict.fromkeys(_PATHS, _LIMIT),
}
"""The settings that matter, by module. A module that is not built in is not mounted at all where it is untrusted."""


def restrained(plan: Plan, untrusted: Collection[str], catalog: Catalog) -> tuple[Plan, tuple[Held, ...]]:
    """Return the plan without what it may not do, and what that is, in the plan's order.

    `untrusted` are digests of documents. The plan itself where nothing is held back.
    """
    if not untrusted or not plan.tree:
        return plan, ()
    work = _Restraint(frozenset(untrusted), catalog)
    tree = {name: work.section(name, node) for name, node in plan.tree.items()}
    if not work.held:
        return plan, ()
    mount_plan = {name: value for name, node in tree.items() if (value := plain(node))}
    return replace(plan, tree=tree, mount_plan=mount_plan), tuple(dict.fromkeys(work.held))


def is_loopback(address: str) -> bool:
    """Whether an address is one of this computer, in no spelling that could mean another."""
    return LOOPBACK.fullmatch(address) is not None


@dataclass
class _Restraint:
    untrusted: frozenset[str]
    catalog: Catalog
    held: list[Held] = field(default_factory=list)

    def section(self, name: str, node: Node) -> Node:
        """Return a section of the mount plan without what is held back; agents are looked at when they run."""
        node = self.whole(node, name)
        if name in MODULE_SECTIONS:
            entries = [(one, f"{name}[{_key(one)}]") for one in node.value]
            if name == "providers":
                entries = self.providers(entries)
            kept = [entry for one, path in entries if (entry := self.entry(_KINDS[name], one, path)) is not None]
            return Node(kept, node.origins)
        return self.session(node) if name == "session" else node

    def whole(self, node: Node, path: str) -> Node:
        """Return a value with the trusted maps and lists that an untrusted text put something else in place of."""
        if isinstance(node.value, dict):
            node = replace(node, value={key: self.whole(item, f"{path}.{key}") for key, item in node.value.items()})
        elif isinstance(node.value, list):
            node = replace(node, value=[self.whole(item, f"{path}[{at}]") for at, item in enumerate(node.value)])
        if node.below is None:
            return node
        under = self.whole(node.below, path)
        if isinstance(under.value, dict | list) and any(not self.is_foreign(leaf) for leaf, _ in _leaves(under)):
            if self.is_foreign(node):
                self.hold("setting", f"take away what is set at {path}", path, node)
                return under
            if under != node.below:  # what stood between is gone
                return merge(under, node) or node
        return replace(node, below=under)

    def providers(self, entries: list[tuple[Node, str]]) -> list[tuple[Node, str]]:
        """Return the providers without those of untrusted texts, where a trusted one says who answers."""
        mine = [(one, path) for one, path in entries if self.without(_module(one)) is not None]
        for one, path in entries if mine else ():
            if (one, path) not in mine:
                named = _module(one)
                self.hold("address", f"let {shown(named.value)} answer besides the config's provider", path, named)
        return mine or entries

    def session(self, node: Node) -> Node:
        """Return `session` without modules, rules and modes that do not count."""
        found: dict[str, Node | None] = dict(node.value)
        for slot in _SLOTS:
            if slot in node.value:
                found[slot] = self.entry(slot, node.value[slot], f"session.{slot}")
        rules = node.value.get("permissions")
        if rules is not None and isinstance(rules.value, dict):
            found["permissions"] = self.permissions(rules)
        for name in found.keys() - {*_SLOTS, "permissions"}:
            found[name] = self.plain(node.value[name], f"session.{name}")
        return Node({name: value for name, value in found.items() if value is not None}, node.origins)

    def permissions(self, node: Node) -> Node:
        """Return the rules without those that allow and without a mode that is laxer than asking."""
        kept = dict(node.value)
        allow, mode = kept.get("allow"), kept.get("mode")
        if allow is not None and (taken := list(self.foreign(allow))):
            for leaf, _ in taken:
                self.hold("rule", f"allow {shown(plain(leaf))} without asking", "session.permissions.allow", leaf)
            kept["allow"] = self.without(allow) or Node([])
        if mode is not None and self.is_foreign(mode) and mode.value not in TIGHT_MODES:
            before = self.without(mode)
            if mode.value != "ask" or before is not None:
                self.hold("rule", f"start sessions in the mode {shown(mode.value)}", "session.permissions.mode", mode)
            kept["mode"] = before or Node("ask", mode.origins)
        return Node(kept, node.origins)

    # --- one module

    def entry(self, kind: ModuleKind, node: Node, path: str) -> Node | None:
        """Return a module's entry without what is held back, None where that is all of it."""
        if next(self.foreign(node), None) is None:
            return node
        named = _module(node)
        mine = self.without(named)
        if mine is not None and isinstance(node.value, dict) and mine.value != named.value:
            self.hold("module", f"use {shown(named.value)} in place of {shown(mine.value)}", path, named)
            return self.entry(kind, replace(node, value={**node.value, "module": mine}), path)
        module = self.catalog.get(str(named.value))
        if module is None or module.noted_only:
            return node  # nothing is made of it
        if module.origin != "built in":
            leaf = next(self.foreign(node))[0]
            self.hold("module", f"use the module {module.id} of {module.origin}", path, leaf)
            return None
        if not isinstance(node.value, dict):
            return node
        found = {key: self.plain(item, f"{path}.{key}") for key, item in node.value.items() if key != "config"}
        config = node.value.get("config")
        if config is not None:
            found["config"] = self.config(kind, module, config, f"{path}.config", theirs=mine is None)
            if found["config"] is None:
                return None
        return Node({key: item for key, item in found.items() if item is not None}, node.origins)

    def config(self, kind: ModuleKind, module: Module, node: Node, path: str, *, theirs: bool) -> Node | None:
        """Return a module's config without what is held back.

        `theirs` says that no trusted text has the entry. Such a provider may use its vendor's address or one of this
        computer; with any other it is left out (None), since it would send the conversation elsewhere than it says.
        """
        if not isinstance(node.value, dict):
            return node
        address = node.value.get("base_url")
        at_home = theirs and (address is None or _goes_home(module, address))
        powers = POWERS.get(module.id, {})
        if kind == "provider":
            powers = _PROVIDER if theirs else {**_PROVIDER, "priority": _ORDER}
        kept: dict[str, Node | None] = {}
        for key, item in node.value.items():
            if key in powers:
                kept[key] = item if item is address and at_home else self.power(powers[key], item, f"{path}.{key}")
        if theirs and kind == "provider" and not at_home:
            return None
        is_vendor = kind == "provider" and _takes_key(module, kept.get("base_url"))
        for key, item in node.value.items():
            if key not in powers:
                own_key = key == "api_key" and is_vendor and _is_its_key(module, item.value)
                kept[key] = item if own_key else self.plain(item, f"{path}.{key}")
        return Node({key: one for key in node.value if (one := kept[key]) is not None}, node.origins)

    def power(self, power: Power, node: Node, path: str) -> Node | None:
        """Return a setting that reaches outside without what untrusted texts brought to it."""
        if power.each and isinstance(node.value, dict):
            units = {name: self.unit(power, name, one, f"{path}.{name}") for name, one in node.value.items()}
            return Node({name: one for name, one in units.items() if one is not None}, node.origins)
        taken = list(self.foreign(node))
        if not taken:
            return node
        if power.guard:
            return self.guarded(power, node, path)
        if power.widening and not any(not self.is_foreign(leaf) for leaf, _ in _leaves(node)):
            return node
        if power.kind == "program":
            self.programs(taken, node, path)
        else:
            self.hold(power.kind, f"{power.verb} {summary(taken, node)}", path, taken[0][0])
        return self.without(node)

    def guarded(self, power: Power, node: Node, path: str) -> Node:
        """Return a bound as trusted texts set it, where they did and the untrusted one is not tighter."""
        mine = self.without(node)
        if mine is None or _is_lower(node.value, mine.value):
            return node
        self.hold(power.kind, f"{power.verb} {shown(node.value)} (it is {shown(mine.value)})", path, node)
        return mine

    def programs(self, taken: list[tuple[Node, str]], node: Node, path: str) -> None:
        """Hold each command for itself."""
        commands = [leaf for leaf, key in taken if key == "command"]
        for leaf in commands:
            self.hold("program", f"run the program {shown(leaf.value)}", path, leaf)
        if not commands:
            self.hold("program", "change when programs are run", path, taken[0][0])

    def unit(self, power: Power, name: str, node: Node, path: str) -> Node | None:
        """Return one server or database without what untrusted texts brought; None where nothing usable is left."""
        taken = list(self.foreign(node))
        if not taken:
            return node
        kept = self.without(node)
        usable = kept is not None and (
            not isinstance(kept.value, dict) or {"command", "url", "path"} & kept.value.keys()
        )
        words = unit_words(node) if not usable else f"with {summary(taken, node)} besides"
        self.hold(power.kind, f"{power.verb} {clean_line(name, 60)}: {words}", path, taken[0][0])
        return kept if usable else None

    # --- leaves

    def plain(self, node: Node, path: str) -> Node | None:
        """Return a value with references of untrusted texts as their defaults, without those that have none."""
        if isinstance(node.value, dict):
            kept = {key: self.plain(item, f"{path}.{key}") for key, item in node.value.items()}
            return Node({key: item for key, item in kept.items() if item is not None}, node.origins)
        if isinstance(node.value, list):
            items = (self.plain(item, f"{path}[{index}]") for index, item in enumerate(node.value))
            return Node([item for item in items if item is not None], node.origins)
        if not self.is_foreign(node) or not isinstance(node.value, str) or not REFERENCE.search(node.value):
            return node
        names = _names(node)
        self.hold(
            "variable", f"read the variable{'s' if len(names) > 1 else ''} {', '.join(names)} into {path}", path, node
        )
        text, missing = expand(node.value, {})
        # A default may hold the beginning of another reference, which must not be expanded when the rest is.
        return self.without(node) if missing or REFERENCE.search(text) else Node(text, node.origins)

    def foreign(self, node: Node) -> Iterator[tuple[Node, str]]:
        """Yield the leaves that an untrusted text wrote, each with the key that it is under."""
        return ((leaf, key) for leaf, key in _leaves(node) if self.is_foreign(leaf))

    def is_foreign(self, leaf: Node) -> bool:
        """Whether an untrusted text set a value last."""
        return bool(leaf.origins) and leaf.origins[-1].document in self.untrusted

    def without(self, node: Node) -> Node | None:
        """Return a value without the leaves of untrusted texts, as they found it; None where nothing is left."""
        if isinstance(node.value, dict) and node.value:
            kept = {key: one for key, item in node.value.items() if (one := self.without(item)) is not None}
            if kept:
                return Node(kept, node.origins)
        elif isinstance(node.value, list) and node.value:
            items = [one for item in node.value if (one := self.without(item)) is not None]
            if items:
                return Node(items, node.origins)
        elif not self.is_foreign(node):
            return node
        return self.without(node.below) if node.below is not None else None

    def hold(self, kind: HeldKind, what: str, path: str, leaf: Node) -> None:
        """Note what is held back."""
        self.held.append(Held(kind, what, path, leaf.origins[-1]))


def _leaves(node: Node, key: str = "") -> Iterator[tuple[Node, str]]:
    if isinstance(node.value, dict) and node.value:
        for name, item in node.value.items():
            yield from _leaves(item, name)
    elif isinstance(node.value, list) and node.value:
        for item in node.value:
            yield from _leaves(item, key)
    else:
        yield node, key


def _goes_home(module: Module, address: Node | None) -> bool:
    """Whether a provider sends to its own vendor, or stays on this computer."""
    default = getattr(module.config.model_fields.get("base_url"), "default", "")
    home = VENDORS.get(module.id) or (default if isinstance(default, str) else "")
    if address is None or not address.value:
        return bool(home)
    return isinstance(address.value, str) and (
        address.value.rstrip("/") == home.rstrip("/") or is_loopback(address.value)
    )


def _takes_key(module: Module, address: Node | None) -> bool:
    """Whether a provider sends its key to the vendor that it is for: not to whatever listens on this computer."""
    is_local = address is not None and isinstance(address.value, str) and is_loopback(address.value)
    return _goes_home(module, address) and not (is_local and module.id in VENDORS)


def _is_its_key(module: Module, value: Any) -> bool:
    """Whether a value is a reference to the vendor's own key, by its name: another vendor's is not for this one."""
    found = REFERENCE.fullmatch(value.strip()) if isinstance(value, str) else None
    vendor = module.id.removeprefix("provider-").replace("-", "_").upper()
    return found is not None and vendor in found[1].upper()


def _is_lower(value: Any, mine: Any) -> bool:
    numbers = all(isinstance(one, int | float) and not isinstance(one, bool) for one in (value, mine))
    return numbers and 0 < value <= mine


def _module(entry: Node) -> Node:
    found = entry.value.get("module", Node("")) if isinstance(entry.value, dict) else entry
    return found if isinstance(found, Node) else Node("")


def _names(node: Node) -> list[str]:
    return list(dict.fromkeys(found.name for found in references(plain(node))))


def _key(node: Node) -> str:
    data = node.value if isinstance(node.value, dict) else {}
    return str((data.get("id") or data.get("module") or bare("")).value)
