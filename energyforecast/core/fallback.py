"""Levels of the fallback ladder: how a forecast was made when data was missing."""

from __future__ import annotations

from typing import Final

__all__ = ["CLIMATOLOGY", "CONSTANT", "FULL", "LADDER", "OLDER_RUN", "REDUCED"]

#: The full model on the newest run.
FULL: Final = 0
#: The full model, or one that learnt from such, on an older run or older measurements, as late as in its training.
OLDER_RUN: Final = 1
#: A model without the inputs that are missing or too old.
REDUCED: Final = 2
#: Climatology; the first level at which no model looked at weather or history.
CLIMATOLOGY: Final = 3
#: Constant quantiles.
CONSTANT: Final = 4

#: Meaning of each ``fallback_level``.
LADDER: Final[dict[int, str]] = {
    FULL: "full model on the newest run",
    OLDER_RUN: "model on an older run or older measurements, within the lateness seen in training",
    REDUCED: "model without the missing inputs",
    CLIMATOLOGY: "climatology",
    CONSTANT: "constant quantiles",
}
