"""Rows of the report about the peak and the energy of each day of consumers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import pandas as pd

from energyforecast.core.forecast import Forecast
from energyforecast.core.sites import DemandArea
from energyforecast.errors import MissingDataError
from energyforecast.evaluation.result import Result
from energyforecast.planning.period_verification import period_scores
from energyforecast.reporting.backtest_report.rows import Row, number

__all__: list[str] = []

#: Heads of the table of peaks; that of energies lacks the last one.
PEAK_HEADS: Final = (
    *("Site", "Model", "Error of the median [MW]", "Bias [MW]", "Pinball loss [MW]"),
    *("Inside 50 % [%]", "Inside 80 % [%]", "Inside 90 % [%]", "Hour right [%]", "Days"),
)
ENERGY_HEADS: Final = tuple(
    head.replace("[MW]", "[MWh]") for head in PEAK_HEADS if not head.startswith("Hour")
)
#: Consumers that are shown, at most.
_MAX_SITES: Final = 10


def periods(result: Result) -> dict[str, Any]:
    """Tables of peak and energy by site and model; empty for plants, tasks of a few hours, and without a dependence."""
    kinds = next(iter(result.forecasts.values())).kinds
    consumers = [name for name, kind in kinds.items() if kind == DemandArea.kind]
    if not consumers:
        return {}
    shown = consumers[:_MAX_SITES]
    parts = {name: Forecast(one.data.sel(site=shown)) for name, one in result.forecasts.items()}
    try:
        table = period_scores(replace(result, forecasts=parts), by="day")
    except MissingDataError:
        return {}
    return {
        "peak": _rows(table, "peak"),
        "energy": _rows(table, "energy"),
        "peak_heads": PEAK_HEADS,
        "energy_heads": ENERGY_HEADS,
        "left_out": len(consumers) - len(shown),
        "models_left_out": [name for name in parts if name not in {*table["model"]}],
    }


def _rows(table: pd.DataFrame, quantity: str) -> list[Row]:
    """A row for each site and model."""
    rows: list[Row] = []
    for (site, model), part in table.groupby(["site", "model"], sort=False):
        found = {
            (row.quantity, row.metric, 0.0 if pd.isna(row.level) else row.level): row
            for row in part.itertuples()
        }
        cells = [number(found[quantity, metric, 0.0].value) for metric in ("mae", "bias", "pinball")]
        cells += [f"{100 * found[quantity, 'coverage', share].value:.0f}" for share in (0.5, 0.8, 0.9)]
        if quantity == "peak":
            cells.append(f"{100 * found['time of peak', 'within 1 h', 0.0].value:.0f}")
        rows.append((site, model, *cells, found[quantity, "mae", 0.0].n))
    return sorted(rows, key=lambda row: list(dict.fromkeys(table["site"])).index(row[0]))
