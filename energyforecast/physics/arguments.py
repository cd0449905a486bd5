"""Arguments of physical functions: of their types, within their ranges, of shapes that fit."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Final, NamedTuple, ParamSpec, TypeVar

import numpy as np
import numpy.typing as npt

from energyforecast.errors import RangeError, SchemaError

__all__ = ["check_quantities", "physical", "unmasked"]

P = ParamSpec("P")
T = TypeVar("T")


class Limits(NamedTuple):
    """Values that a quantity can have; those outside are of another unit, or wrong."""

    low: float
    high: float
    unit: str
    remedy: str = "Convert its unit; a value that is not known is NaN."


_SHARE: Final = "Give a share of 1, not a percentage; a value that is not known is NaN."
_TEMPERATURE: Final = Limits(
    -100, 70, "°C", "Convert kelvin by subtracting 273.15; what is not known is NaN."
)
_IRRADIANCE: Final = Limits(
    -50, 3000, "W m⁻²", "Divide energy by time [J m⁻² to W m⁻²]; what is not known is NaN."
)
_WIND: Final = Limits(0, 300, "m s⁻¹")
_DIRECTION: Final = Limits(
    -360, 720, "degree", "Convert radians to degrees; a value that is not known is NaN."
)
_COMPONENT: Final = Limits(-300, 300, "m s⁻¹")
_EXPONENT: Final = Limits(-3, 3, "1")
#: Of other quantities.
_FINITE: Final = Limits(-1e15, 1e15, "1", "A value that is not known is NaN.")
_ONE: Final = Limits(0, 1, "1", _SHARE)

#: Limits of quantities by the name of the argument.
LIMITS: Final[dict[str, Limits]] = {
    "temp_air": _TEMPERATURE,
    "max_temp_air": _TEMPERATURE,
    "base": _TEMPERATURE,
    "temp_cell": Limits(-100, 260, "°C", _TEMPERATURE.remedy),
    "softness": Limits(0, 50, "°C"),
    "lapse_rate": Limits(-0.0342, 0.0342, "K m⁻¹", "Divide a rate per km by 1000: 6.5 K/km are 0.0065 K/m."),
    "pressure": Limits(20_000, 120_000, "Pa", "Multiply hPa by 100; a value that is not known is NaN."),
    "relative_humidity": Limits(0, 110, "%", "Multiply a share by 100; a value that is not known is NaN."),
    "min_humidity": Limits(0, 100, "%", "Multiply a share by 100."),
    "density": Limits(0.2, 2, "kg m⁻³"),
    "wind_speed": _WIND,
    "lower_speed": _WIND,
    "upper_speed": _WIND,
    "min_speed": _WIND,
    "stop": _WIND,
    "restart": _WIND,
    "cut_out": Limits(0, np.inf, "m s⁻¹"),
    "curve_speed": Limits(0, 300, "m s⁻¹"),
    "eastward": _COMPONENT,
    "northward": _COMPONENT,
    "wind_direction": _DIRECTION,
    "lower_direction": _DIRECTION,
    "upper_direction": _DIRECTION,
    "sector_direction": _DIRECTION,
    "power": Limits(0, 1e9, "units of the rated power"),
    "exponent": _EXPONENT,
    "calm_exponent": _EXPONENT,
    "bounds": _EXPONENT,
    "efficiency": Limits(1e-9, 1, "1", _SHARE),
    "factor": Limits(0, 2, "1", _SHARE),
    "specific_power": Limits(1, 5000, "W m⁻²", "Divide the rated power by the area of the rotor."),
    "power_coefficient": Limits(
        0, 16 / 27, "1", "No rotor takes more than 16/27 of the wind's power (Betz)."
    ),
    "latitude": Limits(-90, 90, "degree", "Exchange latitude and longitude, or convert radians."),
    "longitude": Limits(-180, 360, "degree", "Exchange latitude and longitude, or convert radians."),
    "altitude": Limits(-500, 9000, "m"),
    "linke_turbidity": Limits(1, 20, "1"),
    "day_of_year": Limits(1, 366, "day"),
    "solar_hour": Limits(-24, 48, "h"),
    "length": Limits(0, 24, "h"),
    "interval": Limits(1e-9, 24, "h"),
    "time_constant": Limits(1e-9, 1e5, "h"),
    "step": Limits(1e-9, 1e4, "h"),
    "ghi": _IRRADIANCE,
    "dni": _IRRADIANCE,
    "dhi": _IRRADIANCE,
    # At a low sun a little error of its parts is a multiple of the direct irradiance.
    **{f"irradiance.{part}": _IRRADIANCE._replace(high=1e5) for part in ("ghi", "dni", "dhi")},
    "poa_global": _IRRADIANCE._replace(high=10_000),
    "effective": _IRRADIANCE._replace(high=10_000),
    "min_clear": Limits(0, 1e9, "units of clear"),
    "max_index": Limits(0, 100, "1"),
    "surface_tilt": Limits(
        0, 180, "degree", "Count the tilt from the horizontal; a value that is not known is NaN."
    ),
    "surface_azimuth": _DIRECTION,
    "axis_azimuth": _DIRECTION,
    "axis_tilt": Limits(0, 90, "degree"),
    "cross_axis_tilt": Limits(-60, 60, "degree"),
    "max_angle": Limits(0, 90, "degree"),
    "gcr": Limits(1e-6, 1, "1", _SHARE),
    "albedo": _ONE,
    "bifaciality": _ONE,
    "soiling": _ONE,
    "snow": _ONE,
    "losses": _ONE,
    "dc_ac_ratio": Limits(0, 20, "1", "Divide the power of the modules by that of the inverters."),
    "gamma_pdc": Limits(-0.05, 0.05, "°C⁻¹", "Divide per cent per °C by 100."),
}


def physical(function: Callable[P, T]) -> Callable[P, T]:
    """Check the arguments of a function by their names and annotations before each call."""
    parameters = inspect.signature(function).parameters
    names = tuple(parameters)
    hints = {name: str(parameter.annotation) for name, parameter in parameters.items()}

    @wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> T:
        given = dict(zip(names, args, strict=False))
        ready = check_quantities({**given, **kwargs}, hints=hints, of=function.__name__)
        positional = [
            *(ready[name] for name in given),
            *args[len(given) :],
        ]  # too many are Python's own error
        return function(*positional, **{name: ready[name] for name in kwargs})

    return checked


def check_quantities(given: Mapping[str, Any], *, hints: Mapping[str, str], of: str) -> dict[str, Any]:
    """Quantities as arrays or numbers; refuse other types, values outside their limits, shapes that do not fit."""
    ready = dict(given)
    shapes = {}
    for name, value in given.items():
        hint = hints.get(name, "")
        if "Number" in hint or "Array" in hint or hint.startswith(("float", "int", "tuple")):
            if value is None and "None" in hint:
                continue
            ready[name] = _quantity(name, value, hint=hint, of=of)
            if "Number" in hint or name == "time":
                shapes[name] = np.shape(ready[name])
        elif hint in _STRUCTURES:
            if type(value).__name__ != hint:
                raise _wrong_type(name, value, hint, of)
            ready[name] = _structure(name, value, of)
            shapes |= {f"{name}.{part}": np.shape(each) for part, each in _parts(ready[name]).items()}
    _check_shapes(shapes, of)
    for pair in _POINTS:
        if ready.keys() >= set(pair):
            _check_points({name: ready[name] for name in pair}, of)
    return ready


#: Arguments that hold the points of one curve.
_POINTS: Final = (
    ("curve_speed", "power"),
    ("curve_speed", "power_coefficient"),
    ("curve_speed", "efficiency"),
    ("sector_direction", "factor"),
)
#: Annotations of objects of several quantities.
_STRUCTURES: Final = ("SolarPosition", "Irradiance", "PVSystem")


def _parts(structure: Any) -> dict[str, Any]:
    """Quantities of a tuple with names, or of a dataclass."""
    return dict(structure._asdict() if hasattr(structure, "_asdict") else vars(structure))


def unmasked(values: Any) -> Any:
    """A masked array, as netCDF files are read, with NaN or NaT where it is masked; anything else as it is."""
    if not isinstance(values, np.ma.MaskedArray):
        return values
    if values.dtype.kind == "M":
        return values.filled(np.datetime64("NaT"))
    return np.where(np.ma.getmaskarray(values), np.nan, np.asarray(values, dtype=float))


def _structure(name: str, value: Any, of: str) -> Any:
    """A tuple with names as one of arrays; other structures check themselves when they are made."""
    if not isinstance(value, tuple):
        return value
    given = {f"{name}.{part}": each for part, each in _parts(value).items()}
    return type(value)(*(np.asarray(_quantity(*one, hint="Number", of=of)) for one in given.items()))


def _quantity(name: str, value: Any, *, hint: str, of: str) -> Any:
    """One argument as an array, or the number itself."""
    zoned = getattr(getattr(value, "dtype", None), "tz", None) is not None  # of pandas, as UTC
    try:
        array = np.asarray(unmasked(value), dtype="datetime64[ns]" if zoned else None)
    except (TypeError, ValueError) as error:  # such as rows of different lengths
        raise _wrong_type(name, value, "numbers", of) from error
    if name == "time":
        if array.dtype.kind != "M" or (array.size and np.isnat(array).all()):
            raise _wrong_type(name, value, "datetime64", of)
        return array
    if array.dtype == object and array.ndim:
        array = _floats(name, value, of)
    if array.dtype.kind not in "iuf":
        raise _wrong_type(name, value, "numbers", of)
    if hint.startswith(("float", "int")) and (array.ndim or (hint == "int" and array.dtype.kind == "f")):
        raise _wrong_type(name, value, "one number" if hint.startswith("float") else "an integer", of)
    if hint == "Array" and not array.ndim:
        raise _wrong_type(name, value, "an array", of)
    if hint.startswith("tuple") and array.shape != (2,):
        raise _wrong_type(name, value, "a pair of numbers", of)
    if array.size and (name in LIMITS or "Number" in hint):
        _check_limits(name, array, of)
    return value if isinstance(value, int | float) else array


def _floats(name: str, value: Any, of: str) -> npt.NDArray[Any]:
    try:
        return np.asarray(value, dtype=float)
    except (TypeError, ValueError) as error:
        raise _wrong_type(name, value, "numbers", of) from error


def _check_limits(name: str, array: npt.NDArray[Any], of: str) -> None:
    low, high, unit, remedy = LIMITS.get(name, _FINITE)
    # Unknown values are passed over by fmin and fmax.
    for found, wrong in ((np.fmin.reduce(array, axis=None), "lt"), (np.fmax.reduce(array, axis=None), "gt")):
        if found < low if wrong == "lt" else found > high:
            raise RangeError(
                f"{name} of {of} is {found:g}.",
                f"It must lie between {low:g} and {high:g}. [{unit}]",
                remedy,
            )


def _check_shapes(shapes: Mapping[str, tuple[int, ...]], of: str) -> None:
    """Refuse arrays of which one cannot be repeated along the others."""
    if len(set(shapes.values()) - {()}) < 2:
        return
    try:
        np.broadcast_shapes(*shapes.values())
    except ValueError as error:
        text = ", ".join(f"{name} {shape}" for name, shape in shapes.items() if shape)
        raise SchemaError(
            f"The arguments of {of} have the shapes {text}.",
            "They must fit each other by the rules of numpy's broadcasting.",
            "Give arrays of one length, or numbers.",
        ) from error


def _check_points(points: Mapping[str, Any], of: str) -> None:
    """Refuse the points of a curve without partners, or with unknown values."""
    shapes = {name: np.shape(values) for name, values in points.items()}
    unknown = any(np.isnan(values).any() for values in points.values())
    if len(set(shapes.values())) > 1 or len(next(iter(shapes.values()))) != 1 or unknown:
        text = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise SchemaError(
            f"The curve of {of} has the shapes {text}{', with unknown values' * unknown}.",
            "It must have one known value of each at every point.",
            "Give arrays of one dimension and one length, without NaN.",
        )


def _wrong_type(name: str, value: Any, wanted: str, of: str) -> SchemaError:
    text = repr(value)
    shown = f": {text}" if len(text) <= 40 and "\n" not in text else ""
    return SchemaError(
        f"{name} of {of} is of the type {type(value).__name__}{shown}.",
        f"It must be {wanted}.",
        f"help({of}) has an example.",
    )
