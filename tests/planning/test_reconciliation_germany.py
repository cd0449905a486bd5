"""Reconciliation on a real hierarchy: Germany and its four transmission areas."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import pytest

DATA = Path(os.environ.get("ENERGYFORECAST_DATA", "/nowhere"), "opsd", "de_4tso_2019.parquet")
SCRIPT = Path(__file__).parents[2] / "benchmarks" / "reconciliation.py"


@pytest.mark.slow
@pytest.mark.skipif(not DATA.exists(), reason="ENERGYFORECAST_DATA does not hold opsd/de_4tso_2019.parquet")
def test_germany_is_the_sum_of_its_areas_and_no_worse_than_forecast_apart() -> None:
    spec = importlib.util.spec_from_file_location("benchmark_reconciliation", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    benchmark = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = benchmark
    spec.loader.exec_module(benchmark)
    table, gap = benchmark.scores(benchmark.series(DATA, net=False), number=60, every=10)
    assert gap < 1e-6  # MW of some 50,000
    mint, apart = table.loc["mint_shrink"], table.loc["as forecast"]
    assert mint["Germany"] < 1.02 * apart["Germany"]
    assert mint["areas, energy score"] < 1.02 * apart["areas, energy score"]
