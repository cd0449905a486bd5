"""Section [operations]: its keys, their defaults, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from energyforecast import configuration
from energyforecast.errors import ConfigurationError

EXAMPLE = Path(__file__).parents[2] / "examples" / "la_haute_borne.toml"


def _read(folder: Path, section: str) -> configuration.Configuration:
    file = folder / "farm.toml"
    file.write_text(EXAMPLE.read_text(encoding="utf-8") + section, encoding="utf-8")
    return configuration.read(file)


def test_a_file_without_the_section_has_the_defaults(tmp_path: Path) -> None:
    held = _read(tmp_path, "").operations
    assert held.folder == tmp_path / "operations"
    assert (held.deadline, held.train_every, held.keep) == (None, pd.Timedelta("7D"), pd.Timedelta("400D"))
    assert (held.promotion_weeks, held.backtest_weeks, held.adapt) == (4, 8, False)


def test_every_key_is_read(tmp_path: Path) -> None:
    held = _read(
        tmp_path,
        '\n[operations]\nfolder = "daily"\ndeadline = "09:30"\ntrain_every = "1D"\ntrain_on_drift = false\n'
        'promotion_weeks = 2\nkeep = "30D"\nalert_command = ["tee", "alerts"]\nadapt = true\n'
        'signature_key_env = "MODEL_KEY"\nbacktest_weeks = 3\n',
    ).operations
    assert held == type(held)(
        folder=tmp_path / "daily",
        deadline="09:30",
        train_every=pd.Timedelta("1D"),
        train_on_drift=False,
        promotion_weeks=2,
        keep=pd.Timedelta("30D"),
        alert_command=("tee", "alerts"),
        signature_key_env="MODEL_KEY",
        adapt=True,
        backtest_weeks=3,
    )


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ('deadlin = "09:30"', "deadline"),
        ('deadline = "half past nine"', "time of day"),
        ('train_every = "-1D"', "positive"),
        ('keep = "ever"', "length of time"),
        ("promotion_weeks = 0", "promotion_weeks"),
        ("alert_command = []", "alert_command"),
        ('alert_command = "mail"', "alert_command"),
        ('signature_key_env = "s3cret-key"', "environment"),
    ],
)
def test_a_wrong_key_or_value_is_refused(tmp_path: Path, line: str, word: str) -> None:
    with pytest.raises(ConfigurationError, match=word) as caught:
        _read(tmp_path, f"\n[operations]\n{line}\n")
    assert "s3cret" not in str(caught.value)
