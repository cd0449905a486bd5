"""The archive: one small interface over a database in which rows are only added."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd
import sqlalchemy as sa

from energyforecast.archive import cubes, forecasts, measurements, migration, plans, tables
from energyforecast.archive.address import transaction
from energyforecast.archive.spans import span
from energyforecast.core import timestamps
from energyforecast.core.arguments import check_types
from energyforecast.core.forecast import Forecast
from energyforecast.core.observation_series import Observations
from energyforecast.core.structured_text import parse_json
from energyforecast.errors import MissingDataError, SchemaError

if TYPE_CHECKING:
    from sqlalchemy import Engine

__all__ = ["Archive"]


class Archive:
    """Forecasts, measurements, plans, models and runs as they were known; made by :func:`energyforecast.archive.open`.

    Rows are only added: a forecast that differs from the one held is a new revision with its own time of knowledge,
    ``recorded_time``, and triggers of the database refuse updates and deletes. Each call is one transaction. Writers
    wait for each other.

    Parameters
    ----------
    engine : sqlalchemy.Engine
    address : str
        Address to show, without a password.
    clock : callable
        The present moment in UTC.

    See Also
    --------
    energyforecast.archive.open

    Examples
    --------
    >>> import tempfile
    >>> import energyforecast as ef
    >>> from energyforecast.testing import example_forecast
    >>> folder = tempfile.TemporaryDirectory()
    >>> clock = iter(pd.to_datetime(["2024-01-01 09:01", "2024-01-01 11:30"], utc=True))
    >>> archive = ef.archive.open(folder.name + "/archive.sqlite", clock=lambda: next(clock))
    >>> forecast = example_forecast()
    >>> archive.write_forecast(forecast), archive.write_forecast(ef.Forecast(forecast.data + 1.0))
    (1, 1)
    >>> float(archive.forecast("farm", valid="2024-01-02").at(0.5)[0, 0, 0])
    11.0
    >>> said = archive.forecast("farm", valid="2024-01-02", as_of="2024-01-01 10:00")
    >>> float(said.at(0.5)[0, 0, 0])
    10.0
    >>> folder.cleanup()
    """

    def __init__(self, engine: Engine, *, address: str, clock: Callable[[], pd.Timestamp]) -> None:
        self._engine, self.address, self._clock = engine, address, clock
        with transaction(engine, write=False) as connection:
            current = migration.is_current(connection, address=address)
        if not current:
            with transaction(engine, write=True) as connection:
                migration.migrate(connection)

    def __repr__(self) -> str:
        return f"Archive({self.address!r})"

    def write_forecast(self, forecast: Forecast, *, model_hash: str | None = None) -> int:
        """Record a forecast; safe to repeat.

        Parameters
        ----------
        forecast : Forecast
        model_hash : str, optional
            Hash of the model that made it, as in :meth:`write_model`.

        Returns
        -------
        int
            Number of sites and issues that were recorded: 0 if the newest record of each is the same.

        Raises
        ------
        StoreError
            If the database cannot be written.

        See Also
        --------
        forecast, issues
        """
        check_types(locals(), of=Archive.write_forecast)
        with transaction(self._engine, write=True) as connection:
            moment = self._now()
            return forecasts.write(connection, forecast, model_hash=model_hash, moment=moment)

    def forecast(
        self,
        site: str | Sequence[str],
        *,
        issued: Any = None,
        valid: Any = None,
        as_of: Any = None,
        timezone: str = "UTC",
    ) -> Forecast:
        """Forecasts of one or several sites: the newest record of each issue.

        Parameters
        ----------
        site : str or sequence of str
            Several sites must have been forecast at the same issues.
        issued, valid : text or moment, or a pair of them, optional
            Issue times, and intervals: all of a year, month or day, or from the first to the end of the second.
        as_of : moment, optional
            As the archive was then: records that came later do not count.
        timezone : str
            Of days and moments without an offset.

        Raises
        ------
        MissingDataError
            If there is none.
        SchemaError
            If the records do not fit into one forecast: other levels or intervals.
        StoreError
            If the database cannot be read, or a record is not as it was written.

        See Also
        --------
        issues : The records and their provenance, older ones too.
        """
        check_types(locals(), of=Archive.forecast)
        sites = _names(site)
        inside = span(valid, timezone=timezone)
        until = None if as_of is None else timestamps.instant(as_of, timezone=timezone)
        with transaction(self._engine, write=False) as connection:
            found = forecasts.heads(
                connection, sites, issued=span(issued, timezone=timezone), valid=inside, until=until
            )
            chosen = cubes.newest(found)
            cells = forecasts.cells_of(connection, chosen, valid=inside)
            held = {row.site for row in chosen if row.forecast_id in cells}
            absent = [name for name in sites if name not in held]
            if not absent:
                return cubes.forecast_of(chosen, cells, sites=sites)
        raise MissingDataError(
            f"The archive {self.address} has no forecast of {absent[0]!r} for this question.",
            "One must have been recorded by then for these issues and intervals.",
            "Check site, issued, valid and as_of; Archive.issues() lists all records.",
        )

    def issues(
        self,
        site: str | Sequence[str] | None = None,
        *,
        issued: Any = None,
        valid: Any = None,
        as_of: Any = None,
        timezone: str = "UTC",
    ) -> pd.DataFrame:
        """Records of forecasts, older revisions too, with fallback level, weather run, model and caveats.

        Parameters
        ----------
        site : str or sequence of str, optional
            All sites by default.
        issued, valid, as_of, timezone
            As in :meth:`forecast`.
        """
        check_types(locals(), of=Archive.issues)
        until = None if as_of is None else timestamps.instant(as_of, timezone=timezone)
        spans = {"issued": span(issued, timezone=timezone), "valid": span(valid, timezone=timezone)}
        with transaction(self._engine, write=False) as connection:
            sites = None if site is None else _names(site)
            return cubes.table_of(forecasts.heads(connection, sites, until=until, **spans))

    def write_observations(self, observations: Observations) -> int:
        """Record measurements that are new, or that differ from the newest record; safe to repeat.

        A value that differs, or that was absent when later ones were recorded, was known now, whatever the
        declared latency; so is a value that was withdrawn (NaN).

        Returns
        -------
        int
            Number of values that were recorded.
        """
        check_types(locals(), of=Archive.write_observations)
        with transaction(self._engine, write=True) as connection:
            return measurements.write(connection, observations, moment=self._now())

    def observations(
        self, site: str | Sequence[str], *, valid: Any = None, as_of: Any = None, timezone: str = "UTC"
    ) -> Observations:
        """Measurements of one or several sites, each with the time at which it was known.

        Parameters
        ----------
        site : str or sequence of str
        valid, as_of, timezone
            As in :meth:`forecast`. With `as_of` corrections that were recorded later do not count.

        Raises
        ------
        MissingDataError
            If there are none of a site.
        SchemaError
            If their intervals have several lengths.
        """
        check_types(locals(), of=Archive.observations)
        until = None if as_of is None else timestamps.instant(as_of, timezone=timezone)
        with transaction(self._engine, write=False) as connection:
            inside = span(valid, timezone=timezone)
            return measurements.read(connection, _names(site), valid=inside, until=until)

    def write_plan(self, plan: Mapping[str, pd.DataFrame], *, name: str, issue_time: Any) -> int:
        """Record the tables of a plan, such as :meth:`energyforecast.planning.DayPlan.tables`; safe to repeat.

        Returns
        -------
        int
            1, or 0 if the newest record of this name and issue is the same.
        """
        check_types(locals(), of=Archive.write_plan)
        content = plans.to_json(plan)
        issued = timestamps.instant(issue_time).to_pydatetime()
        digest = hashlib.sha256(content.encode()).hexdigest()
        table = tables.plan
        with transaction(self._engine, write=True) as connection:
            moment = self._now()
            of_issue = sa.select(table).where(table.c.name == name, table.c.issue_time == issued)
            held = connection.execute(of_issue.order_by(table.c.revision.desc()).limit(1)).first()
            if held is not None and held.digest == digest:
                return 0
            row = {"name": name, "issue_time": issued, "digest": digest, "tables": content}
            after = None if held is None else timestamps.instant(held.recorded_time)
            row["recorded_time"] = forecasts.later(moment, after=after).to_pydatetime()
            row["revision"] = 0 if held is None else held.revision + 1
            connection.execute(table.insert(), row)
            return 1

    def plan(self, name: str, *, issue_time: Any, as_of: Any = None) -> dict[str, pd.DataFrame]:
        """Tables of the newest record of a plan, by name; times are in UTC unless they have an offset.

        Raises
        ------
        MissingDataError
            If there is none.
        """
        check_types(locals(), of=Archive.plan)
        table, issued = tables.plan, timestamps.instant(issue_time)
        wanted = sa.select(table.c.tables).where(
            table.c.name == name, table.c.issue_time == issued.to_pydatetime()
        )
        if as_of is not None:
            wanted = wanted.where(table.c.recorded_time <= timestamps.instant(as_of).to_pydatetime())
        with transaction(self._engine, write=False) as connection:
            content = connection.scalar(wanted.order_by(table.c.revision.desc()).limit(1))
            if content is not None:
                return plans.from_json(content)
        raise MissingDataError(
            f"The archive {self.address} has no plan {name!r} issued at {issued:%Y-%m-%d %H:%M} UTC.",
            "One must have been recorded by then.",
            "Check name and issue_time.",
        )

    def plans(self) -> pd.DataFrame:
        """Records of plans: name, issue time, revision and time of record, without their tables."""
        table = tables.plan
        columns = (table.c.name, table.c.issue_time, table.c.revision, table.c.recorded_time)
        with transaction(self._engine, write=False) as connection:
            rows = connection.execute(
                sa.select(*columns).order_by(table.c.issue_time, table.c.revision)
            ).all()
        frame = pd.DataFrame(rows, columns=[column.name for column in columns])
        for name in ("issue_time", "recorded_time"):
            frame[name] = timestamps.to_index(pd.DatetimeIndex(pd.to_datetime(frame[name], utc=True)))
        return frame

    def write_model(self, model_hash: str, *, manifest: Mapping[str, Any]) -> int:
        """Record a model by the hash of its file; 0 if it is there."""
        check_types(locals(), of=Archive.write_model)
        with transaction(self._engine, write=True) as connection:
            stamp = {"model_hash": model_hash, "recorded_time": self._now().to_pydatetime()}
            row = stamp | {"manifest": json.dumps(dict(manifest), sort_keys=True, default=str)}
            return forecasts.add_once(connection, tables.model, row)

    def write_run(
        self,
        command: str,
        *,
        start: Any,
        end: Any,
        exit_code: int = 0,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        """Record a run: its command, beginning, end, exit code, and details such as data that was set aside."""
        check_types(locals(), of=Archive.write_run)
        row = {
            "run_id": uuid.uuid4().hex,
            "command": command,
            "start_time": timestamps.instant(start).floor("us").to_pydatetime(),
            "end_time": timestamps.instant(end).floor("us").to_pydatetime(),
            "exit_code": exit_code,
            "detail": json.dumps(dict(detail or {}), sort_keys=True, default=str),
        }
        with transaction(self._engine, write=True) as connection:
            connection.execute(tables.run.insert(), row)

    def models(self) -> pd.DataFrame:
        """Models: hash, time of record, manifest as a dictionary."""
        return self._all(tables.model, "recorded_time", json_column="manifest")

    def runs(self) -> pd.DataFrame:
        """Runs in order of their beginnings, with their details as a dictionary."""
        return self._all(tables.run, "start_time", json_column="detail")

    def _all(self, table: sa.Table, order: str, *, json_column: str) -> pd.DataFrame:
        with transaction(self._engine, write=False) as connection:
            rows = connection.execute(sa.select(table).order_by(table.c[order])).all()
            frame = pd.DataFrame(rows, columns=[column.name for column in table.columns])
            frame[json_column] = frame[json_column].map(parse_json)
            return frame

    def _now(self) -> pd.Timestamp:
        """Moment of a record, in whole microseconds."""
        return timestamps.instant(self._clock()).floor("us")


def _names(site: str | Sequence[str]) -> list[str]:
    """Names of sites, at least one."""
    names = [site] if isinstance(site, str) else list(site)
    if not names or len(set(names)) < len(names):
        raise SchemaError(
            f"The sites are {names}.", "There must be at least one, each once.", "Name the sites."
        )
    return names
