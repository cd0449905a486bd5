"""Refusal of features and models that hold data of their own, or open files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from energyforecast.core import timestamps
from energyforecast.core.observation_series import Observations
from energyforecast.core.sites import Site
from energyforecast.errors import LeakageError
from energyforecast.features import Feature, FunctionFeature
from energyforecast.models import QuantileModel
from energyforecast.models.base import models_in
from energyforecast.testing.closure_scan import Reach, reach_of
from energyforecast.testing.opened_files import opened_files

__all__ = ["models_of", "observed_call", "of_the_user", "refuse_held_data"]

Numbers = npt.NDArray[np.float64]
#: Numbers of a table that must agree with the observations, and their relative distance from them.
_FEWEST: Final = 4
_SHARE: Final = 0.8
_CLOSE: Final = 1e-6
_REMEDY: Final = (
    "Declare it as weather or history and take it from the snapshot; constants can be a short tuple, a calendar that "
    "was known long before a tuple of dates."
)


def of_the_user(owner: Feature | QuantileModel) -> bool:
    """Whether a feature or model has code that is not the library's."""
    return isinstance(owner, FunctionFeature) or not type(owner).__module__.startswith("energyforecast.")


def models_of(model: QuantileModel) -> list[QuantileModel]:
    """A model, and the models inside it."""
    inner = [item for value in model.get_params(deep=False).values() for item in models_in(value)]
    return [model, *(found for item in inner for found in models_of(item))]


def refuse_held_data(
    owner: Feature | QuantileModel, observations: Observations | None = None, *, sites: tuple[Site, ...] = ()
) -> Reach:
    """Refuse data within reach of a feature or model; return the rest that is within its reach."""
    words, reach = _words(owner), reach_of(owner)
    for name, kind in reach.archives.items():
        raise LeakageError(
            f"{words} holds {name!r} ({kind}), data outside its {_inputs(owner)}.",
            "It must depend on data known at the issue time; data that it holds itself may be newer, and no test can "
            "replace it.",
            _REMEDY,
        )
    if reach.readers:
        raise LeakageError(
            f"{words} reads data by {', '.join(sorted(reach.readers))}.",
            "It must depend on data known at the issue time; a file may hold newer data, and no test can replace it.",
            "Give the data as weather or observations, and take it from the snapshot.",
        )
    if observations is not None:
        for name, numbers in reach.tables.items():
            _refuse_statistics(words, name, numbers, observations, sites)
    return reach


def _words(owner: Feature | QuantileModel) -> str:
    """The feature or model in words."""
    return (
        f"The feature {owner.name!r}" if isinstance(owner, Feature) else f"The model {type(owner).__name__!r}"
    )


def _inputs(owner: Feature | QuantileModel) -> str:
    return "snapshot" if isinstance(owner, Feature) else "rows of the fit"


def _refuse_statistics(
    words: str, name: str, numbers: Numbers, observations: Observations, sites: tuple[Site, ...]
) -> None:
    """Refuse a table of which most numbers are values, or means by a clock or a calendar, of all observations."""
    known = np.unique(numbers[np.isfinite(numbers) & (np.abs(numbers - np.round(numbers, 2)) > _CLOSE)])
    if len(known) < _FEWEST or len(known) < _SHARE * len(np.unique(numbers[np.isfinite(numbers)])):
        return
    for kind, values in _statistics(observations, sites):
        place = np.clip(np.searchsorted(values, known), 1, max(1, len(values) - 1))
        near = np.minimum(
            np.abs(values[place - 1] - known), np.abs(values[np.minimum(place, len(values) - 1)] - known)
        )
        if (near <= _CLOSE * np.abs(known)).mean() >= _SHARE:
            raise LeakageError(
                f"{words} holds {name!r}, {len(numbers)} numbers that are {kind}.",
                "It must depend on outcomes known at the issue time; these are of the whole record, also of the hours "
                "that are forecast.",
                "Take lagged observations from the snapshot, or leave the statistics to the model, which learns them "
                "in each fit.",
            )


def _statistics(observations: Observations, sites: tuple[Site, ...]) -> Iterator[tuple[str, Numbers]]:
    """Sorted values, and means by hour, weekday and month on the clocks of the sites, each with its words."""
    zones = {"UTC", *(site.timezone for site in sites if site.timezone)}
    for column in observations.values:
        series = observations.values[column].dropna()
        if len(series):
            yield "values of the observations", np.unique(series.to_numpy(dtype=np.float64))
        for zone in sorted(zones):
            local = timestamps.to_index(timestamps.to_ns(series.index)).tz_convert(zone)
            keys = {
                "hour": local.hour,
                "weekday": local.day_of_week,
                "month": local.month,
                "hour of the week": local.day_of_week * 24 + local.hour,
                "month and hour": local.month * 24 + local.hour,
            }
            for word, key in keys.items():
                groups = series.groupby(np.asarray(key))
                for kind, table in (("means", groups.mean()), ("medians", groups.median())):
                    yield f"{kind} of the observations by {word}", np.unique(table.to_numpy(dtype=np.float64))


def observed_call(owner: Feature | QuantileModel, reach: Reach, call: Callable[[], Any]) -> Any:
    """Result of a call of a feature or model; an error if it opens a file; results that it kept are forgotten."""
    for cache in reach.caches:
        cache.cache_clear()  # a file that was read before would not be opened again
    with opened_files() as opened:
        result = call()
    if opened:
        raise LeakageError(
            f"{_words(owner)} reads {opened[0]}" + (f" and {len(opened) - 1} more." if opened[1:] else "."),
            "It must depend on data known at the issue time; a file may hold newer data, and no test can replace it.",
            "Give the data as weather or observations, and take it from the snapshot.",
        )
    return result
