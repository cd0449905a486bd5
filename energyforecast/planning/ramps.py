"""Probability of ramps, warnings, and their verification."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.alignment import outcomes_at
from energyforecast.core.arguments import check_types
from energyforecast.core.intervals import step_of
from energyforecast.core.observation_series import Observations
from energyforecast.core.scenario_set import Scenarios
from energyforecast.core.wording import spaced
from energyforecast.errors import RangeError, SchemaError, TimeError
from energyforecast.evaluation.arguments import check_positive, check_range
from energyforecast.evaluation.ramp_matching import match_ramps, onsets
from energyforecast.planning.result_tables import check_columns

__all__ = ["alarm_scores", "alarms", "ramps"]

Array = npt.NDArray[Any]

_COLUMNS: Final = ("valid_time", "within", "direction", "change", "probability", "n")
#: Tolerance for rounding of a change [MW], a probability or a time [h].
_SLACK: Final = 1e-9


def ramps(
    scenarios: Scenarios,
    *,
    change: float,
    within: Sequence[str] = ("1h", "3h", "6h"),
    capacity: float | None = None,
    site: str | None = None,
) -> pd.DataFrame:
    r"""Probability that power rises, or falls, by at least a change within a few hours from each hour on.

    .. math::
        P_\text{up}(t) = \frac{1}{n} \sum_{k=1}^{n}
            \mathbf{1}\Big\{\max_{1 \le j \le m} (x_{k,t+j} - x_{k,t}) \ge \delta\Big\}

    with the power x of scenario k among n, the window of m intervals and the change :math:`\delta`; downward with
    :math:`x_{k,t} - x_{k,t+j}`. A ramp that is over before the end of the window counts, and both directions may occur
    in one window.

    Parameters
    ----------
    scenarios : Scenarios
        Of power, demand or net load, with a dependence between hours: independent hours change too often.
    change : float
        [MW], or a share of `capacity` where that is given.
    within : sequence of str
        Lengths of windows.
    capacity : float, optional
        [MW]
    site : str, optional
        Needed where there are several.

    Returns
    -------
    DataFrame
        ``valid_time``, ``within``, ``direction`` (``"up"``, ``"down"``), ``change`` [MW], ``probability``, ``n``
        (scenarios). The probability is NaN at the last hours, whose window is incomplete.

    Raises
    ------
    RangeError
        If the change is not above 0, or as a share of the capacity above 1.
    TimeError
        If a window is not whole intervals, or longer than the scenarios.

    References
    ----------
    Bossavy, Girard and Kariniotakis (2013), https://doi.org/10.1002/we.526.

    See Also
    --------
    alarms : Warnings from these probabilities.
    alarm_scores : Verification of the warnings.
    energyforecast.evaluation.ramps : Ramps of a point forecast.

    Examples
    --------
    In one of two scenarios power rises by 6 MW over two hours.

    >>> hours = pd.date_range("2024-01-02", periods=3, freq="1h", tz="UTC")
    >>> scenarios = Scenarios.from_values(
    ...     [[[2.0, 5.0, 8.0]], [[2.0, 2.0, 2.0]]], sites=["farm"], valid_time=hours
    ... )
    >>> table = ramps(scenarios, change=6.0, within=["1h", "2h"])
    >>> table[table["direction"] == "up"].pivot(index="valid_time", columns="within", values="probability").to_numpy()
    array([[0. , 0.5],
           [0. , nan],
           [nan, nan]])
    """
    check_types(locals(), of=ramps)
    if capacity is not None:
        check_positive("The change, a share of the capacity,", change, high=1.0)
    threshold = change if capacity is None else change * capacity
    if not (np.isfinite(threshold) and threshold > 0):
        raise RangeError(
            f"A ramp is a change by {threshold:g} MW.",
            "It must be above 0 MW.",
            "Give change=..., in MW or as a share.",
        )
    if not len(within):
        raise SchemaError("within is empty.", "Ramps must have durations.", "Give within=('1h', '3h').")
    trajectories, hours, frames = scenarios.of(site), scenarios.valid_times, []
    for window in within:
        rise, fall = _extremes(trajectories, _intervals(window, scenarios.step, len(hours)))
        for direction, size in (("up", rise), ("down", -fall)):
            share = np.where(np.isfinite(size[0]), (size >= threshold - _SLACK).mean(axis=0), np.nan)
            found = {"valid_time": hours, "within": window, "direction": direction, "change": threshold}
            frames.append(pd.DataFrame(found | {"probability": share, "n": scenarios.n_scenarios}))
    table = pd.concat(frames, ignore_index=True)
    table.attrs = {"step": scenarios.step, "caveats": "; ".join(scenarios.caveats)}
    return table


def alarms(table: pd.DataFrame, *, probability: float = 0.3) -> pd.DataFrame:
    """Warnings of ramps: consecutive hours with a high enough probability, as one event.

    Parameters
    ----------
    table : DataFrame
        Of :func:`ramps`.
    probability : float
        Threshold of a warning. [1]

    Returns
    -------
    DataFrame
        A row for each warning, earliest first: ``within``, ``direction``, ``change`` [MW], ``start`` and ``end``
        (first and last interval at which the ramp may begin), ``hours`` from the one to the end of the other,
        ``probability`` (the largest) and ``likeliest`` (its interval).

    Raises
    ------
    RangeError
        If the probability is not above 0 and at most 1.

    See Also
    --------
    ramps : The probabilities.
    alarm_scores : Verification.

    Examples
    --------
    >>> hours = pd.date_range("2024-01-02", periods=4, freq="1h", tz="UTC")
    >>> scenarios = Scenarios.from_values(
    ...     [[[2.0, 2.0, 8.0, 8.0]], [[2.0, 8.0, 8.0, 8.0]]], sites=["farm"], valid_time=hours
    ... )
    >>> alarms(ramps(scenarios, change=5.0, within=["1h"]))[["direction", "start", "hours", "probability"]]
      direction                     start  hours  probability
    0        up 2024-01-02 00:00:00+00:00    2.0          0.5
    """
    check_types(locals(), of=alarms)
    if not 0.0 < probability <= 1.0:
        raise RangeError(
            f"Warnings are asked for from a probability of {probability:g} on.",
            "It must be above 0 and at most 1.",
            "Give 0.3 for 30 %.",
        )
    rows = []
    for (within, direction), part in _windows(table):
        values, hours = part["probability"].to_numpy(), pd.DatetimeIndex(part["valid_time"])
        for first, last in _runs(values >= probability - _SLACK, hours, _step(table)):
            best = first + int(values[first : last + 1].argmax())
            rows.append(
                {
                    "within": within,
                    "direction": direction,
                    "change": float(part["change"].iloc[0]),
                    "start": hours[first],
                    "end": hours[last],
                    "hours": (last + 1 - first) * _step(table),
                    "probability": float(values[best]),
                    "likeliest": hours[best],
                }
            )
    names = ["within", "direction", "change", "start", "end", "hours", "probability", "likeliest"]
    return pd.DataFrame(rows, columns=names).sort_values("start", kind="stable", ignore_index=True)


def alarm_scores(
    tables: pd.DataFrame | Sequence[pd.DataFrame],
    observations: Observations | pd.Series,
    *,
    probability: float = 0.3,
    tolerance: str = "1h",
    site: str | None = None,
) -> pd.DataFrame:
    r"""Hits, misses and false alarms of ramp warnings, by window and direction.

    .. math::

        \text{CSI} = \frac{a}{a + b + c}, \quad \text{POD} = \frac{a}{a + c}, \quad \text{FAR} = \frac{b}{a + b}

    with hits :math:`a`, false alarms :math:`b` and misses :math:`c`.

    Parameters
    ----------
    tables : DataFrame or sequence of DataFrame
        Of :func:`ramps`, one for each issue.
    observations : Observations or Series
        Outcomes, by the beginnings of hours. [MW]
    probability : float
        Threshold of a warning. [1]
    tolerance : str
        A warning hits a ramp that begins at most this long before or after its hours.
    site : str, optional
        Column of the observations.

    Returns
    -------
    DataFrame
        ``within``, ``direction``, ``hits``, ``misses``, ``false_alarms``, ``csi``, ``pod`` and ``far`` (NaN where
        their denominator is 0), ``warned`` (share of hours), ``n`` (hours judged), ``missing``.

    Notes
    -----
    Of consecutive hours that each begin a ramp, the one with the largest change is the event, as in
    :func:`energyforecast.evaluation.ramps`. The nearest warning of its direction hits it; each warning hits once.
    Long warnings hit more easily: compare hits at equal ``warned``.

    See Also
    --------
    alarms : The warnings.
    energyforecast.evaluation.ramps : The same scores of a point forecast.

    Examples
    --------
    >>> hours = pd.date_range("2024-01-02", periods=4, freq="1h", tz="UTC")
    >>> scenarios = Scenarios.from_values(
    ...     [[[2.0, 2.0, 8.0, 8.0]], [[2.0, 8.0, 8.0, 8.0]]], sites=["farm"], valid_time=hours
    ... )
    >>> observed = pd.Series([2.0, 2.0, 2.0, 8.0], index=hours)
    >>> scores = alarm_scores(ramps(scenarios, change=5.0, within=["1h"]), observed)
    >>> scores[["direction", "hits", "misses", "false_alarms", "n"]]
      direction  hits  misses  false_alarms  n
    0        up     1       0             0  3
    1      down     0       0             0  3
    """
    check_types(locals(), of=alarm_scores)
    slack = timestamps.duration(tolerance) / pd.Timedelta("1h")
    check_range("The tolerance [h]", slack, low=0.0)
    several = [tables] if isinstance(tables, pd.DataFrame) else list(tables)
    if not several:
        raise SchemaError("No table is given.", "There must be at least one.", "Give the tables of ramps.")
    parts = [
        part
        for table in several
        for part in _judged(table, observations, probability, slack, site or "the scenarios")
    ]
    sums = pd.DataFrame(parts).groupby(["within", "direction"], sort=False, as_index=False).sum()
    observed, warned = (sums["hits"] + sums[other] for other in ("misses", "false_alarms"))
    scores = (
        ("csi", "hits", observed + sums["false_alarms"]),
        ("pod", "hits", observed),
        ("far", "false_alarms", warned),
    )
    for place, (name, part, whole) in enumerate(scores, start=5):
        sums.insert(place, name, sums[part] / whole.where(whole > 0))
    return sums.assign(warned=sums["warned"] / sums["n"].where(sums["n"] > 0))


def _judged(
    table: pd.DataFrame, observations: Observations | pd.Series, probability: float, slack: float, site: str
) -> Iterator[dict[str, Any]]:
    """Counts of each window and direction of one table."""
    warnings = alarms(table, probability=probability)
    for (within, direction), part in _windows(table):
        hours = pd.DatetimeIndex(part["valid_time"])
        outcome = outcomes_at(observations, hours, site=site, step=_step(table))
        rise, fall = _extremes(outcome[None, :], _intervals(within, _step(table), len(hours)))
        sign = 1 if direction == "up" else -1
        size = np.maximum(rise[0], 0.0) if sign == 1 else np.minimum(fall[0], 0.0)
        chosen = warnings[(warnings["within"] == within) & (warnings["direction"] == direction)]
        spans = [(_since(row.start, hours), _since(row.end, hours), sign) for row in chosen.itertuples()]
        # A warning without any known hour is not judged.
        judged = [span for span in spans if np.isfinite(size[_inside(hours, span)]).any()]
        events = [
            (_since(hours[place], hours), way)
            for place, way in onsets(size, float(part["change"].iloc[0]) - _SLACK)
        ]
        hits, false = match_ramps(events, judged, tolerance=slack)
        whole = np.isfinite(part["probability"].to_numpy())
        known = whole & np.isfinite(size)
        yield {
            "within": within,
            "direction": direction,
            "hits": len(hits),
            "misses": len(events) - len(hits),
            "false_alarms": len(false),
            "warned": int((part["probability"].to_numpy() >= probability - _SLACK)[known].sum()),
            "n": int(known.sum()),
            "missing": int((whole & ~known).sum()),
        }


def _extremes(power: Array, intervals: int) -> tuple[Array, Array]:
    """Largest rise and largest fall from each hour on; NaN where the window is incomplete."""
    rise, fall = (np.full(power.shape, np.nan) for _ in range(2))
    last = power.shape[1] - intervals
    steps = np.stack([power[:, k : k + last] - power[:, :last] for k in range(1, intervals + 1)])
    rise[:, :last], fall[:, :last] = steps.max(axis=0), steps.min(axis=0)
    return rise, fall


def _intervals(within: str, step: float, length: int) -> int:
    """Number of intervals of a window."""
    count = float(timestamps.duration(within) / pd.Timedelta("1h") / step)
    if abs(count - round(count)) > 1e-9 or not 1 <= round(count) < length:
        raise TimeError(
            f"Ramps within {within} are asked for, of {length} intervals of {spaced(step)}.",
            "A window must be one or more whole intervals, and shorter than the scenarios.",
            "Leave this window out, or sample longer scenarios.",
        )
    return round(count)


def _windows(table: pd.DataFrame) -> Iterator[tuple[tuple[str, str], pd.DataFrame]]:
    """Rows of each window and direction."""
    check_columns(table, _COLUMNS, name="ramps", source="ramps(...)")
    for (within, direction), part in table.groupby(["within", "direction"], sort=False):
        yield (str(within), str(direction)), part


def _step(table: pd.DataFrame) -> float:
    """Length of an interval. [h]"""
    if "step" in table.attrs:
        return float(table.attrs["step"])
    return step_of(pd.DatetimeIndex(table["valid_time"]))


def _runs(marked: Array, hours: pd.DatetimeIndex, step: float) -> list[tuple[int, int]]:
    """First and last position of each run of consecutive marked hours."""
    places = np.flatnonzero(marked)
    if not places.size:
        return []
    gap = np.diff(timestamps.to_ns(hours)[places]) > np.timedelta64(round(step * 3.6e12), "ns")
    cuts = np.flatnonzero(gap | (np.diff(places) > 1)) + 1
    return [(int(run[0]), int(run[-1])) for run in np.split(places, cuts)]


def _since(moment: pd.Timestamp, hours: pd.DatetimeIndex) -> float:
    """Hours since the first hour."""
    return float((moment - hours[0]) / pd.Timedelta("1h"))


def _inside(hours: pd.DatetimeIndex, span: tuple[float, float, int]) -> Array:
    """Whether each hour lies in the span of a warning."""
    place = np.asarray((hours - hours[0]) / pd.Timedelta("1h"))
    return (place >= span[0] - _SLACK) & (place <= span[1] + _SLACK)
