"""Opening of an archive."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from energyforecast.core import timestamps
from energyforecast.core.arguments import check_types
from energyforecast.core.files import refused
from energyforecast.errors import MissingDataError, require

if TYPE_CHECKING:
    from energyforecast.archive.database import Archive

__all__ = ["open"]


def open(  # noqa: A001  (ef.archive.open, as pathlib and xarray name it)
    address: str | Path = "archive.sqlite",
    *,
    password: str | None = None,
    create: bool = True,
    clock: Callable[[], pd.Timestamp] = timestamps.now,
) -> Archive:
    """Archive in a file of SQLite, or in a PostgreSQL database.

    The tables are created, or migrated to the schema of this version, if need be.

    Parameters
    ----------
    address : str or Path
        Path of a file, or ``"postgresql://user@host:5432/database"``.
    password : str, optional
        Of PostgreSQL; without it that of the address, of ``PGPASSWORD`` or of ``~/.pgpass``.
    create : bool
        Whether a file that does not exist is created.
    clock : callable
        The present moment in UTC, with which every row is stamped; another one is for simulations.

    Returns
    -------
    Archive

    Raises
    ------
    ConfigurationError
        If the address cannot be read.
    MissingDataError
        If the file does not exist and ``create=False``.
    StoreError
        If the database cannot be reached, or a newer version wrote it.
    DependencyError
        Without the extra ``archive``.

    See Also
    --------
    Archive

    Examples
    --------
    >>> import tempfile
    >>> import energyforecast as ef
    >>> from energyforecast.testing import example_forecast
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     archive = ef.archive.open(folder + "/archive.sqlite")
    ...     archive.write_forecast(example_forecast()), archive.write_forecast(example_forecast())
    (1, 0)
    """
    check_types(locals(), of=open)
    for module in ("sqlalchemy", "alembic"):
        require(module, extra="archive", purpose="Archives are databases.")
    from energyforecast.archive.address import engine_of, shown, url_of
    from energyforecast.archive.database import Archive

    url = url_of(address, password=password)
    if url.drivername == "sqlite":
        if not create and not Path(str(url.database)).is_file():
            raise MissingDataError(
                f"There is no archive {url.database}.",
                "It must be the file of an archive that a forecast was written to.",
                "Check the path; energyforecast forecast CONFIG --archive FILE writes one.",
            )
        folder = Path(str(url.database)).parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise refused(error, folder) from error
    return Archive(engine_of(url), address=shown(url), clock=clock)
