"""What each calendar feature of demand is worth: forecasts with and without it, on real load.

Day-ahead at 09:00 local time, hourly, at the levels 0.05 to 0.95 in steps of 0.05. The recipe, and the features of the
calendar that are no part of it, give one table; each change drops or adds columns. The model is fitted anew each half
year on the two years before. Temperature is as measured where there is any (Victoria, the United States, Tetouan);
the other areas are forecast without weather. The model is the default one without calibration, with several seeds.
`choose` are the days on which defaults may be chosen, `confirm` later ones. For each area, period and column:

days        affected days (a flag is set, a share is above 0, a run of days off holds a holiday), and all days
with        mean pinball loss with the column, as a share of the mean demand, on affected days and on all [%]
worth       how much greater it is without the column, on affected days and on all, with a 95 % interval from a
            bootstrap of blocks of seven days and of seeds [%]; above 0 the column helps
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

import energyforecast as ef
from energyforecast import features
from energyforecast.core import calendars
from energyforecast.evaluation import pinball_loss
from energyforecast.evaluation.bootstrap import block_draws
from energyforecast.forecasting.design_matrix import DesignMatrix

Array = npt.NDArray[Any]
LEVELS = tuple(round(k / 20, 2) for k in range(1, 20))
#: Columns that are changed together.
COLUMNS: dict[str, tuple[str, ...]] = {
    "holiday": ("holiday",),
    "bridge_day": ("bridge_day",),
    "before_holiday": ("before_holiday",),
    "after_holiday": ("after_holiday",),
    "working_weekend": ("working_weekend",),
    "ramadan_after_sunset": ("ramadan_after_sunset",),
    "days_off": ("days_off_before", "days_off_after"),
    "half_day": ("half_day",),
    "school_holidays": ("school_holidays",),
}
#: Columns of the features that the recipe may lack.
ADDED = {"DaysOff": COLUMNS["days_off"], "HalfDays": ("half_day",), "SchoolHolidays": ("school_holidays",)}
#: The same recipe without the days that a decree set for one year alone, and with other seeds, to show chance.
DECREES, CHANCE = "decrees", "(other seeds)"


@dataclass(frozen=True, eq=False)
class Area:
    """An area, its demand and its weather, and the days on which features may be chosen and are confirmed."""

    site: ef.DemandArea
    demand: pd.Series[float]
    weather: xr.Dataset | None
    choose: tuple[str, str]
    confirm: tuple[str, str] | None
    refit: str = "6MS"


# -- data --------------------------------------------------------------------------------------------


def _site(
    name: str, country: str, zone: str, place: tuple[float, float], part: str | None = None
) -> ef.DemandArea:
    return ef.DemandArea(
        name=name, latitude=place[0], longitude=place[1], timezone=zone, country=country, subdivision=part
    )


def _temperature(name: str, celsius: pd.Series[float]) -> xr.Dataset:
    """Measured temperature at instants."""
    stamps = pd.DatetimeIndex(celsius.index).as_unit("ns").tz_convert("UTC").tz_localize(None).to_numpy()
    facts = {"units": "degree_Celsius", "standard_name": "air_temperature", "cell_methods": "time: point"}
    return xr.Dataset(
        {"temp_air": (("site", "time"), celsius.to_numpy("float32")[None], facts)},
        coords={"site": [name], "time": stamps, "available_time": ("time", stamps)},
        attrs={"kind": "analysis", "source": "measured"},
    )


def victoria(data: Path) -> Area:
    """Victoria, 2012 to 2014, with the temperature of Melbourne."""
    table = pd.read_parquet(data / "vic_elec/vic_elec.parquet")
    table.index = pd.DatetimeIndex(pd.to_datetime(table["Time"], utc=True))
    hourly = (
        table[["Demand", "Temperature"]]
        .astype(float)
        .resample("1h")
        .agg({"Demand": "mean", "Temperature": "first"})
    )
    site = _site("victoria", "AU", "Australia/Melbourne", (-37.8, 145.0), "VIC")
    weather = _temperature("victoria", hourly["Temperature"])
    return Area(site, hourly["Demand"], weather, ("2013-01-01", "2014-01-01"), ("2014-01-01", "2014-12-31"))


def great_britain(data: Path) -> Area:
    """Great Britain, 2018 to 2023: demand with the wind and solar power that is embedded in networks."""
    table = pd.read_parquet(data / "gb_demand/demand.parquet")
    day = (
        pd.DatetimeIndex(pd.to_datetime(table["SETTLEMENT_DATE"]))
        .tz_localize("Europe/London")
        .tz_convert("UTC")
    )
    index = day + pd.to_timedelta(30 * (table["SETTLEMENT_PERIOD"].to_numpy() - 1), unit="min")
    whole = table[["ND", "EMBEDDED_WIND_GENERATION", "EMBEDDED_SOLAR_GENERATION"]].sum(axis=1).to_numpy(float)
    demand = pd.Series(whole, index=index).sort_index().resample("1h").mean()
    site = _site("great_britain", "GB", "Europe/London", (52.5, -1.5), "ENG")
    return Area(site, demand, None, ("2019-01-01", "2020-03-01"), ("2021-07-01", "2024-01-01"))


def of_entsoe(data: Path, code: str, name: str, place: tuple[float, float], zone: str) -> Area:
    """France, Austria or Switzerland, January 2018 to September 2020."""
    table = pd.read_parquet(data / "opsd/at_ch_fr_2018_2020.parquet")
    index = pd.DatetimeIndex(pd.to_datetime(table["utc_timestamp"], utc=True))
    demand = pd.Series(table[f"{code}_load_actual_entsoe_transparency"].to_numpy(float), index=index)
    part = {"CH": "ZH"}.get(code)
    return Area(
        _site(name, code, zone, place, part),
        demand,
        None,
        ("2019-01-01", "2019-07-01"),
        ("2019-07-01", "2020-09-30"),
    )


def united_states(data: Path) -> Area:
    """The utility of GEFCom2014, to the month before the first task, with the mean of its 25 stations."""
    table = pd.read_parquet(data / "gefcom2014/load.parquet")
    end = pd.DatetimeIndex(table["timestamp"]).tz_localize("Etc/GMT+5").tz_convert("UTC")
    celsius = pd.Series((table.filter(regex=r"^w\d").mean(axis=1).to_numpy(float) - 32) / 1.8, index=end)
    demand = pd.Series(table["load"].to_numpy(float), index=end - pd.Timedelta("1h"))
    last = pd.Timestamp("2010-10-01", tz="UTC")
    site = _site("united_states", "US", "Etc/GMT+5", (40.0, -75.0))
    known = celsius.loc["2005":]
    weather = _temperature(site.name, known[known.index <= last])
    demand = demand[(demand.index >= known.index[0]) & (demand.index < last)]
    return Area(site, demand, weather, ("2007-01-01", "2008-07-01"), ("2008-07-01", "2010-09-30"))


def tetouan(data: Path, zone: int) -> Area:
    """A zone of Tetouan around the one Ramadan of 2017, with its temperature; fitted anew each week."""
    table = pd.read_parquet(data / "consumption/tetouan.parquet")
    index = pd.DatetimeIndex(table["time"]).tz_localize("UTC")
    hourly = table[[f"zone{zone}_kw", "temp_air"]].set_index(index).resample("1h")
    demand, celsius = hourly[f"zone{zone}_kw"].mean() / 1000, hourly["temp_air"].first()
    site = _site(f"tetouan_{zone}", "MA", "UTC", (35.57, -5.37))
    days = ("2017-05-15", "2017-07-15")
    return Area(site, demand, _temperature(site.name, celsius), days, None, refit="7D")


AREAS: dict[str, Callable[[Path], Area]] = {
    "victoria": victoria,
    "great_britain": great_britain,
    "france": lambda data: of_entsoe(data, "FR", "france", (46.6, 2.4), "Europe/Paris"),
    "austria": lambda data: of_entsoe(data, "AT", "austria", (47.6, 14.1), "Europe/Vienna"),
    "switzerland": lambda data: of_entsoe(data, "CH", "switzerland", (46.9, 8.2), "Europe/Zurich"),
    "united_states": united_states,
    "tetouan_1": lambda data: tetouan(data, 1),
    "tetouan_2": lambda data: tetouan(data, 2),
}


# -- losses ------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Setting:
    """Features of every day of an area, with all columns, and its demand."""

    area: Area
    forecaster: ef.Forecaster
    observations: ef.Observations
    table: DesignMatrix

    @classmethod
    def of(cls, area: Area, *, decrees: bool = True) -> Setting:
        """Every feature of the calendar, at each issue time."""
        zone = area.site.timezone
        task = ef.day_ahead("09:00", timezone=zone, quantiles=LEVELS)
        recipe = ef.recipe(area.site, task, weather=None if area.weather is None else "any")
        known = recipe.replace("DayType", features.DayType(decrees=decrees))
        more = [features.DaysOff(), features.HalfDays(), features.SchoolHolidays()]
        every = known + [item for item in more if item.name not in known.names]
        forecaster = ef.Forecaster(area.site, task, features=every, perfect_weather=area.weather is not None)
        demand = ef.Observations(area.demand.to_frame(area.site.name), published_after="1h")
        origins = forecaster.training_origins(area.weather, demand)
        return cls(area, forecaster, demand, forecaster.design_matrix(area.weather, demand, origins))

    @property
    def columns(self) -> pd.DataFrame:
        """The whole table."""
        return self.table.columns[self.area.site.name]

    @property
    def days(self) -> Array:
        """Local day of each row."""
        zone = self.area.site.timezone
        local = pd.DatetimeIndex(self.table.valid_time, tz="UTC").tz_convert(zone).tz_localize(None)
        return np.asarray(local.to_numpy().astype("datetime64[D]"))

    def losses(self, kept: list[str], *, between: tuple[str, str], seeds: range) -> pd.DataFrame:
        """Mean pinball loss of each local day (rows) and seed (columns), with some of the columns."""
        return pd.concat([self._losses(kept, between, seed) for seed in seeds], axis=1)

    def _losses(self, kept: list[str], between: tuple[str, str], seed: int) -> pd.Series[float]:
        name, (begin, end) = self.area.site.name, between
        self.forecaster.model.set_params(seed=seed, folds=0, n_estimators=200)
        table = replace(self.table, columns={name: self.columns[kept]}, measured=None)
        needs = self.forecaster.needs(self.area.weather)
        starts = pd.date_range(begin, end, freq=self.area.refit, tz="UTC")
        edges = [*starts, pd.Timestamp(end, tz="UTC")]
        found = []
        for start, stop in itertools.pairwise(edges):
            first, last = np.datetime64(start.tz_localize(None)), np.datetime64(stop.tz_localize(None))
            asked = (table.valid_time >= first) & (table.valid_time < last)
            if not asked.any():
                continue
            since = np.datetime64((start - pd.Timedelta("731D")).tz_localize(None))
            past = (table.valid_time < first) & (table.valid_time >= since)
            self.forecaster.fit_matrix(table, self.observations, needs=needs, as_of=start, rows=past)
            quantiles = self.forecaster.predict_rows(table, self.area.site, rows=asked)
            outcome = self.observations.value_at(name, table.valid_time[asked])
            known = np.isfinite(outcome)
            loss = pinball_loss(outcome[known], quantiles[known], LEVELS).mean(axis=1)
            found.append(pd.Series(loss, index=self.days[asked][known]))
        whole = pd.concat(found)
        return whole.groupby(whole.index).mean()

    def recipe_columns(self) -> list[str]:
        """Columns of the recipe."""
        own = ef.recipe(self.area.site, self.forecaster.task).names
        extra = {column for name, columns in ADDED.items() if name not in own for column in columns}
        return [name for name in self.columns if name not in extra]

    def affected(self, change: str) -> set[Any]:
        """Local days that a column marks."""
        if change == DECREES:
            return self._decreed()
        names = COLUMNS[change]
        values = self.columns[list(names)].to_numpy(float)
        marked = np.isfinite(values[:, 0]) if change == "ramadan_after_sunset" else values[:, 0] > 0
        if change == "days_off":
            runs = pd.DataFrame(values).groupby(self.columns["weekday"].to_numpy())
            marked = (values != runs.transform(lambda some: some.mode().iloc[0]).to_numpy()).any(axis=1)
        return set(self.days[marked].tolist())

    def _decreed(self) -> set[Any]:
        """Days whose type a decree changed."""
        site, days = self.area.site, np.unique(self.days)
        place: dict[str, Any] = {"country": site.country or "", "subdivision": site.subdivision}
        some, other = (calendars.look_up(days, **place, decrees=known) for known in (True, False))
        return set(days[(some.working != other.working) | (some.bridge != other.bridge)].tolist())


def worth(without: pd.DataFrame, given: pd.DataFrame, *, affected: set[Any], mean: float) -> dict[str, Any]:
    """Losses on affected and on all days, and how much greater they are without."""
    marked = np.array([day in affected for day in pd.DatetimeIndex(given.index).date])
    figures: dict[str, Any] = {"days": [int(marked.sum()), len(given)]}
    for name, chosen in (("affected", marked), ("all", np.ones(len(given), dtype=bool))):
        if not chosen.any():
            continue
        here, there = (frame.to_numpy() * chosen[:, None] for frame in (without, given))
        low, high = np.quantile(_drawn(here, there), (0.025, 0.975))
        figures[name] = {
            "with": round(100 * float(there.mean(axis=1).sum() / chosen.sum()) / mean, 3),
            "worth": round(100 * float(here.sum() / there.sum() - 1), 2),
            "interval": [round(float(low), 2), round(float(high), 2)],
        }
    return figures


def _drawn(here: Array, there: Array) -> Array:
    """Ratio of losses, less 1, of days drawn in blocks, the same for both, and of seeds, drawn for each. [%]"""
    days = block_draws(len(here), block=7, draws=4000)
    rng = np.random.default_rng(0)
    sums = []
    for losses in (here, there):
        seeds = rng.multinomial(
            losses.shape[1], np.full(losses.shape[1], 1 / losses.shape[1]), size=len(days)
        )
        sums.append(((days @ losses) * seeds).sum(axis=1))
    drawn = sums[1] > 0
    return np.asarray(100 * (sums[0][drawn] / sums[1][drawn] - 1))


def measure(area: Area, period: str, only: list[str], seeds: range) -> list[dict[str, Any]]:
    """A row a column that varies in the area."""
    between = area.choose if period == "choose" else area.confirm
    if between is None:
        return []
    setting, mean = Setting.of(area), float(area.demand.mean())
    recipe = setting.recipe_columns()
    default = setting.losses(recipe, between=between, seeds=seeds)
    rows = []
    for change in [*COLUMNS, DECREES, CHANCE]:
        if only and change not in only:
            continue
        without, given, affected = _change(setting, change, default, between, seeds)
        if without is None:
            continue
        figures = worth(without, given, affected=affected, mean=mean)
        rows.append({"area": area.site.name, "period": period, "change": change} | figures)
        print(json.dumps(rows[-1]), flush=True)
    return rows


def _change(
    setting: Setting, change: str, default: pd.DataFrame, between: tuple[str, str], seeds: range
) -> tuple[pd.DataFrame | None, pd.DataFrame, set[Any]]:
    """Losses without and with a change, and the days that it affects; None where nothing changes."""
    recipe = setting.recipe_columns()
    if change == CHANCE:
        others = range(seeds.stop, seeds.stop + len(seeds))
        return setting.losses(recipe, between=between, seeds=others), default, set()
    affected = setting.affected(change)
    if not any(between[0] <= str(day) < between[1] for day in affected):
        return None, default, set()
    if change == DECREES:
        other = Setting.of(setting.area, decrees=False)
        return other.losses(recipe, between=between, seeds=seeds), default, affected
    columns = COLUMNS[change]
    if set(columns) <= set(recipe):
        rest = [name for name in recipe if name not in columns]
        return setting.losses(rest, between=between, seeds=seeds), default, affected
    return default, setting.losses([*recipe, *columns], between=between, seeds=seeds), affected


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=os.environ.get("ENERGYFORECAST_DATA"))
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--areas", default=",".join(AREAS), help="with commas (default: all)")
    parser.add_argument("--periods", default="choose,confirm", help="with commas (default: both)")
    parser.add_argument("--only", default="", help="columns, with commas (default: all)")
    parser.add_argument("--seeds", type=int, default=8, help="seeds of the model (default: 8)")
    options = parser.parse_args()
    if options.data is None:
        parser.error("give --data DIR, or set ENERGYFORECAST_DATA")
    only = [name for name in options.only.split(",") if name]
    rows: list[dict[str, Any]] = []
    for name in options.areas.split(","):
        for period in options.periods.split(","):
            rows += measure(AREAS[name](Path(options.data)), period, only, range(1, 1 + options.seeds))
            if options.json:  # What is done outlives an interruption.
                options.json.write_text(json.dumps({"unit": "%", "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
