"""Patterns of allowing rules for commands: word by word, as a shell would quote them."""

from __future__ import annotations

import functools
import re
import shlex
from dataclasses import dataclass

from agent_workbench.engine.permissions.shell import PIECE, Argv, literal

_WILD = re.compile(r"\*\*|\*|\?")


@dataclass(frozen=True, slots=True)
class _Word:
    pattern: re.Pattern[str]
    wild: bool

    def fits(self, word: str) -> bool:
        if self.wild and ".." in word.split("/"):
            return False
        return self.pattern.fullmatch(word) is not None


@dataclass(frozen=True, slots=True)
class WordsPattern:
    """`git log *`: words in order; `*` and `?` stay within one name of a path, a last word `*` is any words or none.

    What is quoted is literal.
    """

    words: tuple[_Word, ...]
    open: bool

    @property
    def names_program(self) -> bool:
        """Whether the program is spelled, and no wildcard stands for it."""
        return bool(self.words) and not self.words[0].wild

    def match(self, argv: Argv) -> Argv | None:
        """Return the words that only a wildcard stands for, or None where the command does not fit."""
        fixed = len(self.words)
        if len(argv) < fixed or (len(argv) > fixed and not self.open):
            return None
        pairs = list(zip(self.words, argv[:fixed], strict=True))
        if not all(word.fits(text) for word, text in pairs):
            return None
        return (*(text for word, text in pairs if word.wild), *argv[fixed:])


@functools.lru_cache(maxsize=512)
def words_pattern(pattern: str) -> WordsPattern | None:
    """Read a pattern; None where it holds what no plain command can hold, so that it allows nothing."""
    texts = _split(pattern)
    is_open = texts[-1:] == ["*"]
    words = [word for text in (texts[:-1] if is_open else texts) if (word := _word(text)) is not None]
    if not texts or len(words) + is_open < len(texts):
        return None
    return WordsPattern(tuple(words), is_open)


def spelled(argv: Argv) -> str:
    """Return the pattern that fits exactly these words."""
    return shlex.join(argv)


def _split(pattern: str) -> list[str]:
    """Split at spaces outside of quotes."""
    return re.findall(r"""(?:'[^']*'|"(?:[^"\\]|\\.)*"|\\.|[^ '"\\]|['"\\])+""", pattern)


def _word(text: str) -> _Word | None:
    """Compile one word. Between wildcards each text is taken at its first place, so no pattern can take for ever."""
    chunks, gaps, at = [""], [], 0
    while at < len(text):
        if wild := _WILD.match(text, at):
            gaps.append({"**": ".*?", "*": "[^/]*?", "?": "[^/]"}[wild[0]])
            chunks.append("")
        elif (wild := PIECE.match(text, at)) is not None and wild[0].isascii() and wild[0].isprintable():
            chunks[-1] += literal(wild)
        else:
            return None
        at = wild.end()
    body = re.escape(chunks[0])
    for gap, chunk in zip(gaps[:-1], chunks[1:-1], strict=True):
        body += f"(?>{gap}{re.escape(chunk)})"
    if gaps:
        body += gaps[-1].removesuffix("?") + re.escape(chunks[-1])
    return _Word(re.compile(body), bool(gaps))
