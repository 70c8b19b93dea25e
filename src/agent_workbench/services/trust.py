"""Whose word counts: which texts of a plan are trusted, what the others would do, and the person's yes or no to it.

A text is known by the hash of its content. The config's own counts unless it came from outside; an included one counts
where the person vouches for its place (what ships with us, a folder in `trusted:` or `sources:` of the settings), or
for exactly this text. Who names a bundle file vouches for what is in its folder by then, text by text.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent_workbench import paths
from agent_workbench.configs.delegation import agent_plan
from agent_workbench.configs.modules import Catalog
from agent_workbench.configs.plan import Document, Plan
from agent_workbench.configs.problems import Problem
from agent_workbench.configs.secrets import mask_text
from agent_workbench.conversation.clean import clean_line
from agent_workbench.engine.permissions.protected import MadeFrom
from agent_workbench.services.bundles import FILE_TAG
from agent_workbench.services.restraint import Held, restrained
from agent_workbench.services.secrets import masked_diff
from agent_workbench.services.sources import Sources
from agent_workbench.storage.ports import Store
from agent_workbench.storage.records import ConfigMetadata, Standing

CODE = "trust"
"""The code of the problems that say what is held back."""
LONGEST = 300
"""Characters of a thing in such a problem; the question shows all of it."""
Owner = ConfigMetadata | Path | None
"""What a plan is of: a stored config, a bundle file that the person named, or neither (standard input)."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """A text that is not trusted, with what it would do.

    `before` is the text of the same place that was trusted last, None where none was; `came` says where a config's own
    text came from.
    """

    document: Document
    held: tuple[Held, ...]
    before: str | None = None
    came: str = ""

    @property
    def title(self) -> str:
        """Name it in a line."""
        source = clean_line(mask_text(self.document.source), 200)
        if self.document.own:
            return f"{source} (its own text, from {clean_line(mask_text(self.came), 200) or 'outside'})"
        return source

    def to_json(self) -> dict[str, Any]:
        """Return the shape that the command line prints."""
        would = [{"kind": one.kind, "what": one.what, "path": one.path, "line": one.origin.line} for one in self.held]
        return {
            "source": mask_text(self.document.source), "sha256": self.document.digest, "own": self.document.own,
            "came": mask_text(self.came), "would": would, "diff": self.diff(),
        }  # fmt: skip

    def diff(self) -> str:
        """Return what changed since it was trusted, secrets as dots; empty where it never was."""
        return "" if self.before is None else masked_diff(self.before, self.document.text, name=self.document.source)


class Trust:
    """The trust in the texts of one database. Synchronous and short, for threads."""

    def __init__(self, store: Store, sources: Sources, catalog: Callable[[], Catalog]) -> None:
        self._store, self._sources, self._catalog = store, sources, catalog

    def untrusted(self, plan: Plan, owner: Owner, *, typed: bool = False) -> frozenset[str]:
        """Return the digests of a plan's texts that are not trusted.

        A text that is being `typed` over a stored config's counts as much as that.
        """
        digests = {one.digest: one for one in plan.documents}
        if not digests:
            return frozenset()
        behind = owner.content_hash if typed and isinstance(owner, ConfigMetadata) else ""
        standing = self._store.trust.standing((*digests, *filter(None, (behind,))))
        folders = self._folders(owner)
        trusted: set[str] = set()
        for one in plan.documents:
            known = standing.get(one.digest) or (standing.get(behind) if one.own else None)
            if known is None and (one.own or one.place.startswith("config:")):
                trusted.add(one.digest)  # written here
            elif (known is not None and known.state == "trusted") or (not one.remote and _is_below(one.place, folders)):
                trusted.add(one.digest)
        return frozenset(digests.keys() - trusted)

    def restrain(self, plan: Plan, owner: Owner) -> tuple[Plan, tuple[Held, ...], bool]:
        """Return a plan as it may be mounted, what is held back of it, and whether its own text is trusted."""
        untrusted = self.untrusted(plan, owner)
        allowed, held = restrained(plan, untrusted, self._catalog())
        return allowed, held, not any(one.own and one.digest in untrusted for one in plan.documents)

    def problems(self, plan: Plan, owner: Owner, *, typed: bool = False) -> tuple[Problem, ...]:
        """Return a warning for each thing that is held back, in the agents that the plan delegates to as well."""
        own = {one.digest for one in plan.documents if one.own}
        untrusted = self.untrusted(plan, owner, typed=typed)
        return tuple(as_problem(one, own) for one in self._held(plan, untrusted))

    def doubts(self, plan: Plan, owner: Owner) -> tuple[Doubt, ...]:
        """Return the texts that are not trusted and would do something, and the config's own where it is not."""
        untrusted = self.untrusted(plan, owner)
        held = self._held(plan, untrusted)
        found: dict[str, Doubt] = {}
        for one in plan.documents:
            mine = tuple(each for each in held if each.origin.document == one.digest)
            if one.digest in untrusted and one.digest not in found and (mine or one.own):
                found[one.digest] = self._doubt(one, mine, owner)
        return tuple(found.values())

    def named_doubts(self, plan: Plan, config: ConfigMetadata) -> tuple[Doubt, ...]:
        """Return the doubts that go when the person names the config's file: its own, and those in its folder."""
        named = _named_file(config)
        folder = (os.path.realpath(named.parent),) if named else ()
        found = self.doubts(plan, config)
        near = [one for one in found if not one.document.remote and _is_below(one.document.place, folder)]
        return tuple(one for one in found if one.document.own or one in near)

    def trust(self, doubts: Iterable[Doubt]) -> None:
        """Trust exactly these texts from now on, wherever they stand."""
        self._store.trust.trust([
            Standing(one.document.digest, source=one.came or one.document.source, place=one.document.place,
                     text="" if one.document.own else one.document.text)
            for one in doubts
        ])  # fmt: skip

    def revoke(self, plan: Plan) -> int:
        """Take back every yes to a text of a plan; return how many there were."""
        return self._store.trust.revoke(one.digest for one in plan.documents)

    # --- inside

    def _held(self, plan: Plan, untrusted: Collection[str]) -> tuple[Held, ...]:
        if not untrusted:
            return ()
        catalog = self._catalog()
        plans = (plan, *(agent_plan(plan, name) for name in plan.agents))
        return tuple(dict.fromkeys(one for each in plans for one in restrained(each, untrusted, catalog)[1]))

    def _doubt(self, document: Document, held: tuple[Held, ...], owner: Owner) -> Doubt:
        if not document.own:
            known = self._store.trust.trusted_at(document.place)
            return Doubt(document, held, known.text if known else None)
        standing = self._store.trust.standing([document.digest]).get(document.digest)
        before = self._trusted_revision(owner) if isinstance(owner, ConfigMetadata) else None
        return Doubt(document, held, before, standing.source if standing else "")

    def _trusted_revision(self, config: ConfigMetadata) -> str | None:
        """Return the newest text of a config that counts, None where none does."""
        revisions = self._store.configs.revisions(config.config_id)
        standing = self._store.trust.standing(one.content_hash for one in revisions)
        outside = {digest for digest, known in standing.items() if known.state == "outside"}
        return next((one.yaml_content for one in revisions if one.content_hash not in outside), None)

    def _folders(self, owner: Owner) -> tuple[str, ...]:
        """Return the folders whose files the person vouches for; that of a file only for the command that names it."""
        named = owner if isinstance(owner, Path) else None
        mapped = (os.path.realpath(Path(place).expanduser()) for place in self._sources.overrides.values())
        shipped = (os.path.realpath(self._sources.shipped), os.path.realpath(paths.shipped("sample_configs")))
        return (*self._sources.trusted, *mapped, *shipped, *((os.path.realpath(named.parent),) if named else ()))


def as_problem(held: Held, own: Collection[str]) -> Problem:
    """Return a held thing as a warning at its line."""
    source = "" if held.origin.document in own else held.origin.source
    message = f"held back, since {source or 'this text'} is not trusted: it would {clean_line(held.what, LONGEST)}"
    hint = "read it, then `awb config trust CONFIG`, or `trust` in the palette"
    if held.kind == "rule" and source:
        hint = "only the config's own text may allow: write the rule there"
    return Problem("warning", message, held.origin.line, 0, held.path, hint, CODE, source)


def in_one_line(problems: Sequence[Problem]) -> str:
    """Say once what a session does without."""
    said = sorted(
        (one.message.partition("it would ")[2] for one in problems), key=lambda words: words.startswith("allow")
    )
    sources = dict.fromkeys(one.source or "the config's own text" for one in problems)
    more = f"; and {len(said) - 3} more" if len(said) > 3 else ""
    return (
        f"Held back until you trust {clean_line(', '.join(sources), 200)}: "
        f"{'; '.join(said[:3])}{more}. `/trust` or `awb config trust` shows it all"
    )


def made_from(plan: Plan, owner: Owner) -> MadeFrom:
    """Return the files on this disk that a plan comes from, and what would take their place.

    A reference may leave out a suffix, and agents are looked for beside the text first.
    """
    named = _named_file(owner)
    places = (Path(one.place) for one in plan.documents if one.place.startswith("/") and not one.remote)
    files = tuple(dict.fromkeys((*([named] if named else ()), *places)))
    beside = (other for one in files for other in _beside(one))
    return MadeFrom(files, tuple(dict.fromkeys(other for other in beside if other not in files)))


def _beside(file: Path) -> Iterator[Path]:
    stem = file.with_suffix("")
    yield from (stem, *(stem.with_name(stem.name + suffix) for suffix in (".yaml", ".yml", ".md")))
    yield from (file.parent / name for name in ("bundle.md", "bundle.yaml", "agents"))


def _named_file(owner: Owner) -> Path | None:
    if isinstance(owner, Path):
        return owner
    named = owner.tags.get(FILE_TAG) if owner is not None else None
    return Path(named) if named else None


def _is_below(place: str, folders: Iterable[str]) -> bool:
    real = os.path.realpath(place) if place.startswith("/") else ""
    return bool(real) and any(real == folder or real.startswith(folder.rstrip("/") + "/") for folder in folders)
