"""Everything that is wrong or doubtful about the text of a config, with places, hints and fixes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from agent_workbench.configs.fetching import Fetcher
from agent_workbench.configs.modules import Catalog
from agent_workbench.configs.problems import Problem
from agent_workbench.configs.resolve import PlanCache, resolve_bundle

#: Apart from the plans of sessions, which a text that is being typed must not push out.
_CACHE = PlanCache(2)


def validate(
    text: str,
    catalog: Catalog | None = None,
    *,
    name: str = "config",
    base: Path | None = None,
    fetcher: Fetcher | None = None,
    env: Mapping[str, str] | None = None,
) -> tuple[Problem, ...]:
    """Return the problems of a text, worst first; none is perfect.

    Without a `fetcher` the text is looked at alone (fast, for every keystroke): includes, agents' files and context
    are not looked up. With one, they are, and their problems carry their source. The other arguments are those of
    `resolve_bundle`. Never raises for bad content.
    """
    plan = resolve_bundle(text, name=name, base=base, fetcher=fetcher, catalog=catalog, env=env, cache=_CACHE)
    return plan.problems
