"""Registry of models: whole or not there, the one before answers for a damaged one, and it says which."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import energyforecast as ef
from energyforecast.errors import (
    ConfigurationError,
    DependencyError,
    FileFormatError,
    MissingDataError,
    SchemaError,
    StoreError,
)
from energyforecast.forecasting import storage
from energyforecast.operations import (
    ModelRecord,
    Registry,
    RunFolder,
    is_signed_by,
    key_from_environment,
    sign,
)
from energyforecast.operations import registry as registries
from energyforecast.operations.model_summary import model_in_service
from energyforecast.operations.run_steps import Run
from energyforecast.operations.served_model import RegistryOfRun
from energyforecast.operations.service_state import in_service_since
from energyforecast.operations.verifying import _since
from energyforecast.testing import example_observations
from tests.support.error_messages import three_lines

KEY = b"a key of an organisation"
FARM = ef.WindFarm(name="farm", latitude=43.64, longitude=78.54, capacity=60, hub_height=90)
TASK = ef.day_ahead("09:00", timezone="UTC", quantiles=(0.1, 0.5, 0.9))


def _fitted(days: int) -> ef.Forecaster:
    """Climatology of so many days: another model for another number."""
    return ef.Forecaster(FARM, TASK, model=ef.Climatology()).fit(None, example_observations(days))


FITTED = {days: _fitted(days) for days in (10, 20, 30)}


def _day(day: int) -> pd.Timestamp:
    return pd.Timestamp(f"2024-02-{day:02} 09:00", tz="UTC")


def _registry(
    folder: Path, *, key: bytes | None = None, count: int = 2
) -> tuple[Registry, list[ModelRecord]]:
    """A registry with models of one week after the other, the last in service."""
    registry = Registry(folder / "models", key=key)
    records = []
    for number, days in enumerate(list(FITTED)[:count]):
        records.append(registry.add(FITTED[days], as_of=_day(1 + 7 * number)))
        registry.put_in_service(records[-1].name)
    return registry, records


def _forecast(forecaster: ef.Forecaster) -> np.ndarray:
    return forecaster.predict(None, example_observations(), issue_time="2024-01-02 09:00").data.values


# --- In service, and back ---------------------------------------------------------------------------


def test_the_newest_answers_and_one_command_goes_back(tmp_path: Path) -> None:
    registry, (first, second) = _registry(tmp_path)
    assert [record.name for record in registry.records()] == [first.name, second.name]
    served = registry.served()
    assert served is not None
    assert (served.record.name, served.refused) == (second.name, ())
    np.testing.assert_array_equal(_forecast(served.forecaster), _forecast(FITTED[20]))
    assert registry.roll_back().name == first.name
    np.testing.assert_array_equal(_forecast(registry.load()), _forecast(FITTED[10]))
    np.testing.assert_array_equal(_forecast(registry.load(second.name)), _forecast(FITTED[20]))
    with pytest.raises(MissingDataError) as error:
        registry.roll_back()
    three_lines(error.value)


def test_the_file_names_the_one_before(tmp_path: Path) -> None:
    registry, (first, second) = _registry(tmp_path)
    state = json.loads((registry.folder / "in_service.json").read_text(encoding="utf-8"))
    assert (state["name"], state["previous"], state["since"]) == (
        second.name,
        first.name,
        "2024-02-08 09:00:00",
    )


def test_an_empty_registry_says_what_to_do(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "models")
    assert (registry.records(), registry.damaged(), registry.in_service()) == ((), {}, None)
    for call in (registry.load, registry.roll_back, lambda: registry.put_in_service("other")):
        with pytest.raises((MissingDataError, FileFormatError)) as error:
            call()
        three_lines(error.value)
    assert not registry.folder.exists()


@pytest.mark.parametrize("name", ["..", ".", "", "a/b", "../models"])
def test_a_name_is_no_path(tmp_path: Path, name: str) -> None:
    registry, _ = _registry(tmp_path)
    with pytest.raises(FileFormatError, match="There is no model"):
        registry.load(name)


def test_adding_the_same_again_changes_nothing(tmp_path: Path) -> None:
    registry, (_, second) = _registry(tmp_path)
    before = second.path.stat().st_mtime_ns
    assert registry.add(FITTED[20], as_of=_day(8)) == second
    assert second.path.stat().st_mtime_ns == before
    assert len(registry.records()) == 2


def test_a_damaged_folder_gives_way_when_the_model_is_added_again(tmp_path: Path) -> None:
    registry, (_, second) = _registry(tmp_path)
    second.path.write_bytes(b"")
    assert registry.add(FITTED[20], as_of=_day(8)).name == second.name
    assert registry.damaged() == {}


def test_another_that_was_promoted_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    registry, (first, second) = _registry(tmp_path)
    third = registry.add(FITTED[30], as_of=_day(15))
    with pytest.raises(SchemaError, match=f"compared with {first.name}, and {second.name} is in service"):
        registry.put_in_service(third.name, instead_of=first.name)
    registry.put_in_service(third.name, instead_of=second.name)
    assert registry.in_service() == third


def test_pruning_keeps_the_one_in_service_and_the_one_before(tmp_path: Path) -> None:
    registry, records = _registry(tmp_path, count=3)
    gone = registry.prune(keep=pd.Timedelta("1D"), as_of=_day(29))
    assert gone == (records[0].name,)
    assert [record.name for record in registry.records()] == [records[1].name, records[2].name]
    assert registry.roll_back() == records[1]


@pytest.mark.parametrize("content", [None, "", "{", '{"name": 3}'])
def test_pruning_keeps_the_one_that_answers_where_the_file_of_the_service_is_damaged(
    tmp_path: Path, content: str | None
) -> None:
    registry, records = _registry(tmp_path, count=3)
    (registry.folder / "in_service.json").unlink()
    if content is not None:
        (registry.folder / "in_service.json").write_text(content, encoding="utf-8")
    registry.prune(keep=pd.Timedelta("1D"), as_of=_day(29))
    assert registry.in_service() == records[2]


def test_pruning_keeps_the_one_that_answers_for_two_that_are_damaged(tmp_path: Path) -> None:
    registry, records = _registry(tmp_path, count=3)
    for record in records[1:]:
        _flip(record.path)
    assert registry.prune(keep=pd.Timedelta("1D"), as_of=_day(29)) == ()
    assert registry.in_service() == records[0]


# --- Damage -----------------------------------------------------------------------------------------


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def _other_number(path: Path) -> None:
    path.write_text(
        path.read_text(encoding="utf-8").replace('"origins": 20', '"origins": 21'), encoding="utf-8"
    )


DAMAGE: dict[str, Callable[[Path], object]] = {
    "a bit of the model": lambda folder: _flip(folder / "model.forecaster"),
    "the model cut": lambda folder: os.truncate(folder / "model.forecaster", 100),
    "no model": lambda folder: (folder / "model.forecaster").unlink(),
    "the manifest cut": lambda folder: os.truncate(folder / "manifest.json", 200),
    "the manifest empty": lambda folder: os.truncate(folder / "manifest.json", 0),
    "no manifest": lambda folder: (folder / "manifest.json").unlink(),
    "a number of the manifest": lambda folder: _other_number(folder / "manifest.json"),
    "the manifest a list": lambda folder: (folder / "manifest.json").write_text("[1]"),
    "the manifest deep": lambda folder: (folder / "manifest.json").write_text("[" * 100_000),
    "another format": lambda folder: (folder / "manifest.json").write_text('{"format": "x"}'),
    "an empty folder": lambda folder: [item.unlink() for item in folder.iterdir()],
    "the folder gone": shutil.rmtree,
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_model_is_never_loaded_and_the_one_before_answers(
    tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    registry, (first, second) = _registry(tmp_path)
    damage(second.folder)
    with pytest.raises(FileFormatError) as error:
        registry.load(second.name)
    three_lines(error.value)
    served = registry.served()
    assert served is not None
    assert served.record.name == first.name
    assert [line.partition(":")[0] for line in served.refused] == [second.name]
    np.testing.assert_array_equal(_forecast(registry.load()), _forecast(FITTED[10]))
    assert [record.name for record in registry.records()] == [first.name]


def test_a_folder_under_another_name_is_refused(tmp_path: Path) -> None:
    registry, (first, second) = _registry(tmp_path)
    shutil.rmtree(second.folder)
    first.folder.rename(second.folder)  # an older model in place of the newest
    assert registry.damaged().keys() == {second.name}
    assert registry.served() is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": "other"}', '{"name": 3}'])
def test_without_the_file_of_the_service_the_newest_that_was_fit_answers(
    tmp_path: Path, content: str
) -> None:
    registry, (_, second) = _registry(tmp_path)
    registry.add(FITTED[30], as_of=_day(15), about={"promotion": {"promoted": False}})
    (registry.folder / "in_service.json").write_text(content)
    served = registry.served()
    assert served is not None
    assert served.record.name == second.name
    assert served.refused == ("in_service.json is damaged: the newest model that was found fit answers.",)


def test_a_model_of_a_newer_library_is_refused_with_the_remedy(tmp_path: Path) -> None:
    registry, (first, second) = _registry(tmp_path)
    path = second.folder / "manifest.json"
    path.write_text(
        path.read_text(encoding="utf-8").replace('"schema": 1', '"schema": 2', 1), encoding="utf-8"
    )
    with pytest.raises(FileFormatError, match="Install the newer version"):
        registry.record(second.name)
    assert registry.in_service() == first


def test_a_full_or_forbidden_folder_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file")
    with pytest.raises(StoreError) as error:
        Registry(tmp_path / "models").add(FITTED[10], as_of=_day(1))
    three_lines(error.value)


# --- Signatures -------------------------------------------------------------------------------------


def test_the_signature_is_that_of_the_standard() -> None:
    """Test case 1 of RFC 4231."""
    signature = sign(b"Hi There", key=b"\x0b" * 20)
    assert signature == "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
    assert is_signed_by(b"Hi There", signature, key=b"\x0b" * 20)
    for other in (None, 3, "", signature[:-1], signature.upper(), "é" * 64):
        assert not is_signed_by(b"Hi There", other, key=b"\x0b" * 20)


def test_unsigned_and_wrongly_signed_models_are_refused_where_there_is_a_key(tmp_path: Path) -> None:
    registry, (first, second) = _registry(tmp_path, key=KEY)
    assert first.signed
    assert registry.in_service() == second
    unsigned, _ = _registry(tmp_path / "unsigned")
    other = Registry(registry.folder, key=b"the key of somebody else")
    for refusing, words in ((Registry(unsigned.folder, key=KEY), "is not signed"), (other, "another key")):
        assert refusing.served() is None
        assert len(refusing.damaged()) == 2
        assert all(words in reason for reason in refusing.damaged().values())
    assert (
        Registry(registry.folder).in_service() is not None
    )  # without a key the checksums alone are compared


def test_who_alters_a_model_and_writes_the_checksums_anew_lacks_the_key(tmp_path: Path) -> None:
    registry, (first, second) = _registry(tmp_path, key=KEY)
    name, forger = second.name, Registry(tmp_path / "forged")
    forged = forger.add(FITTED[20], as_of=_day(8))
    shutil.rmtree(second.folder)
    shutil.copytree(forged.folder, second.folder)
    assert Registry(registry.folder).in_service().name == name  # type: ignore[union-attr]
    served = registry.served()
    assert served is not None
    assert served.record.name == first.name


def test_the_key_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_KEY", KEY.decode())
    assert key_from_environment("MODEL_KEY") == KEY
    for value in (None, "", "a short key"):
        monkeypatch.delenv("MODEL_KEY") if value is None else monkeypatch.setenv("MODEL_KEY", value)
        with pytest.raises(ConfigurationError) as error:
            key_from_environment("MODEL_KEY")
        three_lines(error.value)
        assert not value or value not in str(error.value)
        monkeypatch.setenv("MODEL_KEY", KEY.decode())


def test_no_representation_has_the_key(tmp_path: Path) -> None:
    registry, _ = _registry(tmp_path, key=KEY)
    texts = [repr(registry), *(path.read_text("utf-8") for path in registry.folder.rglob("*.json"))]
    assert not any(KEY.decode() in text for text in texts)


# --- Two at once, and killed ------------------------------------------------------------------------


def test_two_that_add_and_promote_at_once_lose_nothing(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "models")
    errors: list[Exception] = []

    def work(days: int) -> None:
        try:
            for day in range(1, 8):
                registry.put_in_service(registry.add(FITTED[days], as_of=_day(day)).name)
        except (OSError, FileFormatError) as error:
            errors.append(error)

    workers = [threading.Thread(target=work, args=(days,)) for days in (10, 20, 10, 20)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert errors == []
    assert len(registry.records()) == 14
    assert registry.damaged() == {}
    state = json.loads((registry.folder / "in_service.json").read_text(encoding="utf-8"))
    assert len({state["name"], *state["history"]}) == 14
    assert [item.name for item in registry.folder.iterdir() if item.name.startswith(".")] == []


#: Forks a process that adds and promotes models, and kills it, again and again; imports once.
_KILLS = """
import os, random, signal, sys, time
from pathlib import Path
import pandas as pd
import energyforecast as ef
from energyforecast.operations import Registry
registry, forecaster = Registry(Path(sys.argv[1])), ef.load(sys.argv[2])
random.seed(0)
for number in range(20):
    child = os.fork()
    if child == 0:
        for minute in range(10_000):
            moment = pd.Timestamp("2024-03-01", tz="UTC") + pd.Timedelta(number * 10_000 + minute, "min")
            added = registry.add(forecaster, as_of=moment, about={"filling": "x" * 200_000})
            registry.put_in_service(added.name)
    time.sleep(random.uniform(0.02, 0.5))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    served = registry.served()
    print(len(registry.records()), len(registry.damaged()), served.refused == (), flush=True)
"""


@pytest.mark.faults
def test_kills_while_models_are_added_leave_whole_ones_alone(tmp_path: Path) -> None:
    registry, _ = _registry(tmp_path)
    stored = FITTED[30].save(tmp_path / "farm.forecaster")
    arguments = [sys.executable, "-c", _KILLS, str(registry.folder), str(stored)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True, timeout=300)
    rows = [line.split() for line in done.stdout.splitlines()]
    assert len(rows) == 20
    assert {tuple(row[1:]) for row in rows} == {("0", "True")}
    counts = [int(row[0]) for row in rows]
    assert counts == sorted(counts)  # none that was there is lost
    assert counts[-1] > 5  # on a busy machine few are written before a kill
    in_service = registry.in_service()
    assert in_service is not None
    # Of each process at most the last is not in service: it was killed between adding and putting in service.
    later = [record.as_of for record in registry.records() if record.as_of > in_service.as_of]
    processes = [
        (moment - pd.Timestamp("2024-03-01", tz="UTC")) // pd.Timedelta(10_000, "min") for moment in later
    ]
    assert len(set(processes)) == len(later)
    old = list(registry.folder.glob(".part-*"))
    for left in old:
        os.utime(left, (0, 0))
    # What killed processes have left is removed when it is a day old.
    registry.add(FITTED[10], as_of=_day(28))
    assert list(registry.folder.glob(".part-*")) == []


# --- As one run sees it -----------------------------------------------------------------------------


def _unreadable(monkeypatch: pytest.MonkeyPatch, error: Exception) -> set[str]:
    """Names of models of which the reading fails, to be filled."""
    names: set[str] = set()

    def load(path: Path) -> ef.Forecaster:
        if path.parent.name in names:
            raise error
        return storage.load(path)

    monkeypatch.setattr(registries, "storage", SimpleNamespace(load=load, dump=storage.dump))
    return names


@pytest.mark.parametrize(
    "error",
    [
        OSError(5, "Input/output error"),
        MemoryError("8 GB"),
        DependencyError("No lightgbm.", "It.", "Install it."),
    ],
)
def test_a_model_that_cannot_be_read_now_is_named_and_the_one_before_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    registry, (first, second) = _registry(tmp_path)
    names = _unreadable(monkeypatch, error)
    names.add(second.name)
    served = registry.served()
    assert served is not None
    assert served.record == first
    assert second.name in served.refused[0]
    assert registry.refused() == served.refused
    assert registry.roll_back() == first
    names.add(first.name)
    assert registry.served() is None
    assert [line.split(":")[0] for line in registry.refused()] == [first.name, second.name]
    with pytest.raises(MissingDataError, match=first.name):
        registry.load()


def test_after_an_error_of_another_kind_a_run_goes_on_without_a_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry, (_, second) = _registry(tmp_path)
    of_run = RegistryOfRun(registry.folder)
    _unreadable(monkeypatch, KeyError("x")).add(second.name)
    with pytest.raises(KeyError):
        of_run.served()
    assert of_run.served() is None


def test_a_rollback_while_a_model_is_trained_is_not_overridden(tmp_path: Path) -> None:
    registry, (first, second) = _registry(tmp_path)
    of_run = RegistryOfRun(registry.folder)
    assert of_run.in_service() == second
    third = of_run.add(FITTED[30], as_of=_day(15))
    registry.roll_back()
    with pytest.raises(SchemaError, match=f"compared with {second.name}, and {first.name} is in service"):
        of_run.put_in_service(third.name, instead_of=second.name)
    assert of_run.in_service() == registry.in_service() == first
    of_run.put_in_service(third.name, instead_of=first.name)
    assert of_run.in_service() == third


def test_since_is_the_moment_of_the_rollback(tmp_path: Path) -> None:
    registry, (first, second) = _registry(tmp_path)
    assert in_service_since(registry.folder, second.name) == _day(8)
    registry.roll_back(since=_day(20))
    assert in_service_since(registry.folder, first.name) == _day(20)
    assert in_service_since(registry.folder, second.name) is None
    summary = model_in_service(RunFolder(tmp_path))
    assert summary is not None
    assert (summary.name, summary.since) == (first.name, _day(20))
    (registry.folder / "in_service.json").write_text("{")
    assert in_service_since(registry.folder, first.name) is None


def test_a_run_blames_a_model_for_no_forecast_from_before_its_service(tmp_path: Path) -> None:
    registry, (_, second) = _registry(tmp_path)
    registry.roll_back(since=_day(20))

    def since() -> pd.Timestamp | None:
        given: Any = {"settings": None, "clock": lambda: _day(25), "deadline": None}
        return _since(Run(folder=RunFolder(tmp_path), registry=RegistryOfRun(registry.folder), **given))

    assert since() == _day(20)
    registry.put_in_service(second.name, since=_day(22))
    _flip(second.path)
    assert since() == _day(25)  # until now the one that is refused has answered
