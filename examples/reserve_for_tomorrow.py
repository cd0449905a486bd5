"""The reserve for tomorrow: how far net load may lie above or below its schedule, hour by hour.

    python examples/reserve_for_tomorrow.py [--out DIR]

Forecasts demand, wind and solar, draws courses of all three together, and sizes the reserve for net load and for
units that may fail; beside it the one number that past errors ask for. Settings are in reserve_for_tomorrow.toml.
Offline; synthetic.
"""

from __future__ import annotations

import argparse
import tomllib
from pathlib import Path

import pandas as pd

import energyforecast as ef
from energyforecast import planning

TASK = ef.day_ahead("08:00", timezone="Asia/Almaty")


def forecasts(
    synthetic: ef.datasets.SyntheticSite,
    model: ef.QuantileModel | None,
    past: pd.DatetimeIndex,
    issued: pd.Timestamp,
) -> tuple[ef.Forecast, ef.Forecast, ef.Observations]:
    """Of the first site of a synthetic site: the past days, by a model that has not seen them, and tomorrow."""
    weather, site = synthetic.weather["ecmwf"], synthetic.site
    weather, observed = weather.sel(site=[site.name]), synthetic.observations[[site.name]]
    forecaster = ef.Forecaster(site, TASK, model=model).fit(weather, observed, as_of=past[0])
    # strict=False: past mornings on which weather came too late are part of what the reserve is for.
    before = forecaster.predict(weather, observed, issue_time=past, strict=False)
    return before, forecaster.predict(weather, observed, issue_time=issued), observed


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", type=Path, default=Path(__file__).with_suffix(".toml"))
    parser.add_argument("--out", type=Path, default=Path("reserve"), help="folder for what is written")
    options = parser.parse_args()
    settings = tomllib.loads(options.config.read_text(encoding="utf-8"))
    issued = ef.core.timestamps.instant(settings["issue_time"], timezone=TASK.timezone)
    past = pd.date_range(end=issued, periods=settings["past_days"] + 1, freq="D")[:-1]

    # Demand of the area, a wind farm, a PV plant: past forecasts and those of tomorrow.
    # Demand by a linear model: on this synthetic city it errs as little as trees, with half their upper tail.
    makers = {ef.datasets.almaty: ef.LinearQuantiles(), ef.datasets.shelek: None, ef.datasets.kapshagay: None}
    synthetic_sites = [make(models=("ecmwf",), hours=10_000) for make in makers]
    pairs = zip(synthetic_sites, makers.values(), strict=True)
    before, tomorrow, observed = zip(
        *(forecasts(synthetic, model, past, issued) for synthetic, model in pairs), strict=True
    )

    # Their hours and sites belong together as the errors of past days did.
    copula = planning.GaussianCopula.fit(before, observed, until=issued)
    net = planning.net_load(
        demand=tomorrow[0],
        wind=tomorrow[1],
        solar=tomorrow[2],
        n_scenarios=settings["n_scenarios"],
        dependence=copula,
        issue_time=issued,
    )
    fleet = [planning.Outage(**unit) for unit in settings["outage"]]
    table = planning.reserve(net, risk=settings["risk"], outages=fleet)

    # Beside it one number for all hours, from the same past days.
    errors = planning.hindcast_residuals(before, observed, until=issued)
    demand, wind, solar = (errors[synthetic.site.name] for synthetic in synthetic_sites)
    planned = table.set_index("valid_time")["scheduled"]
    static = planning.static_reserve(demand - wind - solar, planned, risk=settings["risk"], outages=fleet)

    print(*net.caveats, sep="\n")
    print(
        f"\n{copula}\n{net}\nReserve [MW] at a risk of {settings['risk']:.1%} in each hour and direction:\n"
    )
    shown = net.quantiles([0.05, 0.5, 0.95]).merge(table, on="valid_time").drop(columns="n")
    shown["hour"] = shown.pop("valid_time").dt.tz_convert(TASK.timezone).dt.strftime("%Y-%m-%d %H:%M")
    print(shown.set_index("hour").round(0).astype(int).reset_index().to_string(index=False))
    for name, held in (("by hour", table), ("one number", static)):
        print(f"{name:<11} up {held['up'].sum():6.0f} MWh, down {held['down'].sum():6.0f} MWh over the day")
    print("Before a rare risk is trusted: planning.reserve_exceedance on past days (docs/howto/reserve.md).")
    options.out.mkdir(parents=True, exist_ok=True)
    table.to_csv(options.out / "reserve.csv", index=False)
    figure = ef.reporting.figures.reserve(net, table, timezone=TASK.timezone)
    ef.reporting.figures.save(figure, options.out / "reserve.png")
    print(f"Written to {options.out}: reserve.csv, reserve.png")


if __name__ == "__main__":
    main()
