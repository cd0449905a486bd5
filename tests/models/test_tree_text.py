"""An altered text of LightGBM is refused before LightGBM reads it: it ended the interpreter or never returned."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
from functools import cache

import lightgbm
import numpy as np
import pytest

from energyforecast.errors import FileFormatError
from energyforecast.models.boosters import boosters_of
from energyforecast.models.tree_text import check_tree_text

#: Reads and uses each text as a forecaster would, and says when it is done with one.
USES = """
import json, sys
import lightgbm, numpy as np
X = np.random.default_rng(1).normal(size=(40, 4)) * 3
X[:, 3] = np.arange(40)
for text in json.load(sys.stdin):
    try:
        booster = lightgbm.Booster(model_str=text)
        booster.predict(X, num_threads=1)
        booster.predict(X, pred_leaf=True, num_threads=1)
    except (ValueError, lightgbm.basic.LightGBMError):
        pass
    print("done", flush=True)
"""


@cache
def _texts() -> tuple[str, ...]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 4))
    X[:, 3] = rng.integers(0, 40, 400)
    y = X[:, 0] + X[:, 1] ** 2 + 5 * (X[:, 3] % 3 == 1)
    settings = {"num_leaves": 6, "verbose": -1, "min_data_per_group": 5, "min_child_samples": 5}
    made = []
    for more in ({"objective": "regression"}, {"objective": "quantile", "alpha": 0.3, "extra_trees": True}):
        data = lightgbm.Dataset(X, y, categorical_feature=[3], free_raw_data=False)
        made.append(lightgbm.train(settings | more, data, num_boost_round=4).model_to_string())
    data = lightgbm.Dataset(X[:8], y[:8])
    made.append(lightgbm.train(settings, data, num_boost_round=2).model_to_string())  # trees of one leaf
    few = np.where(np.arange(400) < 200, np.nan, np.arange(400) % 5)  # missing values alone go the other way
    data = lightgbm.Dataset(few[:, None], np.isnan(few) * 9.0 + 0.1 * y)
    made.append(lightgbm.train(settings, data, num_boost_round=2).model_to_string())
    return tuple(made)


def test_texts_of_lightgbm_are_read_as_they_are() -> None:
    assert [check_tree_text(text) for text in _texts()] == list(_texts())
    assert "num_cat=1" in _texts()[0]
    assert "num_leaves=1\n" in _texts()[2]
    assert re.search(r"threshold=.*\binf\b", _texts()[3])


@pytest.mark.parametrize(
    ("pattern", "other"),
    [
        (r"num_leaves=\d+", "num_leaves=1000"),
        (r"left_child=-?\d+", "left_child=0"),  # a circle
        (r"right_child=(-?\d+)", r"right_child=\1 \1"),
        (r"split_feature=\d+", "split_feature=99"),
        (r"leaf_value=\S+", "leaf_value=nan"),
        (r"threshold=\S+", "threshold=nan"),
        (r"leaf_count=\d+", "leaf_count=inf"),
        (r"decision_type=\d+", "decision_type=77"),
        (r"cat_boundaries=0 \d+", "cat_boundaries=0 4000000"),
        (r"cat_threshold=\d+", "cat_threshold=-1"),
        (r"tree_sizes=\d+", "tree_sizes=7"),
        (r"max_feature_idx=\d+", "max_feature_idx=1"),
        (r"objective=\w+", "objective=custom"),
        (r"num_class=1", "num_class=3"),
        (r"leaf_count=\d+", "leaf_count=x"),
        (r"shrinkage=\S+\n", ""),
        (r"\[num_leaves: ", "[num_leaves"),
    ],
)
def test_an_altered_text_is_refused(pattern: str, other: str) -> None:
    altered = re.sub(pattern, other, _texts()[0], count=1)
    assert altered != _texts()[0]
    # The size of the tree is written anew where only its content is at fault.
    first, block = altered.index("Tree=0"), altered.index("Tree=1")
    if "tree_sizes" not in pattern and other:
        altered = re.sub(r"tree_sizes=\d+", f"tree_sizes={block - first}", altered)
    with pytest.raises(FileFormatError):
        boosters_of({"booster_0": altered})


def _altered(text: str, draw: random.Random) -> str:
    """A text with another number, line or character."""
    lines = text.split("\n")
    where = draw.randrange(len(lines))
    kind = draw.random()
    if kind < 0.6:
        number = draw.choice(list(re.finditer(r"-?\d+(\.\d+)?(e[+-]?\d+)?", text)))
        return (
            text[: number.start()]
            + draw.choice(["0", "-1", "1000", "-9", "nan", "1e400", "", "3", "5"])
            + text[number.end() :]
        )
    if kind < 0.8:
        lines[where : where + 1] = draw.choice([[], [lines[where]] * 2, [draw.choice(lines)]])
        return "\n".join(lines)
    at = draw.randrange(len(text))
    return text[:at] + chr(draw.randrange(32, 127)) + text[at + 1 :]


@pytest.mark.slow
def test_no_altered_text_that_is_read_ends_the_interpreter() -> None:
    draw = random.Random(7)
    altered = [_altered(draw.choice(_texts()), draw) for _ in range(1500)]
    read = []
    for text in altered:
        try:
            read.append(check_tree_text(text))
        except FileFormatError:
            continue
    assert 100 < len(read) < len(altered)
    done = subprocess.run(
        [sys.executable, "-c", USES],
        input=json.dumps(read),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-300:]
    assert done.stdout.count("done") == len(read)
