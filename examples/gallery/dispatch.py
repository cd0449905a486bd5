"""Dispatch: how thermal units and a pumped storage cover two days of demand beside wind and sun.

Run: python examples/gallery/dispatch.py dispatch.png
"""

import sys
import tomllib

import energyforecast as ef

parts = tomllib.loads("""
areas = ["South"]  # MW, MWh, currency/MWh; all of it made up
units.coal = {area = "South", capacity = 1300, cost = 20, minimum = 0.5, ramp = 60}
units.gas = {area = "South", capacity = 350, cost = 50}
units.oil = {area = "South", capacity = 500, cost = 120}
pumped_storages.lake = {area = "South", turbine = 250, pump = 250, reservoir = 1500, start_level = 750}
""")
system = ef.planning.System.from_dict(parts | {"shedding_cost": 3000})

# Two days in Almaty, then at UTC+6, with eight farms like Shelek and four plants like Kapshagay.
days = slice("2024-01-15 18:00", "2024-01-17 17:00")
demand = ef.datasets.almaty(models=("ecmwf",)).truth.loc[days, ["Almaty (synthetic)"]]
wind = 8 * ef.datasets.shelek(models=("ecmwf",)).truth.loc[days, ["power"]]
solar = 4 * ef.datasets.kapshagay(models=("ecmwf",)).truth.loc[days, ["power"]]
demand.columns = wind.columns = solar.columns = ["South"]

plan = ef.planning.perfect_foresight(
    system, ef.planning.DispatchInputs(demand=demand, wind=wind, solar=solar)
)
figure = ef.reporting.figures.dispatch(plan, area="South", timezone="Asia/Almaty")
figure.supxlabel("synthetic; planned by someone who knew what came", fontsize=8, color="0.35")
ef.reporting.figures.save(figure, sys.argv[1])
