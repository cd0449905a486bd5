"""Checks of the candidates of a selected model: names, and columns that they read."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd

from energyforecast.errors import SchemaError
from energyforecast.models.base import QuantileModel, lacking, models_in
from energyforecast.models.learned_outcome import present
from energyforecast.models.tree_matrix import columns_of

__all__ = ["check_named", "has_columns"]

#: Part of the rows in which a column that a candidate names is known, at least: the first 40 % are a training part.
_KNOWN: Final = 2 / 3


def check_named(model: Any, candidates: list[str]) -> None:
    """Refuse arguments that name no candidate, and words of `beyond` that have no meaning."""
    for item in model.beyond:
        if len(item) not in (2, 3) or tuple(item[2:]) not in ((), ("above",)):
            raise SchemaError(
                f"beyond has {item}.",
                'Each must be a column and a candidate, and "above" as a third word if at all.',
                'Write beyond=(("temp_air[mean]", "linear", "above"),).',
            )
    named = {
        "usual": model.usual,
        "early": model.early,
        "young": tuple(name for _, names in model.young for name in names),
        "required": tuple(name for name, _ in model.required),
        "beyond": tuple(name for _, name, *_ in model.beyond),
    }
    for key, names in named.items():
        if not set(names) <= set(candidates):
            raise SchemaError(
                f"{key} is {getattr(model, key)}.",
                f"It must be of the candidates {candidates}.",
                f"Correct {key}, or leave it out.",
            )


def has_columns(model: QuantileModel, X: pd.DataFrame) -> bool:
    """Whether each column that a model names is there, with a value in most rows."""
    given = model.get_params(deep=False)
    columns = ((given.get(key), least) for key, least in (("relative_to", _KNOWN), ("share_of", 0.0)))
    named = [(name, least) for several, least in columns if several for name in present(X, several)]
    below = models_in(given.get("base_models"))
    return not any(lacking(each, X) for each in (model, *below)) and all(
        X[columns_of(X, name)].notna().any(axis=1).mean() > least for name, least in named
    )
