"""Backtest a change before it is let through: gates for its scores, and no worse than before by more than noise.

    python examples/backtest_gate.py

Backtests a wind farm for a month as it is, with another seed, and with a mistake (it learns from three weeks
instead of a year), and prints what the gates of gates.toml say. Offline, on the embedded farm La Haute Borne.
In CI the command does the same and its exit code decides: see ci/backtest.yml and docs/howto/backtest.md.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import energyforecast as ef
from energyforecast.evaluation import Splits, read_gates

HERE = Path(__file__).parent


def backtested(
    settings: ef.configuration.Configuration, *, month: str, window: str = "expanding"
) -> ef.Result:
    """Scores of a month, of the configuration's model and of the climatology that it must beat."""
    forecaster = settings.forecaster()
    climatology = replace(settings, model=ef.Climatology()).forecaster()
    return ef.backtest(
        {"LightGBMQuantiles": forecaster, "Climatology": climatology},
        settings.weather(),
        settings.observations(),
        start=month,
        end=month,
        splits=Splits(window=window),
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", type=Path, default=HERE / "la_haute_borne.toml")
    parser.add_argument("--gates", type=Path, default=HERE / "gates.toml")
    parser.add_argument("--month", default="2015-02")
    options = parser.parse_args()
    settings = ef.configuration.read(options.config)
    gates, comparison = read_gates(options.gates)

    before = backtested(settings, month=options.month)
    another_seed = replace(settings, model=ef.LightGBMQuantiles(seed=2))
    changes = {
        "another seed": backtested(another_seed, month=options.month),
        "learns from three weeks": backtested(settings, month=options.month, window="21D"),
    }
    for name, after in changes.items():
        report = after.gate(gates, baseline=before, **comparison)
        print(f"\nThe change: {name}. Let through: {'yes' if report.passed else 'no'}.\n")
        print(report.to_markdown())
    print("\n" + "; ".join(before.provenance["caveats"]))


if __name__ == "__main__":
    main()
