"""Coverage of a default model that learnt from 1 to 9 months and forecasts the month after.

Every set in the folder: demand of Victoria (with temperature), Texas, Great Britain and four countries of Europe
(by hours, without weather), net load of Dutch grid points (day ahead and 15 minutes to 4 hours ahead), wind of
GEFCom2012 and GEFCom2014 (2012) and of Klim (1 to 3 hours ahead), solar of GEFCom2014 (before the scored task).
For each number of months, three starts are spread over the record. Given are, by set and number of months, the mean
coverage of the central 80 and 90 % [%], the mean pinball loss over 0.01 to 0.99 as a share of the mean outcome [%], the
CPU seconds of the fits, and for intraday tasks the coverage of 80 % at each lead [%].
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from sklearn.base import clone

import energyforecast as ef
from energyforecast.competitions import read_gefcom2012_wind, read_gefcom2014_solar, read_gefcom2014_wind
from energyforecast.core.quantiles import PERCENTILES, QuantileFunction
from energyforecast.evaluation.losses import pinball_loss
from energyforecast.forecasting.training import select_rows

MONTHS, STARTS = (1, 2, 4, 9), 3
MONTH = np.timedelta64(30, "D")
#: Latitude, longitude and zone of each place.
VICTORIA, TEXAS, LONDON = (
    (-37.8, 145.0, "Australia/Melbourne"),
    (31.0, -99.0, "US/Central"),
    (52.0, -1.0, "Europe/London"),
)
CENTRAL, DUTCH, KLIM = (48.0, 9.0, "Europe/Berlin"), (52.0, 5.0, "Europe/Amsterdam"), (57.1, 9.1, "UTC")


@dataclass(frozen=True, eq=False)
class Series:
    """Rows of one site and task: features, outcomes, issue times and leads, and the default model."""

    group: str
    name: str
    model: ef.QuantileModel
    X: pd.DataFrame
    y: np.ndarray
    issued: np.ndarray
    lead: np.ndarray
    bounds: tuple[float, float]


def _series(
    group: str,
    site: ef.Site,
    task: Any,
    weather: xr.Dataset | None,
    observations: ef.Observations,
    every: int = 1,
) -> Series:
    """Rows of a site from its design matrix, without nights; every so many origins."""
    level = [ef.features.RecentLevel()] if isinstance(site, ef.DemandArea) else []
    chosen = ef.recipe(site, task, weather=None if weather is None else "any") + level
    forecaster = ef.Forecaster(site, task, features=chosen, perfect_weather=True, trust_clock=True)
    known = observations.index if weather is None or "time" not in weather else weather["time"].values
    start, end = pd.Timestamp(known[0]), observations.index[-1] - pd.Timedelta("3D")
    start = start.tz_localize("UTC") if start.tzinfo is None else start
    issued = task.issue_times(max(start, observations.index[0]) + pd.Timedelta("3D"), end)[::every]
    if weather is not None and "init_time" in weather:
        issued = issued[issued >= pd.Timestamp(weather["available_time"].values.min(), tz="UTC")]
    matrix = forecaster.design_matrix(weather, observations, issued)
    rows = select_rows(matrix, observations, sites=[site])
    kept = rows.lit(site)
    lead = (matrix.valid_time - matrix.issue_time) / np.timedelta64(1, "h")
    bounds = (0.0, 1.0) if site.capacity is not None else (-np.inf, np.inf)
    return Series(
        group,
        site.name,
        forecaster.model_of[site.name],
        matrix.columns[site.name][kept].set_axis(pd.DatetimeIndex(matrix.valid_time[kept])),
        rows.outcome[site.name][kept] / rows.scale[site.name],
        matrix.issue_time[kept],
        lead[kept],
        bounds,
    )


def _area(name: str, place: tuple[float, float, str]) -> ef.DemandArea:
    return ef.DemandArea(name=name, latitude=place[0], longitude=place[1], timezone=place[2])


def _demand(
    group: str, load: pd.DataFrame, place: tuple[float, float, str], temp: pd.Series | None = None
) -> Iterator[Series]:
    """Day-ahead demand of each column, by hours."""
    load = load[~load.index.duplicated()].resample("1h").mean()
    for name in load:
        area = _area(str(name), place)
        observations = ef.Observations(load[[name]].dropna().asfreq("1h"), published_after="1h")
        task = ef.day_ahead("09:00", timezone=place[2])
        weather = None
        if temp is not None:
            hourly = temp[~temp.index.duplicated()].resample("1h").first().to_frame(str(name))
            weather = ef.weather.measured_weather({"temp_air": hourly}, published_after="0h")
        yield _series(group, area, task, weather, observations)


def victoria(data: Path) -> Iterator[Series]:
    table = pd.read_parquet(data / "vic_elec/vic_elec.parquet")
    table.index = pd.to_datetime(table["Time"], utc=True)
    yield from _demand("victoria", table[["Demand"]], VICTORIA, table["Temperature"])


def texas(data: Path) -> Iterator[Series]:
    table = pd.read_csv(data / "ercot/native_load_2022.csv")
    table.index = pd.date_range("2022-01-01 06:00", periods=len(table), freq="1h", tz="UTC")
    yield from _demand("texas", table.drop(columns="Hour Ending"), TEXAS)


def britain(data: Path) -> Iterator[Series]:
    table = pd.read_parquet(data / "gb_demand/demand.parquet")
    begin = pd.to_datetime(table["SETTLEMENT_DATE"]).dt.tz_localize("Europe/London").dt.tz_convert("UTC")
    table.index = pd.DatetimeIndex(begin + (table["SETTLEMENT_PERIOD"] - 1) * pd.Timedelta("30min"))
    yield from _demand("britain", table.loc["2018":"2019", ["ND"]], LONDON)


def europe(data: Path) -> Iterator[Series]:
    for file in ("de_4tso_2019", "at_ch_fr_2018_2020"):
        table = pd.read_parquet(data / f"opsd/{file}.parquet")
        table.index = pd.to_datetime(table["utc_timestamp"], utc=True)
        yield from _demand("europe", table.filter(regex="^[A-Z]+_load_actual"), CENTRAL)


def dutch(data: Path) -> Iterator[Series]:
    """Net load with perfect weather: day ahead, and 15 minutes to 4 hours ahead every two hours."""
    names = {"temp": "temp_air", "windspeed": "wind_speed_10m", "windspeed_100m": "wind_speed_100m"}
    for path in sorted((data / "nl_gridpoints").glob("*.parquet")):
        table = pd.read_parquet(path).set_index("time").asfreq("15min")
        area = _area(path.stem, DUTCH)
        air = table[list(names)].rename(columns=names).interpolate(limit=4).dropna()
        air["ghi"] = (table["radiation"] / 3600).clip(lower=0).reindex(air.index).ffill()
        weather = xr.Dataset(
            {key: (("site", "time"), value.to_numpy(np.float32)[None]) for key, value in air.items()},
            coords={
                "site": [path.stem],
                "time": air.index.tz_localize(None).values,
                "available_time": ("time", air.index.tz_localize(None).values),
            },
            attrs={"kind": "analysis"},
        )
        weather["ghi"].attrs["cell_methods"] = "time: mean"
        observations = ef.Observations(
            table[["load"]].rename(columns={"load": path.stem}), published_after="15min"
        )
        observations = observations[air.index[0] :]
        day = ef.day_ahead("09:00", timezone=DUTCH[2], frequency="15min")
        hours = ef.intraday(every="15min", leads="4h", frequency="15min")
        yield _series("dutch", area, day, weather, observations)
        yield _series("dutch intraday", area, hours, weather, observations, every=8)


def _competition(group: str, found: Any, task: Any, sites: slice, until: str) -> Iterator[Series]:
    for site in found.sites[sites]:
        observations = found.observations[: pd.Timestamp(until, tz="UTC")]
        yield _series(group, site, task, found.weather, observations)


def wind(data: Path) -> Iterator[Series]:
    found = read_gefcom2014_wind(data / "gefcom2014", information="operational")
    yield from _competition(
        "wind 2014", found, ef.day_ahead("00:00", timezone="UTC", first_day=0), slice(0, 9, 3), "2012-12-31"
    )


def solar(data: Path) -> Iterator[Series]:
    found = read_gefcom2014_solar(data / "gefcom2014", information="operational")
    yield from _competition(
        "solar 2014", found, ef.day_ahead("00:00", timezone="UTC", first_day=0), slice(None), "2013-03-31"
    )


def gefcom2012(data: Path) -> Iterator[Series]:
    found = read_gefcom2012_wind(data / "gefcom2012_wind")
    yield from _competition(
        "wind 2012", found, ef.intraday(every="12h", leads="48h"), slice(0, 7, 4), "2010-12-31"
    )


def klim(data: Path) -> Iterator[Series]:
    """Wind 1 to 3 hours ahead, from the wind that is forecast for each."""
    table = pd.read_parquet(data / "klim/klim.parquet").drop_duplicates("t").set_index("t")
    table = table.asfreq("1h").loc["1999":"2000"]
    farm = ef.WindFarm(
        name="Klim", latitude=KLIM[0], longitude=KLIM[1], capacity=21.0, hub_height=45, timezone="UTC"
    )
    issued = table.index[table["Ws1"].notna()].tz_localize(None).values
    names = {"wind_speed_10m": "Ws", "wind_direction_10m": "Wd", "temp_air": "T"}
    later = {k: table.reindex(table.index) for k in (1, 2, 3)}
    values = {
        name: np.stack([later[k][f"{short}{k}"][table["Ws1"].notna()] for k in (1, 1, 2, 3, 3)], axis=1)
        for name, short in names.items()
    }
    values["temp_air"] = values["temp_air"] - 273.15
    weather = xr.Dataset(
        {k: (("site", "init_time", "lead_time"), v[None].astype(np.float32)) for k, v in values.items()},
        coords={
            "site": ["Klim"],
            "init_time": issued,
            "lead_time": (np.arange(5) * np.timedelta64(1, "h")).astype("timedelta64[ns]"),
            "available_time": ("init_time", issued),
        },
    )
    power = table[["p"]].clip(0, 21).rename(columns={"p": "Klim"})
    observations = ef.Observations(power, published_after="0h")
    yield _series("klim", farm, ef.intraday(every="1h", leads="3h"), weather, observations, every=2)


SETS: dict[str, Callable[[Path], Iterator[Series]]] = {
    each.__name__: each for each in (victoria, texas, britain, europe, dutch, wind, solar, gefcom2012, klim)
}


# -- measurement -----------------------------------------------------------------------------------


def _windows(series: Series, months: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows to learn from, and those of the month after, of several starts."""
    issued, length = series.issued, months * MONTH
    room = issued[-1] - MONTH - length - issued[0]
    if room < np.timedelta64(-5, "D"):
        return
    starts = STARTS if room > np.timedelta64(10, "D") else 1
    for k in range(starts):
        begin = issued[0] + max(room, 0 * MONTH) * k // max(starts - 1, 1)
        end = begin + length
        yield (issued >= begin) & (issued < end), (issued >= end) & (issued < end + MONTH)


def _model(series: Series, departure: bool) -> tuple[ef.QuantileModel, pd.DataFrame]:
    """The default, or the same as a departure from the newest value or the level, and its columns."""
    column = next((name for name in ("newest", "level") if name in series.X), None)
    X = series.X.drop(columns="level", errors="ignore")
    if not departure or column is None:
        return clone(series.model), X
    return clone(series.model).set_params(relative_to=column), X if column == "newest" else series.X


def measure(data: Path, names: list[str], months: list[int], *, departure: bool) -> list[dict[str, Any]]:
    """A row for each series, number of months and start."""
    rows: list[dict[str, Any]] = []
    for series in (each for name in names for each in SETS[name](data)):
        model, X = _model(series, departure)
        for count in months:
            for learn, judge in _windows(series, count):
                begun = time.process_time()
                model.set_params(quantiles=PERCENTILES).fit(X[learn], series.y[learn], bounds=series.bounds)
                seconds = time.process_time() - begun
                found, outcome = model.predict(X[judge]), series.y[judge]
                inside = {p: _inside(found, outcome, p) for p in (0.8, 0.9)}
                row = {"set": series.group, "site": series.name, "months": count, "n": len(outcome)}
                row |= {f"coverage_{100 * p:.0f}": 100 * float(each.mean()) for p, each in inside.items()}
                loss = float(pinball_loss(outcome, found, PERCENTILES).mean() / np.abs(outcome).mean())
                row |= {"pinball_percent": 100 * loss, "cpu_seconds": seconds}
                lead = pd.Series(100 * inside[0.8]).groupby(np.round(series.lead[judge], 4)).mean()
                rows.append(row | ({"by_lead": lead.to_dict()} if len(lead) <= 16 else {}))
    return rows


def _inside(found: np.ndarray, outcome: np.ndarray, probability: float) -> np.ndarray:
    """Share of each outcome inside the central interval; those on a mass by its share, as `evaluation.coverage`."""
    low, high = QuantileFunction(found, PERCENTILES).pit_interval(outcome)
    low, high = (np.where(outcome > found[:, -1], 1.0, each) for each in (low, high))
    low, high = (np.where(outcome < found[:, 0], 0.0, each) for each in (low, high))
    a, b, mass = (1 - probability) / 2, (1 + probability) / 2, high - low
    part = np.clip(np.minimum(high, b) - np.maximum(low, a), 0.0, None) / np.where(mass > 0, mass, 1.0)
    return np.asarray(np.where(mass > 0, part, (low >= a) & (low <= b)))


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Means by set and number of months, and the mean of sets."""
    table = pd.DataFrame(rows)
    figures = ["coverage_80", "coverage_90", "pinball_percent", "cpu_seconds"]
    means = table.groupby(["set", "months"])[figures].mean().round(2)
    apart = (means[["coverage_80", "coverage_90"]] - [80.0, 90.0]).abs().mean().round(2)
    result: dict[str, Any] = {
        "means": means.reset_index().to_dict("records"),
        "mean_of_sets": means.mean().round(3).to_dict(),
        "mean_distance_from_nominal": apart.to_dict(),
    }
    if "by_lead" in table:
        known = table.dropna(subset="by_lead")
        leads = pd.DataFrame(known["by_lead"].tolist()).groupby(known["set"].to_numpy()).mean().round(1)
        result["coverage_80_by_lead"] = {name: row.dropna().to_dict() for name, row in leads.iterrows()}
    return result


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, default=os.environ.get("ENERGYFORECAST_DATA"), help="data folder"
    )
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS))
    parser.add_argument("--months", nargs="+", type=int, default=list(MONTHS))
    parser.add_argument("--departure", action="store_true", help="departures from the newest value or level")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    rows = measure(Path(options.data), options.sets, options.months, departure=options.departure)
    text = json.dumps(summary(rows) | {"rows": rows}, indent=1)
    print(json.dumps(summary(rows), indent=1))
    if options.json:
        options.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
