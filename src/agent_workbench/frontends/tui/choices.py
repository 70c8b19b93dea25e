"""What a person chose for the screen, and where each choice comes from."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agent_workbench.storage.glimpse import CHOICES

__all__ = ["CHOICES", "CHOICE_LIST", "Choice", "Choices"]


@dataclass(frozen=True, slots=True)
class Choice:
    """Something to choose: the first of its `values` holds where nothing was chosen.

    `variable` of the environment decides where it is set: then the last of the values holds.
    """

    id: str
    title: str
    help: str
    values: tuple[str, ...]
    variable: str = ""


CHOICE_LIST = (
    Choice("motion", "Motion", "off: nothing slides or spins", ("on", "off"), "AWB_NO_MOTION"),
    Choice("colour", "Colour", "off: the terminal's own two, state by signs and words", ("on", "off"), "NO_COLOR"),
    Choice("reader", "For screen readers", "on: one part at a time, nothing but text", ("off", "on"),
           "AWB_SCREEN_READER"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Choices:
    """The values that hold, by id, and where each comes from."""

    values: Mapping[str, str]
    origins: Mapping[str, str]

    @classmethod
    def of(cls, stored: object, environ: Mapping[str, str] | None = None) -> Choices:
        """Read what was remembered; the environment wins, and what does not fit is left out."""
        env = os.environ if environ is None else environ
        kept: Mapping[str, Any] = stored if isinstance(stored, Mapping) else {}
        values: dict[str, str] = {}
        origins: dict[str, str] = {}
        for one in CHOICE_LIST:
            if env.get(one.variable):
                values[one.id], origins[one.id] = one.values[-1], f"${one.variable}"
            elif kept.get(one.id) in one.values:
                values[one.id], origins[one.id] = str(kept[one.id]), "chosen here"
            else:
                values[one.id], origins[one.id] = one.values[0], "as shipped"
        return cls(values, origins)

    @property
    def colourless(self) -> bool:
        """Whether no colour is shown."""
        return self.values["colour"] == "off"

    @property
    def reader(self) -> bool:
        """Whether the screen is read aloud."""
        return self.values["reader"] == "on"

    @property
    def still(self) -> bool:
        """Whether nothing moves: so it is, too, where the screen is read aloud."""
        return self.reader or self.values["motion"] == "off"
