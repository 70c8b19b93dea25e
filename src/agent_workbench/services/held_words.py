"""What is held back of an untrusted text, in words: each value whole, so that nobody agrees to what was not shown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from agent_workbench.configs.compose import Node, plain
from agent_workbench.configs.secrets import DOTS, mask, mask_text
from agent_workbench.conversation.clean import clean_line

_HARMLESS = re.compile(r"[\w.~+/=-]*", re.ASCII)


def summary(taken: list[tuple[Node, str]], node: Node) -> str:
    """Name what an untrusted text brought: the value where it is one, else its keys with the values."""
    if not isinstance(node.value, dict):
        return ", ".join(shown(leaf.value) for leaf, _ in taken)
    return ", ".join(f"{clean_line(key, 60)}: {shown(mask({key: leaf.value})[key])}" for leaf, key in taken)


def unit_words(node: Node) -> str:
    """Say what a server is, or which file a database."""
    data = plain(node)
    if not isinstance(data, Mapping):
        return shown(data)
    command = [data.get("command"), *(data["args"] if isinstance(data.get("args"), list) else [])]
    main = " ".join(str(word) for word in command) if data.get("command") else data.get("url") or data.get("path")
    rest = {key: mask(value) for key, value in data.items() if key not in ("command", "args", "url", "path") and value}
    more = "".join(f", {clean_line(str(key), 60)} {_pairs(value)}" for key, value in rest.items())
    verb = "run " if data.get("command") else "connect to " if data.get("url") else ""
    return f"{verb}{shown(main)}{more}"


def _pairs(value: Any) -> str:
    if not isinstance(value, Mapping):
        return shown(value)
    return ", ".join(f"{clean_line(str(key), 60)}={shown(one)}" for key, one in value.items())


def shown(value: Any) -> str:
    """Quote a value whole, on one line: what is not shown would be agreed to all the same."""
    return f"`{clean_line(_dotted(str(value)).strip().replace(chr(10), ' ⏎ '))}`"


def _dotted(text: str) -> str:
    """Return a text with its secrets as dots, unless more than a secret could stand behind them."""
    masked = mask_text(text)
    first, *pieces = masked.split(DOTS)
    at = len(first)
    for piece in pieces:  # a regular expression would try each place for each of them
        end = text.find(piece, at) if piece else len(text)
        if end < 0 or not _HARMLESS.fullmatch(text, at, end):
            return text
        at = end + len(piece)
    return masked if at == len(text) else text
