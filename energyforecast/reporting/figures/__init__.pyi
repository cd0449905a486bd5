# The public names, read by type checkers and by lazy_loader.

from .ensembles import (
    rank_histogram as rank_histogram,
    spread_skill as spread_skill,
)
from .diagnostics import (
    corp_event_reliability as corp_event_reliability,
    corp_quantile_reliability as corp_quantile_reliability,
    murphy as murphy,
    relative_economic_value as relative_economic_value,
)
from .forecasts import (
    error_by_hour_and_month as error_by_hour_and_month,
    fan_chart as fan_chart,
    pit as pit,
    reliability as reliability,
    skill_by_lead as skill_by_lead,
)
from .plans import (
    costs as costs,
    dispatch as dispatch,
    storage as storage,
)
from .scenario_charts import (
    ramps as ramps,
    reserve as reserve,
    scenarios as scenarios,
)
from .style import save as save
