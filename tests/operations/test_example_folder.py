"""The files of examples/operations: what they start exists, and they take no more rights than they need."""

from __future__ import annotations

import configparser
import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from energyforecast.cli.application import app

FOLDER = Path(__file__).parents[2] / "examples" / "operations"


def _unit(name: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, strict=True)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string((FOLDER / name).read_text(encoding="utf-8"))
    return parser


def _is_command(words: list[str]) -> bool:
    """Whether the command line knows a command and its options."""
    assert words[0].endswith("energyforecast")
    shown = CliRunner().invoke(app, [words[1], "--help"], env={"COLUMNS": "200", "NO_COLOR": "1"})
    options = [word for word in words if word.startswith("--")]
    return shown.exit_code == 0 and all(option in shown.output for option in options)


def test_the_service_runs_without_rights_it_does_not_need() -> None:
    service = _unit("energyforecast.service")["Service"]
    assert _is_command(shlex.split(service["ExecStart"]))
    assert service["Type"] == "oneshot"
    assert service["User"] not in ("", "root")
    assert service["ProtectSystem"] == "strict"
    assert service["ReadWritePaths"] == service["WorkingDirectory"] == "/var/lib/energyforecast"
    assert service["SuccessExitStatus"] == "3"
    timer = _unit("energyforecast.timer")
    assert timer["Install"]["WantedBy"] == "timers.target"
    assert re.fullmatch(r"\*-\*-\* \d\d:\d\d:\d\d \w+/\w+", timer["Timer"]["OnCalendar"])


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here")
@pytest.mark.parametrize("name", ["energyforecast.service", "energyforecast.timer"])
def test_systemd_takes_the_units(name: str, tmp_path: Path) -> None:
    for unit in FOLDER.glob("energyforecast.*"):
        text = unit.read_text(encoding="utf-8").replace("/opt/energyforecast/bin/energyforecast", "/bin/true")
        (tmp_path / unit.name).write_text(text, encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", tmp_path / name],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert name not in done.stderr


def test_lines_of_cron_are_whole() -> None:
    lines = (FOLDER / "crontab").read_text(encoding="utf-8").splitlines()
    jobs = [line for line in lines if re.match(r"[\d*]", line)]
    assert len(jobs) == 2
    for job in jobs:
        *fields, command = job.split(maxsplit=5)
        assert all(re.fullmatch(r"\*|\d+", field) for field in fields)
        assert "%" not in command, "cron takes it for a new line"
        called = command.partition("&& ")[2].partition(" >>")[0]
        assert _is_command(shlex.split(called))


def test_the_container_is_not_root_and_writes_to_its_data_alone() -> None:
    text = (FOLDER / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    steps = [line.split(maxsplit=1) for line in text.splitlines() if line and not line.startswith("#")]
    assert {word for word, _ in steps} <= {
        *("FROM", "COPY", "RUN", "ENV", "USER", "WORKDIR", "VOLUME", "STOPSIGNAL", "ENTRYPOINT", "CMD")
    }
    last = len(steps) - 1 - [word for word, _ in steps][::-1].index("FROM")
    final = dict(steps[last:])
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", final["USER"])
    assert final["VOLUME"] == '["/data"]'
    assert "--read-only" in text
    assert "--cap-drop ALL" in text
    order = [word for word, _ in steps[last:]]
    assert order.index("USER") > order.index("RUN"), "what is installed belongs to root"
    words = [*json.loads(final["ENTRYPOINT"]), *json.loads(final["CMD"])]
    assert _is_command(words)
    assert not re.search(r"(?i)(password|token|secret|api_key)\s*=", text)


def test_the_walk_through_names_files_that_exist() -> None:
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    for name in ("energyforecast.service", "energyforecast.timer", "crontab", "Dockerfile"):
        assert f"`{name}`" in text or f" {name}" in text
        assert (FOLDER / name).is_file()
    for link in re.findall(r"\]\((\S+?)\)", text):
        assert (FOLDER / link).is_file(), link
