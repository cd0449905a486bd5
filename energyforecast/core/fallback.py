"""Levels of the fallback ladder: how a forecast was made when data was missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass


__all__ = ["LADDER"]


#: What each ``fallback_level`` means.
LADDER: dict[int, str] = {
    0: "full model on the newest run",
    1: "full model on an older run, within the lateness seen in training",
    2: "model without what is missing",
    3: "climatology",
    4: "constant quantiles",
}
