"""LightGBM boosters: import, prediction, Shapley values and leaf values."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from energyforecast.errors import DependencyError, FileFormatError
from energyforecast.models.base import Array, Part
from energyforecast.models.leaf_values import LeafValues
from energyforecast.models.tree_text import check_tree_text

__all__ = [
    "boosters_of",
    "dataset",
    "gain_shares",
    "leaf_indices",
    "leaf_outputs",
    "lightgbm",
    "predict_apart",
    "predict_curve",
    "predict_each",
    "predict_shared",
    "shapley_curve",
    "shapley_mean",
    "shapley_shared",
    "texts_of",
]


def lightgbm() -> ModuleType:
    """LightGBM, imported on first use."""
    try:
        import lightgbm
    except OSError as error:
        if "libgomp" not in str(error):
            raise
        raise DependencyError(
            f"LightGBM cannot be loaded: {error}.",
            "On Linux its wheel needs the system's OpenMP runtime, libgomp.so.1.",
            "Install it: apt-get install libgomp1 (Debian, Ubuntu) or dnf install libgomp (Fedora).",
        ) from error
    return lightgbm


def dataset(
    values: Array, y: Array, weight: Array | None, *, coded: list[int], parameters: dict[str, Any]
) -> Any:
    """LightGBM's binned data set; `coded` are the columns of categories."""
    data = lightgbm().Dataset(
        values,
        label=y,
        weight=weight,
        feature_name=[f"column_{k}" for k in range(values.shape[1])],
        categorical_feature=coded,
        params=parameters,
        free_raw_data=False,
    )
    data.construct()
    return data


def texts_of(boosters: list[Any]) -> dict[str, Part]:
    """Text of each booster, for storage."""
    return {f"booster_{k}": booster.model_to_string() for k, booster in enumerate(boosters)}


def boosters_of(parts: Mapping[str, Part]) -> list[Any]:
    """Boosters from :func:`texts_of`."""
    count = sum(name.startswith("booster_") for name in parts)
    texts = [check_tree_text(str(parts[f"booster_{k}"])) for k in range(count)]
    try:
        return [lightgbm().Booster(model_str=text) for text in texts]
    except lightgbm().basic.LightGBMError as error:
        raise FileFormatError(
            f"LightGBM cannot read a tree model: {error}.",
            "It must be as LightGBM wrote it.",
            "Restore the file, or fit and save again.",
        ) from error


def gain_shares(boosters: list[Any]) -> Array:
    """Share of each column in the loss reduction of all splits, shape (columns,)."""
    total = np.sum([booster.feature_importance(importance_type="gain") for booster in boosters], axis=0)
    return np.asarray(total / max(total.sum(), 1e-300))


def predict_each(boosters: list[Any], values: Array) -> Array:
    """Prediction of each booster, shape (rows, boosters)."""
    return np.column_stack([booster.predict(values, num_threads=1) for booster in boosters])


def predict_apart(boosters: list[Any], values: Array, levels: int) -> Array:
    """Mean over sets of boosters, one booster a level; shape (rows, levels)."""
    sets = [boosters[k : k + levels] for k in range(0, len(boosters), levels)]
    return np.asarray(np.mean([predict_each(each, values) for each in sets], axis=0))


def predict_shared(
    boosters: list[Any], leaf_values: list[LeafValues], values: Array, num_leaves: int
) -> Array:
    """Mean over boosters with leaf values of all levels, shape (rows, levels)."""
    pairs = zip(boosters, leaf_values, strict=True)
    each = [known.predict(leaf_indices(booster, values, num_leaves)) for booster, known in pairs]
    return np.asarray(np.mean(each, axis=0))


def predict_curve(
    boosters: list[Any], leaf_values: list[LeafValues], values: Array, *, levels: int, num_leaves: int
) -> Array:
    """Quantiles at the fitted levels, shape (rows, levels), on shared trees or of a booster for each level."""
    if leaf_values:
        return predict_shared(boosters, leaf_values, values, num_leaves)
    return predict_apart(boosters, values, levels)


def shapley_curve(
    boosters: list[Any], leaf_values: list[LeafValues], values: Array, *, weights: Array, num_leaves: int
) -> Array:
    """Shapley values of a weighted sum of the fitted levels, mean over boosters; shape (rows, columns + 1)."""
    levels = weights.shape[1]

    def of(level: int) -> Array:
        if leaf_values:
            return shapley_shared(boosters, leaf_values, values, level=level, num_leaves=num_leaves)
        return shapley_mean(boosters[level::levels], values)

    used = [k for k in range(levels) if np.any(weights[:, k])]
    return np.asarray(sum(weights[:, k, None] * of(k) for k in used))


def shapley_mean(boosters: list[Any], values: Array) -> Array:
    """Mean Shapley values of boosters, shape (rows, columns + 1)."""
    return np.asarray(np.mean([_shapley_values(booster, values) for booster in boosters], axis=0))


def shapley_shared(
    boosters: list[Any], leaf_values: list[LeafValues], values: Array, *, level: int, num_leaves: int
) -> Array:
    """Mean Shapley values of one level on shared trees, shape (rows, columns + 1)."""
    each = []
    for booster, known in zip(boosters, leaf_values, strict=True):
        copy = _with_leaf_outputs(booster, known.values[:, level], num_leaves)
        one = _shapley_values(copy, values)
        one[:, -1] += known.base[level]
        each.append(one)
    return np.asarray(np.mean(each, axis=0))


def _shapley_values(booster: Any, values: Array) -> Array:
    """Shapley values of each column and the base value, shape (rows, columns + 1)."""
    return np.asarray(booster.predict(values, pred_contrib=True, num_threads=1))


def leaf_indices(booster: Any, values: Array, num_leaves: int) -> npt.NDArray[np.int32]:
    """Leaf of each row in each tree, counted over all trees."""
    leaf = np.asarray(booster.predict(values, pred_leaf=True, num_threads=1), dtype=np.int32)
    leaf = leaf.reshape(len(values), -1)
    return leaf + np.arange(leaf.shape[1], dtype=np.int32) * num_leaves


def leaf_outputs(booster: Any, num_leaves: int) -> npt.NDArray[np.float64]:
    """Output of each leaf, counted over all trees; from LightGBM's own text of the trees."""
    lines = [
        line.partition("=")[2].split()
        for line in booster.model_to_string().splitlines()
        if line.startswith("leaf_value=")
    ]
    values = np.zeros((len(lines), num_leaves))
    for tree, words in enumerate(lines):
        values[tree, : len(words)] = [float(word) for word in words]
    return values.ravel()


def _with_leaf_outputs(booster: Any, values: Array, num_leaves: int) -> Any:
    """Copy of a booster with other leaf outputs, counted over all trees."""
    copy = lightgbm().Booster(model_str=booster.model_to_string())
    used = [tree["num_leaves"] for tree in copy.dump_model()["tree_info"]]
    for tree, count in enumerate(used):
        for leaf in range(count):
            copy.set_leaf_output(tree, leaf, float(values[tree * num_leaves + leaf]))
    return copy
