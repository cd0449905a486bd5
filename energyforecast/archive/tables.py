"""Tables of the archive, as the newest migration leaves them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator

__all__ = [
    "SUMMARY",
    "TABLES",
    "Moment",
    "forecast",
    "forecast_value",
    "measurement",
    "metadata",
    "model",
    "plan",
    "provenance",
    "run",
]

#: Columns of quantiles for queries in SQL, by level; missing where the forecast has no such levels.
SUMMARY: Final = {"q05": 0.05, "q10": 0.1, "q25": 0.25, "q50": 0.5, "q75": 0.75, "q90": 0.9, "q95": 0.95}


class Moment(TypeDecorator[datetime]):
    """Moment in UTC with microseconds: ``timestamptz``, or ISO text in UTC on SQLite, which sorts as time does."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        """As the driver takes it."""
        return value.replace(tzinfo=None) if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Any) -> Any:  # noqa: ARG002  (of the base class)
        """As the driver gives it, in UTC."""
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


metadata = sa.MetaData()

provenance = sa.Table(
    "provenance",
    metadata,
    sa.Column("provenance_hash", sa.Text, primary_key=True),
    sa.Column("recorded_time", Moment, nullable=False),
    sa.Column("attributes", sa.Text, nullable=False),  # JSON
)
model = sa.Table(
    "model",
    metadata,
    sa.Column("model_hash", sa.Text, primary_key=True),
    sa.Column("recorded_time", Moment, nullable=False),
    sa.Column("manifest", sa.Text, nullable=False),  # JSON
)
forecast = sa.Table(
    "forecast",
    metadata,
    sa.Column("forecast_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("site", sa.Text, nullable=False),
    sa.Column("issue_time", Moment, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("recorded_time", Moment, nullable=False),
    sa.Column("first_valid_time", Moment, nullable=False),
    sa.Column("last_valid_time", Moment, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("capacity", sa.Double),
    sa.Column("fallback_level", sa.Integer, nullable=False),
    sa.Column("weather_init_time", Moment),
    sa.Column("model_hash", sa.Text),
    sa.Column("provenance_hash", sa.Text, sa.ForeignKey("provenance.provenance_hash"), nullable=False),
    sa.Column("quantile_levels", sa.Text, nullable=False),  # JSON
    sa.Column("number_type", sa.Text, nullable=False),  # of the quantiles: <f4 or <f8
    sa.Column("digest", sa.Text, nullable=False),
    sa.UniqueConstraint("site", "issue_time", "revision"),
    sa.Index("forecast_by_valid_time", "site", "last_valid_time", "first_valid_time"),
)
forecast_value = sa.Table(
    "forecast_value",
    metadata,
    sa.Column("forecast_id", sa.BigInteger, sa.ForeignKey("forecast.forecast_id"), primary_key=True),
    sa.Column("valid_time", Moment, primary_key=True),
    sa.Column("available_capacity", sa.Double),
    sa.Column("quantiles", sa.LargeBinary, nullable=False),  # numbers of number_type, one for each level
    *(sa.Column(name, sa.REAL) for name in SUMMARY),
    sqlite_with_rowid=False,
)
measurement = sa.Table(
    "measurement",
    metadata,
    sa.Column("site", sa.Text, primary_key=True),
    sa.Column("valid_time", Moment, primary_key=True),
    sa.Column("recorded_time", Moment, primary_key=True),
    sa.Column("published_time", Moment),
    sa.Column("power", sa.Double),
    sa.Column("flags", sa.BigInteger, nullable=False),
    sa.Column("interval_seconds", sa.Integer, nullable=False),
    sqlite_with_rowid=False,
)
plan = sa.Table(
    "plan",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("issue_time", Moment, primary_key=True),
    sa.Column("revision", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("recorded_time", Moment, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("tables", sa.Text, nullable=False),  # JSON
)
run = sa.Table(
    "run",
    metadata,
    sa.Column("run_id", sa.Text, primary_key=True),
    sa.Column("command", sa.Text, nullable=False),
    sa.Column("start_time", Moment, nullable=False),
    sa.Column("end_time", Moment, nullable=False),
    sa.Column("exit_code", sa.Integer, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),  # JSON: what was set aside, caveats, levels
)

#: Every table, in the order in which rows may refer to others.
TABLES: Final = (provenance, model, forecast, forecast_value, measurement, plan, run)
