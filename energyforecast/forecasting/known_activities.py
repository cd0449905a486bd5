"""Planned operation with other activities than those of the fit: refused, or left out and marked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from energyforecast.errors import SchemaError
from energyforecast.features.planned import planned_activity, planned_column
from energyforecast.forecasting.design_matrix import DesignMatrix
from energyforecast.forecasting.training_summary import Training
from energyforecast.models import QuantileModel

__all__ = ["as_learnt"]

Activities = list[str]


def as_learnt(
    matrix: DesignMatrix, models: Mapping[str, QuantileModel], *, fit: Training, strict: bool
) -> tuple[DesignMatrix, tuple[str, ...]]:
    """Matrix with the planned activities of the fit, and caveats for other activities and for greater levels.

    Activities that training never saw are left out, those that the plan lacks are missing. Origins that this changes
    are forecast on the fallback level of missing inputs.

    Raises
    ------
    SchemaError
        If `strict` and a plan has other activities.
    """
    caveats = []
    for site, found, learnt in _differing(matrix, models):
        if strict:
            raise SchemaError(
                f"The planned operation of {site!r} has the activities {found}.",
                f"The forecaster was fitted with {learnt}.",
                "Give the activities of the fit (level 0 where one is not planned), or fit again with the new plan; "
                "predict(..., strict=False) forecasts without the others.",
            )
        unknown, absent = sorted({*found} - {*learnt}), sorted({*learnt} - {*found})
        changed = _changed(matrix, site, unknown) | bool(absent)
        names = models[site].columns_
        matrix = replace(
            matrix,
            columns=matrix.columns | {site: matrix.columns[site].reindex(columns=names)},
            members=matrix.members
            | {
                name: tuple(frame.reindex(columns=names) for frame in frames)
                for name, frames in matrix.members.items()
                if name == site
            },
            # Like a lag that nobody published: a part of what the model learnt from is not there.
            has_history=matrix.has_history | {site: matrix.has_history[site] & ~changed},
        )
        caveats += [
            f"{site}: planned activity {name!r} is unknown to training and left out" for name in unknown
        ]
        caveats += [f"{site}: planned activity {name!r} of training is missing" for name in absent]
    return matrix, (*caveats, *_beyond(matrix, fit))


def _beyond(matrix: DesignMatrix, training: Training) -> Iterator[str]:
    """Caveats of activities that are planned at a greater level than ever in training, as the first closed day."""
    for site, greatest in training.planned.items():
        for activity, most in greatest.items():
            level = matrix.columns[site][planned_column(activity)].to_numpy()
            count = int((level > most + 1e-9).sum())
            if count:
                seen = f"at most {most:g}" if most > 0 else "never"
                yield (
                    f"{site}: activity {activity!r} is planned at {np.nanmax(level):g} in {count} intervals, "
                    f"in training {seen}: the forecast does not know its effect"
                )


def _differing(
    matrix: DesignMatrix, models: Mapping[str, QuantileModel]
) -> Iterator[tuple[str, Activities, Activities]]:
    """Sites with other activities than their model, those of the plan and those of the model."""
    for site, frame in matrix.columns.items():
        found, learnt = (
            sorted({activity for name in names if (activity := planned_activity(str(name)))})
            for names in (frame.columns, models[site].columns_)
        )
        if found != learnt and models[site].needs is None:
            yield site, found, learnt


def _changed(matrix: DesignMatrix, site: str, activities: Activities) -> npt.NDArray[np.bool_]:
    """Origins with a window in which one of the activities is planned."""
    frame = matrix.columns[site]
    planned = [name for name in frame if planned_activity(str(name)) in activities]
    rows = (frame[planned].to_numpy() > 0).any(axis=1)
    return np.bincount(matrix.origin[rows], minlength=len(matrix.windows.issue_time)) > 0
