# The public names, read by type checkers and by lazy_loader.

from . import (
    examples as examples,
    feature_contract as feature_contract,
    known_then as known_then,
    leakage as leakage,
    model_contract as model_contract,
    noise as noise,
    pipeline_check as pipeline_check,
    revisions as revisions,
    shifted_world as shifted_world,
    source_contract as source_contract,
    radiation_shift as radiation_shift,
)
from .examples import (
    example_days as example_days,
    example_dispatch as example_dispatch,
    example_forecast as example_forecast,
    example_forecaster as example_forecaster,
    example_observations as example_observations,
    example_result as example_result,
    example_snapshot as example_snapshot,
    example_source as example_source,
    example_weather as example_weather,
)
from .operations_example import (
    example_operations as example_operations,
)
from .feature_contract import (
    check_feature as check_feature,
)
from .leakage import (
    check_no_leakage as check_no_leakage,
)
from .noise import (
    poison_capacity as poison_capacity,
    poison_observations as poison_observations,
    poison_plan as poison_plan,
    poison_weather as poison_weather,
)
from .model_contract import (
    check_model as check_model,
)
from .source_contract import (
    check_source as check_source,
)
from .known_then import (
    check_known_then as check_known_then,
)
from .pipeline_check import (
    check_pipeline as check_pipeline,
)
from .revisions import (
    check_revisions as check_revisions,
)
from .shifted_world import (
    ShiftedWorld as ShiftedWorld,
    check_shifted_world as check_shifted_world,
)
