"""Reader of the wind track of the Global Energy Forecasting Competition 2012; the data is not shipped."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import xarray as xr

from energyforecast.competitions.readers import common as files
from energyforecast.competitions.readers.common import CompetitionData, Information
from energyforecast.core import timestamps
from energyforecast.core.observation_series import Observations
from energyforecast.core.site_facts import Source
from energyforecast.core.sites import WindFarm
from energyforecast.errors import SchemaError, one_of

__all__ = ["read_gefcom2012_wind"]

_PAGE: Final = "https://doi.org/10.1016/j.ijforecast.2013.07.001"
_FOLDERS: Final = ("gefcom2012_wind", "gefcom2012-wind", "gefcom2012", "wind")
_HOUR: Final = np.timedelta64(3_600_000_000_000, "ns")
_LEADS: Final = 48
_COLUMNS: Final = ("u", "v", "ws", "wd")
_STAMP: Final = "%Y%m%d%H"


def read_gefcom2012_wind(folder: str | Path, *, information: Information = "past") -> CompetitionData:
    r"""Read the wind track of 2012: seven farms, ECMWF wind at 10 m by run (00 and 12 UTC) and lead (1 to 48 h).

    Parameters
    ----------
    folder : path
        With ``forecasts.parquet`` and ``power.parquet``, alone or in a folder ``gefcom2012_wind``; or with the
        official ``windpowermeasurements.csv`` and ``windforecasts_wf1.csv`` and so on.
    information : {"past", "competition"}
        Fits that know the past alone, or all training hours, also later ones, as the competitors had them.

    Returns
    -------
    CompetitionData
        The hours that the competition withheld are missing in ``observations``, and ``outcomes`` holds them alone.
        Tasks are the months in which such hours begin, 1 being the first; with ``information="competition"`` there is
        one task, since all months have the same training hours.

    Raises
    ------
    MissingDataError, DependencyError, SchemaError, TimeError, FileFormatError
        If the files are missing, or not those of the competition.

    See Also
    --------
    Gefcom2012Wind, read_gefcom2014_wind

    Notes
    -----
    Stamps end their hour, as a comparison with the wind shows. Runs begin with lead 1 h; the instant of the
    initialisation is taken from the newest earlier run that holds it. No latency of publication is known, so a run
    is available when it is initialised. Withheld hours are never published.

    References
    ----------
    Hong, Pinson and Fan (2014), https://doi.org/10.1016/j.ijforecast.2013.07.001.

    Examples
    --------
    >>> import tempfile
    >>> power = ["date,wp1,usage"] + [f"20110101{hour:02d},0.5,Training" for hour in range(1, 13)]
    >>> power += [f"20110101{hour:02d},0.7,PrivateTest" for hour in range(13, 24)]
    >>> wind = ["date,hors,u,v,ws,wd"] + [f"2011010112,{lead},3,0,3,270" for lead in range(1, 49)]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "windpowermeasurements.csv").write_text("\n".join(power))
    ...     _ = Path(folder, "windforecasts_wf1.csv").write_text("\n".join(wind))
    ...     data = read_gefcom2012_wind(folder)
    >>> data.observations  # the withheld hours are missing
    Observations of farm 1: 23 x 1h from 2011-01-01 00:00 UTC, 11 missing, 0 flagged, published after 0h
    """
    one_of("information", information, allowed=("past", "competition"))
    power, withheld, forecasts = _tables(folder)
    names = [f"farm {number}" for number in range(1, power.shape[1] + 1)]
    power = power.set_axis(names, axis=1).set_axis(power.index - pd.Timedelta("1h"))
    withheld = pd.Series(withheld.to_numpy(), index=power.index)
    every = pd.date_range(power.index[0], power.index[-1], freq="1h")
    power = power.reindex(every)
    withheld = withheld.reindex(every, fill_value=False).astype(bool)
    known = Observations(power.where(~withheld, axis=0), published_after="0h")
    outcomes = Observations(power.where(withheld, axis=0), published_after="0h")
    undisclosed = Source("the competition does not disclose the place", "approximate")
    sites = tuple(
        WindFarm(
            name=name,
            latitude=0.0,
            longitude=0.0,
            capacity=1.0,
            coordinate_uncertainty_km=5000.0,
            sources={"latitude": undisclosed, "longitude": undisclosed},
        )
        for name in names
    )
    begun = every[withheld.to_numpy() & ~withheld.shift(fill_value=False).to_numpy()]
    firsts = pd.DatetimeIndex(begun.normalize() - pd.to_timedelta(begun.day - 1, unit="D")).unique()
    firsts = firsts.as_unit("ns") if information == "past" else firsts[:1].as_unit("ns")
    starts = dict(enumerate(firsts, start=1))
    return CompetitionData(sites, _runs(forecasts, names), known, outcomes, starts, information)


def _tables(folder: str | Path) -> tuple[pd.DataFrame, pd.Series, pd.DataFrame]:
    """Power by stamp, whether each hour was withheld, and forecasts as a long table."""
    farms = [f"wp{number}" for number in range(1, 8)]
    forecasts = files.read_prepared(
        folder,
        names=_FOLDERS,
        file="forecasts.parquet",
        columns=("farm", "issue_time", "lead_hours", *_COLUMNS),
        stamp="issue_time",
    )
    power = files.read_prepared(
        folder, names=_FOLDERS, file="power.parquet", columns=(*farms, "usage", "time"), stamp="time"
    )
    if forecasts is None or power is None:
        return _official(folder)
    return _by_time(power, farms, forecasts)


def _by_time(
    power: pd.DataFrame, farms: list[str], forecasts: pd.DataFrame
) -> tuple[pd.DataFrame, pd.Series, pd.DataFrame]:
    """Power of the farms by time, whether each hour was withheld, and forecasts."""
    power = power.set_index(pd.DatetimeIndex(power["time"]))
    return power[farms], power["usage"] != "Training", forecasts


def _official(folder: str | Path) -> tuple[pd.DataFrame, pd.Series, pd.DataFrame]:
    """The same from the competition's own files."""
    by_farm = {
        int(match[1]): path
        for path in sorted(Path(folder).rglob("windforecasts_wf*.csv"))
        if (match := re.fullmatch(r"windforecasts_wf(\d+)\.csv", path.name))
    }
    measured = sorted(Path(folder).rglob("windpowermeasurements.csv"))
    if not by_farm or not measured:
        raise files.no_data(
            folder,
            prepared="forecasts.parquet and power.parquet",
            official="windpowermeasurements.csv (with outcomes) and windforecasts_wf1.csv ...",
            page=_PAGE,
        )
    if sorted(by_farm) != list(range(1, len(by_farm) + 1)):
        raise SchemaError(
            f"There are forecasts of the farms {sorted(by_farm)}.",
            "They must be numbered from 1 on.",
            "Add the others.",
        )
    tables = []
    for number, path in sorted(by_farm.items()):
        table = files.read_csv(path, ("date", "hors", *_COLUMNS)).rename(columns={"hors": "lead_hours"})
        tables.append(files.timed(table, path.name, stamp="date", form=_STAMP).assign(farm=number))
    farms = [f"wp{number}" for number in by_farm]
    power = files.read_csv(measured[0], ("date", *farms, "usage"))
    power = files.timed(power, measured[0].name, stamp="date", form=_STAMP)
    return _by_time(power, farms, pd.concat(tables, ignore_index=True))


def _runs(table: pd.DataFrame, names: list[str]) -> xr.Dataset:
    """Forecasts by farm, run and lead."""
    initialised = timestamps.to_ns(pd.DatetimeIndex(table["time"]))
    init, row = np.unique(initialised, return_inverse=True)
    shape = (len(names), len(init), _LEADS + 1)
    place = (table["farm"].to_numpy() - 1, row, table["lead_hours"].to_numpy().astype(int))
    variables = {}
    for name, column in (("wind_speed_10m", "ws"), ("wind_direction_10m", "wd")):
        values = np.full(shape, np.nan, dtype=np.float32)
        values[place] = table[column].to_numpy(dtype=np.float32)
        variables[name] = (("site", "init_time", "lead_time"), _from_earlier(values, init))
    return xr.Dataset(
        variables,
        coords={
            "site": names,
            "init_time": init,
            "lead_time": np.arange(_LEADS + 1) * _HOUR,
            "available_time": ("init_time", init),
        },
        attrs={"kind": "forecast", "source": "GEFCom2012: ECMWF, runs of 00 and 12 UTC, leads 1 to 48 h"},
    )


def _from_earlier(values: np.ndarray, init: timestamps.Times) -> np.ndarray:
    """Fill lead 0 with the forecast of the newest earlier run that holds that instant."""
    for ago in range(1, _LEADS + 1):
        source = np.searchsorted(init, init - ago * _HOUR)
        known = init[np.minimum(source, len(init) - 1)] == init - ago * _HOUR
        older = values[:, np.where(known, source, 0), ago]
        fill = np.isnan(values[:, :, 0]) & known[None, :]
        values[:, :, 0] = np.where(fill, older, values[:, :, 0])
    return values
