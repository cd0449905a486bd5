# The public names, read by type checkers and by lazy_loader.

from .base import (
    Competition as Competition,
    TaskForecast as TaskForecast,
)
from .execution import (
    competition as competition,
    names as names,
    run as run,
    write_json as write_json,
)
from .protocols.gefcom2012 import (
    Gefcom2012Wind as Gefcom2012Wind,
)
from .protocols.gefcom2014 import (
    Gefcom2014Solar as Gefcom2014Solar,
    Gefcom2014Wind as Gefcom2014Wind,
)
from .protocols.gefcom2014_load import (
    Gefcom2014Load as Gefcom2014Load,
)
from . import (
    scoring as scoring,
    settings as settings,
)
from .readers.common import (
    CompetitionData as CompetitionData,
)
from .readers.gefcom2012 import (
    read_gefcom2012_wind as read_gefcom2012_wind,
)
from .readers.gefcom2014 import (
    read_gefcom2014_solar as read_gefcom2014_solar,
    read_gefcom2014_wind as read_gefcom2014_wind,
)
from .readers.gefcom2014_load import (
    read_gefcom2014_load as read_gefcom2014_load,
)
