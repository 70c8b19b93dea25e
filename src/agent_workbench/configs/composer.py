"""Builds the tree of nodes from the parser's events, with caps, and says what is wrong on the way."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from typing import Any, NoReturn

import yaml
from yaml import events as ev
from yaml.cyaml import CParser  # type: ignore[attr-defined]

from agent_workbench.configs.edits import Edit
from agent_workbench.configs.nodes import MERGE, Lines, Node
from agent_workbench.configs.problems import Problem, Severity
from agent_workbench.configs.scalars import TAG, BadScalar, construct, differs, meaning
from agent_workbench.configs.words import quoted

MAX_CHARACTERS = 500_000
MAX_DEPTH = 100
MAX_LINES = 20_000
MAX_NODES = 20_000
#: Nodes with every alias written out. A bundle that repeats more than this is a bomb.
MAX_EXPANDED = 200_000
MAX_PROBLEMS = 200

_PLAIN_TAGS = frozenset(f"{TAG}{name}" for name in ("str", "int", "float", "bool", "null", "timestamp"))
_STR = f"{TAG}str"
_HINTS = {
    "mapping values are not allowed": "put the text in quotes if it contains `: `, and check the indentation",
    "did not find expected key": "check the indentation: this line belongs to nothing above it",
    "could not find expected ':'": "a key needs `: ` behind it",
    "did not find expected '-' indicator": "entries of one list start in the same column",
    "cannot start any token": "put the value in quotes",
    "expected ',' or ']'": "close the list with `]`",
    "expected ',' or '}'": "close the map with `}`",
    "unexpected end of stream": "a quote or bracket is still open",
}


#: What the parser says of a plain value that holds what is read as YAML.
_QUOTABLE = ("mapping values are not allowed", "cannot start any token")
#: A key and a plain value behind it, with the comment that ends the line.
_PAIR = re.compile(
    r"[ \t]*(?:- +)*[^\s:#'\"\[\]{}&*!|>-][^:#]*?:[ \t]+(?P<value>[^\s'\"\[{&*!|>#].*?)[ \t]*(?:[ \t]#.*)?$"
)
_FLOW_COMMENT = re.compile(r"(?:^|[ \t])#.*$")
_IN_QUOTES = re.compile(r"'[^']*'|\"(?:[^\"\\\\]|\\\\.)*\"")
_TAG = re.compile(r"!\S*[ \t]*")


class _Stop(Exception):
    """Nothing behind this point can be read."""


class Composer:
    """Composes one document. `run` returns the root; `problems` tells what is wrong. Never raises for bad text."""

    def __init__(self, text: str, start: int, end: int, lines: Lines, source: str) -> None:
        self.text, self.start, self.end, self.lines, self.source = text, start, end, lines, source
        self.problems: list[Problem] = []
        self.root: Node | None = None
        self._stack: list[Node] = []
        self._keys: list[Node | None] = []  # the key that waits for its value, one for each open collection
        self._open: set[int] = set()
        self._anchors: dict[str, Node] = {}
        self._nodes = 0
        self._expanded = 0
        self._documents = 0
        self._handlers: dict[type, Callable[[Any], None]] = {
            ev.ScalarEvent: self._scalar,
            ev.AliasEvent: self._alias,
            ev.MappingStartEvent: self._map,
            ev.SequenceStartEvent: self._list,
            ev.MappingEndEvent: self._close,
            ev.SequenceEndEvent: self._close,
            ev.DocumentStartEvent: self._document,
        }

    def run(self) -> Node | None:
        """Return the root node, unfinished where an error cut it short; None for an empty text."""
        parser: Any = CParser(self.text[self.start : self.end])
        get_event, handlers = parser.get_event, self._handlers
        try:
            while (event := get_event()) is not None:
                handler = handlers.get(type(event))
                if handler is not None:
                    handler(event)
        except _Stop:
            pass
        except yaml.YAMLError as error:
            self._syntax(error)
        finally:
            parser.dispose()
        return self.root

    # events

    def _document(self, event: Any) -> None:
        self._documents += 1
        if self._documents > 1:
            at = self.lines.offset(event.start_mark)
            self._stop("yaml-several-documents", "a second document starts here", at, "keep one document in one config")

    def _scalar(self, event: Any) -> None:
        node = Node("scalar", event.start_mark, event.end_mark)
        word: str = event.value
        node.word, node.style, node.anchor, node.tag = word, event.style, event.anchor, event.tag
        is_key = self._enter(node)
        if event.tag is None and event.implicit[0]:
            self._plain(node, word, is_key)
        elif event.tag is None or event.tag in ("!", _STR):
            node.value = word
        else:
            self._tagged(node, event.tag, word)
        self._attach(node, is_key)

    def _alias(self, event: Any) -> None:
        node = Node("alias", event.start_mark, event.end_mark)
        target = self._anchors.get(event.anchor)
        at = self.lines.offset(event.start_mark)
        if target is None:
            like = difflib.get_close_matches(event.anchor, self._anchors, n=1)
            hint = f"did you mean `*{like[0]}`?" if like else f"an anchor `&{event.anchor}` must stand above it"
            fix = Edit(at, f"*{event.anchor}", f"*{like[0]}", f"write *{like[0]}") if like else None
            self._stop("yaml-unknown-alias", f"no anchor for `*{event.anchor}`", at, hint, fix=fix)
        if id(target) in self._open:
            self._stop("yaml-recursive-alias", f"`*{event.anchor}` contains itself", at, "write the value out")
        node.target, node.word = target, event.anchor
        node.value, node.size, node.height = target.value, target.size, target.height
        is_key = self._enter(node)
        self._expanded += target.size
        if self._expanded > MAX_EXPANDED:
            message = f"aliases stand for more than {MAX_EXPANDED:,} values"
            self._stop("yaml-too-many-aliases", message, at, "repeat less")
        self._attach(node, is_key)

    def _map(self, event: Any) -> None:
        self._collection(Node("map", event.start_mark, event.end_mark), event, {})

    def _list(self, event: Any) -> None:
        self._collection(Node("list", event.start_mark, event.end_mark), event, [])

    def _collection(self, node: Node, event: Any, value: Any) -> None:
        node.value, node.anchor, node.tag, node.flow = value, event.anchor, event.tag, bool(event.flow_style)
        is_key = self._enter(node)
        if event.tag not in (None, "!", f"{TAG}map" if node.kind == "map" else f"{TAG}seq"):
            self._bad_tag(event.tag, node)
        self._attach(node, is_key)
        self._stack.append(node)
        self._keys.append(None)
        self._open.add(id(node))

    def _close(self, event: Any) -> None:
        node = self._stack.pop()
        self._keys.pop()
        self._open.discard(id(node))
        node.end = event.end_mark
        if node.parts:
            node.size += len(node.parts) * (2 if node.kind == "map" else 1)
            node.height = max(node.height, 1)
        if node.merges:
            self._merge(node)
        if self._stack:
            self._grow(self._stack[-1], node)

    # the tree

    def _enter(self, node: Node) -> bool:
        """Count a node, check the caps, remember its anchor; return whether it is a key."""
        self._nodes += 1
        if self._nodes > MAX_NODES:
            at = self.lines.offset(node.start)
            self._stop("yaml-too-large", f"more than {MAX_NODES:,} values", at, "split it with `includes`")
        if len(self._stack) + node.height >= MAX_DEPTH:
            at = self.lines.offset(node.start)
            self._stop("yaml-too-deep", f"more than {MAX_DEPTH} levels", at, "nest less")
        if node.anchor is not None:
            if node.anchor in self._anchors:
                at = self.lines.offset(node.start)
                self._problem("yaml-duplicate-anchor", f"`&{node.anchor}` is used twice", at, "rename one of them")
            self._anchors[node.anchor] = node
        return bool(self._stack) and self._stack[-1].kind == "map" and self._keys[-1] is None

    def _attach(self, node: Node, is_key: bool) -> None:
        if not self._stack:
            self.root = node
            return
        parent = self._stack[-1]
        node.parent = parent
        if is_key:
            self._keys[-1] = node
            self._check_key(parent, node)
        elif parent.kind == "map":
            key, self._keys[-1] = self._keys[-1], None
            self._put(parent, key, node)
        else:
            parent.parts.append((None, node))
            parent.value.append(node.value)
        if node.kind == "alias":
            self._grow(parent, node)

    def _put(self, parent: Node, key: Node | None, node: Node) -> None:
        parent.parts.append((key, node))
        if key is not None and key.tag == MERGE:
            self._add_merge(parent, node)
        elif key is not None and isinstance(key.value, str):
            parent.value[key.value] = node.value

    def _check_key(self, parent: Node, key: Node) -> None:
        at = self.lines.offset(key.start)
        if key.tag == MERGE:
            if any(other is not None and other.tag == MERGE for other, _ in parent.parts):
                self._problem("yaml-duplicate-key", "`<<` is here twice", at, "write one `<<: [*a, *b]`")
        elif not isinstance(key.value, str):
            fix = self._quoted(key, at) if key.kind == "scalar" and key.style is None else None
            shown = f"the key `{key.word}`" if key.word else "a key without a name"
            self._problem("yaml-key-not-text", f"{shown} is not text", at, "put it in quotes", fix=fix)
        elif key.value in parent.value:
            first = next((k for k, _ in parent.parts if k is not None and k.value == key.value), key)
            line, _ = self.lines.line_column(self.lines.offset(first.start))
            hint = f"the first is on line {line}: keep one"
            fix = self._repeated(self.lines.offset(first.start), at)
            self._problem("yaml-duplicate-key", f"the key `{key.value[:60]}` is here twice", at, hint, fix=fix)

    def _grow(self, parent: Node, node: Node) -> None:
        parent.size += node.size
        if node.height >= parent.height:
            parent.height = node.height + 1

    def _add_merge(self, parent: Node, node: Node) -> None:
        # A list of merges is still open here: `_merge` reads it when the map closes.
        parent.merges = [node]

    def _merge(self, node: Node) -> None:
        """Put merged keys before the map's own, as PyYAML does; of several sources the first wins."""
        sources: list[Node] = []
        for merge in node.merges:
            listed = merge.kind == "list"
            sources.extend([item for _, item in merge.parts] if listed else [merge])
        node.merges = [source for source in sources if source.real.kind == "map"]
        for source in sources:
            if source.real.kind != "map":
                at = self.lines.offset(source.start)
                self._problem("yaml-merge", "`<<` takes a map or a list of maps", at, "merge an alias of a map")
        merged: dict[str, Any] = {}
        for source in reversed(node.merges):
            merged.update(source.value)
        merged.update(node.value)
        node.value.clear()
        node.value.update(merged)

    # scalars

    def _plain(self, node: Node, word: str, is_key: bool) -> None:
        if is_key and word == "<<":
            node.tag, node.value = MERGE, word
            return
        try:
            node.value = meaning(word)
        except BadScalar as error:
            at = self.lines.offset(node.start)
            node.value = None
            self._problem("yaml-bad-value", str(error), at, "put it in quotes", fix=self._quoted(node, at))
            return
        if not is_key and differs(word):
            self._ambiguous(node, word)

    def _ambiguous(self, node: Node, word: str) -> None:
        at = self.lines.offset(node.start)
        message = f"`{word[:40]}` is read as {_show(node.value)} here, and differently by YAML 1.2 tools"
        hint = f"quote it if you mean the text `{word[:40]}`"
        if isinstance(node.value, bool):
            hint += f", or write `{_show(node.value)}`"
        self._problem("yaml-ambiguous", message, at, hint, severity="warning", fix=self._quoted(node, at))

    def _tagged(self, node: Node, tag: str, word: str) -> None:
        if tag not in _PLAIN_TAGS:
            self._bad_tag(tag, node)
            return
        try:
            node.value = construct(tag, word)
        except BadScalar as error:
            self._problem("yaml-bad-value", str(error), self.lines.offset(node.start), "correct it or remove the tag")

    def _bad_tag(self, tag: str, node: Node) -> None:
        shown = tag.replace(TAG, "!!")
        at = self.lines.offset(node.start)
        written = _TAG.match(self.text, at)
        fix = Edit(at, written[0], "", "remove the tag") if written else None
        message = f"the tag `{shown[:60]}` is not allowed"
        self._problem("yaml-tag", message, at, "a bundle holds plain data: remove it", fix=fix)

    def _quoted(self, node: Node, at: int) -> Edit | None:
        end = self.lines.offset(node.end)
        old = self.text[at:end]
        if old != node.word:  # an anchor stands before it, or it spans lines
            return None
        return Edit(at, old, f'"{old}"', f'quote "{old[:40]}"')

    # problems

    def _problem(
        self, code: str, message: str, at: int, hint: str, *, severity: Severity = "error", fix: Edit | None = None
    ) -> None:
        if len(self.problems) >= MAX_PROBLEMS:
            if severity == "warning":
                return
            raise _Stop
        line, column = self.lines.line_column(at)
        self.problems.append(
            Problem(severity, message, line, column, hint=hint, code=code, source=self.source, fix=fix)
        )

    def _stop(self, code: str, message: str, at: int, hint: str, *, fix: Edit | None = None) -> NoReturn:
        self._problem(code, message, at, hint, fix=fix)
        raise _Stop

    def _syntax(self, error: Any) -> None:
        at = self.lines.offset(error.problem_mark)
        words: str = error.problem
        tab = self._tab_before(at)
        if tab is not None:
            fix = Edit(tab[0], tab[1], tab[1].replace("\t", "  "), "indent with spaces")
            self._problem("yaml-tab", "a tab is used for indentation", tab[0], "use spaces", fix=fix)
            return
        hint = next((hint for part, hint in _HINTS.items() if part in words), "")
        if self.text[at : at + 1] == "\t":
            hint = "a tab stands there: use spaces"
        context = f", {error.context}" if error.context else ""
        quoting = self._quoted_line(at) if any(part in words for part in _QUOTABLE) else None
        closing = self._closed(error) if "expected ',' or" in words else None
        self._problem("yaml-syntax", f"{words}{context}", at, hint, fix=quoting or closing)

    def _quoted_line(self, at: int) -> Edit | None:
        """Put quotes around the plain value that a place of its line is in."""
        start = self.text.rfind("\n", 0, at) + 1
        end = self.text.find("\n", at)
        pair = _PAIR.match(self.text[start : end if end >= 0 else len(self.text)].rstrip("\r"))
        if pair is None or not start + pair.start("value") <= at <= start + pair.end("value"):
            return None
        value = pair["value"]
        return Edit(start + pair.start("value"), value, quoted(value, like='"'), "put the text in quotes")

    def _closed(self, error: Any) -> Edit | None:
        """Close the bracket that is open at the end of the line where the parser saw it opened."""
        if error.context_mark is None:
            return None
        start, end = self._line(self.lines.offset(error.context_mark))
        code = _FLOW_COMMENT.sub("", self.text[start:end])
        bare = _IN_QUOTES.sub("", code)
        wanted = [close for open_, close in ("[]", "{}") if bare.count(open_) == bare.count(close) + 1]
        at = start + len(code.rstrip(" \t,"))
        gap = self.text[at : start + len(code.rstrip())]
        return Edit(at, gap, wanted[0], f"close it with {wanted[0]}") if len(wanted) == 1 else None

    def _repeated(self, first: int, at: int) -> Edit | None:
        """Take a key's line away that says the same as the line of the first one."""
        start, end = self._line(at)
        begin, stop = self._line(first)
        said = self.text[start:end].strip()
        is_whole = _PAIR.match(said) is not None and said == self.text[begin:stop].strip()
        return Edit(start, self.text[start : end + 1], "", "remove it") if is_whole and begin != start else None

    def _line(self, at: int) -> tuple[int, int]:
        """Return where the line of a place begins and ends, its line end left out."""
        end = self.text.find("\n", at, self.end)
        return self.text.rfind("\n", 0, at) + 1, self.end if end < 0 else end

    def _tab_before(self, at: int) -> tuple[int, str] | None:
        """Return the blank start of the line of a place where it holds a tab."""
        start = max(self.text.rfind("\n", 0, at), self.text.rfind("\r", 0, at), self.start - 1) + 1
        blank = re.compile(r"[ \t]*").match(self.text, start)
        return (start, blank[0]) if blank and "\t" in blank[0] else None


def _show(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "text" if isinstance(value, str) else "nothing" if value is None else f"{value!s:.40}"
