"""The first schema: tables, triggers that refuse changes, and a view for queries in SQL."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from alembic import op

__all__ = ["down_revision", "revision", "upgrade"]

revision: Final = "0001"
down_revision: Final = None

_QUANTILES: Final = ("q05", "q10", "q25", "q50", "q75", "q90", "q95")
_KEYS: Final = {
    "provenance": ("provenance_hash",),
    "model": ("model_hash",),
    "forecast": ("forecast_id",),
    "forecast_value": ("forecast_id", "valid_time"),
    "measurement": ("site", "valid_time", "recorded_time"),
    "plan": ("name", "issue_time", "revision"),
    "run": ("run_id",),
}
#: A row for each interval of each issued forecast.
_VIEW: Final = f"""
CREATE VIEW issued AS
SELECT f.site, f.issue_time, v.valid_time, f.recorded_time, f.revision, f.kind, f.fallback_level,
       f.weather_init_time, f.model_hash, v.available_capacity, {", ".join(f"v.{name}" for name in _QUANTILES)}
FROM forecast f JOIN forecast_value v ON v.forecast_id = f.forecast_id
"""  # noqa: S608  (fixed names)
_REFUSE: Final = """
CREATE FUNCTION archive_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'the archive is append-only: % of % is refused', TG_OP, TG_TABLE_NAME; END $$
"""


def upgrade() -> None:
    """Create everything."""
    _create_forecasts()
    _create_others()
    if op.get_bind().dialect.name == "sqlite":
        _protect_sqlite()
    else:
        _use_hypertable()
        _protect_postgresql()
    op.execute(_VIEW)


def _time(name: str, **given: Any) -> sa.Column[Any]:
    """Column of moments; on SQLite ISO text in UTC."""
    return sa.Column(name, sa.DateTime(timezone=True), **({"nullable": False} | given))


def _text(name: str, **given: Any) -> sa.Column[Any]:
    return sa.Column(name, sa.Text, **({"nullable": False} | given))


def _create_forecasts() -> None:
    op.create_table(
        "provenance", _text("provenance_hash", primary_key=True), _time("recorded_time"), _text("attributes")
    )
    op.create_table("model", _text("model_hash", primary_key=True), _time("recorded_time"), _text("manifest"))
    op.create_table(
        "forecast",
        sa.Column("forecast_id", sa.BigInteger, primary_key=True, autoincrement=False),
        _text("site"),
        _time("issue_time"),
        sa.Column("revision", sa.Integer, nullable=False),
        _time("recorded_time"),
        _time("first_valid_time"),
        _time("last_valid_time"),
        _text("kind"),
        sa.Column("capacity", sa.Double),
        sa.Column("fallback_level", sa.Integer, nullable=False),
        _time("weather_init_time", nullable=True),
        _text("model_hash", nullable=True),
        sa.Column("provenance_hash", sa.Text, sa.ForeignKey("provenance.provenance_hash"), nullable=False),
        _text("quantile_levels"),
        _text("number_type"),
        _text("digest"),
        sa.UniqueConstraint("site", "issue_time", "revision"),
    )
    op.create_index("forecast_by_valid_time", "forecast", ["site", "last_valid_time", "first_valid_time"])
    op.create_table(
        "forecast_value",
        sa.Column("forecast_id", sa.BigInteger, sa.ForeignKey("forecast.forecast_id"), primary_key=True),
        _time("valid_time", primary_key=True),
        sa.Column("available_capacity", sa.Double),
        sa.Column("quantiles", sa.LargeBinary, nullable=False),
        *(sa.Column(name, sa.REAL) for name in _QUANTILES),
        sqlite_with_rowid=False,
    )


def _create_others() -> None:
    op.create_table(
        "measurement",
        _text("site", primary_key=True),
        _time("valid_time", primary_key=True),
        _time("recorded_time", primary_key=True),
        _time("published_time", nullable=True),
        sa.Column("power", sa.Double),
        sa.Column("flags", sa.BigInteger, nullable=False),
        sa.Column("interval_seconds", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "plan",
        _text("name", primary_key=True),
        _time("issue_time", primary_key=True),
        sa.Column("revision", sa.Integer, primary_key=True, autoincrement=False),
        _time("recorded_time"),
        _text("digest"),
        _text("tables"),
    )
    op.create_table(
        "run",
        _text("run_id", primary_key=True),
        _text("command"),
        _time("start_time"),
        _time("end_time"),
        sa.Column("exit_code", sa.Integer, nullable=False),
        _text("detail"),
    )


def _protect_sqlite() -> None:
    """Triggers; REPLACE deletes without a trigger, so that a row that is there is refused before."""
    for table, keys in _KEYS.items():
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_refuses_{change.lower()} BEFORE {change} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, 'the archive is append-only: {change} of {table} is refused'); END"
            )
        same = " AND ".join(f"{key} = NEW.{key}" for key in keys)
        held = f"SELECT 1 FROM {table} WHERE {same}"  # noqa: S608  (fixed names)
        op.execute(
            f"CREATE TRIGGER {table}_refuses_replace BEFORE INSERT ON {table} WHEN EXISTS ({held}) "
            f"BEGIN SELECT RAISE(ABORT, 'the archive is append-only: this row of {table} is there'); END"
        )


def _protect_postgresql() -> None:
    op.execute(_REFUSE)
    for table in _KEYS:
        op.execute(
            f"CREATE TRIGGER {table}_refuses BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION archive_refuse()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_refuses_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION archive_refuse()"
        )


def _use_hypertable() -> None:
    """Let TimescaleDB, where the database has it, keep the intervals in chunks of time."""
    if op.get_bind().scalar(sa.text("SELECT to_regproc('create_hypertable') IS NOT NULL")):
        op.execute("SELECT create_hypertable('forecast_value', 'valid_time')")
