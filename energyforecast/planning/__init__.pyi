# The public names, read by type checkers and by lazy_loader.

from . import (
    ahead as ahead,
    day as day,
    dispatch as dispatch,
    margins as margins,
    parts as parts,
    plan as plan,
    plans as plans,
    settings as settings,
    sheets as sheets,
    shrinkage as shrinkage,
    system as system,
)
from .ahead import Ahead as Ahead, forecast_ahead as forecast_ahead
from .copula import GaussianCopula as GaussianCopula
from .day import DayPlan as DayPlan, plan_day as plan_day
from .dependence import Dependence as Dependence, Independence as Independence
from .dispatch import to_pypsa as to_pypsa
from .drawing import draw as draw
from .netting import net_load as net_load
from .outages import Outage as Outage, outage_table as outage_table
from .parts import (
    Area as Area,
    Battery as Battery,
    Electrolyser as Electrolyser,
    HVDCLink as HVDCLink,
    PumpedStorage as PumpedStorage,
    ThermalUnit as ThermalUnit,
)
from .past import past_errors as past_errors
from .plan import Plan as Plan
from .plans import (
    perfect_foresight as perfect_foresight,
    plan_median as plan_median,
    plan_scenarios as plan_scenarios,
    realise as realise,
    realised_costs as realised_costs,
)
from .ramping import alarm_scores as alarm_scores, alarms as alarms, ramps as ramps
from .reconciliation import MinT as MinT, reconcile as reconcile
from .reserves import (
    reserve as reserve,
    reserve_exceedance as reserve_exceedance,
    static_reserve as static_reserve,
)
from .scenarios import Scenarios as Scenarios
from .scheduling import compare_schedules as compare_schedules, schedule as schedule
from .settings import PlanSettings as PlanSettings, RampTerms as RampTerms, ReserveTerms as ReserveTerms
from .sheets import (
    Sheet as Sheet,
    day_ahead_sheet as day_ahead_sheet,
    revision_sheet as revision_sheet,
    verification_sheet as verification_sheet,
    weekly_outlook as weekly_outlook,
)
from .system import System as System
from .templates import EnsembleCopulaCoupling as EnsembleCopulaCoupling, SchaakeShuffle as SchaakeShuffle
