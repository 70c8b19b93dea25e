"""A shell command as its parts, where it is plain enough that what is read here is what bash would run.

Plain are words joined by `&&`, `||`, `;` and `|`. The grammar says where words begin and end; every character of a word
is then held against a white list, so that no mistake of the grammar can hide an expansion. Whatever else a command
holds is not judged, and so is asked about.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

Argv = tuple[str, ...]

MAX_JUDGED = 10_000
"""Characters; a longer command is not taken apart."""
MAX_WORDS = 400
"""Words; each is looked up as a path, which costs up to 0.1 ms."""

_JOINED = ("program", "list", "pipeline")
_JOINTS = ("&&", "||", ";", "|")
_WORDS = ("command_name", "word", "number", "raw_string", "string", "concatenation")
_RESERVED = frozenset(
    ("if", "then", "elif", "else", "fi", "for", "select", "while", "until", "do", "done", "case", "esac", "in",
     "function", "time", "coproc", "{", "}", "!", "[[", "]]")
)  # fmt: skip

#: What bash takes literally without quotes. `~` only behind a letter or digit: elsewhere it may be the home folder.
_BARE = r"(?:[A-Za-z0-9_./:=,@%+^-]|(?<=[A-Za-z0-9^])~)"
PIECE = re.compile(rf"""'(?P<single>[^']*)'|"(?P<double>(?:[^"\\$`]|\\.)*)"|\\(?P<escaped>.)|(?P<bare>{_BARE}+)""")
_IN_DOUBLE = re.compile(r'\\(["\\$`])')

#: What the grammar calls the things that people write, in their words.
_NAMED = {
    "redirected_statement": "a redirection", "file_redirect": "a redirection", "heredoc_redirect": "a here-document",
    "herestring_redirect": "a here-string", "command_substitution": "a command substitution",
    "process_substitution": "a process substitution", "simple_expansion": "a variable", "expansion": "a variable",
    "variable_assignment": "a variable that is set", "variable_assignments": "a variable that is set",
    "declaration_command": "a variable that is set", "unset_command": "a variable that is unset",
    "subshell": "a subshell", "function_definition": "a function", "negated_command": "a negation",
    "&": "a background `&`",
    "comment": "a comment", "test_command": "a `[` test", "|&": "a redirection", "ansi_c_string": "a `$'…'` string",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reading:
    """The words of each part, in order and with quotes taken out; or why nobody can say what the parts are."""

    parts: tuple[Argv, ...] = ()
    doubt: str = ""


class _NotPlain(Exception):
    """Something that bash may read in another way."""


@functools.lru_cache(maxsize=256)
def read_command(text: str) -> Reading:
    """Take a command apart. Never raises; costs about 10 µs a word."""
    try:
        if len(text) > MAX_JUDGED:
            raise _NotPlain(f"more than {MAX_JUDGED:,} characters")
        if any(not " " <= char <= "~" for char in text):
            raise _NotPlain("a line break, or a letter that is not plain ASCII")
        parts = tuple(_parts(text))
    except _NotPlain as reason:
        return Reading(doubt=f"it holds {reason}")
    return Reading(parts) if parts else Reading(doubt="it holds no command")


def unquoted(text: str) -> str | None:
    """Return a word as a program gets it; None where bash might expand something in it."""
    word, at = "", 0
    while at < len(text):
        found = PIECE.match(text, at)
        if found is None:
            return None
        word += literal(found)
        at = found.end()
    return word


def literal(piece: re.Match[str]) -> str:
    """Return what one quoted or bare piece of a word stands for."""
    if piece["double"] is not None:
        return _IN_DOUBLE.sub(r"\1", piece["double"])
    return next(text for text in (piece["single"], piece["escaped"], piece["bare"]) if text is not None)


def _parts(text: str) -> Iterator[Argv]:
    root = _parser().parse(text.encode("ascii")).root_node
    if root.has_error:
        raise _NotPlain("something that cannot be parsed")
    words = 0
    # a stack, because a chain nests as deep as it is long
    waiting: list[Node] = [root]
    _only_spaces(text[: root.start_byte] + text[root.end_byte :])
    while waiting:
        node = waiting.pop()
        if node.type == "command":
            argv = _argv(node, text)
            words += len(argv)
            if words > MAX_WORDS:
                raise _NotPlain(f"more than {MAX_WORDS} words")
            yield argv
        elif node.type in _JOINED:
            _check_gaps(node, text)
            waiting.extend(reversed(node.children))
        elif node.type not in _JOINTS:
            raise _NotPlain(_NAMED.get(node.type, f"a {node.type.replace('_', ' ')}"))


def _argv(command: Node, text: str) -> Argv:
    _check_gaps(command, text)
    words, end = [], -1
    for node in command.children:
        if node.start_byte == end:  # the grammar parts `a""\b` into two words, which is one
            raise _NotPlain("quotes that the grammar reads in another way")
        end = node.end_byte
        if node.type not in _WORDS:
            raise _NotPlain(_NAMED.get(node.type, f"a {node.type.replace('_', ' ')}"))
        word = unquoted(text[node.start_byte : node.end_byte])
        if word is None:
            raise _NotPlain("a variable, a substitution, a wildcard or another expansion")
        words.append(word)
    name = words[0]
    if not name or "=" in name or name in _RESERVED:
        raise _NotPlain(f"the word {name!r} where a command should be")
    return tuple(words)


def _check_gaps(node: Node, text: str) -> None:
    """Refuse what the grammar skipped; between the pieces of a node stand only spaces."""
    ends = [node.start_byte, *(child.end_byte for child in node.children)]
    starts = [*(child.start_byte for child in node.children), node.end_byte]
    for end, start in zip(ends, starts, strict=True):
        _only_spaces(text[end:start])


def _only_spaces(gap: str) -> None:
    if gap.strip(" "):
        raise _NotPlain("something that the grammar passed over")


@functools.cache
def _parser() -> Parser:
    import tree_sitter_bash  # a shared library, loaded only once a command is judged
    from tree_sitter import Language, Parser

    return Parser(Language(tree_sitter_bash.language()))
