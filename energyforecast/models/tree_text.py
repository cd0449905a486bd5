"""Check of LightGBM's model text: LightGBM reads an altered one beyond its arrays, or follows its nodes in a circle."""

from __future__ import annotations

import math
import re
from itertools import pairwise
from typing import Final

from energyforecast.errors import FileFormatError

__all__ = ["check_tree_text"]

#: Arrays of a tree of n leaves with n - 1 values, and those with n.
_OF_NODES: Final = ("split_feature", "threshold", "decision_type", "left_child", "right_child")
_MORE_OF_NODES: Final = ("split_gain", "internal_value", "internal_weight", "internal_count")
_OF_LEAVES: Final = ("leaf_value", "leaf_weight", "leaf_count")
_CATEGORIES: Final = ("cat_boundaries", "cat_threshold")
_SCALARS: Final = ("num_leaves", "num_cat", "is_linear", "shrinkage")
#: Greatest decision type: categorical, default to the left, and three kinds of missing values.
_DECISIONS: Final = 12
_WORD: Final = 2**32
_NUMBERS: Final = re.compile(r"(?:-?(?:inf|\d+(?:\.\d+)?(?:e[+-]?\d+)?)(?: |$))*")
_HEADER: Final = (
    "version",
    "num_class",
    "num_tree_per_iteration",
    "label_index",
    "max_feature_idx",
    "objective",
    "feature_names",
    "feature_infos",
    "tree_sizes",
)
_OBJECTIVES: Final = re.compile(r"(?:regression|regression_l1|quantile)(?: (?:alpha:[\d.]+|sqrt))?")
_TAIL: Final = re.compile(
    r"end of trees\n\nfeature_importances:\n(?:[\w:.+-]+=\d+\n)*\nparameters:\n(?:\[\w+: [^\[\]\n]*\]\n)*\n"
    r"end of parameters\n\npandas_categorical:null\n*"
)


def check_tree_text(text: str) -> str:
    """The text, if LightGBM can read it without harm.

    Parameters
    ----------
    text : str
        As ``Booster.model_to_string`` writes it, of one regression.

    Raises
    ------
    FileFormatError
        If counts, indices or numbers do not fit together.
    """
    try:
        header, trees, tail = _parts(text)
        for tree in trees:
            _check_tree(tree, features=len(header["feature_names"].split()))
        _require(_TAIL.fullmatch(tail) is not None, "its end is of another form")
    except (KeyError, ValueError, OverflowError) as error:
        raise FileFormatError(
            f"The text of a tree model is damaged: {error}.",
            "It must be as LightGBM wrote it: counts, indices and numbers fit together.",
            "Restore the file, or fit and save again.",
        ) from error
    return text


def _require(condition: bool, fault: str) -> None:
    if not condition:
        raise ValueError(fault)


def _parts(text: str) -> tuple[dict[str, str], list[dict[str, str]], str]:
    """Header, trees and end of a text, cut by the sizes that its header gives."""
    head, found, _ = text.partition("\n\n")
    _require(bool(found) and head.startswith("tree\n"), "it has no header")
    header = _fields(head.removeprefix("tree\n"))
    _require((*header,) == _HEADER, f"its header has the fields {[*header]}")
    _require(header["num_class"] == header["num_tree_per_iteration"] == "1", "it has several classes")
    _require(header["version"] == "v4" and header["label_index"] == "0", "it is of another version")
    _require(_OBJECTIVES.fullmatch(header["objective"]) is not None, "its objective is of no regression")
    features = int(header["max_feature_idx"]) + 1
    for name in ("feature_names", "feature_infos"):
        _require(len(header[name].split(" ")) == features, f"{name} are not {features}")
    _require(
        re.fullmatch(r"\w+( \w+:[\d.e+-]+)*", header["objective"]) is not None, "its objective is unknown"
    )
    begin, trees = len(head) + 2, []
    for k, size in enumerate(map(int, header["tree_sizes"].split())):
        block = text[begin : begin + size]
        _require(size > 0 and block.startswith(f"Tree={k}\n") and block.endswith("\n\n"), f"tree {k} is cut")
        trees.append(_fields(block.split("\n", 1)[1].rstrip("\n")))
        begin += size
    return header, trees, text[begin:].lstrip("\n")


def _fields(lines: str) -> dict[str, str]:
    """Values by name."""
    pairs = [line.split("=", 1) for line in lines.split("\n")]
    _require(all(len(pair) == 2 for pair in pairs), "a line has no value")
    fields = {pair[0]: pair[1] for pair in pairs}
    _require(len(fields) == len(pairs), "a value is given twice")
    return fields


def _check_tree(tree: dict[str, str], *, features: int) -> None:
    """Refuse a tree if its arrays, children or splits do not fit together."""
    leaves, categories = int(tree["num_leaves"]), int(tree["num_cat"])
    _require(leaves >= 1 and categories >= 0 and tree["is_linear"] == "0", "a tree is of another kind")
    known = {*_OF_NODES, *_MORE_OF_NODES, *_OF_LEAVES, *_CATEGORIES, *_SCALARS}
    _require(tree.keys() <= known, "a tree has other fields")
    _require(all(map(_NUMBERS.fullmatch, tree.values())), "a value of a tree is no number")
    values = {name: tree[name].split() for name in tree if name not in _SCALARS}
    for names, count in ((_OF_NODES + _MORE_OF_NODES, leaves - 1), (_OF_LEAVES, leaves)):
        for name in names:
            optional = leaves == 1 and name != "leaf_value"
            _require(optional or len(values[name]) == count, f"{name} are not {count}")
    # A threshold is infinite where missing values alone go the other way.
    numbers = [float(tree["shrinkage"]), *map(float, values["leaf_value"])]
    counts = [*values.get("leaf_count", ()), *values.get("internal_count", ())]
    _require(all(map(math.isfinite, numbers)), "a number is not finite")
    _require(all(int(count) >= 0 for count in counts), "a count is negative")
    if leaves > 1:
        _check_children([*map(int, values["left_child"])], [*map(int, values["right_child"])], leaves)
        _check_splits(values, features=features, categories=categories)


def _check_children(left: list[int], right: list[int], leaves: int) -> None:
    """Refuse nodes that are not all reached once, from a node before them: then there is no circle."""
    children = sorted(left + right)
    _require(children == [*range(-leaves, 0), *range(1, leaves - 1)], "its nodes are no tree")
    pairs = [*enumerate(left), *enumerate(right)]
    _require(all(child < 0 or child > node for node, child in pairs), "its nodes go in a circle")


def _check_splits(values: dict[str, list[str]], *, features: int, categories: int) -> None:
    """Refuse splits of columns or categories that are not there."""
    decisions = [*map(int, values["decision_type"])]
    _require(all(0 <= kind < _DECISIONS for kind in decisions), "a decision is of no kind")
    _require(all(0 <= int(column) < features for column in values["split_feature"]), "a split has no column")
    sets = [float(value) for value, kind in zip(values["threshold"], decisions, strict=True) if kind & 1]
    _require(
        all(value.is_integer() and 0 <= value < categories for value in sets), "a split has no categories"
    )
    if categories:
        bounds, words = [*map(int, values["cat_boundaries"])], [*map(int, values["cat_threshold"])]
        rising = bounds[0] == 0 and all(a <= b for a, b in pairwise(bounds))
        whole = len(bounds) == categories + 1 and rising and bounds[-1] == len(words)
        _require(whole and all(0 <= word < _WORD for word in words), "its categories do not fit together")
