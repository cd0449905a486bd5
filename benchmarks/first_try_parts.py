"""Scores of ``first_try.py`` by season and type of day: default, hand-written model and same-type day of consumers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from first_try_opponents import type_of_day

from energyforecast.core import calendars

Array = npt.NDArray[Any]
#: Scores of the rows of a part.
Scores = Callable[[Array], dict[str, float]]

SEASONS: Final = ("December to February", "March to May", "June to August", "September to November")
#: By number of the type of day; then those that take precedence.
TYPES: Final = ("working day", "bridge day", "Saturday", "Sunday", "holiday")
AFTER, RAMADAN = "day after a holiday", "Ramadan"
#: Rows that a part must have. [d]
DAYS: Final = 2


def parts(valid: Array, site: Any) -> dict[str, Array]:
    """Season and type of day of each interval, on the local clock.

    Examples
    --------
    >>> import energyforecast as ef
    >>> city = ef.DemandArea(name="city", latitude=35.6, longitude=-5.4, timezone="Africa/Casablanca", country="MA")
    >>> noons = np.array(["2017-04-30T12", "2017-05-01T12", "2017-05-02T12", "2017-05-30T12"], dtype="datetime64[ns]")
    >>> parts(noons, city)["type of day"].tolist()  # the first of May is a holiday, Ramadan began on the 27th
    ['Sunday', 'holiday', 'day after a holiday', 'Ramadan']
    """
    local = pd.DatetimeIndex(valid, tz="UTC").tz_convert(site.timezone or "UTC")
    kind, before = type_of_day(valid, site), type_of_day(valid - np.timedelta64(24, "h"), site)
    day = local.tz_localize(None).to_numpy().astype("datetime64[D]")
    fasting = (
        calendars.ramadan(day) if calendars.has_ramadan(site.country) else np.zeros(len(day), dtype=bool)
    )
    usual = np.array(TYPES, dtype=object)[kind]
    types = np.select([fasting, (kind == 0) & (before == TYPES.index("holiday"))], [RAMADAN, AFTER], usual)
    return {"season": np.array(SEASONS)[local.month % 12 // 3], "type of day": types}


def by_part(
    valid: Array, site: Any, models: Mapping[str, Scores], *, step: pd.Timedelta
) -> list[dict[str, Any]]:
    """Scores of each model in each part of at least so many days."""
    least = DAYS * (pd.Timedelta("1D") / step)
    found = []
    for name, labels in parts(valid, site).items():
        order = SEASONS if name == "season" else (*TYPES, AFTER, RAMADAN)
        for label in order:
            chosen = labels == label
            if chosen.sum() >= least:
                scores = {model: of(chosen) for model, of in models.items()}
                found.append({"by": name, "part": label, "n": int(chosen.sum()), "models": scores})
    return found


def table(rows: list[dict[str, Any]]) -> str:
    """Markdown of the cases that have parts, in kW; in each line the lowest loss is bold."""
    cases = [row for row in rows if row.get("parts")]
    names = list(dict.fromkeys(name for row in cases for part in row["parts"] for name in part["models"]))
    lines = [f"| Series, task | Part | Hours | {' | '.join(name.capitalize() for name in names)} | 80 % |"]
    lines.append(f"| --- | --- | ---: |{' ---: |' * len(names)} ---: |")
    for row in cases:
        title = f"{row['data']} {row['series']}, {row['task']}"
        for part in row["parts"]:
            losses = {name: 1e3 * part["models"].get(name, {}).get("pinball", np.inf) for name in names}
            cells = [_cell(loss, best=loss == min(losses.values())) for loss in losses.values()]
            held = 100 * next(iter(part["models"].values()))["coverage 80"]
            lines.append(f"| {title} | {part['part']} | {part['n']:,} | {' | '.join(cells)} | {held:.0f} |")
            title = ""
    return "\n".join([*lines, ""])


def _cell(loss: float, *, best: bool) -> str:
    """Loss, bold where it is the lowest, a dash where there is none."""
    if not np.isfinite(loss):
        return "–"
    return f"**{loss:.4g}**" if best else f"{loss:.4g}"
