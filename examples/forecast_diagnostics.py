"""Look into the scores of a forecast: what recalibration could mend, for whom it is better, what its warnings save.

The wind farm La Haute Borne with a year of weather from a reanalysis ("perfect weather"), which is embedded: the
scores are not forecast skill. Run ``python examples/forecast_diagnostics.py [--out FOLDER]``; it takes seconds.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import energyforecast as ef
from energyforecast import evaluation as ev
from energyforecast.reporting import figures

parser = argparse.ArgumentParser()
parser.add_argument("--out", type=Path, default=Path("diagnostics"))
out = parser.parse_args().out
out.mkdir(parents=True, exist_ok=True)

site, weather, power = ef.datasets.la_haute_borne()
task = ef.day_ahead("09:00", timezone="Europe/Paris", quantiles=tuple(k / 20 for k in range(1, 20)))
models = {
    "boosting": ef.LightGBMQuantiles(n_estimators=100),
    "deep trees": ef.LightGBMQuantiles(
        sharing="none",
        folds=0,
        n_estimators=100,
        num_leaves=31,
        fitted_quantiles=(0.05, 0.25, 0.5, 0.75, 0.95),
    ),
    "climatology": ef.Climatology(),
}
forecasters = {
    name: ef.Forecaster(site, task, model=model, perfect_weather=True) for name, model in models.items()
}
result = ef.backtest(forecasters, weather, power, start="2015-01", end="2015-04", refit=None)
print(result)

# CRPS = miscalibration - discrimination + uncertainty. Only the first part can be mended without better information.
print("\nCRPS in parts [MW]")
for name, pairs in result.pairs.items():
    lost, gained, whole = ev.crps_parts(pairs)["value"]
    print(f"{name:12} {lost - gained + whole:.3f} = {lost:.3f} - {gained:.3f} + {whole:.3f}")

# At which forecasts the quantile 0.9 is wrong: at those outside the band of calibrated forecasts.
print("\nQuantile 0.9: share of the forecasts' range outside the band")
for name in ("boosting", "deep trees"):
    table = ev.corp_quantile_reliability(result.pairs[name], level=0.9, draws=50)
    outside = (table["value"] > table["high"]) | (table["value"] < table["low"])
    print(f"{name:12} {outside.mean():.0%}")

# Better for every user, or for some: the difference of the elementary scores at each threshold.
table = ev.murphy(result.pairs["boosting"], reference=result.pairs["deep trees"])
better, worse = (table["high"] < 0).mean(), (table["low"] > 0).mean()
print(
    f"\nThe median of boosting against deep trees: better at {better:.0%} of thresholds, worse at {worse:.0%}"
)

# Warnings of power above half of the capacity, where their probability is at least 30 %.
print("\nWarnings")
event = {"threshold": 0.5, "relative": True}
for name, pairs in result.pairs.items():
    scores = ev.contingency(pairs, probability=0.3, **event).set_index("metric")["value"]
    firm = ev.firm(pairs, thresholds=[0.3, 0.5, 0.7], risk=0.7, relative=True)["value"][0]
    value = ev.relative_economic_value(pairs, ratios=[0.3], **event)["value"][0]
    print(
        f"{name:12} POD {scores['pod']:.2f}, FAR {scores['far']:.2f}, ETS {scores['ets']:.2f}, "
        f"FIRM {firm:.3f}, value at cost/loss 0.3: {value:.2f}"
    )

figures.save(figures.corp_event_reliability(result, **event), out / "corp_event.png")
figures.save(figures.corp_quantile_reliability(result, model="deep trees"), out / "corp_quantiles.png")
figures.save(figures.murphy(result, reference="deep trees"), out / "murphy.png")
figures.save(figures.relative_economic_value(result, **event), out / "value.png")
print(f"\nFigures are in {out}")
