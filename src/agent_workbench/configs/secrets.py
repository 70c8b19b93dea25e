"""Which keys and values of a config are secrets, and how they are hidden from sight.

A key is secret if one of its whole words is key, token, secret, password or credential (so `api_key` and
`accessToken` are, `max_tokens` and `keymap` are not). A value is a literal secret if it stands under such a key as
text or number, or looks like a credential wherever it stands. A `${VAR}` reference is never one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from agent_workbench.configs.environment import REFERENCE

DOTS = "••••••••"
_SECRET_WORDS = frozenset(
    ("key", "keys", "apikey", "token", "secret", "secrets", "password", "passwords", "credential", "credentials")
)  # fmt: skip
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_CREDENTIAL = re.compile(
    r"\b(?:sk-[A-Za-z0-9_-]{16,}|sk_(?:live|test)_[A-Za-z0-9]{16,}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}"
    r"|xox[abeprs]-[A-Za-z0-9-]{10,}|AKIA[0-9A-Z]{16}|AIza[0-9A-Za-z_-]{35}|glpat-[A-Za-z0-9_-]{16,}|hf_[A-Za-z0-9]{20,}"
    r"|eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,})"
)
#: Behind "basic" stands often a plain word; what is encoded has a digit, a capital inside, or padding.
_BEARER = re.compile(r"\b((?i:bearer|basic))\s+((?=\S*[0-9=_+]|\S+[A-Z])[A-Za-z0-9._~+/=-]{12,})")
_URL_PASSWORD = re.compile(r"(?P<before>[a-z][a-z0-9+.-]{0,30}://[^/\s:@]*:)(?P<password>[^/\s@$•]+)(?=@)", re.I)
#: A field of an address's query; its name says whether it is a secret. A reference is none.
_QUERY_FIELD = re.compile(r"(?P<before>[?&](?P<key>[\w.-]{1,40})=)(?!\$\{)[^\s&#'\"`]+")
#: `key: value` on one line, in block or flow style; a value that opens something else is not one.
_ENTRY = re.compile(
    r"""(?P<key>[\w.-]{1,100})["']?\s*:\s+["']?(?P<value>(?<=")[^"\n]+|(?<=')[^'\n]+|(?:\$\{[^}\n]*\}|[^\s"'#,\[\]{}|>&*!%@`])"""
    r"""(?:\$\{[^}\n]*\}|[^#,\]}\n])*?)"""
    r"""(?=["']|\s*(?:[,\]}]|\s#|$))"""
)
#: A line that is an entry commented out. Its value is one word or in quotes: words after a colon are prose.
_COMMENTED = re.compile(
    r"""\s*\#[#\s]*(?:-\s+)?["']?(?P<key>[\w.-]+)["']?\s*:\s+"""
    r"""(?:(?P<quote>["'])(?P<quoted>(?:(?!(?P=quote)).)+)(?P=quote)|(?P<word>[^\s"'#,\[\]{}|>&*!%@`]\S*))\s*(?:\s\#.*)?$"""
)
_COMMENTED_FLOW = re.compile(r"\s*#[#\s]*(?:-\s+)?(?:[\w.-]+:\s+)?\{.*\}\s*$")
#: Values that are no secrets wherever they stand.
_NOTHING = ("~", "null", "true", "false")

Path = tuple[str | int, ...]


@lru_cache(maxsize=2048)
def is_secret_key(key: str) -> bool:
    """Whether values under a key are to be hidden, judged by its whole words."""
    words = {word.lower() for word in _WORD.findall(key)}
    return bool(words & _SECRET_WORDS)


def looks_secret(text: str) -> bool:
    """Whether a text holds something that looks like a credential."""
    return bool(_CREDENTIAL.search(text) or _BEARER.search(text) or _URL_PASSWORD.search(text))


def literal_secrets(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Yield the path and text of every literal secret in a value, in order."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _under(str(key), item, (*path, key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from literal_secrets(item, (*path, index))
    elif isinstance(value, str) and looks_secret(REFERENCE.sub("", value)):
        yield path, value


def _under(key: str, value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if not is_secret_key(key):
        yield from literal_secrets(value, path)
    elif isinstance(value, str):
        if REFERENCE.sub("", value).strip():
            yield path, value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path, str(value)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _under(key, item, (*path, index))
    elif isinstance(value, Mapping):
        yield from literal_secrets(value, path)


def mask(value: Any) -> Any:
    """Return a value with every literal secret as dots; references stay. For showing, logging, exporting."""
    if isinstance(value, Mapping):
        return {key: _masked_under(str(key), item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [mask(item) for item in value]
    return mask_text(value) if isinstance(value, str) else value


def _masked_under(key: str, value: Any) -> Any:
    if not is_secret_key(key):
        return mask(value)
    if isinstance(value, str):
        return value if not REFERENCE.sub("", value).strip() else _keep_references(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return DOTS
    if isinstance(value, list | tuple):
        return [_masked_under(key, item) for item in value]
    return mask(value)


def _keep_references(value: str) -> str:
    """Hide everything but the references of a text."""
    pieces = REFERENCE.split(value)
    found = [match[0] for match in REFERENCE.finditer(value)]
    literals = pieces[:: REFERENCE.groups + 1]
    shown = [DOTS if literal.strip() else literal for literal in literals]
    return "".join(a + b for a, b in zip(shown, [*found, ""], strict=True))


def mask_text(text: str) -> str:
    """Return free text with whatever looks like a credential as dots."""
    text = _CREDENTIAL.sub(DOTS, text)
    text = _BEARER.sub(lambda match: f"{match[1]} {DOTS}", text)
    text = _URL_PASSWORD.sub(lambda match: match["before"] + DOTS, text)
    return _QUERY_FIELD.sub(lambda match: match["before"] + DOTS if is_secret_key(match["key"]) else match[0], text)


def commented_secrets(line: str) -> Iterator[tuple[int, int]]:
    """Yield the spans of the literal secrets of a line that is a comment: those of an entry commented out.

    `# api_key: abc` holds one, and so does `# config: {token: abc}`; `# the token: see below` and references do not.
    """
    found = _COMMENTED.match(line)
    if found is not None and "{" not in (found["word"] or "").replace("${", ""):
        group = "quoted" if found["quoted"] else "word"
        value = REFERENCE.sub("", found[group])
        words = found["key"] in ("key", "keys") and value.isalpha() and value.islower()  # as in `# key: value`
        if is_secret_key(found["key"]) and value.strip() and value not in _NOTHING and not words:
            yield found.span(group)
    elif _COMMENTED_FLOW.match(line):
        for entry in _ENTRY.finditer(line):
            value = REFERENCE.sub("", entry["value"])
            if is_secret_key(entry["key"]) and value.strip() and value not in _NOTHING:
                yield entry.span("value")


def veiled(line: str) -> str:
    """Return a line of a config's text with every character of its secrets as a dot, exactly as long as it was.

    For an editor, which must show the line in its columns. References stay; a secret that stands on other lines than
    its key is seen only where it looks like a credential.
    """
    line = _CREDENTIAL.sub(lambda match: _dotted(match, 0), line)
    line = _BEARER.sub(lambda match: _dotted(match, 2), line)
    line = _URL_PASSWORD.sub(lambda match: _dotted(match, "password"), line)
    if line.lstrip()[:1] == "#":
        for start, end in commented_secrets(line):
            line = line[:start] + _veiled_value(line[start:end]) + line[end:]
        return line
    return _ENTRY.sub(_dotted_entry, line) if ":" in line else line


def _dotted(match: re.Match[str], group: str | int) -> str:
    start, end = match.start(group) - match.start(), match.end(group) - match.start()
    return match[0][:start] + DOTS[0] * (end - start) + match[0][end:]


def _dotted_entry(match: re.Match[str]) -> str:
    value = match["value"]
    if not is_secret_key(match["key"]) or value in _NOTHING:
        return match[0]
    start = match.start("value") - match.start()
    return match[0][:start] + _veiled_value(value) + match[0][start + len(value) :]


def _veiled_value(value: str) -> str:
    """Return a value as dots of its length; references stay."""
    shown, at = "", 0
    for reference in REFERENCE.finditer(value):
        shown += DOTS[0] * (reference.start() - at) + reference[0]
        at = reference.end()
    return shown + DOTS[0] * (len(value) - at)
