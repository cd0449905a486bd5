"""Figure of which no text is taken for a formula: names of sites may hold dollars."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure
from matplotlib.text import Text

__all__ = ["PlainFigure"]


class PlainFigure(Figure):
    """Figure that draws all text as it is written; matplotlib would set text between dollars as mathematics."""

    def draw(self, renderer: Any) -> None:
        """Draw, without mathematics."""
        for text in self.findobj(Text):
            text.set_parse_math(False)
        super().draw(renderer)
