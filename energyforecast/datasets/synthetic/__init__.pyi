# The public names, read by type checkers and by lazy_loader.

from . import (
    almaty as almaty,
    almaty_region as almaty_region,
    city as city,
    consumer_statistics as consumer_statistics,
    households as households,
    pv_plants as pv_plants,
    shelek as shelek,
    stochastic_processes as stochastic_processes,
    synthetic_consumers as synthetic_consumers,
    synthetic_site as synthetic_site,
    works as works,
)
