"""Results name the machine, the commit and the data."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import energyforecast as ef
from energyforecast.core import provenance
from energyforecast.testing import example_observations, example_weather

SPAN = {"start": "2024-01-20", "end": "2024-01-20"}
MACHINE = ("platform", "processor", "commit")


def _fitted(add: float = 0.0) -> ef.Forecaster:
    observations = example_observations(days=40)
    forecaster = ef.testing.example_forecaster().unfitted()
    changed = ef.Observations(observations.values + add, published_after="1h")
    return forecaster.fit(example_weather(), changed)


def test_a_forecast_names_machine_and_training_data() -> None:
    forecaster = _fitted()
    attrs = forecaster.predict(example_weather(), issue_time="2024-01-20 09:00").data.attrs
    assert {name: attrs[name] for name in MACHINE} == provenance.machine()
    assert attrs["training_data"] == forecaster.training_.data_hash != ""


def test_the_hash_is_that_of_the_data() -> None:
    assert _fitted().training_.data_hash == _fitted().training_.data_hash
    assert _fitted().training_.data_hash != _fitted(add=0.5).training_.data_hash


def test_a_stored_forecaster_knows_where_it_was_fitted(tmp_path: Path) -> None:
    forecaster = _fitted()
    again = ef.load(forecaster.save(tmp_path / "farm.forecaster"))
    assert again.training_.data_hash == forecaster.training_.data_hash
    assert again.training_.fitted_on == provenance.machine()


def test_a_result_and_its_folder_name_the_machine_and_each_fit_its_data(tmp_path: Path) -> None:
    result = ef.backtest(_fitted(), example_weather(), example_observations(days=40), **SPAN)
    result.save(tmp_path)
    again = ef.Result.load(tmp_path)
    assert {name: again.provenance[name] for name in MACHINE} == provenance.machine()
    assert again.folds["data_hash"].str.fullmatch("[0-9a-f]{16}").all()


def _git(folder: Path, *words: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(provenance, "_REPOSITORY", tmp_path)
    provenance.commit.cache_clear()
    yield tmp_path
    provenance.commit.cache_clear()


def test_the_commit_is_that_of_the_checkout_and_says_when_files_were_changed(repository: Path) -> None:
    _git(repository, "init")
    (repository / "file").write_text("1")
    _git(repository, "add", ".")
    _git(repository, "commit", "-m", "first")
    clean = provenance.commit()
    assert len(clean) == 12
    (repository / "file").write_text("2")
    provenance.commit.cache_clear()
    assert provenance.commit() == f"{clean}-dirty"


def test_outside_a_checkout_there_is_no_commit(repository: Path) -> None:
    assert provenance.commit() == ""


def test_without_git_there_is_no_commit(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (repository / ".git").mkdir()
    monkeypatch.setenv("PATH", "")
    assert provenance.commit() == ""


def test_a_folder_that_git_does_not_know_has_no_commit(repository: Path) -> None:
    (repository / ".git").mkdir()
    assert provenance.commit() == ""


def test_equal_data_has_equal_hashes_and_the_shape_counts() -> None:
    assert provenance.data_hash([[1.0, 2.0]]) == provenance.data_hash([np.array([1, 2])])
    assert provenance.data_hash([[1.0, 2.0]]) != provenance.data_hash([[1.0], [2.0]])
