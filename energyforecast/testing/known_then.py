"""Checks that data is plausible as known then: publication latencies, and errors that grow with the lead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr
from scipy import stats

from energyforecast.core import timestamps
from energyforecast.core.arguments import check_types
from energyforecast.core.observation_series import Observations
from energyforecast.core.weather_schema import Weather, as_models, is_analysis
from energyforecast.errors import LeakageError
from energyforecast.weather.sources.common.publication_latency import LATENCIES

__all__ = ["check_known_then"]

Array = npt.NDArray[Any]
#: Shortest time from initialisation to availability of a source that declares none. [h]
_AT_ONCE: Final = 0.25
#: Difference between a long and a short lead at which weather is a forecast.
_SMALLEST_GROWTH: Final = 1.1
#: Share of the spread of a variable beneath which differences are those of storage.
_SAME: Final = 0.02
#: Least pairs of values, and runs that are compared.
_FEWEST: Final = 200
_RUNS: Final = 400
#: Days by which power and weather are shifted, and the rank correlation that must be gained.
_DAYS: Final = (-2, -1, 1, 2)
_GAIN: Final = 0.05
_HOUR: Final = np.timedelta64(3_600_000_000_000, "ns")


def check_known_then(
    weather: Weather,
    observations: Observations | None = None,
    *,
    latency: str | timedelta | Mapping[str, str | timedelta] | None = None,
    power_latency: str | timedelta | None = None,
) -> pd.DataFrame:
    r"""Check that weather and observations can have been known at the times that they declare.

    Tests on the same data cannot find a wrong declaration, but some are implausible: a run that is available at its
    initialisation, or before its source declares; weather with equal values at all leads, which is an analysis cut
    into runs; power that is published before its meter is read, or follows the weather of another day.

    Parameters
    ----------
    weather : Dataset or mapping of Dataset
    observations : Observations, optional
        [MW]
    latency : timedelta, str, or mapping of them by weather model, optional
        Shortest time from initialisation to availability; by default that which the library knows of the source, in
        the attribute ``source``, else a quarter of an hour.
    power_latency : timedelta or str, optional
        Shortest time from the end of an interval to the publication of its power, e.g. ``"12h"`` of a meter that is
        read in the next morning.

    Returns
    -------
    DataFrame
        A row for each test: ``check``, ``of`` (weather model, variable or site), ``found``, ``bound``, and ``result``:
        ``"passed"``, or why it could not be made.

    Raises
    ------
    LeakageError
        If the data cannot have been known then.

    See Also
    --------
    check_revisions : Two states of an archive, compared.
    check_no_leakage, check_source

    Notes
    -----
    The difference of a run's values :math:`x` from those of the newest run for the same time :math:`v` must grow with
    the lead :math:`h`:

    .. math:: \operatorname{rms}_v\big(x_h(v) - x_0(v)\big) \quad\text{at the last quarter of leads} \;\ge\; 1.1 \times
        \text{that at the first leads after a new run}

    Examples
    --------
    >>> import energyforecast as ef
    >>> synthetic = ef.datasets.shelek(models=("ecmwf",), hours=24 * 40)
    >>> weather = synthetic.weather["ecmwf"]
    >>> table = check_known_then(weather, synthetic.observations, power_latency="1h")
    >>> for row in table.itertuples():
    ...     print(f"{row.check} of {row.of}: {row.found:.1f}, {row.result}")
    latency of weather [h] of weather: 6.0, passed
    growth of differences with lead of wind_speed_10m: 4.0, passed
    growth of differences with lead of temp_air: 5.2, passed
    latency of power [h] of Shelek (synthetic): 2.0, passed
    day of power of Shelek (synthetic): 0.8, passed
    """
    check_types(locals(), of=check_known_then)
    rows = []
    for name, data in as_models(weather).items():
        words = name or "weather"
        if is_analysis(data):
            rows.append(_row("latency of weather [h]", words, result="not tested: an analysis, no forecast"))
            continue
        given = latency.get(name) if isinstance(latency, Mapping) else latency
        rows.append(_latency_of_runs(data, words, given))
        rows += list(_growth(data, words))
    if observations is not None:
        rows += list(_latency_of_power(observations, power_latency))
        rows += list(_day_of_power(observations, weather))
    return pd.DataFrame(rows)


def _row(
    check: str, of: str, *, found: float = np.nan, bound: float = np.nan, result: str = "passed"
) -> dict[str, Any]:
    return {"check": check, "of": of, "found": found, "bound": bound, "result": result}


def _latency_of_runs(data: xr.Dataset, words: str, given: str | timedelta | None) -> dict[str, Any]:
    """Shortest latency of all runs, which must be that of the source at least."""
    arrived = timestamps.to_ns(data["available_time"].transpose("init_time", ...).values)
    first = arrived if arrived.ndim == 1 else arrived.min(axis=1)
    late = (first - timestamps.to_ns(data["init_time"].values)) / _HOUR
    shortest = float(np.nanmin(np.where(np.isnat(first), np.nan, late)))
    bound = _AT_ONCE if given is None else timestamps.duration(given) / pd.Timedelta("1h")
    source = str(data.attrs.get("source", ""))
    declared = [item for name, item in LATENCIES.items() if name in source.lower().replace("-", "_").split()]
    if given is None and declared:
        bound = min(
            timestamps.duration(base) / pd.Timedelta("1h")
            for item in declared
            for base in (item.base, *item.by_cycle.values())
        )
    if shortest < bound - 1e-9:
        raise LeakageError(
            f"Runs of {words} are available {shortest:.2f} h after their initialisation.",
            f"They must take {bound:.2f} h at least"
            + (f", as the source {source!r} declares." if given is not None or declared else "."),
            "Give available_time as it was recorded, or as the source declares it; never the initialisation.",
        )
    return _row("latency of weather [h]", words, found=shortest, bound=float(bound))


def _growth(data: xr.Dataset, words: str) -> Iterator[dict[str, Any]]:
    """Growth with the lead of the differences from newer runs, by variable."""
    speeds = [str(name) for name in data.data_vars if str(name).startswith("wind_speed_")][:1]
    for name in [*speeds, *(item for item in ("temp_air", "ghi") if item in data)]:
        yield _growth_of(data, name, f"{words} {name}" if words != "weather" else name)


def _growth_of(data: xr.Dataset, name: str, words: str) -> dict[str, Any]:
    check = "growth of differences with lead"
    table, cycle = _by_lead(data[name])
    truth = table[table["lead"] < cycle].groupby(["site", "valid"])["value"].first().rename("truth")
    pairs = table[table["lead"] >= cycle].join(truth, on=["site", "valid"], how="inner")
    near, far = pairs["lead"] < 2 * cycle, pairs["lead"] >= max(2 * cycle, 0.75 * table["lead"].max())
    if min(near.sum(), far.sum()) < _FEWEST:
        return _row(check, words, result="not tested: runs do not overlap over a range of leads")
    square = (pairs["value"] - pairs["truth"]) ** 2
    short, long = (float(np.sqrt(square[mask].mean())) for mask in (near, far))
    spread = float(truth.std())
    if long < max(_SMALLEST_GROWTH * short, _SAME * spread):
        raise LeakageError(
            f"{words} differs from the newest run by {short:.3g} at leads of {cycle:g} to {2 * cycle:g} h, and by "
            f"{long:.3g} at {pairs['lead'][far].min():g} h and later.",
            f"Forecasts get worse with the lead: the second must be {_SMALLEST_GROWTH} times the first. Values that do "
            "not are an analysis, or were written later.",
            "Take the runs as they were issued; mark an analysis by attrs['kind'] = 'analysis' and use "
            "perfect_weather=True.",
        )
    return _row(check, words, found=long / short if short else np.inf, bound=_SMALLEST_GROWTH)


def _by_lead(values: xr.DataArray) -> tuple[pd.DataFrame, float]:
    """Values by site, valid time and lead [h], of the newest runs, and the time between runs. [h]"""
    chosen = values.isel(init_time=slice(-_RUNS, None))
    chosen = (chosen.mean("member") if "member" in chosen.dims else chosen).transpose(
        "site", "init_time", "lead_time"
    )
    init, lead = (
        timestamps.to_ns(chosen["init_time"].values),
        chosen["lead_time"].values.astype("timedelta64[ns]"),
    )
    shape = chosen.shape
    table = pd.DataFrame(
        {
            "site": np.broadcast_to(np.arange(shape[0])[:, None, None], shape).ravel(),
            "valid": np.broadcast_to((init[:, None] + lead)[None], shape).ravel(),
            "lead": np.broadcast_to((lead / _HOUR)[None, None], shape).ravel(),
            "value": chosen.values.astype(np.float64).ravel(),
        }
    ).dropna()
    cycle = float(np.median(np.diff(init)) / _HOUR) if len(init) > 1 else np.inf
    return table.sort_values("lead", kind="stable"), cycle


def _latency_of_power(observations: Observations, given: str | timedelta | None) -> Iterator[dict[str, Any]]:
    """Shortest time from the end of an interval to the publication of its power."""
    ends = timestamps.to_ns(observations.index) + observations.frequency.to_timedelta64()
    late = (observations.published - ends[:, None]) / _HOUR
    for k, site in enumerate(observations.sites):
        shortest = float(np.nanmin(late[:, k]))
        if given is None:
            result = "not tested: give power_latency, the shortest time until power is published"
            yield _row("latency of power [h]", site, found=shortest, result=result)
            continue
        bound = timestamps.duration(given) / pd.Timedelta("1h")
        if shortest < bound - 1e-9:
            raise LeakageError(
                f"Power of {site!r} is published {shortest:.2f} h after its interval.",
                f"Its meter takes {bound:.2f} h at least.",
                "Give published_after, or published_time as it was recorded.",
            )
        yield _row("latency of power [h]", site, found=shortest, bound=float(bound))


def _day_of_power(observations: Observations, weather: Weather) -> Iterator[dict[str, Any]]:
    """Whether power follows the weather of its own day rather than that of another one."""
    for name, data in as_models(weather).items():
        speeds = [str(item) for item in data.data_vars if str(item).startswith("wind_speed_")]
        if is_analysis(data) or not speeds:
            continue
        table, _ = _by_lead(data[speeds[0]])
        for k, site in enumerate(map(str, data["site"].values)):
            if site in observations.sites:
                one = table[table["site"] == k].groupby("valid")["value"].first()
                yield _follows(observations, site, one, words=f"{site} {name}".strip())


def _follows(observations: Observations, site: str, wind: pd.Series, *, words: str) -> dict[str, Any]:
    correlation = {0: np.nan}
    for days in (0, *_DAYS):
        # The weather of so many days after the stamp of the power.
        hours = timestamps.to_ns(pd.DatetimeIndex(wind.index)) - days * 24 * _HOUR
        power = observations.value_at(site, hours, outside="missing")
        known = np.isfinite(power)
        if known.sum() < _FEWEST:
            return _row("day of power", words, result="not tested: too few hours with power and wind")
        correlation[days] = float(stats.spearmanr(power[known], wind.to_numpy()[known]).statistic)
    best = max(correlation, key=lambda days: correlation[days])
    if correlation[best] > correlation[0] + _GAIN:
        side = "after" if best > 0 else "before"
        raise LeakageError(
            f"Power of {words} has a rank correlation of {correlation[best]:.2f} with the wind {abs(best)} d {side} "
            f"its stamp, and of {correlation[0]:.2f} with that at its stamp.",
            "Power must follow the wind of its own hour; stamped a day early, it is published a day early.",
            "Check the dates of the power file, and those of the weather.",
        )
    return _row("day of power", words, found=correlation[0], bound=correlation[best])
