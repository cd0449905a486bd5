"""Commands train and models: from a configuration on disk, with exit codes and answers in JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from energyforecast.cli import main
from tests.support.farm_configuration import farm_configuration

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs a command in a folder; exit code, output on one line, and errors."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["energyforecast", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return (ended.value.code if isinstance(ended.value.code, int) else 0), " ".join(out.split()), err

    return run


@pytest.mark.slow
def test_train_list_promote_and_roll_back(command: Command, tmp_path: Path) -> None:
    farm_configuration(tmp_path)
    code, out, err = command("train", "farm.toml", "--as-of", "2024-03-14 09:00", "--json", "first.json")
    assert code == 0, err
    assert out.startswith("No model has been trained yet.")
    assert "Backtest of" in out
    answer = json.loads((tmp_path / "first.json").read_text(encoding="utf-8"))
    assert (answer["due"], answer["promoted"]) == (True, True)
    name = answer["model"]["name"]
    assert (tmp_path / "operations" / "models" / name / "manifest.json").exists()

    again = command("train", "farm.toml", "--as-of", "2024-03-15 09:00")
    assert again == (0, "No training is due. With --force one is made.", "")
    code, out, err = command("train", "farm.toml", "--as-of", "2024-03-15 09:00", "--force", "--json", "-")
    assert code == 0, err
    second = json.loads(out)["model"]["name"]

    assert command("models", "rollback", "farm.toml") == (0, f"{name} is in service again.", "")
    code, _, err = command("models", "rollback", "farm.toml")
    assert code == 1
    assert "No model that is whole was in service before" in err
    assert command("models", "promote", "farm.toml", second) == (0, f"{second} is in service.", "")
    code, _, err = command("models", "promote", "farm.toml", "other")
    assert code == 1
    assert "There is no model 'other'" in err

    code, out, _ = command("models", "list", "farm.toml", "--json", "-")
    content = json.loads(out)
    assert (code, content["in_service"]) == (0, second)
    assert [model["name"] for model in content["models"]] == [name, second]
    (tmp_path / "operations" / "models" / second / "model.forecaster").write_bytes(b"")
    code, out, _ = command("models", "list", "farm.toml")
    assert code == 3
    assert f"The model {second} is damaged: model.forecaster was altered, or cut." in out


@pytest.mark.slow
def test_a_key_of_the_environment_signs_and_verifies(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    farm_configuration(tmp_path, days=40, operations='signature_key_env = "MODEL_KEY"')
    train = ("train", "farm.toml", "--as-of", "2024-02-05 09:00")
    code, _, err = command(*train)
    assert code == 1
    assert "signature_key_env is 'MODEL_KEY', and the environment has no such variable." in err
    key = "0123456789abcdef0123"
    monkeypatch.setenv("MODEL_KEY", key)
    done = command(*train)
    assert done[0] == 0, done[2]
    assert command("models", "list", "farm.toml")[0] == 0
    monkeypatch.setenv("MODEL_KEY", "another key of 16 bytes")
    code, out, _ = command("models", "list", "farm.toml")
    assert code == 3
    assert "is signed with another key" in out
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(key.encode() in content for content in files)
    assert key not in "".join(map(str, done)) + out
