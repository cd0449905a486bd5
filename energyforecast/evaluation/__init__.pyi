# The public names, read by type checkers and by lazy_loader.

from . import tuning as tuning
from .aggregation import (
    Metric as Metric,
)
from .backtest import (
    backtest as backtest,
)
from .confidence_set import (
    model_confidence_set as model_confidence_set,
)
from .fold_runs import (
    Execution as Execution,
)
from .gate_files import (
    read_gates as read_gates,
)
from .gates import (
    Gate as Gate,
    GateReport as GateReport,
)
from .losses import (
    crps_of_quantiles as crps_of_quantiles,
    pinball_loss as pinball_loss,
)
from .metrics.basic import (
    bias as bias,
    coverage as coverage,
    coverage_closed as coverage_closed,
    crps as crps,
    mae as mae,
    pinball as pinball,
    pinball_7 as pinball_7,
    rmse as rmse,
    width as width,
)
from .metrics.contingency import (
    contingency as contingency,
    firm as firm,
    relative_economic_value as relative_economic_value,
)
from .metrics.corp import (
    brier_parts as brier_parts,
    crps_parts as crps_parts,
    pinball_parts as pinball_parts,
)
from .metrics.corp_diagrams import (
    corp_event_reliability as corp_event_reliability,
    corp_quantile_reliability as corp_quantile_reliability,
)
from .metrics.deterministic import (
    correlation as correlation,
    energy_error as energy_error,
    mape as mape,
    mse_parts as mse_parts,
)
from .metrics.distribution import (
    interval_score as interval_score,
    pit as pit,
    reliability as reliability,
    sharpness as sharpness,
    threshold_crps as threshold_crps,
    weighted_interval_score as weighted_interval_score,
)
from .metrics.economic import (
    economic_value as economic_value,
    imbalance_cost as imbalance_cost,
)
from .metrics.ensemble import (
    score_samples as score_samples,
)
from .metrics.events import (
    peaks as peaks,
    ramp_firm as ramp_firm,
    ramps as ramps,
)
from .metrics.exceedance import (
    brier as brier,
    event_reliability as event_reliability,
    roc as roc,
    roc_area as roc_area,
)
from .metrics.expectiles import (
    expectile as expectile,
    expectile_loss as expectile_loss,
    expectiles_of_quantiles as expectiles_of_quantiles,
)
from .metrics.explained import (
    d2_pinball as d2_pinball,
)
from .metrics.murphy import (
    murphy as murphy,
)
from .metrics.spread import (
    spread_skill as spread_skill,
)
from .pairing import (
    Pairs as Pairs,
    align as align,
    daylight as daylight,
)
from .bias_range import (
    recent_bias as recent_bias,
)
from .result import (
    Result as Result,
)
from .result_files import (
    write_scores as write_scores,
)
from .sample_losses import (
    brier_of_samples as brier_of_samples,
    coverage_of_samples as coverage_of_samples,
    crps_of_samples as crps_of_samples,
    quantiles_of_samples as quantiles_of_samples,
)
from .sample_tables import (
    RankFlatness as RankFlatness,
    rank_flatness as rank_flatness,
    rank_histogram as rank_histogram,
    spread_skill_of_samples as spread_skill_of_samples,
)
from .score import (
    METRICS as METRICS,
    metric_names as metric_names,
    score as score,
)
from .significance import (
    benjamini_hochberg as benjamini_hochberg,
    compare as compare,
    diebold_mariano as diebold_mariano,
)
from .splits import (
    Splits as Splits,
)
from .tuning import (
    Search as Search,
    Tuning as Tuning,
    tune as tune,
)
from .vector_losses import (
    energy_score as energy_score,
    variogram_score as variogram_score,
)
