"""Which of two forecasts of the same hours stays published."""

from __future__ import annotations

from pathlib import Path

import pytest

from energyforecast.core import file_sets
from energyforecast.core.published_set import PublishedSet

ASKED = {"issue_time": "2024-01-01T09:00:00Z", "first_hour": "2024-01-02T00:00:00Z"}
MANY = [f"farm {k}" for k in range(99)]


def _held(folder: Path, levels: object) -> PublishedSet:
    files = PublishedSet(folder, "forecast", asked=ASKED)
    with files.publish({"fallback_levels": levels}) as stage:
        (stage / "forecast.csv").write_text("a,b\n1,2\n")
    return files


@pytest.mark.parametrize(
    ("held", "new", "stays"),
    [
        (dict.fromkeys(MANY, 0) | {"late": 4}, dict.fromkeys([*MANY, "late"], 3), "levels 0 to 4"),
        ({"A": 0, "B": 0}, {"A": 0}, "level 0"),  # one without B
        ({"A": 0}, {"A": 0, "B": 4}, None),
        ({"A": 1, "B": 0}, {"A": 0, "B": 1}, None),  # the newer one of two that are as good
        ({"A": 3}, {"A": 0}, None),
    ],
)
def test_levels_of_all_sites_decide(
    tmp_path: Path, held: dict[str, int], new: dict[str, int], stays: str | None
) -> None:
    answer = _held(tmp_path / "out", held).preferred(new)
    assert answer is None if stays is None else f"the forecast of {stays} of the same hours" in str(answer)


@pytest.mark.parametrize("levels", [None, 3, {"A": "low"}, {}])
def test_an_index_without_levels_gives_way(tmp_path: Path, levels: object) -> None:
    assert _held(tmp_path / "out", levels).preferred({"A": 4}) is None


def test_levels_of_other_hours_do_not_matter(tmp_path: Path) -> None:
    files = _held(tmp_path / "out", {"A": 0})
    files.asked = {"issue_time": "2024-01-02T09:00:00Z", "first_hour": "2024-01-03T00:00:00Z"}
    assert files.preferred({"A": 4}) is None
    assert file_sets.read_index(files.out / files.index)["state"] == "issued"
