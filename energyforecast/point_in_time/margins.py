"""Windows with a margin, and times within it as whole steps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from energyforecast.core.forecast_windows import Windows

__all__ = ["extend", "whole_steps"]


def whole_steps(hours: float, frequency: pd.Timedelta) -> list[tuple[int, float]]:
    """Whole steps nearest to some hours, or those before and after them with the share of each."""
    exact = float(hours * pd.Timedelta("1h") / frequency)
    if abs(exact - round(exact)) < 1e-6:  # a step of 10 minutes added to hours is not exact
        return [(round(exact), 1.0)]
    before = int(np.floor(exact))
    return [(before, before + 1 - exact), (before + 1, exact - before)]


def extend(windows: Windows, steps: int) -> Windows:
    """The same windows with a margin of some steps before and after, which need not be filled."""
    width = windows.frequency.to_timedelta64()
    start = windows.valid_time[:, :1] - steps * width
    count = windows.valid_time.shape[1] + 2 * steps
    inside = np.pad(windows.inside, ((0, 0), (steps, steps)))
    return replace(windows, valid_time=start + np.arange(count)[None, :] * width, inside=inside)
