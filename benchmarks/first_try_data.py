"""Data sets of ``first_try.py``: each file is read by the form of its folder, and no file is named.

A reader turns a folder into cases: a series, its weather as a new user would give it to the library, and the period
that is forecast. The period follows from the length of the record alone (:func:`last_third`), for PV from the number
of months that are learnt.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import xarray as xr

import energyforecast as ef

#: Most series that are taken from one file, evenly from its columns.
SERIES: Final = 4
#: Months learnt by the young plants.
YOUNG: Final = (1, 2, 4, 6, 9)
_YEAR: Final = pd.Timedelta("365D")


@dataclass(frozen=True)
class Place:
    """Facts of an area that its table does not hold; a file ``NAME.place.json`` beside it may give others."""

    latitude: float
    longitude: float
    timezone: str
    country: str
    subdivision: str | None = None


def place_of(path: Path, usual: Place) -> Place:
    """Facts in the file beside a table, or the usual ones of its folder."""
    beside = path.with_suffix(".place.json")
    return Place(**json.loads(beside.read_text(encoding="utf-8"))) if beside.exists() else usual


@dataclass(frozen=True, eq=False)
class Case:
    """A series, its weather, and the period in which it is forecast.

    Parameters
    ----------
    data, series, task_name : str
        Folder, column or file, and words for the task.
    kind : str
        Kind of the hand-written opponent: a key of ``first_try_opponents.OPPONENTS``.
    start, end : Timestamp
        Period that is forecast; `end` is excluded.
    refit : str or int
        When models are fitted again, as in ``backtest``.
    references : dict
        Reference models of the library by name.
    vendor : Series, optional
        Point forecast of others by the beginning of its interval. [MW]
    """

    data: str
    series: str
    task_name: str
    kind: str
    site: ef.Site
    task: ef.Task
    weather: xr.Dataset | None
    observations: ef.Observations
    start: pd.Timestamp
    end: pd.Timestamp
    refit: str | int
    references: dict[str, ef.QuantileModel] = field(default_factory=dict)
    vendor: pd.Series | None = None
    trust_clock: bool = False

    @property
    def name(self) -> str:
        """Words for the case."""
        return f"{self.data} {self.series}, {self.task_name}"

    @property
    def perfect_weather(self) -> bool:
        """Whether the weather is an analysis."""
        return self.weather is not None and "init_time" not in self.weather.dims

    @property
    def power(self) -> pd.Series:
        """Outcomes by the beginning of their interval. [MW]"""
        return self.observations.values[self.site.name]

    def quick(self) -> Case:
        """The same on at most three weeks."""
        return replace(self, end=min(self.end, self.start + pd.Timedelta("21D")))


# -- rules -----------------------------------------------------------------------------------------


def last_third(index: pd.DatetimeIndex) -> tuple[pd.Timestamp, pd.Timestamp]:
    """Last third of a record, at most a year of it; both ends lie on midnight UTC."""
    first, last = index[0], index[-1]
    span = min((last - first) / 3, _YEAR)
    return (last - span).ceil("D"), last.floor("D")


def known(power: pd.Series) -> pd.DatetimeIndex:
    """Index from the first outcome to the last."""
    return pd.DatetimeIndex(power.loc[power.first_valid_index() : power.last_valid_index()].index)


def refit_of(task: ef.Task, start: pd.Timestamp, end: pd.Timestamp) -> str | int:
    """Each month where less than five are forecast, else twice."""
    monthly = end - start < pd.Timedelta("150D")
    return "MS" if monthly else -(-len(task.issue_times(start, end)) // 2)


def some(names: list[str]) -> list[str]:
    """At most `SERIES` names, evenly chosen."""
    places = np.linspace(0, len(names) - 1, min(SERIES, len(names))).round().astype(int)
    return [names[place] for place in places]


def case_of(data: str, series: str, task_name: str, **given: Any) -> Case:
    """Case whose period follows from its record, unless it is given."""
    power = given["observations"].values[given["site"].name]
    if "start" not in given:
        given["start"], given["end"] = last_third(known(power))
    given["end"] = _within(power, given["task"], given["start"], given["end"])
    given.setdefault("refit", refit_of(given["task"], given["start"], given["end"]))
    return Case(data=data, series=series, task_name=task_name, **given)


def _within(power: pd.Series, task: ef.Task, start: pd.Timestamp, end: pd.Timestamp) -> pd.Timestamp:
    """End of the period so that its last forecast lies within the record."""
    windows = task.windows(task.issue_times(start, end))
    last = pd.Timestamp(windows.valid_time[windows.inside].max(), tz="UTC")
    return end if last <= power.index[-1] else end - pd.Timedelta("1D")


def _demand_references(task: ef.Task) -> dict[str, ef.QuantileModel]:
    """References of demand."""
    if isinstance(task, ef.Intraday):
        return {"Persistence": ef.Persistence(), "ConvexCombination": ef.ConvexCombination()}
    return {
        "SeasonalNaive, a week": ef.SeasonalNaive(),
        "SeasonalNaive, two days": ef.SeasonalNaive(season="48h"),
    }


# -- readers ---------------------------------------------------------------------------------------


def nl_gridpoints(folder: Path) -> Iterator[Case]:
    """Dutch grid points: net load in quarter-hours with weather."""
    columns = {
        "radiation": "ghi",
        "temp": "temp_air",
        "windspeed": "wind_speed_10m",
        "windspeed_100m": "wind_speed_100m",
        "winddeg": "wind_direction_100m",
        "clouds": "cloud_cover",
        "humidity": "relative_humidity",
        "pressure": "pressure",
    }
    units = {"ghi": "J/m2", "temp_air": "°C", "cloud_cover": "%", "relative_humidity": "%", "pressure": "Pa"}
    units |= {"wind_speed_10m": "m/s", "wind_speed_100m": "m/s", "wind_direction_100m": "degree"}
    for path in sorted(folder.glob("*.parquet")):
        table = pd.read_parquet(path).set_index("time").asfreq("15min")
        place = place_of(path, Place(52.1, 5.2, "Europe/Amsterdam", "NL"))
        site = ef.DemandArea(name=path.stem, **asdict(place))
        load = ef.read_demand(
            table["load"].rename(path.stem),
            unit="MW",
            timezone="UTC",
            label="beginning",
            published_after="0h",
        )
        sky = table[list(columns)].assign(
            clouds=table["clouds"].clip(0, 100),
            humidity=100 * table["humidity"],
            radiation=table["radiation"].clip(lower=0) / 3600,
        )
        weather = analysis(sky.rename(columns=columns).interpolate(limit=8), site)
        tasks = {
            "day ahead": ef.day_ahead("09:00", timezone=place.timezone, frequency="15min"),
            "intraday": ef.intraday(every="1h", leads="4h", frequency="15min"),
        }
        for name, task in tasks.items():
            yield case_of(
                "nl_gridpoints",
                path.stem,
                name,
                kind="net load" if name == "day ahead" else "net load, intraday",
                site=site,
                task=task,
                weather=weather,
                observations=load,
                references=_demand_references(task),
            )


def analysis(table: pd.DataFrame, site: ef.Site) -> xr.Dataset:
    """Weather of one place by time, as an analysis of the library."""
    stamps = table.index.tz_convert(None).as_unit("ns").to_numpy()
    return xr.Dataset(
        {name: (("site", "time"), table[name].to_numpy()[None].astype("float32")) for name in table},
        coords={"site": [site.name], "time": stamps, "available_time": ("time", stamps)},
        attrs={"kind": "analysis", "source": "table"},
    )


def ercot(folder: Path) -> Iterator[Case]:
    """Zones of Texas: hourly load by the local clock, hours counted from 1 to 24, without weather."""
    for path in sorted(folder.glob("*.csv")):
        table = pd.read_csv(path)
        clock = table.columns[0]
        table[clock] = table[clock].map(_hour_ending)
        for zone in some(list(table.columns[1:])):
            site = ef.DemandArea(name=zone, **asdict(Place(31.0, -99.0, "America/Chicago", "US", "TX")))
            load = ef.read_demand(
                table,
                unit="MW",
                timezone="America/Chicago",
                label="hour_ending",
                published_after="1h",
                format=ef.TableFormat(time=clock, time_format="%m/%d/%Y %H:%M", columns=[zone]),
            )
            task = ef.day_ahead("09:00", timezone="America/Chicago")
            yield case_of(
                "ercot",
                zone,
                "day ahead",
                kind="load",
                site=site,
                task=task,
                weather=None,
                observations=load,
                references=_demand_references(task),
            )


def _hour_ending(text: str) -> str:
    """Stamp as month, day, year and number of the hour, from that or from ISO 8601."""
    text = text.removesuffix(" DST")
    if "/" in text:
        return text
    begin = pd.Timestamp(text) - pd.Timedelta("1h")
    return f"{begin:%m/%d/%Y} {begin.hour + 1:02d}:00"


def klim(folder: Path) -> Iterator[Case]:
    """Wind farm with forecasts of the wind one to three hours ahead, in the row of their valid time."""
    for path in sorted(folder.glob("*.parquet")):
        table = pd.read_parquet(path).set_index("t").asfreq("1h")
        leads = sorted(int(name[2:]) for name in table if name.startswith("Ws"))
        site = ef.WindFarm(name=path.stem, latitude=57.06, longitude=9.13, capacity=21.0, timezone="UTC")
        power = ef.read_power(
            table["p"].rename(path.stem), unit="MW", timezone="UTC", label="beginning", published_after="0h"
        )
        yield case_of(
            "klim",
            path.stem,
            f"1 to {max(leads)} h",
            kind="wind, intraday",
            site=site,
            task=ef.intraday(every="1h", leads=f"{max(leads)}h"),
            weather=_runs_by_lead(table, leads, site),
            observations=power,
            references={"Persistence": ef.Persistence(), "ConvexCombination": ef.ConvexCombination()},
        )


def _runs_by_lead(table: pd.DataFrame, leads: list[int], site: ef.Site) -> xr.Dataset:
    """A run each hour from columns of each lead; its first instant is that which the run before gave."""
    names = {"Ws": "wind_speed_10m", "Wd": "wind_direction_10m", "T": "temp_air"}
    values = {}
    for short, name in names.items():
        columns = [table[f"{short}1"], *(table[f"{short}{lead}"].shift(-lead) for lead in leads)]
        cube = np.stack([column.to_numpy(dtype="float32") for column in columns], axis=1)
        values[name] = (("site", "init_time", "lead_time"), cube[None] - (273.15 if short == "T" else 0.0))
    begun = table.index.tz_convert(None).as_unit("ns").to_numpy()
    hours = np.array([0, *leads]) * np.timedelta64(1, "h").astype("timedelta64[ns]")
    return xr.Dataset(
        values,
        coords={
            "site": [site.name],
            "init_time": begun,
            "lead_time": hours,
            "available_time": ("init_time", begun),
        },
        attrs={"kind": "forecast", "source": "columns of each lead"},
    )


def gefcom2012_wind(folder: Path) -> Iterator[Case]:
    """Wind farms with runs of 00 and 12 UTC: the next day, and the next six hours."""
    data = ef.competitions.read_gefcom2012_wind(folder)
    both = data.observations.values.combine_first(data.outcomes.values)
    tasks = {
        "day ahead": ef.day_ahead("00:00", timezone="UTC"),
        "1 to 6 h": ef.intraday(every="6h", leads="6h"),
    }
    for name in some([site.name for site in data.sites]):
        power = ef.Observations(both[[name]], published_after="0h")
        for words, task in tasks.items():
            day_ahead = words == "day ahead"
            references: dict[str, ef.QuantileModel] = {"ConvexCombination": ef.ConvexCombination()}
            references |= {} if day_ahead else {"Persistence": ef.Persistence()}
            yield case_of(
                "gefcom2012_wind",
                name,
                words,
                kind="wind, day ahead" if day_ahead else "wind, intraday",
                site=data.site(name),
                task=task,
                weather=data.weather.sel(site=[name]),
                observations=power,
                references=references,
            )


def gefcom2014(folder: Path) -> Iterator[Case]:
    """PV plants learnt from their first months; each is forecast for two months. Training period only."""
    data = ef.competitions.read_gefcom2014_solar(folder, information="operational")
    values = data.observations.values
    for site in data.sites:
        training = values.loc[: data.starts[1] - pd.Timedelta("1h")] if 1 in data.starts else values
        power = ef.Observations(training[[site.name]], published_after="1h")
        yield from young_plants(
            "gefcom2014",
            site,
            ef.day_ahead("00:00", timezone="UTC", first_day=0),
            data.weather.sel(site=[site.name]),
            power,
        )


def young_plants(
    data: str, site: ef.PVPlant, task: ef.Task, weather: xr.Dataset, power: ef.Observations
) -> Iterator[Case]:
    """Cases of a plant by the number of months that are learnt."""
    index = known(power.values[site.name])
    for months in YOUNG:
        start = (index[0] + pd.DateOffset(months=months)).floor("D")
        end = min(start + pd.DateOffset(months=2), index[-1].floor("D"))
        if end - start < pd.Timedelta("28D"):
            return
        yield case_of(
            data,
            site.name,
            f"day ahead, {months} months learnt",
            kind="PV",
            site=site,
            task=task,
            weather=weather,
            observations=power,
            start=start,
            end=end,
            refit="MS",
            references={"SmartPersistence": ef.SmartPersistence(), "Climatology": ef.Climatology()},
        )


def gb_demand(folder: Path) -> Iterator[Case]:
    """Great Britain in half-hours, by settlement date and period: the spring of 2020, and the last third."""
    for path in sorted(folder.glob("*.parquet")):
        table = pd.read_parquet(path)
        demand = ef.read_demand(table, format="neso", published_after="1h")
        name = demand.sites[0]
        site = ef.DemandArea(name=name, latitude=52.5, longitude=-1.5, timezone="Europe/London", country="GB")
        task = ef.day_ahead("09:00", timezone="Europe/London", frequency="30min")
        periods = {"day ahead": last_third(known(demand.values[name]))}
        spring = tuple(pd.Timestamp(day, tz="UTC") for day in ("2020-03-01", "2020-06-01"))
        if demand.index[0] + _YEAR < spring[0] and spring[1] < demand.index[-1]:
            periods["day ahead, spring of 2020"] = spring  # the lock-down
        for words, (start, end) in periods.items():
            recent = ef.Observations(demand.values.loc[start - 2 * _YEAR : end], published_after="1h")
            yield case_of(
                "gb_demand",
                name,
                words,
                kind="load",
                site=site,
                task=task,
                weather=None,
                observations=recent,
                start=start,
                end=end - pd.Timedelta("1D"),
                references=_demand_references(task),
            )


def vic_elec(folder: Path) -> Iterator[Case]:
    """Demand with measured temperature: the last third, and the two months after the first two.

    Columns are found by their names: one with "time" or "date", "demand" or "load", "temp" or "dry"; and one with
    "zone" or "area" where a table holds several.
    """
    victoria = Place(-37.8, 145.0, "Australia/Melbourne", "AU", "VIC")
    for path in sorted([*folder.glob("*.parquet"), *folder.glob("*.csv")]):
        table = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
        place = place_of(path, victoria)
        clock, load, warmth = (
            _column(table, *words) for words in (("time", "date"), ("demand", "load"), ("temp", "dry"))
        )
        zone = next((name for name in table if "zone" in name.lower() or "area" in name.lower()), None)
        parts = {path.stem: table} if zone is None else dict(list(table.groupby(zone)))
        for name in some(list(parts)):
            part = parts[name].set_index(_instants(parts[name][clock], place.timezone)).sort_index()
            yield from _with_temperature(str(name), place, part[load], part[warmth])


def _column(table: pd.DataFrame, *words: str) -> str:
    """First column whose name has one of the words."""
    found = (str(name) for word in words for name in table if word in str(name).lower())
    name = next(found, None)
    if name is None:
        raise SystemExit(f"No column of {list(table)} has one of the words {words} in its name.")
    return name


def _instants(stamps: pd.Series, timezone: str) -> pd.DatetimeIndex:
    """Stamps in UTC; those without an offset are local."""
    read = pd.DatetimeIndex(pd.to_datetime(stamps))
    if read.tz is None:
        read = read.tz_localize(timezone, ambiguous="infer", nonexistent="shift_forward")
    return read.tz_convert("UTC")


def _with_temperature(name: str, place: Place, load: pd.Series, temperature: pd.Series) -> Iterator[Case]:
    """Demand day ahead with measured temperature."""
    site = ef.DemandArea(name=name, **asdict(place))
    demand = ef.read_demand(
        load.rename(name), unit="MW", timezone="UTC", label="beginning", published_after="1h"
    )
    weather = analysis(temperature.rename("temp_air").to_frame(), site)
    task = ef.day_ahead("09:00", timezone=place.timezone, frequency=demand.frequency)
    shared = {"kind": "load with temperature", "site": site, "task": task, "weather": weather}
    shared |= {"observations": demand, "references": _demand_references(task)}
    yield case_of("vic_elec", name, "day ahead", **shared)
    start = (demand.index[0] + pd.DateOffset(months=2)).ceil("D")
    end = min(start + pd.DateOffset(months=2), demand.index[-1].floor("D"))
    yield case_of("vic_elec", name, "day ahead, 2 months learnt", start=start, end=end, **shared)


def opsd(folder: Path) -> Iterator[Case]:
    """National loads without weather; where the operators' own forecast is there, it is a reference."""
    ending = "_load_actual_entsoe_transparency"
    for path in sorted(folder.glob("*.parquet")):
        table = pd.read_parquet(path)
        table.index = pd.DatetimeIndex(pd.to_datetime(table["utc_timestamp"], utc=True))
        for name in some(
            [str(column).removesuffix(ending) for column in table if str(column).endswith(ending)]
        ):
            country = name.split("_")[0]
            site = ef.DemandArea(name=name, **asdict(Place(48.0, 10.0, "Europe/Berlin", country)))
            load = ef.read_demand(
                table[name + ending].rename(name),
                unit="MW",
                timezone="UTC",
                label="beginning",
                published_after="1h",
            )
            task = ef.day_ahead("09:00", timezone="Europe/Berlin")
            yield case_of(
                "opsd",
                name,
                "day ahead",
                kind="load",
                site=site,
                task=task,
                weather=None,
                observations=load,
                references=_demand_references(task),
                vendor=table.get(f"{name}_load_forecast_entsoe_transparency"),
            )


def pvanalytics(_: Path) -> Iterator[Case]:
    """The plant of several years that the package pvanalytics holds, with satellite irradiance as weather."""
    found = importlib.util.find_spec("pvanalytics")
    if found is None or found.origin is None:
        return
    folder = Path(found.origin).parent / "data"
    for path in sorted(folder.glob("*_full_DST.parquet")):
        zone = "America/Denver"
        site = ef.PVPlant(name=path.stem, latitude=39.74, longitude=-105.17, capacity=6.0, timezone=zone)
        power = pd.read_parquet(path).set_index("measured_on").iloc[:, 0]
        clock = power.index.tz_localize(None).tz_localize(
            zone, ambiguous="NaT", nonexistent="NaT"
        )  # follows daylight saving
        power = power.set_axis(clock)[clock.notna()].tz_convert("UTC").resample("1h").mean()
        sky = pd.read_parquet(path.with_name(f"{path.stem}_psm3.parquet")).set_index("index")[
            ["temp_air", "ghi"]
        ]
        hourly = sky.tz_convert("UTC").resample("1h").mean()
        hourly["temp_air"] = sky.tz_convert("UTC")["temp_air"].reindex(hourly.index)
        site = replace(site, capacity=float(power.quantile(0.999)))
        observations = ef.read_power(
            power.rename(site.name), unit="MW", timezone="UTC", label="beginning", published_after="1h"
        )
        yield from young_plants(
            "pvanalytics",
            site,
            ef.day_ahead("09:00", timezone=zone),
            analysis(hourly, site),
            observations,
        )


def consumption(folder: Path) -> Iterator[Case]:
    """Works, cities and households, see ``first_try_consumers.py``."""
    from first_try_consumers import consumption as read  # it uses the rules above

    yield from read(folder)


READERS: Final[dict[str, Callable[[Path], Iterator[Case]]]] = {
    "nl_gridpoints": nl_gridpoints,
    "ercot": ercot,
    "klim": klim,
    "gefcom2014": gefcom2014,
    "gefcom2012_wind": gefcom2012_wind,
    "gb_demand": gb_demand,
    "vic_elec": vic_elec,
    "opsd": opsd,
    "consumption": consumption,
    "pvanalytics": pvanalytics,
}


def cases(data: Path, only: list[str] | None = None) -> list[Case]:
    """Cases of all folders that are there."""
    folders = [name for name in READERS if name == "pvanalytics" or (data / name).is_dir()]
    if only and all(any(word in name for name in folders) for word in only):
        folders = [name for name in folders if any(word in name for word in only)]
    found = [case for name in folders for case in READERS[name](data / name)]
    return [case for case in found if not only or any(word in case.name for word in only)]


def without_data(data: Path) -> dict[str, str]:
    """Data sets that are left out, and why."""
    lost = {
        name: "its folder is not there"
        for name in READERS
        if name != "pvanalytics" and not (data / name).is_dir()
    }
    if importlib.util.find_spec("pvanalytics") is None:
        lost["pvanalytics"] = "the package pvanalytics, which holds it, is not installed"
    return lost
