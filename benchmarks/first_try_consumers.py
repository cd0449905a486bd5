"""Consumers of ``first_try.py``: works, distribution networks of cities and households, as their files are published.

Files are told apart by their columns, not by their names. The last four months of a record are forecast, at most its
half, with a fit each month; for the cold start the four weeks after the first 1, 4 and 13 weeks, with one fit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import pandas as pd
from first_try_data import SERIES, Case, Place, analysis, case_of, known, place_of

import energyforecast as ef

#: Weeks learnt in the cold start, and weeks that are then forecast.
COLD: Final = (1, 4, 13)
TESTED: Final = pd.Timedelta("28D")
#: More issues than a period has: one fit.
ONCE: Final = 10**6


def consumption(folder: Path) -> Iterator[Case]:
    """Consumers of each file: the day ahead, a works the next four hours as well, and cold starts."""
    for path in sorted(folder.glob("*.parquet")):
        table = pd.read_parquet(path)
        reader = next((FORMS[ending] for ending in FORMS if _endings(table, ending)), None)
        if reader is None:
            raise SystemExit(f"No column of {list(table)} in {path.name} ends with one of {list(FORMS)}.")
        yield from reader(path, table)


def _endings(table: pd.DataFrame, ending: str) -> list[str]:
    """Columns whose name ends with a unit."""
    return [str(name) for name in table if str(name).lower().endswith(ending)]


def works(path: Path, table: pd.DataFrame) -> Iterator[Case]:
    """A works: energy of intervals by their end, where midnight bears the date of the day that ends."""
    place = place_of(path, Place(34.94, 127.7, "Asia/Seoul", "KR"))
    stamps = pd.to_datetime(table["date"], format="%d/%m/%Y %H:%M")
    stamps += pd.to_timedelta((stamps < stamps.shift()).astype(int), unit="D")
    for column in _endings(table, "_kwh"):
        name = path.stem if column == "usage_kwh" else f"{path.stem} {column.removesuffix('_kwh')}"
        demand = _read(table[column].set_axis(stamps), name, unit="kWh", zone=place.timezone, label="ending")
        yield from _cases(_area(name, place, "industry"), demand, intraday=True)


def city(path: Path, table: pd.DataFrame) -> Iterator[Case]:
    """Zones of a city: power by the beginning of the interval, an hour ahead of UTC, without and with temperature."""
    place, clock = place_of(path, Place(35.57, -5.37, "Africa/Casablanca", "MA")), "Etc/GMT-1"
    stamps = pd.DatetimeIndex(pd.to_datetime(table["time"])).tz_localize(clock).tz_convert("UTC")
    for column in _endings(table, "_kw")[:SERIES]:
        site = _area(f"{path.stem} {column.removesuffix('_kw')}", place, "total")
        demand = _read(table[column].set_axis(stamps), site.name, unit="kW", zone="UTC", label="beginning")
        yield from _cases(site, demand)
        if "temp_air" in table:
            sky = analysis(table[["temp_air"]].set_axis(stamps), site)
            yield from _cases(site, demand, weather=sky, words=", measured temperature", cold=())


def households(path: Path, table: pd.DataFrame) -> Iterator[Case]:
    """Households: energy of hours by their beginning in UTC."""
    place = place_of(path, Place(34.0, -117.5, "America/Los_Angeles", "US", "CA"))
    stamps = pd.DatetimeIndex(pd.to_datetime(table["time"])).tz_localize("UTC")
    for column in _endings(table, "_wh")[:SERIES]:
        site = _area(column.removesuffix("_wh"), place, "households")
        energy = table[column].set_axis(stamps) / 1e3
        yield from _cases(site, _read(energy, site.name, unit="kWh", zone="UTC", label="beginning"))


#: Reader of a file by the end of its columns' names: the unit.
FORMS: Final = {"_kwh": works, "_kw": city, "_wh": households}


def _area(name: str, place: Place, sector: Any) -> ef.DemandArea:
    """Area as a new user would describe it."""
    return ef.DemandArea(name=name, sector=sector, **asdict(place))


def _read(values: pd.Series, name: str, *, unit: str, zone: str, label: str) -> ef.Observations:
    """Demand that is published a quarter of an hour after each interval."""
    return ef.read_demand(values.rename(name), unit=unit, timezone=zone, label=label, published_after="15min")


def last_months(index: pd.DatetimeIndex) -> tuple[pd.Timestamp, pd.Timestamp]:
    """Last four months of a record, at most its half; both ends lie on midnight UTC.

    Examples
    --------
    >>> year = pd.date_range("2011-01-01", "2012-01-01", freq="1h", tz="UTC", inclusive="left")
    >>> [str(day.date()) for day in last_months(year)], [str(day.date()) for day in last_months(year[: 24 * 120])]
    (['2011-09-01', '2011-12-31'], ['2011-03-02', '2011-04-30'])
    """
    half = index[0] + (index[-1] - index[0]) / 2
    return max(index[-1] - pd.DateOffset(months=4), half).ceil("D"), index[-1].floor("D")


def _cases(
    site: ef.DemandArea,
    demand: ef.Observations,
    *,
    weather: Any = None,
    words: str = "",
    intraday: bool = False,
    cold: tuple[int, ...] = COLD,
) -> Iterator[Case]:
    """The day ahead, the next hours and the cold starts of a consumer."""
    step = demand.frequency
    ahead = ef.day_ahead("09:00", timezone=site.timezone, frequency=step)
    index = known(demand.values[site.name])
    start, end = last_months(index)
    shared = {"site": site, "weather": weather, "observations": demand}
    week = {"SeasonalNaive, a week": ef.SeasonalNaive()}
    whole = {"start": start, "end": end, "refit": "MS", "references": week}
    yield case_of(
        "consumption", site.name, f"day ahead{words}", kind="consumer", task=ahead, **shared, **whole
    )
    if intraday:
        now = ef.intraday(every="1h", leads="4h", frequency=step)
        whole["references"] = {"Persistence": ef.Persistence()}
        yield case_of(
            "consumption",
            site.name,
            f"intraday{words}",
            kind="consumer, intraday",
            task=now,
            **shared,
            **whole,
        )
    for weeks in cold:
        start = (index[0] + weeks * pd.Timedelta("7D")).ceil("D")
        if start + TESTED > index[-1]:
            return
        young = {"start": start, "end": start + TESTED, "refit": ONCE, "references": week}
        words = f"day ahead, {weeks} week{'s' if weeks > 1 else ''} learnt"
        yield case_of("consumption", site.name, words, kind="consumer", task=ahead, **shared, **young)
