"""Keys of the environment are found nowhere after runs: no file, no log at DEBUG, no database, no traceback."""

from __future__ import annotations

import base64
import io
import json
import os
import subprocess
import sys
import urllib.parse
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import postgresql
from tests.support.control_room import ControlRoom, portfolio
from tests.support.replay import Answer, Request, only

pytest.importorskip("sqlalchemy")
pytestmark = pytest.mark.faults

ROOT = Path(__file__).parents[2]
KEYS = {
    "CANARY_WEATHER": "canary+weather/7f3a9c",
    "CANARY_DATABASE": "canary@database:5d21e8",
    "CANARY_SIGNATURE": "canary signature c40b6f",
}
#: Runs with all loggers at DEBUG, then the faults whose errors could hold a key, with their tracebacks.
SCRIPT = """
import logging, sys, traceback
logging.basicConfig(level=logging.DEBUG, filename="debug.log")
logging.captureWarnings(True)
import pandas as pd
from energyforecast import configuration
from energyforecast.operations import daily_run
config, moment = sys.argv[1:]
settings = configuration.read(config)
for hours in (0, 24):
    record = daily_run(settings, clock=lambda: pd.Timestamp(moment) + pd.Timedelta(hours, "h"))
    print(record)
for fault in (
    lambda: settings.source().get_run(settings.sites, pd.Timestamp("2024-03-02", tz="UTC")),
    lambda: settings.archive().runs(),
    lambda: repr((settings, settings.source(), settings.store())),
):
    try:
        print(fault())
    except Exception:
        traceback.print_exc()
print(settings.operations, settings.sections)
"""


def _forms(key: str) -> set[bytes]:
    """A key as it is, and as addresses and headers write it."""
    plain = key.encode()
    return {
        plain,
        urllib.parse.quote(key, safe="").encode(),
        urllib.parse.quote_plus(key).encode(),
        json.dumps(key).strip('"').encode(),
        base64.b64encode(plain).rstrip(b"="),
        plain.hex().encode(),
    }


def _contents(content: bytes, name: str) -> Iterator[tuple[str, bytes]]:
    """A content, and those of the files inside it if it is an archive."""
    yield name, content
    if content[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(content)) as held:
            for item in held.namelist():
                yield from _contents(held.read(item), f"{name}/{item}")


def _found(folder: Path, keys: dict[str, str]) -> list[str]:
    """Places in a folder that hold a key in any form."""
    forms = {form: key for key, text in keys.items() for form in _forms(text)}
    return [
        f"{key} in {name}"
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        for name, content in _contents(path.read_bytes(), path.relative_to(folder).as_posix())
        for form, key in forms.items()
        if form in content
    ]


def _echo(answer: Answer, request: Request) -> Answer:
    """A server that refuses, and repeats the key that it was sent."""
    text = json.dumps({"error": True, "reason": f"Invalid apikey: {request.headers.get('X-Api-Key')}"})
    return Answer(text.encode(), 401)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[tuple[str, str | None]]:
    """Section [archive], and the address of a server if it is one."""
    if request.param == "sqlite":
        yield "", None
        return
    with postgresql.server() as server, postgresql.database(server) as address:
        yield f'\n[archive]\naddress = "{address}"\npassword_env = "CANARY_DATABASE"\n', address


def test_keys_are_found_nowhere_after_runs(tmp_path: Path, database: tuple[str, str | None]) -> None:
    section, address = database
    keys = {"signature_key_env": "CANARY_SIGNATURE", "promotion_weeks": 1, "backtest_weeks": 1}
    held = portfolio(start="2024-03-01", days=5, history=10)
    room = ControlRoom(tmp_path / "room", held, start="2024-03-01", source="open-meteo", keys=keys)
    room.further = section
    (tmp_path / "out").mkdir()
    with room:
        text = room.config.read_text().replace(
            "[observations]", 'api_key_env = "CANARY_WEATHER"\n\n[observations]'
        )
        room.config.write_text(text)
        room.export()
        room.server.always(only(lambda request: (request.one("run") or "") > "2024-03-01", _echo))
        environment = {**os.environ, **KEYS, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, str(room.config), str(room.now)],
            cwd=tmp_path / "out",
            env=environment,
            capture_output=True,
            timeout=300,
            check=False,
        )
        asked = [request.headers.get("X-Api-Key") for request in room.server.requests]
    (tmp_path / "out" / "stdout").write_bytes(done.stdout)
    (tmp_path / "out" / "stderr").write_bytes(done.stderr)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    assert set(asked) == {KEYS["CANARY_WEATHER"]}, "the key was not used"
    log = (tmp_path / "out" / "debug.log").read_text(encoding="utf-8", errors="replace")
    assert "urllib3" in log
    assert "Traceback" in done.stderr.decode()
    assert list((room.operations / "models").rglob("*")), done.stdout.decode()
    if address is not None:
        (tmp_path / "out" / "database").write_text(_dumped(address))
    assert _found(tmp_path, KEYS) == []


def _dumped(address: str) -> str:
    """Every row of a database as text."""
    import psycopg

    with psycopg.connect(address) as connection:
        tables = connection.execute(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        assert tables
        rows = [
            str(row)
            for (name,) in tables
            for row in connection.execute(f"SELECT t::text FROM {name} t").fetchall()  # type: ignore[arg-type,unused-ignore]
        ]
    assert rows
    return "\n".join(rows)


@pytest.mark.parametrize("form", sorted(_forms("canary+weather/7f3a9c")))
def test_a_key_inside_an_archive_is_found(tmp_path: Path, form: bytes) -> None:
    """The search itself: a key in a file of a compressed archive."""
    with zipfile.ZipFile(tmp_path / "model.forecaster", "w", zipfile.ZIP_DEFLATED) as held:
        held.writestr("manifest.json", b"x" * 1000 + form + b"y" * 1000)
    assert _found(tmp_path, KEYS) == ["CANARY_WEATHER in model.forecaster/manifest.json"]
