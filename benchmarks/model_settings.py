"""What the settings of LightGBMQuantiles are worth, judged inside 2014 at La Haute Borne.

Expanding backtest of July to December 2014 with monthly refits, perfect weather (ERA5 reanalysis): not
forecast skill. 2015, on which the demo is scored, is not touched. Printed are, in % of capacity, the mean
pinball loss over 0.01 to 0.99, that over seven levels, the MAE of the median, the coverage of the central
50, 80 and 90 % intervals, and the CPU seconds of all fits.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import energyforecast as ef

VARIANTS = {
    "nine boosters, uncalibrated": ef.LightGBMQuantiles(sharing="none", folds=0),
    "nine boosters on each of two parts, calibrated": ef.LightGBMQuantiles(sharing="none"),
    "shared trees, uncalibrated": ef.LightGBMQuantiles(calibrate=False),
    "shared trees, all thresholds tried": ef.LightGBMQuantiles(extra_trees=False),
    "shared trees (default)": ef.LightGBMQuantiles(),
    "three structures of shared trees": ef.LightGBMQuantiles(n_tree_sets=3),
}


def measure() -> list[dict[str, object]]:
    """Scores of each variant."""
    site, weather, power = ef.datasets.la_haute_borne()
    task = ef.day_ahead("09:00", timezone="Europe/Paris")
    recipe = ef.recipe(site)
    named = {
        name: ef.Forecaster(site, task, model=model, features=recipe, perfect_weather=True)
        for name, model in VARIANTS.items()
    }
    named["default, with the day of the year"] = ef.Forecaster(
        site, task, features=recipe + ef.features.DayOfYear(), perfect_weather=True
    )
    result = ef.backtest(named, weather, power[:"2014-12"], start="2014-07", end="2014-12-30", refit="MS")
    spent = result.folds.groupby("model")["cpu_seconds"].sum()
    rows = []
    for name in named:
        table = result.scores(model=name)
        means = table[table["level"].isna()].set_index("metric")["percent"]
        shares = table[table["metric"] == "coverage"].set_index("level")["percent"]
        row = {key: round(float(means[key]), 3) for key in ("pinball", "pinball_7", "mae")}
        row |= {f"coverage_{level:.0%}": round(float(share), 1) for level, share in shares.items()}
        rows.append({"variant": name} | row | {"cpu_seconds": round(float(spent[name]), 1)})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    rows = measure()
    caveat = "perfect weather (ERA5 reanalysis): not forecast skill"
    text = json.dumps({"unit": "% of capacity; CPU s", "caveat": caveat, "variants": rows}, indent=1)
    print(text)
    if options.json:
        options.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
