# The public names, read by type checkers and by lazy_loader.

from . import (
    audit as audit,
    capacity as capacity,
    clock as clock,
    power_driver as power_driver,
    elexon as elexon,
    entsoe as entsoe,
    lag as lag,
    planned_operation as planned_operation,
    plant_fit as plant_fit,
    quality as quality,
    quality_rules as quality_rules,
    rows as rows,
    scada as scada,
    server_access as server_access,
    tables as tables,
    timestamps as timestamps,
)
from .audit import (
    AuditReport as AuditReport,
    audit_observations as audit_observations,
)
from .capacity import (
    read_capacity as read_capacity,
)
from .clock import (
    ClockReport as ClockReport,
    check_clock as check_clock,
)
from .elexon import (
    get_elexon as get_elexon,
    parse_elexon as parse_elexon,
    read_elexon as read_elexon,
)
from .entsoe import (
    get_entsoe as get_entsoe,
    parse_entsoe as parse_entsoe,
    read_entsoe as read_entsoe,
)
from .lag import (
    Lag as Lag,
    estimate_lag as estimate_lag,
)
from .planned_operation import (
    read_planned_operation as read_planned_operation,
)
from .plant_fit import (
    PlantFit as PlantFit,
    fit_plant as fit_plant,
)
from .quality import (
    flag_quality as flag_quality,
    flag_table as flag_table,
)
from .scada import (
    ShelekScada as ShelekScada,
    read_shelek_scada as read_shelek_scada,
)
from .server_access import (
    ServerAccess as ServerAccess,
)
from .tables import (
    read_demand as read_demand,
    read_power as read_power,
)
