"""A provider's address as it may be shown: a key can stand in its user name, its query, or its path."""

from __future__ import annotations

import functools
import re
from urllib.parse import quote, unquote, urlsplit

from agent_workbench.configs.secrets import DOTS

#: What a part of a path may be without being hidden: `v1`, `api`, `gpt-4o`, `compatible-mode`.
_PLAIN = re.compile(r"[A-Za-z0-9._-]{0,11}|[a-z_-]{1,24}")


def shown_address(url: str) -> str:
    """Return an address without what may be secret in it: the scheme, host, port and the plain parts of the path."""
    try:
        parts = urlsplit(url)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "an address that cannot be read"
    who = f"{DOTS}@" if "@" in parts.netloc else ""
    path = "/".join(part if _PLAIN.fullmatch(part) else DOTS for part in parts.path.split("/"))
    return f"{parts.scheme}://{who}{host}{port}{path}" + (f"?{DOTS}" if parts.query or parts.fragment else "")


@functools.lru_cache(maxsize=64)
def secrets_of_address(url: str) -> tuple[str, ...]:
    """Return what may be secret in an address, in every spelling that a message may have it in."""
    _, _, rest = url.partition("://")
    whole, _, query = rest.partition("?")
    before, at, after = whole.rpartition("@")
    found = {*re.split(r"[&=#;/]", query)} if query else set()
    if at:
        found |= {before, *before.split(":")}
    found |= {part for part in re.split(r"[/#]", after)[1:] if not _PLAIN.fullmatch(part)}
    spellings = {each for one in found for each in (one, unquote(one), quote(one, safe=""), quote(one))}
    return tuple(sorted(spellings - {""}, key=len, reverse=True))
