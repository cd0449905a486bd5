"""Lag of one series behind another, by cross-correlation."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core.arguments import as_numbers, checked
from energyforecast.errors import SchemaError

__all__ = ["Lag", "estimate_lag"]

Floats = npt.NDArray[np.float64]

#: Smallest number of values in a block of the jackknife, and its smallest length: shorter ones depend on each other.
_BLOCK: Final = 20
_BLOCK_LENGTH: Final = pd.Timedelta("20h")


@dataclass(frozen=True)
class Lag:
    """Lag of one series behind another, with its standard error.

    Parameters
    ----------
    minutes : float
        Positive if the measured series is late.
    standard_error : float
        From a jackknife over blocks of time. [minutes]
    correlation : float
        At the best lag.

    See Also
    --------
    estimate_lag

    Examples
    --------
    >>> Lag(minutes=60.0, standard_error=3.0, correlation=0.8).certain
    True
    >>> Lag(minutes=60.0, standard_error=3.0, correlation=0.1).certain
    False
    """

    minutes: float
    standard_error: float
    correlation: float

    @property
    def certain(self) -> bool:
        """Whether the series are correlated well enough for the lag to be meaningful."""
        return self.correlation > 0.4 and self.standard_error < 15.0


@checked(blocks=(2, inf))
def estimate_lag(
    measured: Floats,
    shifted: Floats,
    *,
    step: pd.Timedelta,
    interval: pd.Timedelta | None = None,
    blocks: int = 24,
) -> Lag | None:
    r"""Lag of a measured series behind an expected one, from correlations at whole steps.

    Parameters
    ----------
    measured : array, shape (n,)
        Measured values in order of time; NaN is left out.
    shifted : array, shape (n, 2 K + 1)
        Expected values at K steps before to K steps after the time of the measured one.
    step : Timedelta
        Length of a step.
    interval : Timedelta, optional
        Length of the intervals of the measured values; that of a step by default.
    blocks : int
        Blocks of the jackknife.

    Returns
    -------
    Lag or None
        ``None`` if there are fewer than 20 rows, or 20 hours, in each block.

    See Also
    --------
    check_clock : The clock of measured power, from the lag behind wind or sun.

    Notes
    -----
    With :math:`r_k` the correlation of measured values :math:`y_t` with expected ones :math:`x_{t + k \Delta}` and
    :math:`k^*` its maximum, the lag is refined by the parabola through the maximum and its two neighbours
    (Jacovitti and Scarano 1993, https://doi.org/10.1109/78.193195):

    .. math::
        \tau = -\Delta \left( k^* + \frac{r_{k^*-1} - r_{k^*+1}}{2 (r_{k^*-1} - 2 r_{k^*} + r_{k^*+1})} \right)

    Its standard error is that of the jackknife over :math:`B` blocks of consecutive rows (Künsch 1989,
    https://doi.org/10.1214/aos/1176347265), :math:`\tau_{(b)}` being the lag without the block :math:`b`:

    .. math::
        s = \sqrt{\frac{B - 1}{B} \sum_{b=1}^{B} \left( \tau_{(b)} - \bar{\tau}_{(\cdot)} \right)^2}

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> wind = np.convolve(rng.normal(size=3000), np.ones(12) / 12, mode="same")
    >>> shifts = np.column_stack([np.roll(wind, -k) for k in range(-3, 4)])
    >>> round(estimate_lag(np.roll(wind, 1), shifts, step=pd.Timedelta("1h")).minutes)
    60
    """
    measured, shifted = as_numbers("measured", measured, ndim=1), as_numbers("shifted", shifted, ndim=2)
    if len(measured) != len(shifted):
        raise SchemaError(
            f"There are {len(measured)} measured and {len(shifted)} expected values.",
            "They must be as many.",
            "Give the same intervals.",
        )
    keep = np.isfinite(measured) & np.isfinite(shifted).all(axis=1)
    y, x = measured[keep], shifted[keep]
    if len(y) < blocks * max(_BLOCK, _BLOCK_LENGTH / (step if interval is None else interval)):
        return None
    block = np.arange(len(y)) * blocks // len(y)
    terms = np.concatenate(
        [np.ones((len(y), 1)), y[:, None], (y**2)[:, None], x, x**2, x * y[:, None]], axis=1
    )
    sums = np.add.reduceat(terms, np.searchsorted(block, np.arange(blocks)), axis=0)
    total = sums.sum(axis=0)
    width = shifted.shape[1]
    minutes = step / pd.Timedelta("1min")
    best, correlation = _peak(total, width)
    left_out = np.array([_peak(total - part, width)[0] for part in sums])
    error = np.sqrt((blocks - 1) / blocks * ((left_out - left_out.mean()) ** 2).sum())
    # If expected values k steps later fit best, the measured stamps are k steps early.
    return Lag(-best * minutes, float(error) * minutes, correlation)


def _peak(sums: Floats, width: int) -> tuple[float, float]:
    """Steps at which the correlation is highest, refined by a parabola, and that correlation."""
    n, y, yy = sums[0], sums[1] / sums[0], sums[2] / sums[0]
    x, xx, xy = (sums[3 + k * width : 3 + (k + 1) * width] / n for k in range(3))
    spread = np.sqrt(np.maximum((xx - x**2) * (yy - y**2), 1e-300))
    correlation = (xy - x * y) / spread
    top = int(correlation.argmax())
    inner = min(max(top, 1), width - 2)
    before, at, after = correlation[inner - 1 : inner + 2]
    curve = before - 2 * at + after
    refined = 0.5 * (before - after) / curve if curve < 0 else 0.0
    position = inner + refined if inner == top else float(top)
    return float(position - width // 2), float(correlation[top])
