"""Plan of demand: energy, peak and its hour for a day, a week, a month and a year ahead, against last year.

Sets: GEFCom2014 load (training years to September 2010), Great Britain 2018 to 2023 and Victoria 2012 to 2014, hourly,
in ``--data`` (by default ``ENERGYFORECAST_DATA``). No weather is used.

- Day and week: the default, issued at 09:00 for the seven local days to come, every fourth day of the last two years
  of a record, with a fit each year on at most the two years before. The first day and all seven together are read
  from scenarios with the dependence that the forecast carries.
- Month and year: issued at the first midnight of each month of a record after its first 16, for the 30 and 365 days to
  come. A ridge regression for each hour learns the calendar each half-year (day types, three harmonics of the year);
  departures of the logarithm of demand from it, as they went on from their mean of the newest half-year, are the
  scenarios: of a month in each earlier year, at the same date and up to three weeks around it, of a year from each
  fourth week of the past on. Their peaks and energies are spread like the predictive distribution of Student for so
  many separate windows: few years know little of growth. The half-year was chosen on GEFCom2014.

The reference is the same period 52 weeks before, scaled by the newest quarter over the same quarter a year before, with
the quantiles of its own errors at weekly issues up to then; with fewer than eight it is one number. Scores: mean
pinball loss over the levels 0.01 to 0.99, in % of the mean outcome; coverage of the central 80 %; share of peaks whose
hour of the local day was right within one hour. Asked: better at each horizon, and 80 % within 6 points.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import first_try_data as sets
import numpy as np
import numpy.typing as npt
import pandas as pd
from rich.console import Console
from rich.table import Table
from scipy.stats import norm, t
from sklearn.linear_model import Ridge

import energyforecast as ef
from energyforecast.features import DayOfYear, DayType, LocalHour
from energyforecast.planning.period_values import most_likely_time, sampled

Array = npt.NDArray[Any]

LEVELS = np.arange(1, 100) / 100
HOUR, DAY = pd.Timedelta("1h"), pd.Timedelta("1D")
YEAR, QUARTER = 364 * DAY, 91 * DAY
HORIZONS = {"day": 1, "week": 7, "month": 30, "year": 365}
#: Hours of which the mean is the level from which a scenario goes on.
LEVEL = 24 * 182
SHIFTS = range(-21, 22, 7)
FEWEST = 8


@dataclass(frozen=True)
class Outlook:
    """Scenarios of a period, or outcomes as a single one: peak, energy and place of the peak."""

    peak: Array
    energy: Array
    place: Array

    @classmethod
    def of(cls, values: Array, *, windows: float | None = None) -> Outlook:
        """Of hours, shape (scenarios, hours); those of a few separate windows are spread by Student's distribution."""
        found = [np.log(each) for each in (values.max(axis=1), values.sum(axis=1))]
        width = 1.0 if windows is None else _student(windows)
        peak, energy = (np.exp(each.mean() + width * (each - each.mean())) for each in found)
        return cls(peak, energy, values.argmax(axis=1))


# -- data ------------------------------------------------------------------------------------------


def demands(data: Path, only: list[str] | None) -> Iterator[tuple[str, ef.DemandArea, pd.Series]]:
    """Name, area and hourly demand of each set. [MW]"""
    readers = {"GEFCom2014": _gefcom2014, "Great Britain": _great_britain, "Victoria": _victoria}
    for name, reader in readers.items():
        if not only or name in only:
            site, power = reader(data)
            hours = power.resample("1h").mean()
            yield name, site, hours[hours.first_valid_index() : hours.last_valid_index()].interpolate(limit=3)


def _gefcom2014(data: Path) -> tuple[ef.DemandArea, pd.Series]:
    read = ef.competitions.read_gefcom2014_load(data)
    site = read.sites[0]
    return site, read.observations.values[site.name][:"2010-09-30"]


def _great_britain(data: Path) -> tuple[ef.DemandArea, pd.Series]:
    table = pd.concat([pd.read_parquet(path) for path in sorted((data / "gb_demand").glob("*.parquet"))])
    demand = ef.read_demand(table, format="neso", published_after="1h")
    name = demand.sites[0]
    zone = {"timezone": "Europe/London", "country": "GB"}
    return ef.DemandArea(name=name, latitude=52.5, longitude=-1.5, **zone), demand.values[name]


def _victoria(data: Path) -> tuple[ef.DemandArea, pd.Series]:
    case = next(iter(sets.vic_elec(data / "vic_elec")))
    return case.site, case.observations.values[case.site.name]


# -- reference -------------------------------------------------------------------------------------


def outcome(power: pd.Series, begin: pd.Timestamp, days: int) -> Array | None:
    """Demand of the hours of a period; None where one is missing."""
    found = power.reindex(pd.date_range(begin, periods=24 * days, freq="1h")).to_numpy()
    return found if np.isfinite(found).all() else None


class LastYear:
    """The same period of last year, scaled by the newest quarter, with its own past errors."""

    def __init__(self, power: pd.Series, days: int) -> None:
        self.power, self.days = power, days
        self.errors: list[tuple[pd.Timestamp, float, float]] = []
        self.until: pd.Timestamp | None = None

    def point(self, begin: pd.Timestamp, known: pd.Timestamp) -> Array | None:
        """Demand of each hour; None where the record does not reach back."""
        past = outcome(self.power, begin - YEAR, self.days)
        newest, before = (self.power[moment - QUARTER : moment - HOUR] for moment in (known, known - YEAR))
        return None if past is None or len(before) < 24 * 91 else past * newest.mean() / before.mean()

    def outlook(self, begin: pd.Timestamp, known: pd.Timestamp) -> Outlook | None:
        """Quantiles of the peak and the energy, and the place of last year's peak."""
        point = self.point(begin, known)
        if point is None:
            return None
        self._learn(begin, known)
        seen = np.array([error for end, *error in self.errors if end <= known]).reshape(-1, 2)
        errors = (
            np.quantile(seen, LEVELS, axis=0, method="hazen") if len(seen) >= FEWEST else np.zeros((1, 2))
        )
        peak, energy = point.max() * np.exp(errors[:, 0]), point.sum() * np.exp(errors[:, 1])
        return Outlook(peak, energy, np.array([point.argmax()]))

    def _learn(self, begin: pd.Timestamp, known: pd.Timestamp) -> None:
        """Errors of weekly issues whose outcomes have become known."""
        gap, span = begin - known, self.days * DAY
        moment = self.until or self.power.index[0] + YEAR + QUARTER + (known - self.power.index[0]) % DAY
        while moment + gap + span <= known:
            point, y = self.point(moment + gap, moment), outcome(self.power, moment + gap, self.days)
            if point is not None and y is not None:
                self.errors.append(
                    (moment + gap + span, np.log(y.max() / point.max()), np.log(y.sum() / point.sum()))
                )
            moment += 7 * DAY
        self.until = moment


# -- ours ------------------------------------------------------------------------------------------


def near(site: ef.DemandArea, power: pd.Series) -> Iterator[tuple[str, pd.Timestamp, pd.Timestamp, Outlook]]:
    """Horizon, begin, issue and scenarios of the first day and of the week, by the default."""
    year = pd.Timedelta("365D")
    last = power.index[-1] - 9 * DAY
    task = ef.day_ahead("09:00", timezone=site.timezone, days=7)
    for begun in (last - 2 * year, last - year):
        issues = task.issue_times(f"{begun:%Y-%m-%d}", f"{begun + year - DAY:%Y-%m-%d}")[::4]
        known = power[begun - 2 * year : begun + year + 9 * DAY]
        observed = ef.Observations(known.to_frame(site.name), published_after="1h")
        forecaster = ef.Forecaster(site, task, trust_clock=True)
        forecaster.fit(None, observed, as_of=issues[0])
        forecast = forecaster.predict(None, observed, issue_time=list(issues))
        for issue, scenarios in zip(
            forecast.issue_times,
            sampled(forecast, groups=None, dependence=None, n_scenarios=200),
            strict=True,
        ):
            begin = scenarios.valid_times[0]
            for horizon in ("day", "week"):
                hours = scenarios.data.values[:, 0, : 24 * HORIZONS[horizon]]
                yield horizon, begin, issue.floor("1h"), Outlook.of(hours)


def far(site: ef.DemandArea, power: pd.Series) -> Iterator[tuple[str, pd.Timestamp, pd.Timestamp, Outlook]]:
    """Horizon, begin, issue and scenarios of the month and the year, from departures of earlier years."""
    first, last = power.index[0] + DAY, power.index[-1] - DAY
    columns = calendar(site, power)
    months = pd.date_range(first + pd.Timedelta("487D"), last, freq="MS").tz_localize(None)
    log = np.log(power)
    for k, month in enumerate(months.normalize().tz_localize(site.timezone).tz_convert("UTC")):
        if k % 6 == 0:
            usual, apart = _usual(columns, log[: month - HOUR])
        newest = (log - usual)[: month - HOUR].to_numpy()[-LEVEL:].mean()
        # Hours since the last fit were not learnt by any.
        departure = (log - apart.fillna(usual))[: month - HOUR].to_numpy()
        for horizon in ("month", "year"):
            hours = 24 * HORIZONS[horizon]
            ahead = usual[month:].to_numpy()[:hours]
            scenarios, windows = analogues(departure, hours)
            if len(ahead) == hours and windows:
                yield horizon, month, month, Outlook.of(np.exp(ahead + newest + scenarios), windows=windows)


def calendar(site: ef.DemandArea, power: pd.Series) -> pd.DataFrame:
    """Hour, day type and harmonics of the year of each hour of a record."""
    task = ef.day_ahead("00:00", timezone=site.timezone, first_day=0)
    forecaster = ef.Forecaster(
        site, task, model=ef.Climatology(), features=[LocalHour(), DayType(), DayOfYear()]
    )
    issued = task.issue_times(f"{power.index[0] - DAY:%Y-%m-%d}", f"{power.index[-1] + DAY:%Y-%m-%d}")
    observed = ef.Observations(power.to_frame(site.name), published_after="0h")
    matrix = forecaster.design_matrix(None, observed, issued)
    found = matrix.columns[site.name].set_index(pd.DatetimeIndex(matrix.valid_time, tz="UTC")).astype(float)
    turn = found["season_cosine"] + 1j * found["season_sine"]
    for k in (2, 3):
        found[f"cosine {k}"], found[f"sine {k}"] = np.real(turn**k), np.imag(turn**k)
    for day in range(1, 7):
        found[f"weekday {day}"] = (found["weekday"] == day).astype(float)
    return found.drop(columns="weekday").fillna(0.0).loc[power.index]


def _usual(columns: pd.DataFrame, past: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Logarithm of demand by the calendar alone, of all hours; and of each year of the past without that year."""
    year = np.asarray((past.index[-1] - columns.index) // pd.Timedelta("365D"))  # negative: to come
    whole, apart = pd.Series(np.nan, columns.index), pd.Series(np.nan, columns.index)
    target = past.reindex(columns.index).to_numpy()
    for _, rows in columns.assign(place=np.arange(len(columns))).groupby("hour"):
        x, place = rows.drop(columns=["hour", "place"]).to_numpy(), rows["place"].to_numpy()
        learnt = year[place] >= 0
        whole.iloc[place] = Ridge(alpha=10.0).fit(x[learnt], target[place[learnt]]).predict(x)
        for left_out in range(year.max() + 1):
            kept, wanted = learnt & ((year[place] != left_out) | (year.max() < 2)), year[place] == left_out
            if wanted.any():
                model = Ridge(alpha=10.0).fit(x[kept], target[place[kept]])
                apart.iloc[place[wanted]] = model.predict(x[wanted])
    return whole, apart


def analogues(departure: Array, hours: int) -> tuple[Array, float]:
    """Departures of the hours to come, as those of the past went on from their level, and the number of windows apart.

    A window of a year begins at any time of the past, and is turned so that each date keeps its season.
    """
    now, year = len(departure), 24 * 365
    if hours >= year:
        begins = list(range(now - hours, LEVEL - 1, -24 * 28))
        turn, apart = True, 1 + 24 * 28 * (len(begins) - 1) / hours
    else:
        dates = [
            now - 24 * (round(365.25 * k) - shift) for k in range(1, now // year + 2) for shift in SHIFTS
        ]
        begins = [begin for begin in dates if LEVEL <= begin <= now - hours]
        years = {round((now - begin) / year) for begin in begins}
        turn, apart = False, len(years) * (1 + 24 * (SHIFTS[-1] - SHIFTS[0]) / hours)
    found = []
    for begin in begins:
        window = departure[begin : begin + hours] - departure[begin - LEVEL : begin].mean()
        found.append(np.roll(window, begin - now) if turn else window)
    return np.reshape(found, (len(found), hours)), apart if found else 0.0


def _student(windows: float) -> float:
    """Width of a predictive interval of 80 % from so many windows, over that of a known normal distribution."""
    return float(t.ppf(0.9, max(windows - 1, 1)) / norm.ppf(0.9) * np.sqrt(1 + 1 / windows))


# -- scores ----------------------------------------------------------------------------------------


def measure(name: str, site: ef.DemandArea, power: pd.Series, horizons: list[str]) -> list[dict[str, Any]]:
    """Scores of both ways, by horizon."""
    begun = time.process_time()
    ways = [
        way for way, names in ((near, ("day", "week")), (far, ("month", "year"))) if {*names} & {*horizons}
    ]
    references = {horizon: LastYear(power, days) for horizon, days in HORIZONS.items()}
    cases: dict[str, list[tuple[Outlook, Outlook, Outlook, Array]]] = {}
    for way in ways:
        for horizon, begin, issue, ours in way(site, power):
            y = outcome(power, begin, HORIZONS[horizon])
            last = references[horizon].outlook(begin, issue)
            if y is not None and last is not None:
                clock = pd.date_range(begin, periods=len(y), freq="1h").tz_convert(site.timezone).hour
                cases.setdefault(horizon, []).append((ours, last, Outlook.of(y[None]), np.asarray(clock)))
    cpu = time.process_time() - begun
    return [{"set": name, "horizon": key, "cpu": round(cpu)} | _scores(found) for key, found in cases.items()]


def _scores(cases: list[tuple[Outlook, Outlook, Outlook, Array]]) -> dict[str, Any]:
    """Pinball loss, coverage and hours that were right."""
    row: dict[str, Any] = {"n": len(cases)}
    for quantity in ("energy", "peak"):
        y = np.array([getattr(true, quantity)[0] for *_, true, _ in cases])
        for k, way in enumerate(("ours", "last_year")):
            curve = np.stack(
                [np.quantile(getattr(case[k], quantity), LEVELS, method="hazen") for case in cases]
            )
            loss = ef.evaluation.pinball_loss(y, curve, LEVELS).mean()
            inside = (y >= curve[:, 9]) & (y <= curve[:, 89])
            row[f"{quantity}_{way}"] = round(100 * float(loss / y.mean()), 4)
            row[f"{quantity}_{way}_holds_80"] = round(100 * float(inside.mean()), 1)
    for k, way in enumerate(("ours", "last_year")):
        near = [_near(case[k].place, int(case[2].place[0]), case[3]) for case in cases]
        row[f"hour_{way}"] = round(100 * float(np.mean(near)), 1)
    return row


def _near(places: Array, true: int, clock: Array) -> bool:
    """Whether the most likely hour of the local day is within an hour of the true one."""
    stamps = np.datetime64("2000-01-01", "ns") + np.arange(24) * np.timedelta64(1, "h")
    found, _ = most_likely_time(clock[places], stamps)
    return abs((found - stamps[clock[true]]) / np.timedelta64(1, "h")) <= 1


def view(rows: list[dict[str, Any]]) -> Table:
    """Table of the terminal."""
    table = Table(
        title="Demand: ours / last year; pinball loss [%], inside the central 80 % [%], hour right [%]"
    )
    for head in ("set", "ahead", "n", "energy", "80 %", "peak", "80 %", "hour"):
        table.add_column(head, justify="left" if head in ("set", "ahead") else "right")
    for row in rows:
        cells = [
            f"{row[f'{key}_ours{end}']:.{digits}f} / {row[f'{key}_last_year{end}']:.{digits}f}"
            for key, end, digits in (
                ("energy", "", 2),
                ("energy", "_holds_80", 0),
                ("peak", "", 2),
                ("peak", "_holds_80", 0),
                ("hour", "", 0),
            )
        ]
        table.add_row(row["set"], row["horizon"], str(row["n"]), *cells)
    return table


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, default=os.environ.get("ENERGYFORECAST_DATA"), help="folder of the data"
    )
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--only", nargs="+", metavar="SET", help="GEFCom2014, 'Great Britain', Victoria")
    parser.add_argument("--horizons", nargs="+", choices=list(HORIZONS), default=list(HORIZONS))
    options = parser.parse_args()
    if options.data is None:
        parser.error("give --data DIR, or set ENERGYFORECAST_DATA")
    rows: list[dict[str, Any]] = []
    for name, site, power in demands(Path(options.data), options.only):
        rows += measure(name, site, power, options.horizons)
        if options.json:
            options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    Console(width=None if os.isatty(1) else 130).print(view(rows))


if __name__ == "__main__":
    main()
