"""Power curves of turbines and farms: frozen, checked at birth."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from energyforecast import physics
from energyforecast.errors import (
    FileFormatError,
    MissingDataError,
    RangeError,
    SchemaError,
    UnitsError,
    require,
)

__all__ = ["PowerCurve"]

Array = npt.NDArray[Any]

#: What one of each unit is in MW; a share of rated power stays as it is.
_MEGAWATTS: Final = {"share": 1.0, "W": 1e-6, "kW": 1e-3, "MW": 1.0}
#: Dips below this before rated power are rounding, as in published tables.
_DIP: Final = 0.005


@dataclass(frozen=True)
class PowerCurve:
    """Power of a turbine or a farm by the wind speed at hub height, in air of 1.225 kg m⁻³.

    Parameters
    ----------
    wind_speed : sequence of float
        Rising; below the first and above the last nothing is generated. [m s⁻¹]
    power : sequence of float
        Power at each. [fraction of rated, or MW with `rated`]
    rated : float
        Rated power if `power` is in MW. [MW]
    cut_out : float, optional
        Where turbines stop; the last speed at which the curve has power by default. [m s⁻¹]
    name : str
        For people.

    Raises
    ------
    SchemaError
        If speeds do not rise, or lengths differ.
    RangeError
        If a value is not finite or negative, power falls before it is rated, or its maximum is not
        near the rated one.

    Examples
    --------
    >>> curve = PowerCurve((3, 6, 12, 25), (0, 0.4, 2.5, 2.5), rated=2.5)
    >>> curve
    PowerCurve(2.5 MW at 12 m/s, 3 to 25 m/s)
    >>> curve.power_at([2, 9, 20, 26]).tolist()
    [0.0, 0.58, 1.0, 0.0]
    """

    wind_speed: Sequence[float] | Array
    power: Sequence[float] | Array
    rated: float = 1.0
    cut_out: float | None = None
    name: str = ""

    def __post_init__(self) -> None:
        for field in ("wind_speed", "power"):
            object.__setattr__(self, field, tuple(float(value) for value in getattr(self, field)))
        self._check_values()
        self._check_shape()
        if self.cut_out is None:
            object.__setattr__(self, "cut_out", float(self._speed[np.flatnonzero(self.share)[-1]]))

    def _check_values(self) -> None:
        if len(self.wind_speed) != len(self.power) or len(self.power) < 3:
            raise SchemaError(
                f"{self._who} has {len(self.wind_speed)} wind speeds and {len(self.power)} powers.",
                "There is a power for each wind speed, and there are at least three.",
                "Give both columns of the table.",
            )
        for field, unit in (("wind_speed", "m/s"), ("power", "fraction of rated, or MW")):
            wrong = [value for value in getattr(self, field) if not (np.isfinite(value) and value >= 0)]
            if wrong:
                raise RangeError(
                    f"{self._who} has the {field} {wrong[0]:g}.",
                    f"Each is finite and not negative. [{unit}]",
                    "Correct the table, or leave the row out.",
                )
        if not (np.isfinite(self.rated) and self.rated > 0):
            raise RangeError(f"{self._who} has rated {self.rated}.", "It is above 0. [MW]", "Correct it.")

    def _check_shape(self) -> None:
        back = np.flatnonzero(np.diff(self._speed) <= 0)
        if back.size:
            first, second = self.wind_speed[back[0]], self.wind_speed[back[0] + 1]
            raise SchemaError(
                f"{self._who} goes from {first:g} to {second:g} m/s.",
                "Wind speeds rise, each once: else power would be read from the wrong place.",
                "Sort the table by wind speed, and leave doubled rows out.",
            )
        top = int(self.share.argmax())
        if not 0.8 <= self.share[top] <= 1.1:
            raise RangeError(
                f"{self._who} reaches {self.power[top]:g}, which is {self.share[top]:g} of rated {self.rated:g}.",
                "The greatest power is 0.8 to 1.1 of the rated one. [fraction of rated, or MW with rated]",
                "Give rated=... in MW, or power as its fraction; W or kW are divided first.",
            )
        fall = np.flatnonzero(np.diff(self.share[: top + 1]) < -_DIP)
        if fall.size:
            raise RangeError(
                f"{self._who} falls from {self.power[fall[0]]:g} to {self.power[fall[0] + 1]:g} "
                f"at {self.wind_speed[fall[0] + 1]:g} m/s, before it is rated.",
                "Power does not fall until it has reached its maximum.",
                "Correct the row; of measurements use PowerCurve.from_measurements.",
            )
        if self.cut_out is not None and not self.wind_speed[0] < self.cut_out <= self.wind_speed[-1]:
            raise RangeError(
                f"{self._who} has the cut-out {self.cut_out:g} m/s.",
                f"It lies inside the curve, which ends at {self.wind_speed[-1]:g} m/s.",
                "Correct it, or carry the curve on to it.",
            )

    @property
    def _who(self) -> str:
        return f"The power curve {self.name!r}" if self.name else "The power curve"

    @property
    def _speed(self) -> Array:
        return np.asarray(self.wind_speed)

    @property
    def share(self) -> Array:
        """Power of each point. [fraction of rated]"""
        return np.asarray(self.power) / self.rated

    @property
    def cut_in(self) -> float:
        """Wind speed above which there is power. [m s⁻¹]"""
        return float(self._speed[max(0, np.flatnonzero(self.share)[0] - 1)])

    @property
    def rated_speed(self) -> float:
        """Least wind speed at which the greatest power is given, within half a percent. [m s⁻¹]"""
        return float(self._speed[np.flatnonzero(self.share >= self.share.max() - _DIP)[0]])

    def power_at(self, wind_speed: Any, density: Any = None) -> Array:
        """Power at hub-height wind speeds.

        Parameters
        ----------
        wind_speed : array
            [m s⁻¹]
        density : array, optional
            Density of the air, 1.225 by default. [kg m⁻³]

        Returns
        -------
        array
            NaN where the wind is missing. [fraction of rated]
        """
        return physics.curve_power(
            np.asarray(wind_speed), self._speed, self.share, density=density, cut_out=self.cut_out
        )

    def smoothed(self, deviation: float, *, relative: float = 0.0) -> PowerCurve:
        """The curve of a farm whose turbines feel different winds.

        Parameters
        ----------
        deviation : float
            Standard deviation of the wind speed between turbines. [m s⁻¹]
        relative : float
            What is added to it for each m/s of wind speed.

        Returns
        -------
        PowerCurve
            Smoothed as by :func:`energyforecast.physics.smoothed_curve_power`, cut-out included.

        Examples
        --------
        >>> farm = PowerCurve((3, 12, 25), (0, 1, 1)).smoothed(1.0)
        >>> farm.power_at([3, 7.5, 12]).round(3).tolist()
        [0.044, 0.5, 0.956]
        """
        if not (deviation >= 0 and relative >= 0 and deviation + relative > 0):
            raise RangeError(
                f"The curve is to be smoothed by {deviation:g} m/s plus {relative:g} of the speed.",
                "Neither is negative, and one is above 0.",
                "Give e.g. smoothed(1.0), or smoothed(0.6, relative=0.2) for a fleet.",
            )
        reach = 4 * (deviation + relative * self._speed[-1])
        speeds = np.arange(0.0, self._speed[-1] + reach, 0.25)
        sigma = np.maximum(deviation + relative * speeds, 1e-6)
        smooth = physics.smoothed_curve_power(speeds, self._speed, self.share, deviation=sigma)
        return PowerCurve(speeds, smooth * self.rated, rated=self.rated, name=self.name)

    @classmethod
    def generic(
        cls,
        *,
        specific_power: float = 260.0,
        cut_in: float = 3.0,
        cut_out: float = 25.0,
        turbulence_intensity: float = 0.1,
        power_coefficient: float = 0.44,
        rated: float = 1.0,
    ) -> PowerCurve:
        """A curve for a turbine of which only the rotor and the rated power are known.

        Parameters
        ----------
        specific_power : float
            Rated power by swept area: 2.5 MW on a rotor of 110 m has 263 W m⁻². [W m⁻²]
        cut_in, cut_out : float
            Where turbines start and stop. [m s⁻¹]
        turbulence_intensity : float
            Deviation of the wind inside ten minutes by its mean: it rounds the knee at rated power.
        power_coefficient : float
            Share of the wind's power that becomes electricity.
        rated : float
            Rated power. [MW]

        Returns
        -------
        PowerCurve

        Notes
        -----
        Neither measured nor a maker's. On the 55 machines of 1.5 to 4 MW in the Open Energy Database, each
        with its own specific power, it is off by 1.2 % of rated power in the median and 2.4 % in nine
        of ten (root mean square up to 18 m/s).

        References
        ----------
        A constant power coefficient below rated power, and turbulence as a Gaussian: IEC 61400-12-1
        (2017), annex M; Saint-Drenan et al. (2020), https://doi.org/10.1016/j.renene.2020.04.123.

        Examples
        --------
        >>> curve = PowerCurve.generic(specific_power=300)
        >>> curve.power_at([3, 8, 14, 25, 26]).round(2).tolist()
        [0.02, 0.47, 1.0, 1.0, 0.0]
        """
        fine = np.arange(0.0, 3 * cut_out, 0.05)
        ideal = physics.ideal_turbine_power(
            fine, specific_power=specific_power, power_coefficient=power_coefficient
        )
        speeds = np.unique([*np.arange(0.0, cut_out, 0.5), cut_in, cut_out])
        speeds = speeds[speeds >= cut_in]
        share = physics.smoothed_curve_power(
            speeds, fine, np.where(fine < cut_in, 0.0, ideal), deviation=turbulence_intensity * speeds
        )
        return cls(speeds, share * rated, rated=rated, name="generic")

    @classmethod
    def read(
        cls,
        path: str | Path,
        *,
        wind_speed: str = "wind_speed",
        power: str = "power",
        unit: Literal["share", "W", "kW", "MW"] | None = None,
        rated: float | None = None,
        separator: str = ",",
        decimal: str = ".",
    ) -> PowerCurve:
        r"""A curve from a CSV file with a header.

        Parameters
        ----------
        path : path
        wind_speed, power : str
            Names of the columns. The header may say units in brackets: ``wind_speed [m/s],power [kW]``.
        unit : {"share", "W", "kW", "MW"}, optional
            Unit of power, if the header does not say it; ``"share"`` is the fraction of rated power.
        rated : float, optional
            Rated power; by default the greatest in the file. [MW]
        separator, decimal : str
            How the file is written.

        Returns
        -------
        PowerCurve
            In the order of the file: one that is not sorted is refused.

        Raises
        ------
        FileFormatError, SchemaError, UnitsError
            If the file cannot be read, or lacks a column or a unit.

        Examples
        --------
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder, "curve.csv")
        ...     _ = file.write_text("wind_speed [m/s],power [kW]\n3,0\n12,2500\n25,2500\n")
        ...     PowerCurve.read(file)
        PowerCurve('curve', 2.5 MW at 12 m/s, 3 to 25 m/s)
        """
        table = _table(Path(path), separator, decimal)
        speeds, spoken = _column(table, wind_speed, path)
        if spoken not in (None, "m/s", "m s-1", "m s⁻¹"):
            raise UnitsError(
                f"{path} has wind speeds in {spoken!r}.", "They are in m/s.", "Convert the column."
            )
        values, said = _column(table, power, path)
        chosen = unit if unit is not None else said
        if chosen not in _MEGAWATTS or (said is not None and said != chosen):
            raise UnitsError(
                f"{path} says the unit of power is {said!r}, and unit={unit!r}.",
                f"It is one of {list(_MEGAWATTS)}, said in the header ({power} [kW]) or with unit=.",
                "Say unit='kW', or name it in the header.",
            )
        scaled = values * _MEGAWATTS[chosen]
        full = 1.0 if chosen == "share" else (float(scaled.max()) if rated is None else rated)
        if chosen == "share" and rated is not None:
            scaled, full = scaled * rated, rated
        return cls(speeds, scaled, rated=full, name=Path(path).stem)

    @classmethod
    def from_windpowerlib(cls, turbine_type: str) -> PowerCurve:
        """A published curve of the library windpowerlib, which brings those of the Open Energy Database.

        Parameters
        ----------
        turbine_type : str
            Name in its library, e.g. ``"N100/2500"``.

        Raises
        ------
        DependencyError
            If windpowerlib is not installed: ``pip install energyforecast[examples]``.
        MissingDataError
            If it has no such turbine.

        References
        ----------
        https://windpowerlib.readthedocs.io; the curves: https://openenergyplatform.org, ODbL 1.0.
        """
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
        return cls(
            table["wind_speed"].to_numpy(float),
            table["value"].to_numpy(float) / 1e6,
            rated=turbine.nominal_power / 1e6,
            name=turbine_type,
        )

    @classmethod
    def from_measurements(
        cls,
        power: Any,
        wind_speed: Any,
        *,
        rated: float,
        usable: Any = None,
        bin_width: float = 0.5,
        least: int = 6,
        cut_out: float = 25.0,
    ) -> PowerCurve:
        """A curve from measured power and wind: medians in bins, rising to rated power.

        Parameters
        ----------
        power, wind_speed : array, shape (times,)
            Measured at the same times; pandas series must have the same index. [MW; m s⁻¹]
        rated : float
            Rated power of what was measured. [MW]
        usable : array of bool, optional
            Hours to learn from, e.g. ``~observations.unfit["farm"]``; missing values are always left out.
        bin_width : float
            Width of the bins. [m s⁻¹]
        least : int
            Values that a bin needs.
        cut_out : float
            Until here the curve is carried on at its maximum. [m s⁻¹]

        Returns
        -------
        PowerCurve

        Raises
        ------
        MissingDataError
            If fewer than three bins have enough values.
        RangeError
            If no bin comes near rated power: then the measurements do not show the whole curve.

        Notes
        -----
        A median is not moved by hours that were curtailed without a flag, as long as they are fewer
        than half of their bin. What still falls before rated power is made level by isotonic
        regression, with the number of values as weight.

        References
        ----------
        Method of bins: IEC 61400-12-1 (2017), which takes means of at least three values.

        Examples
        --------
        >>> wind = np.linspace(0, 16, 1601)
        >>> curve = PowerCurve.from_measurements(60 * np.clip((wind - 3) / 9, 0, 1), wind, rated=60)
        >>> curve.power_at([3, 7.5, 14, 26]).round(2).tolist()
        [0.0, 0.5, 1.0, 0.0]
        """
        produced, wind = _together(power, wind_speed, usable)
        speeds, medians, count = _binned(produced, wind, bin_width, least)
        if len(speeds) < 3:
            raise MissingDataError(
                f"{len(wind)} usable values fill {len(speeds)} bins of {bin_width:g} m/s.",
                f"At least three bins hold {least} values each.",
                "Give more measurements, wider bins, or use PowerCurve.generic.",
            )
        from sklearn.isotonic import IsotonicRegression

        rising = IsotonicRegression().fit_transform(speeds, np.maximum(medians, 0.0), sample_weight=count)
        if speeds[0] > bin_width:
            speeds, rising = np.append(speeds[0] - bin_width, speeds), np.append(0.0, rising)
        if speeds[-1] < cut_out:
            speeds, rising = np.append(speeds, cut_out), np.append(rising, rising[-1])
        return cls(speeds, rising, rated=rated, name="measured")

    def __repr__(self) -> str:
        name = f"{self.name!r}, " if self.name else ""
        size = "rated" if self.rated == 1.0 else f"{self.rated:g} MW"
        return (
            f"PowerCurve({name}{size} at {self.rated_speed:g} m/s, {self.cut_in:g} to {self.cut_out:g} m/s)"
        )


def _table(path: Path, separator: str, decimal: str) -> pd.DataFrame:
    try:
        return pd.read_csv(path, sep=separator, decimal=decimal, skipinitialspace=True, encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise FileFormatError(
            f"{path} cannot be read as a power curve: {error}.",
            "It is a CSV file with a header, e.g. 'wind_speed [m/s],power [kW]'.",
            "Check path, separator and encoding.",
        ) from error


def _column(table: pd.DataFrame, name: str, path: str | Path) -> tuple[Array, str | None]:
    """A column's values, and the unit that the header says in brackets."""
    for header in map(str, table.columns):
        match = re.fullmatch(r"\s*(?P<name>.*?)\s*(\[(?P<unit>[^\]]*)\])?\s*", header)
        if match and name in (header, match["name"]):
            try:
                return table[header].to_numpy(dtype=float), match["unit"]
            except ValueError as error:
                raise FileFormatError(
                    f"{path} has a {header!r} that is no number: {error}.",
                    "Each row holds numbers.",
                    "Correct the row, or give decimal=','.",
                ) from error
    raise SchemaError(
        f"{path} has the columns {list(table.columns)}.",
        f"One of them is {name!r}.",
        "Name the columns: PowerCurve.read(path, wind_speed=..., power=..., separator=...).",
    )


def _together(power: Any, wind_speed: Any, usable: Any) -> tuple[Array, Array]:
    given = [item for item in (power, wind_speed, usable) if item is not None]
    indices = [item.index for item in given if isinstance(item, pd.Series)]
    arrays = [np.asarray(item).ravel() for item in given]
    if any(not index.equals(indices[0]) for index in indices) or len({len(array) for array in arrays}) > 1:
        raise SchemaError(
            f"Power, wind speed and usable have {[len(array) for array in arrays]} values, "
            "or series at different times.",
            "They are of the same times.",
            "Align them first, e.g. wind.reindex(power.index).",
        )
    produced, wind = arrays[0].astype(float), arrays[1].astype(float)
    there = np.isfinite(produced) & np.isfinite(wind) & (wind >= 0)
    there &= np.ones_like(there) if usable is None else arrays[2].astype(bool)
    return produced[there], wind[there]


def _binned(power: Array, wind: Array, width: float, least: int) -> tuple[Array, Array, Array]:
    """Mean wind speed, median power and number of values of the bins that hold enough of them."""
    groups = pd.DataFrame({"wind": wind, "power": power}).groupby(np.round(wind / width).astype(int))
    table = groups.agg(wind=("wind", "mean"), power=("power", "median"), count=("power", "size"))
    table = table[table["count"] >= least]
    return table["wind"].to_numpy(), table["power"].to_numpy(), table["count"].to_numpy(dtype=float)
