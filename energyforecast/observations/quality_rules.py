"""Rules that find doubtful values of measured power, each with its thresholds and their source.

Rules see the power as shares of capacity, in order of time, with NaN where it was not measured; each returns the
values that it would flag.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from energyforecast.core.variables import Flag

__all__ = [
    "EXCLUSIVE",
    "RULES",
    "RULES_VERSION",
    "MeasuredPower",
    "above_capacity",
    "clipping",
    "curtailed",
    "interpolated",
    "night_generation",
    "outage",
    "spike",
    "stuck",
]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

#: Increases when a rule or a threshold changes, so that flags can be compared over time.
RULES_VERSION: Final = 4

#: Share of capacity below which a plant is at rest: calm, night, or auxiliary use.
_STILL: Final = 0.01


@dataclass(frozen=True, kw_only=True, eq=False)
class MeasuredPower:
    """Power of one site, as the rules see it.

    Parameters
    ----------
    power : array
        Shares of capacity (of the largest usual value where a site has none), NaN where it was not measured.
    hours : float
        Length of an interval. [h]
    elevation : array, optional
        Of a PV plant: the highest elevation of the sun within each interval. [degree]
    expected : array, optional
        Usual power in such weather, as shares of capacity.
    bounds : tuple of float
        Lowest and highest possible power, as shares of capacity.

    Examples
    --------
    >>> MeasuredPower(power=np.array([0.0, 0.5]), hours=1.0).intervals(3.0)
    3
    """

    power: Floats
    hours: float
    elevation: Floats | None = None
    expected: Floats | None = None
    bounds: tuple[float, float] = (0.0, 1.0)

    def intervals(self, hours: float, *, minimum: int = 1) -> int:
        """Number of intervals of a duration."""
        return max(minimum, int(np.ceil(hours / self.hours - 1e-9)))


Rule: TypeAlias = Callable[[MeasuredPower], Bools]


def night_generation(series: MeasuredPower) -> Bools:
    r"""Flag power of a PV plant while the sun is down.

    Notes
    -----
    With the power :math:`p` as a share of capacity and the elevation :math:`\alpha` of the sun at its highest in the
    interval, :math:`\alpha < -3^\circ` and :math:`p > 0.01`. The night of the Solar Forecast Arbiter begins at a
    zenith of 87 degrees (https://github.com/SolarArbiter), but twilight lights modules, and coordinates are inexact.
    The consumption of a plant at night is small and negative, and no fault.

    Examples
    --------
    >>> night = MeasuredPower(power=np.array([-0.002, 0.2, 0.2]), hours=1.0, elevation=np.array([-20.0, -9.0, 30.0]))
    >>> night_generation(night).tolist()
    [False, True, False]
    """
    if series.elevation is None:
        return np.zeros(len(series.power), dtype=bool)
    return (series.elevation < -3.0) & (series.power > _STILL)


def stuck(series: MeasuredPower) -> Bools:
    r"""Flag equal values over two hours and six values or more, while the plant is neither at rest nor at its capacity.

    Notes
    -----
    .. math::
        |p_i - p_{i-1}| \le 10^{-5} \text{ for } n - 1 \text{ or more consecutive } i, \qquad
        n = \max(6, 2\,\mathrm{h} / \Delta t), \qquad 0.01 < |p_i|, \; p_i < 0.97

    Six values: ``stale_values_diff`` of pvanalytics (https://github.com/pvlib/pvanalytics), for data of a quarter of an
    hour and more; rounded values of five minutes are often equal for half an hour. Below 1 % and above 97 % of capacity
    repetition is usual.
    So is, of an area, a level to which the demand returns, such as the base load of a works at night: one kept on five
    occasions or more is not flagged. A meter that is stuck stays at any level.

    Examples
    --------
    >>> stuck(MeasuredPower(power=np.array([0.2, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.4]), hours=1.0)).tolist()
    [False, True, True, True, True, True, True, False]
    """
    free = (np.abs(series.power) > _STILL) & (series.power < 0.97)
    flat = _plateaus(series.power, tolerance=1e-5, minimum=series.intervals(2.0, minimum=6)) & free
    return flat & ~_returns(series.power, flat) if series.bounds[0] < 0 else flat


def _returns(power: Floats, flat: Bools) -> Bools:
    """Plateaus at levels that occur on five occasions or more."""
    level = np.where(flat, np.round(power, 5), np.nan)
    begins = flat & ~(level == _shifted(level, 1))
    levels, count = np.unique(level[begins], return_counts=True)
    return np.isin(level, levels[count >= 5])


def spike(series: MeasuredPower) -> Bools:
    r"""Flag one value far from both its neighbours, which agree with each other.

    Notes
    -----
    With the departure :math:`d_i = p_i - (p_{i-1} + p_{i+1}) / 2` from the mean of the neighbours, a value on the same
    side of both is flagged if

    .. math::
        |d_i| > \max\left( 0.3,\; c \cdot 1.4826 \operatorname{median} |d| \right)
        \quad \text{and} \quad |p_{i-1} - p_{i+1}| < \tfrac{1}{4} |d_i|

    :math:`c` is 8, and 10 for a PV plant, since clouds are brief. The scaled median is that of Hampel's filter (Pearson
    2002, https://doi.org/10.1109/87.974338). Gusts and clouds seldom rise and fall so in one interval; a trip of one
    interval looks the same and is flagged too. A consumer's furnaces and pumps do: in an area without a capacity a
    value must also lie outside its quantiles of 0.1 and 99.9 % by more than the distance between them.

    Examples
    --------
    >>> spike(MeasuredPower(power=np.array([0.20, 0.21, 0.95, 0.22, 0.21]), hours=1.0)).tolist()
    [False, False, True, False, False]
    """
    before, after = _shifted(series.power, 1), _shifted(series.power, -1)
    departure = series.power - (before + after) / 2
    changes = np.abs(departure)[np.abs(departure) > 1e-3]
    usual = 1.4826 * float(np.median(changes)) if changes.size > 100 else 0.0
    same_side = (series.power - before) * (series.power - after) > 0
    multiple = 8 if series.elevation is None else 10
    far = np.abs(departure) > max(0.3, multiple * usual)
    return np.asarray(far & same_side & (np.abs(before - after) < np.abs(departure) / 4) & _unusual(series))


def _unusual(series: MeasuredPower) -> Bools:
    """Values that a consumer without a capacity otherwise never comes near; of other sites, all."""
    if np.isfinite(series.bounds).all() or not np.isfinite(series.power).any():
        return np.ones(len(series.power), dtype=bool)
    low, high = np.nanquantile(series.power, (0.001, 0.999))
    return np.asarray((series.power > 2 * high - low) | (series.power < 2 * low - high))


def above_capacity(series: MeasuredPower) -> Bools:
    r"""Flag power that exceeds the bounds of the site by more than 5 % of its capacity.

    Notes
    -----
    With the bounds :math:`0 \le p \le 1` of a plant and :math:`-1 \le p \le 1` of an area with a capacity
    (:func:`energyforecast.core.power_kinds.power_bounds`), :math:`p > 1.05`, and :math:`p < -0.05` or
    :math:`p < -1.05`. An area without a capacity has no bounds; of a plant without one, the largest usual value takes
    its place. The margin is ours: meters are good to 1 %, and capacities are rounded. Wrong units
    are refused by :func:`energyforecast.core.plausibility.check_observations`.

    Examples
    --------
    >>> above_capacity(MeasuredPower(power=np.array([1.02, 1.3, -0.2]), hours=1.0)).tolist()
    [False, True, True]
    >>> above_capacity(MeasuredPower(power=np.array([1.02, 1.3, -0.2]), hours=1.0, bounds=(-1.0, 1.0))).tolist()
    [False, True, False]
    """
    low, high = series.bounds
    return np.asarray((series.power > high + 0.05) | (series.power < low - 0.05))


def clipping(series: MeasuredPower) -> Bools:
    r"""Flag a PV plant that stays at its highest level for two hours or more, at least five times.

    Notes
    -----
    The level :math:`q` is the 99.5 % quantile of the power by daylight; on a plateau :math:`|p - q| \le 0.005\, q`, the
    tolerance of ``clipping.levels`` of pvanalytics. Flagged values train models: a limit of the plant is no fault.

    Examples
    --------
    >>> day = np.clip(1.3 * np.sin(np.linspace(0, np.pi, 24)), 0, 0.8)
    >>> series = MeasuredPower(power=np.tile(day, 10), hours=1.0, elevation=np.full(240, 30.0))
    >>> clipping(series).sum() // 10
    np.int64(14)
    """
    none = np.zeros(len(series.power), dtype=bool)
    if series.elevation is None:
        return none
    light = series.power[series.power > 0.05]
    if not light.size:
        return none
    top = float(np.quantile(light, 0.995))
    plateau = _runs(np.abs(series.power - top) <= 0.005 * top, series.intervals(2.0, minimum=3))
    return plateau if np.count_nonzero(np.diff(plateau.astype(int)) == 1) >= 5 else none


def curtailed(series: MeasuredPower) -> Bools:
    r"""Flag a level kept for two hours or more while usual power exceeds it by 10 % of capacity.

    Notes
    -----
    With the usual power :math:`\hat{p}` in such weather, over a plateau of :math:`n \ge 3` values

    .. math::
        |p_i - p_{i-1}| \le 0.005, \qquad 0.02 < p_i < 0.95, \qquad \frac{1}{n} \sum_i (\hat{p}_i - p_i) > 0.1

    The thresholds are ours and strict, for flagged hours do not train. A plant that follows an order that changes all
    the time is not found by it. Without weather no value is flagged.

    Examples
    --------
    >>> power = np.array([0.6, 0.4, 0.4, 0.4, 0.4, 0.7])
    >>> curtailed(MeasuredPower(power=power, hours=1.0, expected=np.full(6, 0.7))).tolist()
    [False, True, True, True, True, False]
    """
    if series.expected is None:
        return np.zeros(len(series.power), dtype=bool)
    inside = (series.power > 0.02) & (series.power < 0.95) & np.isfinite(series.expected)
    flat = _plateaus(series.power, tolerance=0.005, minimum=series.intervals(2.0, minimum=3)) & inside
    return _by_run(flat, lambda run: bool(np.mean(series.expected[run] - series.power[run]) > 0.1))  # type: ignore[index]


def outage(series: MeasuredPower) -> Bools:
    r"""Flag a standstill of two hours or more in weather that usually gives 25 % of capacity.

    Notes
    -----
    :math:`|p_i| \le 0.01` and usual power :math:`\hat{p}_i > 0.05` throughout, with a mean of :math:`\hat{p}` above
    0.25. Of a PV plant without weather: :math:`p_i \le 0.002` with the sun above 15 degrees, where an overcast sky
    still gives 1 %. Snow on the modules looks the same. Thresholds are ours; cf. the unresponsive sensors of OpenOA
    (https://doi.org/10.21105/joss.02171). A part of a plant that is out of service is not found.

    Examples
    --------
    >>> power = np.array([0.5, 0.0, 0.0, 0.0, 0.5])
    >>> outage(MeasuredPower(power=power, hours=1.0, expected=np.full(5, 0.5))).tolist()
    [False, True, True, True, False]
    """
    if series.expected is not None:
        idle = (np.abs(series.power) <= _STILL) & (series.expected > 0.05)
        still = _runs(idle, series.intervals(2.0, minimum=2))
        return _by_run(still, lambda run: bool(np.nanmean(series.expected[run]) > 0.25))  # type: ignore[index]
    if series.elevation is not None:
        return _runs((series.power <= 0.002) & (series.elevation > 15.0), series.intervals(2.0, minimum=3))
    return np.zeros(len(series.power), dtype=bool)


def interpolated(series: MeasuredPower) -> Bools:
    r"""Flag two hours and six values or more on one sloping line, and twelve hours or more copied from the day before.

    Notes
    -----
    On a line :math:`|p_{i-1} - 2 p_i + p_{i+1}| \le 2 \cdot 10^{-5}`, since loggers round, and
    :math:`|p_i - p_{i-1}| > 2 \cdot 10^{-4}`. Six values: ``interpolation_diff`` of pvanalytics.

    Examples
    --------
    >>> interpolated(MeasuredPower(power=np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.1]), hours=1.0)).tolist()
    [True, True, True, True, True, True, False]
    """
    step = series.power - _shifted(series.power, 1)
    curvature = _shifted(series.power, -1) - 2 * series.power + _shifted(series.power, 1)
    sloping = np.abs(step) > 2e-4 * min(series.hours, 1.0)
    inner = _runs((np.abs(curvature) <= 2e-5) & sloping, series.intervals(2.0, minimum=6) - 2)
    line = inner | np.append(inner[1:], False) | np.append(False, inner[:-1])
    day = series.intervals(24.0)
    same = np.abs(series.power - _shifted(series.power, day)) <= 1e-6
    copied = _by_run(
        _runs(same, series.intervals(12.0)),
        lambda run: bool(np.nanstd(series.power[run]) > 0.02 and len(np.unique(series.power[run])) > 5),
    )
    return np.asarray(line | copied)


#: Rules by the flag that they set, in order of precedence.
RULES: Final[dict[Flag, Rule]] = {
    Flag.NIGHT_GENERATION: night_generation,
    Flag.ABOVE_CAPACITY: above_capacity,
    Flag.SPIKE: spike,
    Flag.CLIPPING: clipping,
    Flag.CURTAILED: curtailed,
    Flag.OUTAGE: outage,
    Flag.STUCK: stuck,
    Flag.INTERPOLATED: interpolated,
}

#: Flags that are removed where the first one is set: a plateau has one cause.
EXCLUSIVE: Final = {
    Flag.CLIPPING: (Flag.CURTAILED, Flag.STUCK),
    Flag.CURTAILED: (Flag.STUCK,),
    Flag.ABOVE_CAPACITY: (Flag.SPIKE,),
}


def _shifted(values: Floats, by: int) -> Floats:
    """Value a number of places before; NaN where there is none."""
    result = np.full(len(values), np.nan)
    if abs(by) < len(values):
        result[max(by, 0) : len(values) + min(by, 0)] = values[max(-by, 0) : len(values) - max(by, 0)]
    return result


def _plateaus(values: Floats, *, tolerance: float, minimum: int) -> Bools:
    """Runs of values that equal their predecessors."""
    same = np.abs(values - _shifted(values, 1)) <= tolerance
    later = _runs(same, minimum - 1)
    return np.asarray(later | np.append(later[1:], False))


def _runs(mask: Bools, minimum: int) -> Bools:
    """Runs of a mask that are long enough."""
    return _by_run(mask, lambda run: run.stop - run.start >= minimum)


def _by_run(mask: Bools, keep: Callable[[slice], bool]) -> Bools:
    """Runs of a mask that a condition keeps."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(int), [0]])))
    result = np.zeros(len(mask), dtype=bool)
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        run = slice(int(begin), int(end))
        result[run] = keep(run)
    return result
