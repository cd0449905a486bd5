"""A day plan in files: sheets for planners, tables and scenarios."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from energyforecast.core import netcdf_files, timestamps
from energyforecast.core.files import distinct_names, whole_file
from energyforecast.core.forecast import Forecast
from energyforecast.core.scenario_set import Scenarios
from energyforecast.core.spreadsheets import without_formulas
from energyforecast.planning.day import DayPlan
from energyforecast.planning.net_load import NET_LOAD
from energyforecast.reporting.sheets import Sheet, day_ahead_sheet, weekly_outlook

__all__ = ["sheets", "write"]


def sheets(plan: DayPlan, *, timezone: str) -> dict[str, Sheet]:
    """Sheets by name of file: net load, each plant, and the outlook if the plan covers several days.

    Parameters
    ----------
    plan : DayPlan
    timezone : str
        Zone of the hours on the sheets.

    See Also
    --------
    write : Write them, with the tables of the plan.

    Examples
    --------
    >>> from energyforecast.forecasting import PortfolioForecast
    >>> from energyforecast.planning import PlanSettings, plan_day
    >>> from energyforecast.testing import example_forecast
    >>> terms = {"areas": {"South": ["farm"]}, "dependence": "independent", "schedule": {"shortage": 30, "surplus": 20}}
    >>> plan = plan_day(PlanSettings.from_dict(terms), PortfolioForecast({"wind": example_forecast()}, {}))
    >>> [sheet.title() for sheet in sheets(plan, timezone="UTC").values()]
    ['Day-ahead sheet: farm, 2024-01-02']
    """
    found = {}
    if plan.net_load is not None:
        for area in _areas(plan.net_load):
            reserve = plan.reserve if area == NET_LOAD else None
            found[area] = day_ahead_sheet(
                _as_forecast(plan.net_load, area, plan.forecasts),
                timezone=timezone,
                schedule=None if reserve is None else reserve.rename(columns={"scheduled": "schedule"}),
                reserve=reserve,
                quantile_levels=plan.settings.quantile_levels,
            )
        if len(np.unique(plan.net_load.valid_times.tz_convert(timestamps.zone(timezone)).date)) > 1:
            found["weekly outlook"] = weekly_outlook(plan.net_load, site=NET_LOAD, timezone=timezone)
    for kind in ("wind", "solar"):
        for name in plan.forecasts[kind].sites if kind in plan.forecasts else ():
            found[name if name not in found else f"{name} ({kind})"] = day_ahead_sheet(
                plan.forecasts[kind],
                site=name,
                timezone=timezone,
                schedule=plan.schedules.get(name),
                quantile_levels=plan.settings.quantile_levels,
            )
    return found


def write(plan: DayPlan, folder: str | Path, *, timezone: str, language: str = "en") -> Path:
    """Write sheets (CSV, XLSX, HTML), tables (CSV) and scenarios (NetCDF), each with its caveats.

    Parameters
    ----------
    plan : DayPlan
    folder : path
    timezone : str
        Zone of the hours on sheets; tables are in UTC.
    language : str
        Language of the sheets.

    See Also
    --------
    energyforecast.planning.DayPlan.write : The same, as a method.

    Examples
    --------
    >>> import tempfile
    >>> from energyforecast.forecasting import PortfolioForecast
    >>> from energyforecast.planning import PlanSettings, plan_day
    >>> from energyforecast.testing import example_forecast
    >>> terms = {"areas": {"South": ["farm"]}, "dependence": "independent", "schedule": {"shortage": 30, "surplus": 20}}
    >>> plan = plan_day(PlanSettings.from_dict(terms), PortfolioForecast({"wind": example_forecast()}, {}))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     sorted(path.name for path in write(plan, folder, timezone="UTC").iterdir())
    ['farm.csv', 'farm.html', 'farm.xlsx', 'schedule_costs.csv', 'schedules.csv']
    """
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    made, tables = sheets(plan, timezone=timezone), plan.tables()
    stems = distinct_names(made, reserved=[*tables, "scenarios"])
    for name, sheet in made.items():
        stem = stems[name]
        sheet.write_csv(place / f"{stem}.csv")
        sheet.write_xlsx(place / f"{stem}.xlsx", language=language)
        sheet.write_html(place / f"{stem}.html", language=language)
    for name, frame in tables.items():
        write_table(frame, place / f"{name}.csv", caveats=plan.caveats)
    if plan.net_load is not None:
        data = plan.net_load.data.astype("float32").to_dataset(name="power")
        netcdf_files.write(data, place / "scenarios.nc")
    return place


def write_table(frame: pd.DataFrame, path: str | Path, *, caveats: Sequence[str]) -> Path:
    """Write a table as CSV, with the caveats as its last column."""
    target = Path(path)
    table = frame.assign(caveat="; ".join(caveats)) if caveats else frame
    with whole_file(target) as scratch:
        without_formulas(table).to_csv(scratch, index=False, float_format="%.4f", lineterminator="\n")
    return target


def _areas(net: Scenarios) -> list[str]:
    """Names of net loads, without their parts."""
    parts = ("demand", "wind", "solar")
    return [
        name for name in net.sites if name not in parts and not name.endswith(tuple(f": {k}" for k in parts))
    ]


def _as_forecast(net: Scenarios, area: str, forecasts: Mapping[str, Forecast]) -> Forecast:
    """Net load as a forecast: quantiles of its scenarios, with the issue and the worst level of its parts."""
    first = next(iter(forecasts.values()))
    levels = first.quantiles
    table = net.quantiles(levels, site=area)
    inside = first.inside[0]
    rows = np.full((1, 1, inside.size, len(levels)), np.nan)
    rows[0, 0, inside] = table[[f"q{level:g}" for level in levels]].to_numpy()
    data = first.data.isel(site=[0]).copy(data=rows)
    worst = max(int(one.data["fallback_level"].max()) for one in forecasts.values())
    data = data.assign_coords(
        site=[area],
        capacity=("site", [np.nan]),
        kind=("site", ["demand"]),
        fallback_level=(("site", "issue_time"), [[worst]]),
    )
    data.attrs = dict(first.data.attrs) | {"caveats": "; ".join(net.caveats)}
    data.attrs.pop("model", None)
    return Forecast(data)
