"""Code coloured by what its parts are: pygments' tokens as roles of `lines`."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from agent_workbench.frontends.tui.widgets.lines import Run

if TYPE_CHECKING:
    from pygments.lexer import Lexer

MOST = 10_000
"""Longer code stays plain: lexers are quadratic on hostile code (1.5 s for 18 kB of `- `), and the screen waits."""

_LANGUAGE = re.compile(r"[\w+#.-]{1,30}")
_ROLES = (
    ("Comment", "comment"), ("Keyword.Constant", "number"), ("Keyword", "keyword"), ("Operator.Word", "keyword"),
    ("Literal.String", "string"), ("Literal.Number", "number"), ("Name.Function", "name"), ("Name.Class", "name"),
    ("Name.Decorator", "name"), ("Name.Tag", "key"), ("Name.Attribute", "key"), ("Name.Builtin", "name"),
    ("Generic.Inserted", "added"), ("Generic.Deleted", "removed"), ("Generic.Heading", "heading"),
)  # fmt: skip


def highlight(code: str, language: str) -> list[Run]:
    """Return the code as runs; plain when the language is unknown or the code is long. No character changes."""
    lexer = _lexer(language) if len(code) <= MOST else None
    if lexer is None:
        return [(code, "")]
    runs = [(text, _role(str(token))) for token, text in lexer.get_tokens(code)]
    return runs if "".join(text for text, _ in runs) == code else [(code, "")]


@lru_cache(64)
def _lexer(language: str) -> Lexer | None:
    from pygments.lexers import get_lexer_by_name  # 60 ms, only when code is shown
    from pygments.util import ClassNotFound

    match = _LANGUAGE.match(language)
    if match is None:
        return None
    try:
        return get_lexer_by_name(match.group().lower(), stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None


@lru_cache(256)
def _role(token: str) -> str:
    kind = token.removeprefix("Token.")
    return next((role for start, role in _ROLES if kind.startswith(start)), "")
