"""Reader of ten-minute measurements of turbines in the Shelek corridor; the data is not part of the package."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Final, Literal, NamedTuple

import numpy as np
import pandas as pd

from energyforecast.core import observation_frames, timestamps
from energyforecast.core.observation_series import Observations
from energyforecast.core.table_format import TableFormat
from energyforecast.core.table_stamps import read_stamps
from energyforecast.errors import MissingDataError, RangeError, SchemaError, TimeError, UnitsError
from energyforecast.observations.tables import read_power

__all__ = ["ShelekScada", "read_shelek_scada"]

_TURBINE: Final = "ID"
_TIME: Final = "Статистическое время"
_VALUES: Final = {
    "Нормализованная активная мощность": "power",
    "Средняя скорость ветра(m/s)": "wind_speed",
    "Средняя температура окружающей среды(°C)": "temp_air",
}
_STEP: Final = "10min"


class ShelekScada(NamedTuple):
    """Power, wind speed and temperature of a farm's turbines.

    Parameters
    ----------
    power : Observations
        One column for each turbine. [MW]
    wind_speed : DataFrame
        Wind at the nacelles, with the index and columns of the power. [m s⁻¹]
    temp_air : DataFrame
        Air temperature at the turbines, likewise. [°C]

    See Also
    --------
    read_shelek_scada

    Examples
    --------
    >>> from energyforecast.testing import example_observations
    >>> power = example_observations()
    >>> read = ShelekScada(power, wind_speed=0.5 * power.values, temp_air=0.0 * power.values)
    >>> float(read.power.values["farm"].iloc[0]), float(read.wind_speed["farm"].iloc[0])
    (11.0, 5.5)
    """

    power: Observations
    wind_speed: pd.DataFrame
    temp_air: pd.DataFrame


def read_shelek_scada(
    paths: str | Path | Iterable[str | Path],
    *,
    rated_power: float,
    timezone: str,
    label: Literal["beginning", "ending"],
    published_after: str | timedelta,
    names: Mapping[str, str] | None = None,
) -> ShelekScada:
    """Ten-minute measurements of turbines, in the file form used in the Shelek corridor.

    Parameters
    ----------
    paths : path or paths
        CSV files in UTF-8 with the columns ``ID``, ``Статистическое время``,
        ``Средняя скорость ветра(m/s)``, ``Нормализованная активная мощность`` (0 to 1) and
        ``Средняя температура окружающей среды(°C)``; one or several turbines in each.
    rated_power : float
        Power of one turbine where the normalised power is 1. [MW]
    timezone : str
        Zone of the clock that stamped the rows; see Notes.
    label : {"beginning", "ending"}
        End of its ten minutes that a stamp names.
    published_after : str or timedelta
        Latency after the end of an interval at which its value is known.
    names : mapping, optional
        Names of sites by ``ID``; the IDs themselves by default.

    Returns
    -------
    ShelekScada
        Power, wind and temperature: regular, in UTC, at the beginning of the interval. Missing rows are NaN.

    Raises
    ------
    MissingDataError, SchemaError
        If a file or a column is missing, or a turbine is in two files.
    UnitsError, RangeError
        If the power is not between 0 and 1, or the rated power is not positive.
    TimeError
        If stamps are doubled or cannot be read.

    See Also
    --------
    read_power : Tables of any other form.
    check_clock : Check of the zone of the stamps.

    Notes
    -----
    The stamps have no offset, and the clock is uncertain: Almaty went from UTC+6 to UTC+5 on 1 March
    2024, and a logger may not have followed. Read with ``"fixed:+06:00"`` or ``"Asia/Almaty"``, then compare both
    with the wind of an analysis by :func:`energyforecast.observations.check_clock`. A logger that ignored the
    change lacks the doubled hour of 29 February, which ``"Asia/Almaty"`` refuses.

    Examples
    --------
    >>> import tempfile
    >>> text = '''ID,Статистическое время,Средняя скорость ветра(m/s),Нормализованная активная мощность,\
Средняя температура окружающей среды(°C)
    ... T1,2023-03-11 0:00:00,7.1,0.40,-3.5
    ... T1,2023-03-11 0:10:00,7.3,0.44,-3.5
    ... '''
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "scada.csv")
    ...     _ = path.write_text(text, encoding="utf-8")
    ...     read_shelek_scada(
    ...         path, rated_power=2.5, timezone="fixed:+06:00", label="beginning", published_after="1h"
    ...     ).power
    Observations of T1: 2 x 10min from 2023-03-10 18:00 UTC, 0 missing, 0 flagged, published after 1h
    """
    if not (np.isfinite(rated_power) and rated_power > 0):
        raise RangeError(
            f"rated_power is {rated_power}.",
            "It must be the power of one turbine, above 0 [MW].",
            "Give it in MW, e.g. 2.5.",
        )
    files = [paths] if isinstance(paths, str | Path) else list(paths)
    turbines: dict[str, pd.DataFrame] = {}
    for file in map(Path, files):
        for name, rows in _read(file).groupby(_TURBINE, sort=False):
            site = (names or {}).get(str(name), str(name))
            if site in turbines:
                raise SchemaError(
                    f"{file.name} holds turbine {site!r}, which was already read.",
                    "Each turbine must be in one file.",
                    "Join its files first, or correct `names`.",
                )
            turbines[site] = _on_clock(rows, timezone, f"{file.name}, turbine {site!r}")
    by_quantity = {
        quantity: pd.DataFrame({site: frame[quantity] for site, frame in turbines.items()}).sort_index()
        for quantity in _VALUES.values()
    }
    power = read_power(
        by_quantity["power"] * rated_power,
        unit="MW",
        timezone="UTC",
        label=label,
        published_after=published_after,
        format=TableFormat(frequency=_STEP),
    )
    back = pd.Timedelta(_STEP if label == "ending" else 0)
    wind_speed, temp_air = (
        by_quantity[quantity].set_axis(by_quantity[quantity].index - back).reindex(power.index)
        for quantity in ("wind_speed", "temp_air")
    )
    return ShelekScada(power, wind_speed, temp_air)


def _read(path: Path) -> pd.DataFrame:
    if not path.exists():
        raise MissingDataError(
            f"There is no file {path}.", "The rows must be in a CSV file.", "Check the path."
        )
    try:
        frame = pd.read_csv(path, encoding="utf-8-sig", dtype={_TURBINE: str})
    except (ValueError, UnicodeDecodeError) as error:  # pandas raises ValueErrors
        raise SchemaError(
            f"{path.name} cannot be read: {error}", "It must be a CSV file in UTF-8.", "Save it in this form."
        ) from error
    absent = [name for name in (_TURBINE, _TIME, *_VALUES) if name not in frame.columns]
    if absent or frame.empty:
        raise SchemaError(
            f"{path.name} has {len(frame)} rows and the columns {list(frame.columns)}, "
            + (f"without {absent[0]!r}." if absent else "so it is empty."),
            f"Its columns must be {', '.join((_TURBINE, _TIME, *_VALUES))}.",
            "Rename the columns; other forms are read by energyforecast.read_power.",
        )
    text = [name for name in _VALUES if not pd.api.types.is_numeric_dtype(frame[name])]
    if text:
        raise SchemaError(
            f"{path.name}: the column {text[0]!r} holds {frame[text[0]].dtype}.",
            "Measurements must be numbers with a decimal point.",
            "Convert them; leave missing values empty.",
        )
    return _checked_power(frame.rename(columns=_VALUES), path)


def _checked_power(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    worst = frame["power"].abs().max()
    if worst > 1.2:
        raise UnitsError(
            f"{path.name} has a normalised power of {worst:g}.",
            "It must lie between 0 and 1, or little outside; this looks like % or kW.",
            "Divide it by 100 or by the rated power, or read kW with energyforecast.read_power.",
        )
    return frame


def _on_clock(rows: pd.DataFrame, timezone: str, label: str) -> pd.DataFrame:
    try:
        stamps = read_stamps(rows[_TIME], form="%Y-%m-%d %H:%M:%S").times
    except TimeError as error:
        raise TimeError(
            f"{label}: {error.found}",
            "Stamps must be written like '2023-03-11 0:10:00', without an offset.",
            "Write them in this form, or use energyforecast.read_power.",
        ) from error
    index = timestamps.localise(stamps, timezone=timezone)
    observation_frames.check_rising_times(index, label)
    return rows[list(_VALUES.values())].astype("float64").set_axis(index, axis=0)
