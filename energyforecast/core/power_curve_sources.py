"""Points of power curves: from columns of a table, from windpowerlib, and from measurements by the method of bins."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast import physics
from energyforecast.core.arguments import as_numbers
from energyforecast.errors import (
    FileFormatError,
    MissingDataError,
    RangeError,
    SchemaError,
    UnitsError,
    one_of,
    require,
)

__all__ = [
    "by_bins",
    "by_coefficient",
    "check_speeds",
    "efficiency_points",
    "from_windpowerlib",
    "powers",
    "refuse_not_positive",
    "until",
    "wind_speeds",
]

Array = npt.NDArray[Any]

#: Each unit in MW; a share of rated power stays as it is.
_MEGAWATTS: Final = {"share": 1.0, "W": 1e-6, "kW": 1e-3, "MW": 1.0}
#: Turbines have stopped in the bins of strong wind with less power than this share of the greatest: more than one half,
#: which is the median of as many values of full power as of none.
_STOPPED: Final = 0.6
#: Turbines have rated power from the first bin with this share of the greatest median.
_RATED: Final = 0.9


def wind_speeds(table: pd.DataFrame, name: str, path: str | Path) -> Array:
    """Column of wind speeds. [m s⁻¹]"""
    speeds, unit = _column(table, name, path)
    if unit not in (None, "m/s", "m s-1", "m s⁻¹"):
        raise UnitsError(
            f"{path} has wind speeds in {unit!r}.", "They must be in m/s.", "Convert the column."
        )
    return speeds


def powers(
    table: pd.DataFrame, name: str, path: str | Path, *, unit: str | None, rated: float | None
) -> tuple[Array, float]:
    """Column of powers and the rated power. [MW; both fractions where `unit` is a share and no rated power is given]"""
    values, stated = _column(table, name, path)
    chosen = unit if unit is not None else stated
    if chosen not in _MEGAWATTS or (stated is not None and stated != chosen):
        raise UnitsError(
            f"{path} states the unit of power as {stated!r}, with unit={unit!r}.",
            f"It must be one of {list(_MEGAWATTS)}, in the header ({name} [kW]) or with unit=.",
            "Give unit='kW', or name it in the header.",
        )
    scaled = values * _MEGAWATTS[chosen]
    if chosen == "share":
        full = 1.0 if rated is None else rated
        return scaled * full, full
    return scaled, float(scaled.max()) if rated is None else rated


def _some(column: pd.Series, path: str | Path) -> Array:
    """Numbers of a column with at least one row."""
    if not len(column):
        raise MissingDataError(f"{path} has no row.", "A power curve must have rows.", "Check the file.")
    return np.asarray(column, dtype=float)


def _column(table: pd.DataFrame, name: str, path: str | Path) -> tuple[Array, str | None]:
    """Values of a column, and the unit that the header gives in brackets."""
    for header in map(str, table.columns):
        match = re.fullmatch(r"\s*(?P<name>.*?)\s*(\[(?P<unit>[^\]]*)\])?\s*", header)
        if match and name in (header, match["name"]):
            try:
                return _some(table[header], path), match["unit"]
            except (ValueError, OverflowError) as error:
                raise FileFormatError(
                    f"{path} has a {header!r} that is no number: {error}.",
                    "Each row must hold numbers.",
                    "Correct the row, or give decimal=','.",
                ) from error
    raise SchemaError(
        f"{path} has the columns {list(table.columns)}.",
        f"One of them must be {name!r}.",
        "Name the columns: PowerCurve.read(path, wind_speed=..., power=..., delimiter=...).",
    )


def from_windpowerlib(turbine_type: str) -> tuple[Array, Array, float]:
    """Wind speeds, powers and rated power of a turbine of windpowerlib. [m s⁻¹; MW]"""
    library = require("windpowerlib", extra="examples", purpose="Its library of turbines is read.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a turbine without a curve, which is refused below
        # Above any rotor: windpowerlib refuses a hub lower than half of its diameter.
        turbine = library.WindTurbine(hub_height=300, turbine_type=turbine_type)
    if turbine.power_curve is None or turbine.nominal_power is None:
        raise MissingDataError(
            f"windpowerlib has no power curve of {turbine_type!r}.",
            "It has those of its table of turbines, e.g. 'N100/2500'.",
            "Choose one that windpowerlib.get_turbine_types() lists with has_power_curve.",
        )
    table = turbine.power_curve
    speeds, watts = table["wind_speed"].to_numpy(float), table["value"].to_numpy(float)
    return speeds, watts / 1e6, turbine.nominal_power / 1e6


def efficiency_points(given: Any, *, of: str) -> tuple[Array, Array]:
    """Wind speeds and efficiencies of a farm: of pairs, or of a published curve of the wind speed. [m s⁻¹; 1]"""
    if isinstance(given, str):
        one_of(f"The kind of the efficiency {given!r}", of, allowed=("wind_speed",))
        return _published_efficiency(given)
    pairs = as_numbers("efficiency", given)
    if pairs.ndim != 2 or pairs.shape[1] != 2:
        raise SchemaError(
            f"The efficiency has the shape {pairs.shape}.",
            "It must be pairs of a wind speed and the efficiency at it.",
            "Give e.g. [(5, 0.85), (10, 0.93), (15, 1.0)], or a name such as 'dena_mean'.",
        )
    return pairs[:, 0], pairs[:, 1]


def _published_efficiency(name: str) -> tuple[Array, Array]:
    """Wind efficiency curve of windpowerlib."""
    library = require("windpowerlib.wake_losses", extra="examples", purpose="Its wake curves are read.")
    curves = library.get_wind_efficiency_curve(curve_name="all")
    if name not in curves.columns.get_level_values(0):
        raise MissingDataError(
            f"windpowerlib has no wind efficiency curve {name!r}.",
            f"It has {', '.join(curves.columns.get_level_values(0).unique())}.",
            "Choose one of them, or give pairs of wind speed and efficiency.",
        )
    table = curves[name].dropna().drop_duplicates()  # one row is given twice
    return table["wind_speed"].to_numpy(float), table["efficiency"].to_numpy(float)


def by_coefficient(
    speeds: Array, coefficient: Array, *, rotor_diameter: float, rated: float, cut_out: float | None
) -> tuple[Array, Array]:
    """Wind speeds and powers of a curve of power coefficients, without a decrease before rated power. [m s⁻¹; MW]"""
    if len(speeds) != len(coefficient) or not len(speeds):
        raise SchemaError(
            f"There are {len(speeds)} wind speeds and {len(coefficient)} power coefficients.",
            "Each wind speed must have a power coefficient.",
            "Give both columns of the table.",
        )
    stop = float(speeds[-1] if cut_out is None else cut_out)
    inner = np.arange(np.ceil(speeds[0] * 10), stop * 10) / 10
    fine = np.unique(np.concatenate([speeds[speeds <= stop], inner, [stop]]))
    power = physics.power_from_coefficient(
        fine, speeds, coefficient, rotor_diameter=rotor_diameter, rated=rated, cut_out=stop
    )
    rising = np.arange(len(power)) <= power.argmax()
    return fine, np.where(rising, np.maximum.accumulate(power), power)


def check_speeds(who: str, speeds: Sequence[float] | Array, cut_out: float | None) -> None:
    """Refuse wind speeds that do not rise, and a cut-out that is not among them."""
    back = np.flatnonzero(np.diff(speeds) <= 0)
    if back.size:
        first, second = speeds[back[0]], speeds[back[0] + 1]
        raise SchemaError(
            f"{who} goes from {first:g} to {second:g} m/s.",
            "Wind speeds must rise, each once: else power would be read from the wrong place.",
            "Sort the table by wind speed, and leave doubled rows out.",
        )
    if cut_out is not None and not speeds[1] < cut_out <= speeds[-1]:
        raise RangeError(
            f"{who} has the cut-out {cut_out:g} m/s.",
            f"It must lie above {speeds[1]:g} m/s, the second speed, and not above {speeds[-1]:g} m/s, the last.",
            "Correct it, or carry the curve on to it.",
        )


def until(cut_out: float, speeds: Array, power: Array) -> tuple[Array, Array]:
    """Points of a curve up to its cut-out, and unchanged where it has no power above that. [m s⁻¹; MW]"""
    last = np.interp(cut_out, speeds, power)
    above = speeds > cut_out
    if not above.any() or (last == 0 and not power[above].any()):
        return speeds, power
    below = speeds < cut_out
    return np.append(speeds[below], cut_out), np.append(power[below], last)


def by_bins(
    power: Any, wind_speed: Any, *, usable: Any, bin_width: float, min_count: int, cut_out: float
) -> tuple[Array, Array]:
    """Wind speeds and median powers of bins, rising until turbines stop, continued to `cut_out`. [m s⁻¹; MW]"""
    for name, value in (("bin_width", bin_width), ("min_count", min_count), ("cut_out", cut_out)):
        refuse_not_positive(name, value)
    speeds, medians, counts = _medians(
        _measured(power, wind_speed, usable), bin_width=bin_width, min_count=min_count, cut_out=cut_out
    )
    speeds, medians, counts = _without_waiting(speeds, medians, counts)
    run = int(np.flatnonzero(medians >= _STOPPED * medians.max())[-1]) + 1
    level = np.append(
        _levelled(speeds[:run], medians[:run], counts[:run]), np.minimum.accumulate(medians[run:])
    )
    if run < len(speeds) and speeds[run] - bin_width > speeds[run - 1]:
        # Between the bins that run and those that have stopped there are no measurements.
        speeds, level = np.insert(speeds, run, speeds[run] - bin_width), np.insert(level, run, level[run - 1])
    if speeds[0] > bin_width:
        speeds, level = np.append(speeds[0] - bin_width, speeds), np.append(0.0, level)
    if speeds[-1] < cut_out:
        speeds, level = np.append(speeds, cut_out), np.append(level, level[-1])
    return speeds, level


def _medians(
    measured: pd.DataFrame, *, bin_width: float, min_count: int, cut_out: float
) -> tuple[Array, Array, Array]:
    """Mean wind speed, median power and number of values of each bin that has enough. [m s⁻¹; MW; 1]"""
    measured = measured[measured["wind"] <= cut_out]
    place = np.round(measured["wind"] / bin_width).astype(int)
    median = measured.groupby(place)["power"].median()[lambda of: place.value_counts()[of.index] >= min_count]
    running = median.index[median >= _STOPPED * median.max()].max()
    storm = place > running
    place[storm] = _joined(place[storm], min_count)
    bins = measured.groupby(place).agg(
        wind=("wind", "mean"), power=("power", "median"), count=("power", "size")
    )
    bins = bins[bins["count"] >= min_count]
    if len(bins) < 3:
        raise MissingDataError(
            f"{len(measured)} usable values up to {cut_out:g} m/s fill {len(bins)} bins of {bin_width:g} m/s.",
            f"At least three bins must hold {min_count} values each.",
            "Give more measurements, wider bins, or use PowerCurve.generic.",
        )
    stopped = (
        measured["wind"].where(measured["power"] < _STOPPED * median.max()).groupby(place).min()[bins.index]
    )
    wind = bins["wind"].where(
        (bins.index <= running) | stopped.isna(), stopped
    )  # where they stop, not the middle
    return wind.to_numpy(), np.maximum(bins["power"].to_numpy(), 0.0), bins["count"].to_numpy(float)


def _joined(place: pd.Series, min_count: int) -> pd.Series:
    """Bins of storms, each with those above it until it has enough values: hours of storm are few."""
    counts = place.value_counts().sort_index()
    first: dict[int, int] = {}
    begin, total = -1, min_count
    for number, count in zip(counts.index.tolist(), counts.tolist(), strict=True):
        if total >= min_count:
            begin, total = number, 0
        total += count
        first[number] = begin
    return place.map(first).astype(int)


def _without_waiting(speeds: Array, medians: Array, counts: Array) -> tuple[Array, Array, Array]:
    """Bins without those between running ones in which most turbines wait for the wind to drop (hysteresis)."""
    top, half = medians.max(), medians >= _STOPPED * medians.max()
    rated = int(np.flatnonzero(medians >= _RATED * top)[0])
    last = int(np.flatnonzero(half)[-1])
    order = np.arange(len(medians))
    kept = half | (order <= rated) | (order > last)
    return speeds[kept], medians[kept], counts[kept]


def refuse_not_positive(name: str, value: float) -> None:
    """Refuse a number that is not above 0 and finite."""
    if not 0 < value < np.inf:
        raise RangeError(f"{name} is {value:g}.", "It must be above 0 and finite.", "Correct it.")


def _levelled(speeds: Array, medians: Array, counts: Array) -> Array:
    """Medians of bins in which turbines run, without a decrease."""
    from sklearn.isotonic import IsotonicRegression

    return np.asarray(IsotonicRegression().fit_transform(speeds, medians, sample_weight=counts))


def _measured(power: Any, wind_speed: Any, usable: Any) -> pd.DataFrame:
    """Usable pairs of wind speed and power."""
    given = [item for item in (power, wind_speed, usable) if item is not None]
    indices = [item.index for item in given if isinstance(item, pd.Series)]
    arrays = [
        as_numbers(name, item, ndim=1)
        for name, item in zip(("power", "wind_speed", "usable"), given, strict=False)
    ]
    if usable is not None and not np.isin(arrays[2], (0.0, 1.0)).all():
        raise SchemaError(
            f"usable holds {arrays[2][~np.isin(arrays[2], (0.0, 1.0))][0]:g}.",
            "It must be true or false at each time.",
            "Compare, e.g. usable=flags == 0.",
        )
    if any(not index.equals(indices[0]) for index in indices) or len({len(array) for array in arrays}) > 1:
        raise SchemaError(
            f"Power, wind speed and usable have {[len(array) for array in arrays]} values, "
            "or series at different times.",
            "They must be of the same times.",
            "Take the times of both, wind.index.intersection(power.index). "
            'Shorter intervals are brought to longer ones before: energyforecast.align(wind, power, how="mean").',
        )
    values = pd.DataFrame({"wind": arrays[1], "power": arrays[0]}, dtype=float)
    known = np.isfinite(values).all(axis=1) & (values["wind"] >= 0)
    return values[known if usable is None else known & arrays[2].astype(bool)]
