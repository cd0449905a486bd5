"""Adaptation of issued forecasts to the newest outcomes, by adaptive conformal calibration."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
import xarray as xr

from energyforecast.core.forecast import Forecast
from energyforecast.core.intervals import frequency_of
from energyforecast.core.observation_series import Observations
from energyforecast.core.quantile_cube import available_capacity
from energyforecast.errors import MissingDataError, SchemaError, UncalibratedWarning, WrongDataError
from energyforecast.forecasting.adaptive_calibration import AdaptiveCalibration

if TYPE_CHECKING:
    from energyforecast.archive import Archive

__all__ = ["CAVEAT", "adapted", "archive_adapted"]

#: Beginning of the caveat by which an adapted forecast is known.
CAVEAT: Final = "intervals adapted to the outcomes of the last"
_USUAL: Final = AdaptiveCalibration()


def adapted(
    forecast: Forecast,
    observations: Observations,
    *,
    archive: Archive,
    calibration: AdaptiveCalibration = _USUAL,
) -> Forecast:
    """Adapt the forecast of one issue to the outcomes that were published by then.

    Each site is calibrated by the residuals of its own earlier forecasts as they were before their adaptation. Sites
    with too few residuals, and forecasts from climatology, stay as they are.

    Parameters
    ----------
    forecast : Forecast
        Of one issue, not adapted.
    observations : Observations
        As known at the issue; values published later are not used. [MW]
    archive : Archive
        With earlier forecasts (:func:`archive_adapted`).
    calibration : AdaptiveCalibration, optional

    Returns
    -------
    Forecast
        Within the bounds of its sites, with the caveat that names the sites that were adapted; the same forecast if
        there are none.

    Raises
    ------
    SchemaError
        If the forecast has several issues, or is adapted already.

    See Also
    --------
    energyforecast.AdaptiveCalibration

    Examples
    --------
    >>> import tempfile
    >>> from energyforecast.testing import example_operations
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     settings, archive = example_operations(folder, days=30)
    ...     today = archive.forecast("farm", issued="2024-01-30")
    ...     moved = adapted(today, archive.observations("farm"), archive=archive)
    >>> moved.caveats
    ('intervals adapted to the outcomes of the last 60D: farm',)
    """
    if len(forecast.issue_times) != 1 or _is_adapted("; ".join(forecast.caveats)):
        raise SchemaError(
            f"A forecast of {len(forecast.issue_times)} issues with the caveats {list(forecast.caveats)}.",
            "One issue must be adapted, and once.",
            "Choose it: forecast.sel(issue_time=...).",
        )
    parts, moved = [], []
    earlier = _Earlier(archive, forecast, since=forecast.issue_times[0] - pd.Timedelta(calibration.window))
    for name in forecast.sites:
        one = Forecast(_on_steps(forecast.sel(site=name)))
        past = earlier.of(one)
        result = one if past is None else _applied(one, observations, past, calibration)
        if not np.array_equal(result.data.values, one.data.values, equal_nan=True):
            moved.append(name)
        parts.append(result.data.values)
    if not moved:
        return forecast
    lines = [*forecast.caveats, f"{CAVEAT} {calibration.window}: {', '.join(moved)}"]
    data = forecast.data.copy(data=np.concatenate(parts))
    return Forecast(data.assign_attrs(caveats="; ".join(lines), calibration=repr(calibration)))


def archive_adapted(archive: Archive, forecast: Forecast, result: Forecast, *, model_hash: str | None) -> int:
    """Record a forecast before its adaptation, then as it is issued; the number of new records.

    Later adaptations learn from the first, verification scores the second, which is its newest revision.
    """
    if result is forecast:
        return archive.write_forecast(forecast, model_hash=model_hash)
    before = _records(archive, forecast, sites=forecast.sites[:1], since=forecast.issue_times[0])
    held = None if before.empty else _read(archive, forecast.sites, before.iloc[-1])
    if held is not None and np.array_equal(held.data.values, forecast.data.values, equal_nan=True):
        return archive.write_forecast(result, model_hash=model_hash)
    new = archive.write_forecast(forecast, model_hash=model_hash)
    return new + archive.write_forecast(result, model_hash=model_hash)


def _applied(
    forecast: Forecast, observations: Observations, past: Forecast, calibration: AdaptiveCalibration
) -> Forecast:
    """The forecast of one site, calibrated; as it is where it cannot be."""
    with warnings.catch_warnings(record=True):  # the caveat, or its absence, is the answer
        try:
            return calibration.apply(forecast, observations, past=past)
        except (WrongDataError, MissingDataError, UncalibratedWarning):
            return forecast


class _Earlier:
    """Earlier forecasts as they were before their adaptation; sites of one record are read together."""

    def __init__(self, archive: Archive, forecast: Forecast, *, since: pd.Timestamp) -> None:
        self.archive = archive
        issue = forecast.issue_times[0]
        records = _records(archive, forecast, sites=forecast.sites, since=since)
        self.newest = records[records["issue_time"] < issue].groupby(["site", "issue_time"]).tail(1)
        self.together = self.newest.groupby(["issue_time", "recorded_time"])["site"].agg(tuple).to_dict()
        self.held: dict[tuple[pd.Timestamp, pd.Timestamp], Forecast | None] = {}

    def of(self, forecast: Forecast) -> Forecast | None:
        """Those of the site of a forecast; other levels or intervals are left out."""
        found = []
        for _, record in self.newest[self.newest["site"] == forecast.sites[0]].iterrows():
            one = self._read(record, forecast.sites)
            if one is not None and _is_alike(one, forecast):
                found.append(one.data)
        if not found:
            return None
        return Forecast(
            xr.concat(
                found,
                "issue_time",
                coords="minimal",
                compat="override",
                join="outer",
                combine_attrs="override",
            )
        )

    def _read(self, record: pd.Series, site: tuple[str, ...]) -> Forecast | None:
        """The forecast of a site; sites that do not fit into one forecast are read alone."""
        key = (record["issue_time"], record["recorded_time"])
        if key not in self.held:
            self.held[key] = _plain(_read(self.archive, self.together[key], record))
        several = self.held[key]
        return _plain(_read(self.archive, site, record)) if several is None else several.sel(site=site[0])


def _records(
    archive: Archive, forecast: Forecast, *, sites: tuple[str, ...], since: pd.Timestamp
) -> pd.DataFrame:
    """Records of forecasts that are not adapted and were made by the issue or, of the same issue, after it."""
    issue = forecast.issue_times[0]
    records = archive.issues(list(sites), issued=(since, issue))
    adapted_ones = records["caveats"].map(lambda text: _is_adapted(str(text)))
    earlier = (records["recorded_time"] <= issue) | (records["issue_time"] == issue)
    return records[~adapted_ones.astype(bool) & earlier]


def _read(archive: Archive, sites: tuple[str, ...], record: pd.Series) -> Forecast | None:
    """The forecast of a record; None where the archive has none of all sites."""
    try:
        return archive.forecast(list(sites), issued=record["issue_time"], as_of=record["recorded_time"])
    except (MissingDataError, SchemaError):
        return None


def _is_adapted(caveats: str) -> bool:
    return CAVEAT in caveats


def _is_alike(one: Forecast, other: Forecast) -> bool:
    """Whether levels, intervals and the form of numbers are the same."""
    same = one.quantiles == other.quantiles and one.data.dtype == other.data.dtype
    return same and frequency_of(one) == frequency_of(other) and not _is_adapted("; ".join(one.caveats))


def _on_steps(forecast: Forecast) -> xr.DataArray:
    """With leads in whole intervals: issues some seconds apart would share none, and their union would fill memory."""
    data, step = forecast.data, frequency_of(forecast)
    if step is None:
        return data
    width = step.to_timedelta64().astype("timedelta64[ns]")
    leads = data["lead_time"].values.astype("timedelta64[ns]")
    return data.assign_coords(lead_time=(leads + width // 2) // width * width)


def _plain(forecast: Forecast | None) -> Forecast | None:
    """With the capacity in service of every hour, so that issues with and without it can be joined."""
    if forecast is None:
        return None
    data = _on_steps(forecast)
    return Forecast(data.assign_coords(available_capacity=(data.dims[:3], available_capacity(data))))
