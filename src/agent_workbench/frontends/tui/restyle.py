"""Styles that are applied with one repaint per widget.

Textual's own stylesheet assigns each rule by itself, and each colour that differs marks all the widgets below as
changed: another theme marked the workbench's 120 widgets 6,000 times, which was a third of what the switch took.
"""

from __future__ import annotations

from textual.color import Color
from textual.css.styles import RulesMap
from textual.css.stylesheet import Stylesheet
from textual.dom import DOMNode
from textual.widget import Widget


class PaintOnceStylesheet(Stylesheet):
    """Takes over what Textual would, leaves rules alone that are as they were, and repaints once for all colours."""

    @classmethod
    def replace_rules(cls, node: DOMNode, rules: RulesMap, animate: bool = False) -> None:
        """Replace the rules of a node; those with transitions are moved over as Textual does it."""
        base = node.styles.base
        old = base.get_rules()
        if animate and ("transitions" in old or "transitions" in rules):
            super().replace_rules(node, rules, animate=True)
            return
        repaint = False
        for name in old.keys() | rules.keys():
            before, after = old.get(name), rules.get(name)
            if before == after:
                continue
            if _paints_only(before, after):
                repaint = base.set_rule(name, after) or repaint
            else:
                setattr(base, name, after)
        if repaint:
            base.refresh(children=True)
            _repaint_scrollbars(node)
        node.notify_style_update()


def _repaint_scrollbars(node: DOMNode) -> None:
    """Repaint what is no child, and has its colours from the widget that it scrolls."""
    if not isinstance(node, Widget):
        return
    if node.show_vertical_scrollbar:
        node.vertical_scrollbar.refresh()
    if node.show_horizontal_scrollbar:
        node.horizontal_scrollbar.refresh()


def _paints_only(before: object, after: object) -> bool:
    """Say whether only a colour differs, as such or as that of an edge: its kind also says how much room it takes."""
    match before, after:
        case Color(), Color():
            return True
        case (str(kind), Color()), (str(other), Color()):
            return kind == other
        case _:
            return False
