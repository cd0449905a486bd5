"""Plant faults in a real wind farm's power, and see which of them are found.

Runs offline on the embedded measurements of La Haute Borne and ERA5's wind::

    python examples/check_observations.py
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

import energyforecast as ef
from energyforecast.observations import audit, check_clock, quality

SITE, WEATHER, POWER = ef.datasets.la_haute_borne()


def planted() -> tuple[pd.DataFrame, dict[str, pd.DatetimeIndex]]:
    """Power with four faults, and where they are."""
    values = POWER.values.copy()
    farm = values[SITE.name]
    hours = values.index
    strong = hours[(farm.rolling(8).min().shift(-7) > 0.5 * SITE.capacity).to_numpy()]
    calm = hours[(farm.rolling(3, center=True).max() < 0.1 * SITE.capacity).to_numpy()]
    busy = hours[(farm.between(0.2, 6.0) & (farm.diff(-1).abs() > 0.05)).to_numpy()]
    places = {
        "STUCK": _from(busy[::900][:10], 10),
        "CURTAILED": _from(strong[::60][:10], 8),
        "OUTAGE": _from(strong[30::60][:10], 8),
        "SPIKE": calm[::120][:20],
    }
    farm[places["STUCK"]] = np.repeat(farm[busy[::900][:10]].to_numpy(), 10)
    farm[places["CURTAILED"]] = 0.25 * SITE.capacity
    farm[places["OUTAGE"]] = 0.0
    farm[places["SPIKE"]] = 0.95 * SITE.capacity
    return values.assign(**{SITE.name: farm}), places


def _from(begins: pd.DatetimeIndex, length: int) -> pd.DatetimeIndex:
    return pd.DatetimeIndex([begin + pd.Timedelta(k, "h") for begin in begins for k in range(length)])


def main() -> None:
    """Print what was planted, what was found, and what the clock says."""
    values, places = planted()
    bad = replace(POWER, values=values)
    found = audit.audit_observations(bad, sites=SITE, weather=WEATHER)
    flags, unfit = found.observations.flags[SITE.name], found.observations.unfit[SITE.name]
    before = quality.flag_quality(POWER, sites=SITE, weather=WEATHER).unfit[SITE.name]

    print(bad)
    print("\nplanted     hours  found by its own flag  kept from training")
    for name, hours in places.items():
        own = (flags[hours] & int(ef.Flag[name])) != 0
        print(f"{name:10} {len(hours):6d} {own.mean():22.0%} {unfit[hours].mean():19.0%}")
    every = pd.DatetimeIndex(np.concatenate([hours.to_numpy() for hours in places.values()]), tz="UTC")
    elsewhere = unfit[~unfit.index.isin(every)].mean()
    print(
        f"\nElsewhere {elsewhere:.1%} of the hours are set aside ({before.mean():.1%} before the planting)."
    )
    print(f"Trusted as a whole: {found.passed}.")

    print("\nThe same power, read with three wrong clocks:")
    wrong = {
        "as it is": POWER.values[SITE.name],
        "label at the wrong end, and an hour of zone": POWER.values[SITE.name].shift(2, freq="1h"),
        "daylight saving taken for UTC": _daylight_saving(POWER.values[SITE.name]),
    }
    for name, series in wrong.items():
        print(f"- {name}: {check_clock(series, WEATHER, site=SITE)}")


def _daylight_saving(series: pd.Series) -> pd.Series:
    wall = series.index.tz_convert("Europe/Paris").tz_localize(None)
    moved = series.set_axis(wall.tz_localize("UTC"))
    return moved[~moved.index.duplicated()].sort_index().asfreq("1h")


if __name__ == "__main__":
    main()
