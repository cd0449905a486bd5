"""De-accumulation: means of each step, labelled at its beginning, from sums and running means of weather models."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import xarray as xr

from energyforecast.core import variables
from energyforecast.core.arguments import as_numbers, checked
from energyforecast.core.labels import Label
from energyforecast.errors import RangeError, SchemaError, TimeError

__all__ = ["Means", "check_windows", "de_accumulate", "interval_means", "window_starts"]

Floats = npt.NDArray[np.floating[Any]]
#: Ends of windows: leads (timedelta64) or moments (datetime64).
Ends = npt.NDArray[Any]

_SUMS: Final = (Label.SUM_ENDING, Label.SUM_SINCE_START, Label.SUM_SINCE_MIDNIGHT)
_ENDING: Final = (Label.SUM_ENDING, Label.MEAN_ENDING)
_NONE: Final = np.timedelta64(0, "ns")
_RESET: Final = np.timedelta64(6, "h")
_DAY: Final = np.timedelta64(1, "D")


@dataclass(frozen=True)
class Means:
    """Means of steps, the last NaN, and by how much the lowest lay below 0 before it was set to 0."""

    values: Floats
    clipped: float


def window_starts(end: Ends, *, label: Label, step: Any = None) -> Ends:
    """Beginning of the accumulation window for each end, by the rule of a label."""
    ends = np.asarray(end)
    moments = ends.dtype.kind == "M"
    ends = ends.astype("datetime64[ns]" if moments else "timedelta64[ns]")
    if label in _ENDING:
        if step is not None:
            return np.asarray(ends - np.timedelta64(step).astype("timedelta64[ns]"))
        # A run begins at 0; an analysis, one step before its first stamp.
        before = [_NONE] if not moments else ends[:1] - (np.diff(ends[:2]) if len(ends) > 1 else _NONE)
        return np.concatenate([np.asarray(before, dtype=ends.dtype), ends[:-1]])
    if label is Label.SUM_SINCE_MIDNIGHT and moments:
        return (ends - np.timedelta64(1, "ns")).astype("datetime64[D]").astype("datetime64[ns]")
    if label is Label.SUM_SINCE_MIDNIGHT or (label is Label.MEAN_SINCE_RESET and not moments):
        # At a reset the window is a whole one, not an empty one.
        length = (_RESET if label is Label.MEAN_SINCE_RESET else _DAY).astype("timedelta64[ns]")
        return np.asarray(np.maximum((ends - np.timedelta64(1, "ns")) // length, 0) * length)
    if label in (Label.SUM_SINCE_START, Label.MEAN_SINCE_START) and not moments:
        return np.zeros_like(ends)
    raise SchemaError(
        f"Values labelled {label.value!r} were to be de-accumulated along "
        f"{'moments' if moments else 'leads of a run'}.",
        "Sums and means of an interval can be; instants never can, and 'since start' needs a run.",
        "Correct the label of the variable.",
    )


def check_windows(start: Ends, end: Ends, *, label: Label, name: str = "values") -> None:
    """Whether windows that a file declares are those of the label."""
    leads = np.asarray(end).astype("timedelta64[ns]")
    declared = np.asarray(start).astype("timedelta64[ns]")
    wanted = window_starts(leads, label=label)
    for lead, found, right in zip(leads, declared, wanted, strict=True):
        if found != right and lead > _NONE:
            raise TimeError(
                f"{name} at lead {_hours(lead):g} h declares a window that begins at {_hours(found):g} h.",
                f"It must begin at {_hours(right):g} h: {label.value}.",
                "The file is another product than its source is known to publish; correct the label.",
            )


def _hours(length: Any) -> float:
    return float(length / np.timedelta64(1, "h"))


@checked(resolution=(0, inf), most_negative=(0, inf))
def interval_means(
    values: Floats,
    end: Ends,
    *,
    label: Label,
    start: Ends | None = None,
    step: Any = None,
    factor: float = 1.0,
    resolution: float = 0.0,
    most_negative: float = 60.0,
) -> Means:
    r"""De-accumulate sums or running means: means from each stamp to the next.

    Parameters
    ----------
    values : array (..., times)
        Sums [unit x s] or means [unit].
    end : array of timedelta64 or datetime64
        Stamps, rising; steps may differ.
    label : Label
    start : array, optional
        Beginnings of the windows as the file declares them; by the rule of the label if not given. Resets
        are detected from them alone, never from a falling value.
    step : timedelta64, optional
        Length of windows labelled SUM_ENDING or MEAN_ENDING; from one stamp to the next if not given.
    factor : float
        From the file's unit to ours.
    resolution : float
        Resolution of the packed values, in the file's unit: smaller steps, as at night, become 0.
    most_negative : float
        A mean may be this much below 0 by rounding; more is an error. GFS rounds to 10 W m⁻², which five
        sixths of a window make 55. [unit]

    Returns
    -------
    Means
        The mean of the interval :math:`(a, b)` is labelled :math:`a`; NaN where an end of the interval is missing.

    Raises
    ------
    RangeError
        If values fall by more than rounding: they are not accumulated in this way.

    Notes
    -----
    With the integral :math:`I(t)` over the window that ends at :math:`t` (a sum itself, or a running mean times
    the length of its window), the mean from stamp :math:`p` to the next stamp :math:`e` is

    .. math::
        \bar{x}_{p,e} = \begin{cases}
            \dfrac{I(e) - I(p)}{e - p} & \text{if both belong to one window} \\
            \dfrac{I(e)}{e - p} & \text{if a window begins at } p
        \end{cases}

    Values below 0 by no more than `most_negative` become 0.

    See Also
    --------
    de_accumulate : The same for a variable of a dataset.

    Examples
    --------
    ECMWF: J m⁻² since the start, hours 0, 3 and 6.

    >>> leads = np.array([0, 3, 6], dtype="timedelta64[h]")
    >>> interval_means(np.array([0.0, 1.08e6, 3.24e6]), leads, label=Label.SUM_SINCE_START).values.tolist()
    [100.0, 200.0, nan]
    """
    sums, ends = as_numbers("values", values) * factor, np.asarray(end)
    for name, stamps in (("end", ends), ("start", ends if start is None else np.asarray(start))):
        if stamps.dtype.kind not in "mM" or stamps.shape != sums.shape[-1:]:
            raise SchemaError(
                f"The argument {name} holds {stamps.dtype} in the shape {stamps.shape}.",
                f"It must hold stamps, one for each of {sums.shape[-1:]} values.",
                "Give an array of datetime64 or timedelta64 as long as the last dimension of the values.",
            )
    ends = ends.astype("datetime64[ns]" if ends.dtype.kind == "M" else "timedelta64[ns]")
    starts = (
        window_starts(ends, label=label, step=step) if start is None else np.asarray(start).astype(ends.dtype)
    )
    length = (ends - starts) / np.timedelta64(1, "s")
    # The integral over an empty window, at the start of a run, is 0 even where the file leaves it out.
    weight = np.where(length > 0, 1.0 if label in _SUMS else length, 0.0)
    whole = np.where(length > 0, sums * weight, 0.0)
    fresh, carried = starts[1:] == ends[:-1], starts[1:] == starts[:-1]
    seconds = np.diff(ends) / np.timedelta64(1, "s")
    gained = whole[..., 1:] - np.where(fresh, 0.0, whole[..., :-1])
    means = np.where((fresh | carried) & (starts[1:] <= ends[:-1]), gained / seconds, np.nan)
    rounding = np.where(fresh, 0.0, weight[1:] + weight[:-1]) * resolution * factor / 2
    # Resolution of a large sum in single precision.
    rounding = np.maximum(rounding, np.where(fresh, 0.0, np.finfo(np.float32).eps * np.abs(whole[..., 1:])))
    means = np.where(np.abs(gained) <= rounding, np.where(np.isnan(means), np.nan, 0.0), means)
    clipped = _clipped(means, ends, most_negative, label)
    last = np.full((*means.shape[:-1], 1), np.nan)
    return Means(np.concatenate([np.where(means < 0, 0.0, means), last], axis=-1), clipped)


def _clipped(means: Floats, ends: Ends, most_negative: float, label: Label) -> float:
    lowest = float(np.nanmin(means, initial=0.0))
    if lowest < -most_negative:
        place = np.argwhere(means == lowest)[0]
        raise RangeError(
            f"The mean of the step that ends at {ends[place[-1] + 1]} is {lowest:.4g}.",
            f"A {label.value} must not fall by more than its rounding ({most_negative:g}).",
            "The values are accumulated in another way; correct the label of the variable.",
        )
    return max(0.0, -lowest)


@checked(resolution=(0, inf), most_negative=(0, inf))
def de_accumulate(
    values: xr.DataArray,
    *,
    label: Label,
    start: Ends | None = None,
    step: Any = None,
    factor: float = 1.0,
    resolution: float = 0.0,
    most_negative: float = 60.0,
) -> xr.DataArray:
    """De-accumulate a variable along ``lead_time`` or ``time``.

    Parameters
    ----------
    values : DataArray
    label, start, step, factor, resolution, most_negative
        As in :func:`interval_means`.

    Returns
    -------
    DataArray
        With ``cell_methods`` and, in ``clipped``, the lowest value below 0 that was set to 0. A mean by
        ``cell_methods`` is returned unchanged.

    See Also
    --------
    interval_means : The formula, on arrays.

    Examples
    --------
    >>> leads = np.array([0, 3, 6], dtype="timedelta64[h]").astype("timedelta64[ns]")
    >>> ssrd = xr.DataArray([0.0, 1.08e6, 3.24e6], dims="lead_time", coords={"lead_time": leads})
    >>> ghi = de_accumulate(ssrd, label=Label.SUM_SINCE_START)
    >>> ghi.values.tolist(), de_accumulate(ghi, label=Label.SUM_SINCE_START) is ghi
    ([100.0, 200.0, nan], True)
    """
    if values.attrs.get("cell_methods") == variables.MEAN:
        return values
    if values.attrs.get("cell_methods") == variables.POINT:
        raise SchemaError(
            f"{values.name!r} holds instants by its cell_methods, and was to be de-accumulated.",
            "Only sums and means of an interval can be de-accumulated.",
            "Correct the label of the variable, or its attribute.",
        )
    dim = next((name for name in ("lead_time", "time") if name in values.dims), None)
    if dim is None:
        raise SchemaError(
            f"The values have the dimensions {list(values.dims)}.",
            "One must be lead_time or time.",
            "Rename the dimension of the stamps.",
        )
    ordered = values.transpose(..., dim)
    means = interval_means(
        np.asarray(ordered.values),
        np.asarray(values[dim].values),
        label=label,
        start=start,
        step=step,
        factor=factor,
        resolution=resolution,
        most_negative=most_negative,
    )
    result = ordered.copy(data=means.values).transpose(*values.dims)
    result.attrs = {**values.attrs, "cell_methods": variables.MEAN, "clipped": means.clipped}
    return result
