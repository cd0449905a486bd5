"""Small folders in the official file forms of the competitions, made up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from energyforecast import physics
from energyforecast.competitions import Gefcom2014Wind
from energyforecast.models import LightGBMQuantiles, QuantileModel

ZONES = (1, 2)


class QuickWind(Gefcom2014Wind):
    """The wind track with a model of a second, also in other processes."""

    def model(self) -> QuantileModel:
        """Few small trees."""
        return LightGBMQuantiles(folds=0, n_estimators=8, num_leaves=6, fitted_quantiles=(0.1, 0.5, 0.9))


def _stamp(times: pd.DatetimeIndex) -> list[str]:
    return [f"{moment:%Y%m%d} {moment.hour}:00" for moment in times]


def wind_table(first: str, last: str, *, seed: int = 0) -> pd.DataFrame:
    """Zones whose power follows the wind of the hour that ends at each stamp."""
    stamps = pd.date_range(pd.Timestamp(first) + pd.Timedelta("1h"), pd.Timestamp(last), freq="1h")
    rng = np.random.default_rng(seed)
    tables = []
    for zone in ZONES:
        slow = np.convolve(rng.normal(size=len(stamps) + 12), np.ones(12) / 12**0.5, mode="valid")
        speed = np.clip(8 + 3 * slow[: len(stamps) + 1], 0.5, 24)
        angle = np.linspace(0, 40 * np.pi, len(stamps))
        power = np.clip(0.5 * (speed[:-1] + speed[1:]) / 12 - 0.2, 0, 1)
        u, v = speed[1:] * np.cos(angle), speed[1:] * np.sin(angle)
        noisy = np.clip(power + rng.normal(scale=0.05, size=len(power)), 0, 1)
        columns = {"ZONEID": zone, "TIMESTAMP": _stamp(stamps), "TARGETVAR": noisy.round(4)}
        columns |= {"U10": 0.7 * u, "V10": 0.7 * v, "U100": u, "V100": v}
        tables.append(pd.DataFrame(columns))
    return pd.concat(tables, ignore_index=True)


def write_wind(folder: Path, table: pd.DataFrame, *, split: str, task: int = 2) -> Path:
    """History up to a month, the weather of that month, and its outcomes apart."""
    when = pd.to_datetime(table["TIMESTAMP"], format="%Y%m%d %H:%M")
    place = folder / "Wind" / f"Task {task}"
    place.mkdir(parents=True)
    for zone in ZONES:
        of_zone = table["ZONEID"] == zone
        table[of_zone & (when <= split)].to_csv(place / f"Task{task}_W_Zone{zone}.csv", index=False)
        later = table[of_zone & (when > split)].drop(columns="TARGETVAR")
        later.to_csv(place / f"TaskExpVars{task}_W_Zone{zone}.csv", index=False)
    outcomes = table.loc[when > split, ["ZONEID", "TIMESTAMP", "TARGETVAR"]]
    outcomes.to_csv(folder / "Wind" / f"solution{task}_W.csv", index=False)
    return folder


def write_solar(folder: Path, first: str, last: str, *, split: str) -> Path:
    """Plants under a sky that is clear to a different degree each day."""
    stamps = pd.date_range(pd.Timestamp(first) + pd.Timedelta("1h"), pd.Timestamp(last), freq="1h")
    middle = (stamps - pd.Timedelta("30min")).to_numpy().astype("datetime64[ns]")
    day = (stamps - pd.Timedelta("1h")).normalize()
    sky = physics.clear_sky(physics.solar_position(middle, -36.0, 149.25)).ghi
    rng = np.random.default_rng(1)
    predictors, power = [], []
    for zone in (1, 2, 3):
        cloud = pd.Series(day).map({d: rng.uniform() for d in day.unique()}).to_numpy()
        ghi = sky * (1 - 0.7 * cloud)
        summed = pd.Series(3600 * ghi).groupby(day).cumsum().to_numpy()
        columns = {"ZONEID": zone, "TIMESTAMP": _stamp(stamps)}
        columns |= {"VAR78": 0.0, "VAR79": 0.0, "VAR134": 95000.0, "VAR157": 60.0, "VAR164": cloud}
        columns |= {"VAR165": 3.0, "VAR166": 4.0, "VAR167": 293.15, "VAR169": summed}
        columns |= {"VAR175": 3600 * 300.0 * (1 + (stamps.hour.to_numpy() - 1) % 24), "VAR178": summed}
        columns |= {"VAR228": 0.001 * (1 + (stamps.hour.to_numpy() - 1) % 24)}
        predictors.append(pd.DataFrame(columns))
        given = {"ZONEID": zone, "TIMESTAMP": _stamp(stamps), "POWER": (ghi / 1100).round(5)}
        power.append(pd.DataFrame(given))
    outcomes = pd.concat(power, ignore_index=True)
    when = pd.to_datetime(outcomes["TIMESTAMP"], format="%Y%m%d %H:%M")
    place = folder / "Solar" / "Task 1"
    place.mkdir(parents=True)
    pd.concat(predictors, ignore_index=True).to_csv(place / "predictors1.csv", index=False)
    outcomes[when <= split].to_csv(place / "train1.csv", index=False)
    outcomes[when > split].to_csv(folder / "Solar" / "Solution to Task 1.csv", index=False)
    return folder


def write_2012(folder: Path, *, farms: int = 2, first: str = "2010-11-01", last: str = "2011-01-12") -> Path:
    """Farms whose power is withheld for 48 hours at a time in 2011, and with it the forecasts issued inside."""
    place = folder / "Wind"
    place.mkdir(parents=True)
    stamps = pd.date_range(pd.Timestamp(first) + pd.Timedelta("1h"), pd.Timestamp(last), freq="1h")
    rng = np.random.default_rng(2)
    hole = np.zeros(len(stamps), dtype=bool)
    for begin in ("2011-01-01 01:00", "2011-01-04 13:00", "2011-01-08 01:00"):
        hole |= (stamps >= begin) & (stamps < pd.Timestamp(begin) + pd.Timedelta("48h"))
    columns = {"date": [f"{moment:%Y%m%d%H}" for moment in stamps]}
    runs = pd.date_range(first, last, freq="12h")
    held = pd.Series(hole, index=stamps)
    for farm in range(1, farms + 1):
        slow = np.convolve(rng.normal(size=len(stamps) + 60), np.ones(12) / 12**0.5, mode="valid")
        truth = np.clip(6 + 2.5 * slow, 0.5, 20)
        columns[f"wp{farm}"] = np.clip(
            0.5 * (truth[: len(stamps)] + truth[1 : len(stamps) + 1]) / 12, 0, 1
        ).round(3)
        run, lead = (part.ravel() for part in np.meshgrid(runs, np.arange(1, 49), indexing="ij"))
        valid = pd.DatetimeIndex(run) + pd.to_timedelta(lead, unit="h")
        place_of = np.asarray((valid - stamps[0]) / pd.Timedelta("1h")).astype(int) + 1
        # Withheld are forecasts of withheld hours that were issued after the block had begun.
        inside = [held.reindex(when, fill_value=False).to_numpy() for when in (valid, pd.DatetimeIndex(run))]
        hidden = inside[0] & inside[1] | (place_of >= len(truth))
        speed = np.where(hidden, np.nan, truth[np.minimum(place_of, len(truth) - 1)])
        angle = np.where(hidden, np.nan, 270.0)
        issued = pd.DatetimeIndex(run).strftime("%Y%m%d%H")
        rows = {"date": issued, "hors": lead, "u": speed, "v": 0.0 * speed, "ws": speed, "wd": angle}
        pd.DataFrame(rows).to_csv(place / f"windforecasts_wf{farm}.csv", index=False)
    usage = np.where(hole, "PrivateTest", "Training")
    pd.DataFrame(columns | {"usage": usage}).to_csv(place / "windpowermeasurements.csv", index=False)
    return folder
