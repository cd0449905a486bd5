"""Files of a run: the forecast, and the plan made from it, published together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from energyforecast.core.forecast import Forecast
from energyforecast.core.forecast_files import write_csv
from energyforecast.core.published_set import PublishedSet
from energyforecast.core.sites import DemandArea
from energyforecast.errors import MissingDataError

if TYPE_CHECKING:
    from energyforecast.planning import DayPlan

__all__ = ["described", "publish"]


def publish(
    files: PublishedSet,
    forecast: Forecast,
    plan: DayPlan | None,
    *,
    timezone: str,
    with_periods: bool = True,
) -> list[str]:
    """Write forecast and plan, which take the place of the old files together; names of the files."""
    with files.publish({**described(forecast), "has_plan": plan is not None}) as stage:
        forecast.write_csv(stage / "forecast.csv")
        forecast.save(stage / "forecast.nc")
        if with_periods:
            _write_periods(forecast, stage)
        if plan is not None:
            plan.write(stage, timezone=timezone)
        return sorted(item.relative_to(stage).as_posix() for item in stage.rglob("*") if item.is_file())


def described(forecast: Forecast) -> dict[str, Any]:
    """Fallback levels and caveats, as the index of the files and the record of the run have them."""
    levels = forecast.data["fallback_level"].values[:, 0].tolist()
    return {
        "fallback_level": int(max(levels)),
        "fallback_levels": dict(zip(forecast.sites, levels, strict=True)),
        "caveats": list(forecast.caveats),
    }


def _write_periods(forecast: Forecast, folder: Path) -> None:
    """Peak and energy of the days of consumers, where the forecast carries the dependence of its errors."""
    consumers = [name for name, kind in forecast.kinds.items() if kind == DemandArea.kind]
    if not consumers:
        return
    from energyforecast.planning import energy, peak

    groups = {name: [name] for name in consumers}
    try:
        found = {"peak": peak(forecast, groups=groups), "energy": energy(forecast, groups=groups)}
    except MissingDataError:
        return
    for name, table in found.items():
        write_csv(table.copy(), folder / f"{name}.csv", caveats=forecast.caveats)
