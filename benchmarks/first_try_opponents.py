"""Hand-written LightGBM models: the opponents of the defaults in ``first_try.py``, one for each kind of series.

Each is made as a competent modeller would make it in an afternoon, from the same information as the library: a target
that history and season do not shift, columns that were known at the issue, and a booster for each level. They use
LightGBM, pandas, pvlib and demandlib alone, nothing of the library.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import holidays
import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pandas as pd
import pvlib
import xarray as xr
from demandlib import bdew

Array = npt.NDArray[Any]

#: Levels of all scores, a booster each.
LEVELS: Final = tuple(round(0.05 * k, 2) for k in range(1, 20))
_HOUR: Final = np.timedelta64(1, "h").astype("timedelta64[ns]")
_DAY: Final = 24 * _HOUR
_NONE: Final = 0 * _HOUR


class Rows(NamedTuple):
    """Issue and beginning of the interval of each row, its weather as known, and that of the newest outcome."""

    issue: Array
    valid: Array
    weather: pd.DataFrame
    now: pd.DataFrame

    def changes(self) -> pd.DataFrame:
        """Weather of the interval minus that of the newest outcome."""
        return (self.weather - self.now).add_prefix("change of ")


class Target(NamedTuple):
    """Columns, and the scale and offset of the outcome: y = offset + scale · target."""

    columns: pd.DataFrame
    offset: Array
    scale: Array


@dataclass(frozen=True, eq=False)
class Past:
    """Outcomes as they were known at an issue."""

    power: pd.Series
    latency: np.timedelta64

    def __post_init__(self) -> None:
        stamps = self.power.index.tz_convert(None).as_unit("ns").to_numpy()
        values = self.power.to_numpy(dtype=np.float64)
        object.__setattr__(self, "stamps", stamps)
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "step", stamps[1] - stamps[0])
        object.__setattr__(self, "sums", np.append(0.0, np.cumsum(np.nan_to_num(values))))
        object.__setattr__(self, "counts", np.append(0, np.cumsum(np.isfinite(values))))

    def at(self, times: Array) -> Array:
        """Outcomes of intervals, missing outside the record."""
        place = (times - self.stamps[0]) // self.step
        inside = (place >= 0) & (place < len(self.values))
        return np.where(inside, self.values[np.clip(place, 0, len(self.values) - 1)], np.nan)

    def newest(self, issue: Array) -> Array:
        """Beginning of the newest interval that was published at the issue."""
        return self.stamps[0] + ((issue - self.latency - self.stamps[0]) // self.step - 1) * self.step

    def mean(self, issue: Array, span: np.timedelta64, *, ago: np.timedelta64 = _NONE) -> Array:
        """Mean of the newest outcomes over a span, which ends some time before the newest."""
        end = (self.newest(issue) - ago - self.stamps[0]) // self.step + 1
        first, last = (np.clip(place, 0, len(self.values)) for place in (end - span // self.step, end))
        count = self.counts[last] - self.counts[first]
        return np.where(count > 0, (self.sums[last] - self.sums[first]) / np.maximum(count, 1), np.nan)

    def season(self, rows: Rows, season: np.timedelta64, *, back: int = 1) -> Array:
        """Outcome of whole seasons before: of the newest that was published, or so many before it."""
        ago = -((self.newest(rows.issue) - rows.valid) // season)
        return self.at(rows.valid - (np.maximum(ago, 1) + back - 1) * season)

    def same_hour(self, rows: Rows, season: np.timedelta64, count: int) -> Array:
        """Mean of the newest outcomes of the same hour of the day or of the week."""
        stack = np.stack([self.season(rows, season, back=back) for back in range(1, count + 1)])
        number = np.isfinite(stack).sum(axis=0)
        return np.where(number > 0, np.nansum(stack, axis=0) / np.maximum(number, 1), np.nan)


# -- boosters --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Boosters:
    """A booster for each level; their length is that with which the median forecasts the last fifth of history best."""

    leaves: int = 12
    rate: float = 0.05
    rows: int = 40
    most: int = 400
    random: bool = False
    #: Rows that are learnt, at most: quarter-hours of a year are much alike.
    limit: int = 10**9

    def settings(self, level: float) -> dict[str, Any]:
        """Settings of LightGBM."""
        return {
            "objective": "quantile",
            "alpha": level,
            "verbosity": -1,
            "num_threads": 1,
            "max_bin": 127,
            "num_leaves": self.leaves,
            "learning_rate": self.rate,
            "extra_trees": self.random,
            "min_data_in_leaf": self.rows,
            "feature_fraction": 0.7,
            "bagging_fraction": 0.7,
            "bagging_freq": 1,
            "seed": 1,
        }

    def fit(self, columns: pd.DataFrame, target: Array, weight: Array | None = None) -> list[lgb.Booster]:
        """Boosters of all levels, from rows in the order of their issue."""
        some = slice(None, None, -(-len(target) // self.limit))
        columns, target, weight = columns[some], target[some], None if weight is None else weight[some]
        values, settings = columns.to_numpy(np.float32), self.settings(0.5)
        table = lgb.Dataset(values, target, weight=weight, params=settings, free_raw_data=False)
        order = np.arange(len(target))
        cut = 4 * len(target) // 5
        trial = lgb.train(
            settings,
            table.subset(order[:cut]),
            num_boost_round=self.most,
            valid_sets=[table.subset(order[cut:])],
            callbacks=[lgb.early_stopping(30, verbose=False)],
        )
        rounds = max(trial.best_iteration, 40)
        return [lgb.train(self.settings(level), table, num_boost_round=rounds) for level in LEVELS]


# -- weather and calendar --------------------------------------------------------------------------


def weather_at(weather: xr.Dataset | None, issue: Array, valid: Array, step: np.timedelta64) -> pd.DataFrame:
    """Weather of each interval from the newest run that had arrived at the issue, or from an analysis."""
    if weather is None:
        return pd.DataFrame(index=range(len(valid)))
    found = {}
    for name in map(str, weather.data_vars):
        values = np.asarray(weather[name].transpose("site", ...).values[0], dtype=np.float64)
        ends = (valid,) if name in ("ghi", "precipitation") else (valid, valid + step)
        if values.ndim == 1:
            seen = [_interpolated(weather["time"].values, values, end, name) for end in ends]
        else:
            run = np.searchsorted(weather["available_time"].values, issue, side="right") - 1
            begun, leads = weather["init_time"].values[np.maximum(run, 0)], weather["lead_time"].values
            seen = [_of_run(values, run, (end - begun) / _HOUR, leads / _HOUR) for end in ends]
            if name.startswith("wind_speed") and len(leads) > 12:  # fronts come early or late
                for shift in (-3, -1, 1, 3):
                    lead = (valid + shift * _HOUR - begun) / _HOUR
                    found[f"{name}, {shift:+d} h"] = _of_run(values, run, lead, leads / _HOUR)
        if "direction" in name:
            found[f"{name} east"] = np.mean([np.sin(np.radians(one)) for one in seen], axis=0)
            found[f"{name} north"] = np.mean([np.cos(np.radians(one)) for one in seen], axis=0)
        else:
            found[name] = np.mean(seen, axis=0)
        if name == "temp_air" and values.ndim == 1:  # buildings are slow
            times = weather["time"].values
            for days in (1, 3):
                slow = (
                    pd.Series(values).rolling(int(days * _DAY / (times[1] - times[0])), min_periods=1).mean()
                )
                found[f"{name}, {days} days"] = _interpolated(times, slow.to_numpy(), valid, name)
    return pd.DataFrame(found)


def _interpolated(times: Array, values: Array, asked: Array, name: str) -> Array:
    """Value at an instant; that of the interval for means."""
    if name == "ghi":
        place = np.clip(np.searchsorted(times, asked, side="right") - 1, 0, len(times) - 1)
        return values[place]
    begin = times[0]
    return np.interp((asked - begin) / _HOUR, (times - begin) / _HOUR, values, left=np.nan, right=np.nan)


def _of_run(values: Array, run: Array, lead: Array, leads: Array) -> Array:
    """Values of runs at leads [h], missing outside."""
    place = np.searchsorted(leads, lead)
    fits = (run >= 0) & (place < len(leads)) & (leads[np.minimum(place, len(leads) - 1)] == lead)
    return np.where(fits, values[np.maximum(run, 0), np.minimum(place, len(leads) - 1)], np.nan)


def calendar(
    valid: Array, *, timezone: str, country: str | None, subdivision: str | None = None
) -> pd.DataFrame:
    """Local hour, weekday and holiday."""
    local = pd.DatetimeIndex(valid, tz="UTC").tz_convert(timezone)
    off = holidays.country_holidays(
        country, subdiv=subdivision, years=range(local.year.min(), local.year.max() + 2)
    )
    days = pd.Series(local.date)
    free = days.isin(list(off)).to_numpy()
    weekday = np.where(free, 6, local.day_of_week)
    return pd.DataFrame(
        {
            "hour": local.hour + local.minute / 60,
            "weekday": weekday,
            "weekend": weekday >= 5,
            "day after": (days - pd.Timedelta("1D")).isin(list(off)).to_numpy(),
        }
    )


def clear_sky(valid: Array, site: Any, step: np.timedelta64) -> pd.DataFrame:
    """Height and direction of the sun, and global irradiance without clouds (Haurwitz). [degree, W m⁻²]"""
    middle = pd.DatetimeIndex(valid + step // 2, tz="UTC")
    unique, place = np.unique(middle, return_inverse=True)
    sun = pvlib.solarposition.get_solarposition(pd.DatetimeIndex(unique), site.latitude, site.longitude)
    clear = pvlib.clearsky.haurwitz(sun["apparent_zenith"])["ghi"]
    table = pd.DataFrame({"height": sun["apparent_elevation"], "azimuth": sun["azimuth"], "clear": clear})
    return table.iloc[place].reset_index(drop=True)


# -- opponents -------------------------------------------------------------------------------------


def load(rows: Rows, past: Past, site: Any) -> Target:
    """Load without weather: departure from the mean of the newest day, as all of its past enters."""
    level, last = past.mean(rows.issue, _DAY), past.newest(rows.issue)
    table = calendar(rows.valid, timezone=site.timezone, country=site.country, subdivision=site.subdivision)
    table["day"] = past.season(rows, _DAY) - level
    table["day before"] = past.season(rows, _DAY, back=2) - level
    table["week"] = past.season(rows, 7 * _DAY) - level
    table["same hour, week"] = past.same_hour(rows, _DAY, 7) - level
    table["last week"] = past.mean(rows.issue, 7 * _DAY) - level
    table["newest"] = past.at(last) - level
    table["newest, a day"] = past.at(last) - past.at(last - _DAY)
    table["last six hours"] = past.mean(rows.issue, 6 * _HOUR) - past.mean(rows.issue, 6 * _HOUR, ago=_DAY)
    table["trend"] = level - past.mean(rows.issue, _DAY, ago=_DAY)
    return Target(table, level, np.ones(len(level)))


def load_with_temperature(rows: Rows, past: Past, site: Any) -> Target:
    """Load with temperature: its own value, means of the temperature and the newest days."""
    table = calendar(rows.valid, timezone=site.timezone, country=site.country, subdivision=site.subdivision)
    table = pd.concat([table, rows.weather], axis=1)
    table["day of year"] = pd.DatetimeIndex(rows.valid).day_of_year
    table["day"], table["week"] = past.season(rows, _DAY), past.season(rows, 7 * _DAY)
    table["same hour, week"] = past.same_hour(rows, _DAY, 7)
    table["last day"] = past.mean(rows.issue, _DAY)
    table["newest"] = past.at(past.newest(rows.issue))
    return Target(table, np.zeros(len(table)), np.ones(len(table)))


def net_load(rows: Rows, past: Past, site: Any) -> Target:
    """Net load with sun and wind behind it."""
    weather = rows.weather[[name for name in rows.weather if "days" not in name]]
    table = pd.concat([calendar(rows.valid, timezone=site.timezone, country=site.country), weather], axis=1)
    sun = clear_sky(rows.valid, site, past.step)
    table["height"], table["azimuth"] = sun["height"], sun["azimuth"]
    table["wind cubed"] = rows.weather.filter(like="wind_speed").iloc[:, -1] ** 3
    table["day"], table["week"] = past.season(rows, _DAY), past.season(rows, 7 * _DAY)
    table["same hour, week"] = past.same_hour(rows, _DAY, 7)
    table["last day"] = past.mean(rows.issue, _DAY)
    table["last week"] = past.mean(rows.issue, 7 * _DAY)
    return Target(table, np.zeros(len(table)), np.ones(len(table)))


def net_load_intraday(rows: Rows, past: Past, site: Any) -> Target:
    """Net load of the next hours: departure from the newest value, as a share of its usual growth with the lead."""
    last = past.newest(rows.issue)
    newest = past.at(last)
    table = pd.concat([net_load(rows, past, site).columns, rows.changes()], axis=1)
    for name in ("day", "week", "same hour, week", "last day"):
        table[name] = table[name] - newest
    table["lead"] = (rows.valid - rows.issue) / _HOUR
    table["newest"] = newest
    table["trend"] = newest - past.at(last - _HOUR)
    table["last hour"] = past.mean(rows.issue, _HOUR) - newest
    table["step before"] = past.at(last - past.step) - newest
    return Target(table, newest, np.sqrt((rows.valid - last) / _HOUR))


def pv(rows: Rows, past: Past, site: Any) -> Target:
    """PV as a share of the mean of clear-sky and forecast irradiance, weighted by it."""
    sun = clear_sky(rows.valid, site, past.step)
    clear = sun["clear"].to_numpy()
    table = pd.concat([rows.weather, sun[["height", "azimuth", "clear"]]], axis=1)
    table["share of sun"] = rows.weather["ghi"] / np.maximum(clear, 20.0)
    table["hour"] = pd.DatetimeIndex(rows.valid).hour
    yesterday = clear_sky(rows.valid - _DAY, site, past.step)["clear"].to_numpy()
    table["day"] = past.season(rows, _DAY) / np.maximum(yesterday, 20.0)
    table["same hour, week"] = past.same_hour(rows, _DAY, 7) / np.maximum(clear, 20.0)
    bound = 0.5 * clear + 0.5 * rows.weather["ghi"].clip(lower=0.0).to_numpy()
    return Target(table, np.zeros(len(clear)), np.where(clear > 5.0, bound, 0.0))


def _wind(rows: Rows) -> pd.DataFrame:
    """Wind of the interval with its hour and lead."""
    table = rows.weather.copy()
    table["hour"] = pd.DatetimeIndex(rows.valid).hour
    table["lead"] = (rows.valid - rows.issue) / _HOUR
    return table


def wind_day_ahead(rows: Rows, _past: Past, _site: Any) -> Target:
    """Power by the wind of its hours, its direction, the hour and the month."""
    table = _wind(rows)
    table["month"] = pd.DatetimeIndex(rows.valid).month
    return Target(table, np.zeros(len(rows.valid)), np.ones(len(rows.valid)))


def wind_intraday(rows: Rows, past: Past, _site: Any) -> Target:
    """Wind power of the next hours: departure from the newest value, as a share of its usual growth with the lead."""
    last = past.newest(rows.issue)
    newest = past.at(last)
    table = pd.concat([_wind(rows), rows.now.add_prefix("newest "), rows.changes()], axis=1)
    table["newest"] = newest
    for ago in (1, 2, 3):
        table[f"{ago} h before"] = newest - past.at(last - ago * past.step)
    table["last six hours"] = past.mean(rows.issue, 6 * _HOUR) - newest
    table["last day"] = past.mean(rows.issue, _DAY)
    return Target(table, newest, np.sqrt((rows.valid - last) / _HOUR))


def consumer(rows: Rows, past: Past, site: Any) -> list[Target]:
    """Consumer: departures from the hour's mean, and from that moved to the newest days, as shares of the last week."""
    scale = np.maximum(past.mean(rows.issue, 7 * _DAY), 1e-9)
    hour = past.same_hour(rows, _DAY, 7)
    shifted = hour + past.mean(rows.issue, 2 * _DAY) - past.mean(rows.issue, 7 * _DAY)
    return [
        Target(consumer_columns(rows, past, site, level, scale), level, scale) for level in (hour, shifted)
    ]


def consumer_columns(rows: Rows, past: Past, site: Any, level: Array, scale: Array | float) -> pd.DataFrame:
    """Calendar, and departures of all of the past from a level."""
    last = past.newest(rows.issue)
    found = {
        "day": past.season(rows, _DAY) - level,
        "day before": past.season(rows, _DAY, back=2) - level,
        "week": past.season(rows, 7 * _DAY) - level,
        "week before": past.season(rows, 7 * _DAY, back=2) - level,
        "same hour, week": past.same_hour(rows, _DAY, 7) - level,
        "same hour, weeks": past.same_hour(rows, 7 * _DAY, 4) - level,
        "same type": same_type(rows, past, site) - level,
        "last week": past.mean(rows.issue, 7 * _DAY) - level,
        "newest": past.at(last) - level,
        "newest, a day": past.at(last) - past.at(last - _DAY),
        "last six hours": past.mean(rows.issue, 6 * _HOUR) - past.mean(rows.issue, 6 * _HOUR, ago=_DAY),
        "trend": past.mean(rows.issue, _DAY) - past.mean(rows.issue, _DAY, ago=_DAY),
    }
    days = calendar(rows.valid, timezone=site.timezone, country=site.country, subdivision=site.subdivision)
    return pd.concat([days, pd.DataFrame(found).div(scale, axis=0), rows.weather], axis=1)


def consumer_intraday(rows: Rows, past: Past, site: Any) -> list[Target]:
    """Consumer in the next hours: departures from the newest value, and from the mean of the hour."""
    last, hour = past.newest(rows.issue), past.same_hour(rows, _DAY, 7)
    newest, recent = past.at(last), past.mean(rows.issue, _HOUR)
    days = np.stack([past.at(last - back * _DAY) for back in range(1, 8)])
    usual = np.nansum(days, axis=0) / np.maximum(np.isfinite(days).sum(axis=0), 1)
    now = {"lead": (rows.valid - rows.issue) / _HOUR, "own": newest, "own hour": hour}
    now |= {"own week": past.season(rows, 7 * _DAY)}
    now |= {"usual": newest - usual, "change, usual": hour - usual}
    for name, season in (("a day", _DAY), ("a week", 7 * _DAY)):
        now[f"newest, {name} ago"] = newest - past.at(last - season)
        now[f"change, {name} ago"] = past.season(rows, season) - past.at(last - season)
        now[f"last hour, {name} ago"] = recent - past.mean(rows.issue, _HOUR, ago=season)
    now |= {f"{back} before": newest - past.at(last - back * past.step) for back in (1, 2, 3, 4, 8)}
    now |= {"last hour": recent - newest, "hour before": past.mean(rows.issue, _HOUR, ago=_HOUR) - newest}
    now["last 3 hours"] = past.mean(rows.issue, 3 * _HOUR) - newest
    scales = (np.sqrt((rows.valid - last) / _HOUR), np.ones(len(hour)))
    return [
        Target(consumer_columns(rows, past, site, level, 1.0).assign(**now), level, scale)
        for level, scale in zip((newest, hour), scales, strict=True)
    ]


# -- the newest day of the same type ---------------------------------------------------------------


def type_of_day(valid: Array, site: Any) -> Array:
    """Working day 0, bridge day 1, Saturday 2, Sunday 3 and holiday 4 of each interval on the local clock."""
    local = pd.DatetimeIndex(valid, tz="UTC").tz_convert(site.timezone).tz_localize(None).normalize()
    off = holidays.country_holidays(
        site.country, subdiv=site.subdivision, years=range(local.year.min() - 1, local.year.max() + 2)
    )
    days = pd.date_range(local.min() - pd.Timedelta("1D"), local.max() + pd.Timedelta("1D"))
    holiday = np.array([day.date() in off for day in days])
    free = holiday | (days.day_of_week >= 5)
    bridge = np.append(False, free[:-1]) & np.append(free[1:], False)
    kind = np.select([holiday, days.day_of_week == 6, days.day_of_week == 5, bridge], [4, 3, 2, 1], 0)
    return np.asarray(kind[days.get_indexer(local)])


def same_type(rows: Rows, past: Past, site: Any) -> Array:
    """Outcome of the newest published day of the same type; a bridge day has Saturdays, a holiday Sundays, too."""
    asked, found = type_of_day(rows.valid, site), np.full(len(rows.valid), np.nan)
    for back in range(1, 29):
        then = rows.valid - back * _DAY
        kind = type_of_day(then, site)
        alike = (kind == asked) | ((asked == 1) & (kind == 2)) | ((asked == 4) & (kind == 3))
        take = np.isnan(found) & alike & (then <= past.newest(rows.issue))
        found[take] = past.at(then[take])
    return np.where(np.isfinite(found), found, past.season(rows, _DAY))


def by_same_type(case: Any, learnt: Sequence[tuple[pd.Timestamp, Array, Array]], rows: Rows) -> Array:
    """Newest day of the same type with the quantiles of its errors by hour, on working days and others."""
    past = past_of(case)
    point = same_type(rows, past, case.site)
    local = pd.DatetimeIndex(rows.valid, tz="UTC").tz_convert(case.site.timezone)
    group = pd.MultiIndex.from_arrays([local.hour, type_of_day(rows.valid, case.site) > 0])
    error = past.at(rows.valid) - point
    result = np.full((len(point), len(LEVELS)), np.nan)
    for _, may_learn, asked in learnt:
        use = may_learn & np.isfinite(error)
        curves = pd.Series(error[use], group[use]).groupby(level=[0, 1]).quantile(list(LEVELS)).unstack()
        curves = curves.reindex(group[asked]).fillna(pd.Series(error[use]).quantile(list(LEVELS)))
        result[asked] = point[asked, None] + curves.to_numpy()
    return result


def by_standard_profile(case: Any, learnt: Sequence[tuple[pd.Timestamp, Array, Array]], rows: Rows) -> Array:
    """Standard load profile (H25, industry G25) at the mean of the days known, with its errors by hour."""
    local = pd.DatetimeIndex(rows.valid, tz="UTC").tz_convert(case.site.timezone).tz_localize(None)
    index = pd.date_range(local.min().floor("D"), local.max(), freq="15min")
    free = holidays.country_holidays(
        case.site.country, subdiv=case.site.subdivision, years=index.year.unique()
    )
    maker = bdew.G25 if case.site.sector == "industry" else bdew.H25
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pandas, by demandlib's own calls
        shape = np.asarray(maker(index, holidays=list(free)), dtype=np.float64)
    step = pd.Timedelta(past_of(case).step)
    quarters = max(1, int(step / pd.Timedelta("15min")))
    shape = pd.Series(shape, index).rolling(quarters).mean().shift(1 - quarters)
    shape = shape.reindex(local.floor("15min")).ffill().to_numpy()
    outcome, result = past_of(case).at(rows.valid), np.full((len(rows.valid), len(LEVELS)), np.nan)
    for _, may_learn, asked in learnt:
        use = may_learn & np.isfinite(outcome)
        point = shape * outcome[use].mean() / shape[use].mean()
        error = pd.Series((outcome - point)[use])
        curves = error.groupby(local.hour[use]).quantile(list(LEVELS)).unstack().reindex(local.hour[asked])
        curves = curves.fillna(error.quantile(list(LEVELS)))
        result[asked] = point[asked, None] + curves.to_numpy()
    return result


def simple_opponents(case: Any) -> dict[str, Callable[..., Array]]:
    """Opponents of consumers that need no boosters, by name: standard profiles where little is learnt."""
    if case.kind != "consumer":
        return {}
    found: dict[str, Callable[..., Array]] = {"same-type day": by_same_type}
    return found | ({"standard profile": by_standard_profile} if "learnt" in case.task_name else {})


Opponent = Callable[[Rows, Past, Any], Target | list[Target]]
OPPONENTS: Final[dict[str, tuple[Opponent, Boosters]]] = {
    "load": (load, Boosters()),
    "load with temperature": (load_with_temperature, Boosters()),
    "net load": (net_load, Boosters()),
    "net load, intraday": (net_load_intraday, Boosters(rows=100, rate=0.08, most=200)),
    "consumer": (consumer, Boosters(random=True, limit=12_000)),
    "consumer, intraday": (consumer_intraday, Boosters(leaves=31, rate=0.06, most=300, limit=20_000)),
    "PV": (pv, Boosters(rows=20)),
    "wind, day ahead": (wind_day_ahead, Boosters(rows=100)),
    "wind, intraday": (wind_intraday, Boosters(rows=100, rate=0.08, most=200)),
}


def forecast(case: Any, learnt: Sequence[tuple[pd.Timestamp, Array, Array]], rows: Rows) -> Array:
    """Quantiles of the rows, shape (rows, levels); each fit learns from rows whose outcome was published. [MW]

    `learnt` holds for each fit its time, whether each row may be learnt from, and whether it forecasts the row.
    """
    opponent, boosters = OPPONENTS[case.kind]
    past = past_of(case)
    found = opponent(rows, past, case.site)
    targets = found if isinstance(found, list) else [found]
    several = [_quantiles(target, boosters, past.at(rows.valid), learnt) for target in targets]
    result = np.asarray(np.mean(several, axis=0))
    return result if case.site.kind == "demand" else np.clip(result, 0.0, case.site.capacity)


def _quantiles(
    target: Target, boosters: Boosters, outcome: Array, learnt: Sequence[tuple[pd.Timestamp, Array, Array]]
) -> Array:
    """Quantiles of the rows by one target. [MW]"""
    result = np.full((len(outcome), len(LEVELS)), np.nan)
    for _, may_learn, asked in learnt:
        share = (outcome - target.offset) / np.where(target.scale > 0, target.scale, np.nan)
        use = may_learn & np.isfinite(share)
        weight = None if (target.scale == 1.0).all() else target.scale[use]
        fitted = boosters.fit(target.columns[use], share[use], weight)
        table = target.columns[asked].to_numpy(np.float32)
        shares = np.sort(np.stack([booster.predict(table) for booster in fitted], axis=1), axis=1)
        result[asked] = target.offset[asked, None] + target.scale[asked, None] * shares
    return result


def past_of(case: Any) -> Past:
    """Outcomes of a case with the latency of their publication."""
    return Past(case.power, pd.Timedelta(case.observations.published_after).to_timedelta64())
