"""Peak and energy of the days of a forecast, for the command forecast."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from energyforecast.cli.console import plain_table
from energyforecast.core.forecast_files import write_csv
from energyforecast.errors import MissingDataError

if TYPE_CHECKING:
    from rich.table import Table

    from energyforecast.core.forecast import By, Forecast

__all__ = ["write_periods"]

_SHOWN = ("q0.05", "q0.1", "q0.5", "q0.9", "q0.95")


def write_periods(forecast: Forecast, out: Path, *, by: By, timezone: str) -> list[Table]:
    """Write peak.csv and energy.csv, and return their tables; none where a forecast carries no dependence."""
    from energyforecast.core.sites import DemandArea

    consumers = [name for name, kind in forecast.kinds.items() if kind == DemandArea.kind]
    if not consumers:
        return []
    from energyforecast.planning import energy, peak

    groups = {name: [name] for name in consumers}
    try:
        found = {
            "peak": peak(forecast, by=by, groups=groups),
            "energy": energy(forecast, by=by, groups=groups),
        }
    except MissingDataError:
        return []
    for name, table in found.items():
        write_csv(table.copy(), out / f"{name}.csv", caveats=forecast.caveats)
    return [
        _shown(found["peak"], f"Peak [MW], its beginning in {timezone}", timezone),
        _shown(found["energy"], "Energy [MWh]", timezone),
    ]


def _shown(table: Any, title: str, timezone: str) -> Table:
    """Some quantiles of each period."""
    from energyforecast.core import timestamps, wording

    heads = ["site", "period", "hours", *_SHOWN]
    heads += ["most likely", "± 1 h"] if "time" in table else []
    view = plain_table(title, heads)
    zone = timestamps.zone(timezone)
    places = wording.decimals(table[list(_SHOWN)].to_numpy(), least=2)
    for row in table.to_dict("records"):
        cells = [row["site"], row["period"], f"{row['hours']:g}"]
        cells += [f"{row[level]:.{places}f}" for level in _SHOWN]
        if "time" in row:
            cells += [row["time"].tz_convert(zone).strftime("%Y-%m-%d %H:%M"), f"{row['probability']:.0%}"]
        view.add_row(*cells)
    return view
