# The public names, read by type checkers and by lazy_loader.

from . import (
    day as day,
    dispatch as dispatch,
    outages as outages,
    reconciliation as reconciliation,
    scenario_generation as scenario_generation,
    settings as settings,
)
from .day import (
    DayPlan as DayPlan,
    plan_day as plan_day,
)
from .dispatch.components import (
    Area as Area,
    Battery as Battery,
    Electrolyser as Electrolyser,
    HVDCLink as HVDCLink,
    PumpedStorage as PumpedStorage,
    ThermalUnit as ThermalUnit,
)
from .dispatch.inputs import (
    DispatchInputs as DispatchInputs,
)
from .dispatch.optimise import (
    evaluate_plan as evaluate_plan,
    perfect_foresight as perfect_foresight,
    plan_deterministic as plan_deterministic,
    plan_scenarios as plan_scenarios,
    realised_costs as realised_costs,
)
from .dispatch.plan import (
    Plan as Plan,
)
from .dispatch.pypsa import (
    to_pypsa as to_pypsa,
)
from .dispatch.system import (
    System as System,
)
from .net_load import (
    net_load as net_load,
)
from .outages import (
    Outage as Outage,
    outage_table as outage_table,
)
from .period_verification import (
    period_scores as period_scores,
)
from .period_values import (
    energy as energy,
    peak as peak,
)
from .ramps import (
    alarm_scores as alarm_scores,
    alarms as alarms,
    ramps as ramps,
)
from .reconciliation import (
    MinT as MinT,
    reconcile as reconcile,
)
from .reserve import (
    reserve as reserve,
    reserve_exceedance as reserve_exceedance,
    static_reserve as static_reserve,
)
from .scenario_generation.copula import (
    GaussianCopula as GaussianCopula,
)
from .scenario_generation.dependence import (
    Dependence as Dependence,
    Independence as Independence,
)
from .scenario_generation.empirical import (
    EnsembleCopulaCoupling as EnsembleCopulaCoupling,
    SchaakeShuffle as SchaakeShuffle,
)
from .scenario_generation.ranks import (
    hindcast_residuals as hindcast_residuals,
)
from .scenario_generation.sample import (
    sample_by_kind as sample_by_kind,
    sample_scenarios as sample_scenarios,
)
from .schedule import (
    compare_schedules as compare_schedules,
    schedule as schedule,
)
from .settings import (
    PlanSettings as PlanSettings,
    RampTerms as RampTerms,
    ReserveTerms as ReserveTerms,
)
from .temporal_reconciliation import (
    reconcile_temporal as reconcile_temporal,
)
