"""Time labels: the instant or interval described by the value at a stamp."""

from __future__ import annotations

from enum import Enum

__all__ = ["Label"]


class Label(Enum):
    """Meaning of a time stamp: the instant or interval that a value describes.

    Examples
    --------
    >>> Label.MEAN_ENDING.value
    'mean of the interval that ends at the stamp'
    """

    INSTANT = "value at the stamp"
    MEAN_BEGINNING = "mean of the interval that begins at the stamp"
    MEAN_CENTRED = "mean of the interval around the stamp"
    MEAN_ENDING = "mean of the interval that ends at the stamp"
    SUM_ENDING = "sum over the interval that ends at the stamp"
    SUM_SINCE_START = "sum from the start of the run to the stamp"
    SUM_SINCE_MIDNIGHT = "sum from 00 UTC to the stamp"
    MEAN_SINCE_START = "mean from the start of the run to the stamp"
    MEAN_SINCE_RESET = "mean from the last reset, every six hours, to the stamp"
