"""The declared system of the planning demo: thermal units, a link, pumped storage and an electrolyser."""

from __future__ import annotations

from typing import Any, Final

__all__ = ["TABLES"]

#: The declared system. All of it is invented: sizes so that a winter peak of 2,000 MW is met with little to spare,
#: prices in any currency, in an order in which coal in the north is cheapest and gas in the south dearest.
TABLES: Final[dict[str, Any]] = {
    "areas": ["North", "South"],
    "shedding_cost": 3000,
    "surplus_cost": 0,
    "units": {
        "North coal": {
            "area": "North",
            "capacity": 900,
            "cost": 18,
            "minimum": 0.4,
            "ramp": 90,
            "flexible": 0.05,
            "premium_up": 10,
            "premium_down": 8,
        },
        "South heat and power": {
            "area": "South",
            "capacity": 700,
            "cost": 30,
            "minimum": 0.5,
            "ramp": 70,
            "flexible": 0.05,
            "premium_up": 15,
            "premium_down": 10,
        },
        "South gas": {"area": "South", "capacity": 600, "cost": 75, "premium_up": 25, "premium_down": 20},
    },
    "links": {
        "HVDC": {
            "from_area": "North",
            "to_area": "South",
            "capacity": 800,
            "losses": 0.04,
            "bidirectional": False,
            "scheduled": True,
        }
    },
    "pumped_storages": {
        "Pumped storage": {
            "area": "South",
            "turbine": 150,
            "pump": 160,
            "reservoir": 900,
            "start_level": 450,
            "end_level": 450,
        }
    },
    "electrolysers": {
        "Electrolyser": {
            "area": "South",
            "capacity": 40,
            "hydrogen_demand": 15,
            "hydrogen_storage": 200,
            "start_level": 100,
            "end_level": 100,
            "unserved_cost": 200,
        }
    },
}
