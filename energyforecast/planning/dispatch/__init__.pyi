# The public names, read by type checkers and by lazy_loader.

from . import (
    components as components,
    inputs as inputs,
    linear_program as linear_program,
    optimise as optimise,
    plan as plan,
    pypsa as pypsa,
    stochastic_program as stochastic_program,
    system as system,
)
