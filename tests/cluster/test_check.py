"""Workers are looked at before a study begins, those that join later, too; `--check` prints all that is seen."""

import logging
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import dask
import pytest
import yaml
from command import call, expect_paragraph
from driver import local, wait_until
from tiny import load_tiny_model, write_study

from lstm_analysis.cluster import check
from lstm_analysis.cluster.client import client_of
from lstm_analysis.cluster.late_workers import NAME
from lstm_analysis.cluster.preflight import preflight, refuse_unfit
from lstm_analysis.cluster.watch import replace_lost
from lstm_analysis.cluster.worker_fitness import Expected, unfit
from lstm_analysis.config import load_cluster
from lstm_analysis.errors import UserError
from lstm_analysis.inference.device import describe_device
from lstm_analysis.place_check import check_model
from lstm_analysis.versions import versions

if TYPE_CHECKING:
    from distributed import Client

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Client"]:
    """A client of one worker process, as a cluster file starts it."""
    file = local(tmp_path_factory.mktemp("place"), 1)
    with client_of(load_cluster(file), file) as found:
        yield found


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> pytest.LogCaptureFixture:
    monkeypatch.setattr(logging.getLogger("lstm_analysis"), "propagate", True)
    caplog.set_level("INFO", "lstm_analysis")
    return caplog


def test_the_table_of_a_place_and_a_study(tmp_path: Path) -> None:
    study, runs = write_study(tmp_path / "study"), tmp_path / "runs"
    ended = call("cluster", local(tmp_path, 3), "--check", "--study", study, "--output", runs)
    assert ended.code == 0, ended.out + ended.err
    rows = {line.split()[0]: line.split(maxsplit=2)[1:] for line in ended.out.splitlines()}
    assert list(rows) == ["workers", "versions", "storage", "threads", "device", "malloc", "clock", "memory", "model"]
    assert {verdict for verdict, _ in rows.values()} == {"ok"}, ended.out
    assert rows["workers"][1].startswith("1 on ")
    assert f"python {versions()['python']}, torch {versions()['torch']}" in rows["versions"][1]
    assert rows["threads"][1] == "1 of Dask, 1 of torch, OMP_NUM_THREADS=1"
    assert rows["malloc"][1] == "MALLOC_TRIM_THRESHOLD_=67108864"
    assert re.fullmatch(r"[\d.,]+ GB a worker; the study needs [\d.]+ GB at most", rows["memory"][1])
    assert rows["model"][1] == f"read by the worker, digest {load_tiny_model(study.parent).digest[:12]}"
    assert list(runs.iterdir()) == []


def test_a_preflight_asks_each_worker_once_and_leaves_nothing(
    client: "Client", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, asked = client.run, []
    monkeypatch.setattr(client, "run", lambda function, *a, **k: asked.append(function) or run(function, *a, **k))
    with preflight(client, tmp_path):
        assert asked == [unfit]
        assert [path.name[:11] for path in tmp_path.iterdir()] == [".preflight."]
        assert NAME in plugins(client)
    assert list(tmp_path.iterdir()) == []
    assert NAME not in plugins(client)


def plugins(client: "Client") -> list[str]:
    """Return the plugins of the only worker."""
    (found,) = client.run(lambda dask_worker: list(dask_worker.plugins)).values()
    return found


def test_a_worker_without_the_folder_or_with_other_versions_is_refused(client: "Client", tmp_path: Path) -> None:
    (tmp_path / "token").write_text("mine")
    here = Expected(tmp_path / "token", "mine")
    elsewhere, gone = replace(here, text="of another folder"), replace(here, token=tmp_path / "gone" / "token")
    older = replace(here, versions={**versions(), "torch": "0.1", "zarr": "0.2"})
    assert set(client.run(unfit, here, 0.0).values()) == {""}
    for expected, message in (
        (elsewhere, "does not see what the driver writes to .* must lie on storage that all hosts share"),
        (gone, "does not see what the driver writes to .*gone"),
        (older, "has other versions than the driver: torch .* instead of 0.1, zarr .* instead of 0.2"),
    ):
        with pytest.raises(UserError, match=f"1 of 1 workers cannot do this study: tcp://.*{message}"):
            refuse_unfit(client.run(unfit, expected, 0.0, on_error="return"))


def test_a_worker_that_lacks_the_package_is_refused() -> None:
    answers = {"tcp://a:1": "", "tcp://b:1": ModuleNotFoundError("No", name="lstm_analysis"), "tcp://c:1": OSError("x")}
    with pytest.raises(UserError) as caught:
        refuse_unfit(answers)
    assert "2 of 3 workers cannot do this study: tcp://b:1 lacks the package lstm_analysis" in str(caught.value)
    assert "tcp://c:1 failed: OSError: x" in str(caught.value)


def test_a_run_on_such_a_worker_ends_before_it_begins(
    client: "Client", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, joined = write_study(tmp_path / "study"), tmp_path / "joined.yaml"
    joined.write_text(yaml.safe_dump({"address": client.scheduler.address}))
    monkeypatch.setattr("lstm_analysis.cluster.preflight.Expected", lambda *a: Expected(*a, {"numpy": "1"}))
    ended = call("run", study, "--cluster", joined, "--output", tmp_path / "run")
    assert ended.code == 1
    assert re.search(
        r"1 of 1 workers cannot do this study: tcp\S+ has other versions .* numpy \S+ instead of 1", ended.err
    )
    assert not (tmp_path / "run" / "corpus.zarr").exists()
    assert not list((tmp_path / "run").glob(".preflight*"))


def test_a_worker_that_joins_later_and_is_not_fit_is_let_go_again(
    tmp_path: Path, log: pytest.LogCaptureFixture
) -> None:
    from distributed import Client, LocalCluster

    size = {"n_workers": 1, "threads_per_worker": 1, "processes": False, "dashboard_address": "127.0.0.1:0"}
    with LocalCluster(**size) as cluster, Client(cluster) as client, preflight(client, tmp_path):
        (token,) = tmp_path.glob(".preflight.*")
        cluster.scale(2)
        client.wait_for_workers(2)
        first = set(client.nthreads())
        assert len(first) == 2  # this one is fit
        token.write_text("of a host that does not share the folder")
        cluster.scale(3)
        wait_until(lambda: any("let go" in message for message in log.messages), "word of a worker that left")
        wait_until(lambda: set(client.nthreads()) == first, "end of the third worker")
    (message,) = [message for message in log.messages if "let go" in message]
    assert "does not see what the driver writes to" in message
    assert not any(address in message for address in first)


def test_a_closed_worker_of_a_cluster_of_fixed_size_is_replaced(log: pytest.LogCaptureFixture) -> None:
    from distributed import Client, LocalCluster

    size = {"n_workers": 2, "threads_per_worker": 1, "processes": False, "dashboard_address": "127.0.0.1:0"}
    with (
        dask.config.set({"distributed.deploy.lost-worker-timeout": "10ms"}),
        LocalCluster(**size) as cluster,
        Client(cluster) as client,
    ):
        replace_lost(cluster, lambda: cluster.scale(len(cluster.worker_spec)), seconds=0.05)
        before = set(client.nthreads())
        wait_until(lambda: "replace-lost-workers" in cluster.periodic_callbacks, "watch")
        time.sleep(0.2)  # it has seen both
        cluster.sync(cluster.workers[0].close)
        wait_until(lambda: len(set(client.nthreads()) - before) == 1 and len(client.nthreads()) == 2, "another worker")
    assert "1 of 2 workers lost or not submitted; asking again" in log.messages


def test_what_is_not_as_it_should_be(client: "Client", tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    need = check.check_memory(client, 10**15)
    assert need.verdict == "FAIL"
    assert "the study needs 1,000,000.00 GB" in need.found
    assert check.check_memory(client, None).verdict == "ok"
    two = {"n_thread": 2, "torch_threads": 1, "omp_threads": "1"}
    assert check.check_threads({"a": two}).verdict == "FAIL"
    assert check.check_threads({"a": {**two, "n_thread": 1, "omp_threads": ""}}).verdict == "FAIL"
    assert check.check_malloc({"a": "65536"}).verdict == "note"
    assert check.check_malloc({"a": ""}).verdict == "ok"
    assert check.check_device({"a": RuntimeError("no driver")}).verdict == "FAIL"
    other = check.check_versions(client, {"tcp://a:1": {**versions(), "zarr": "1.0"}})
    assert (other.verdict, other.found) == ("FAIL", f"tcp://a:1 has zarr 1.0 instead of {versions()['zarr']}")
    monkeypatch.setattr(check, "CLOCK_SECONDS", -1.0)
    assert check.check_clock(client).verdict == "note"


def test_storage_that_is_slow_or_not_shared(client: "Client", tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "SHARED_DELAY_SECONDS", -1.0)
    (late,) = check.check_storage(client, tmp_path)
    assert (late.verdict, late.advice[:9]) == ("note", "It works.")
    for step, answer, found in (
        ("read_timed", None, "what the driver wrote is not seen within"),
        ("write", OSError("read-only"), "workers cannot write: read-only"),
    ):
        (row,) = check.check_storage(Answering(client, step, answer), tmp_path)  # type: ignore[arg-type]
        assert row.verdict == "FAIL"
        assert row.found.startswith(found)
    assert list(tmp_path.iterdir()) == []


class Answering:
    """A client whose workers give a certain answer to one function."""

    def __init__(self, client: "Client", name: str, answer: object) -> None:
        self.client, self.name, self.answer = client, name, answer

    def run(self, function: Callable[..., object], *arguments: object, **options: object) -> dict[str, object]:
        if function.__name__ == self.name:
            return {"tcp://a:1": self.answer}
        return self.client.run(function, *arguments, **options)


def test_a_model_that_the_worker_cannot_read(client: "Client", tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_study(tmp_path / "study")
    model = load_tiny_model(tmp_path / "study")
    assert [row.verdict for row in check_model(client, tmp_path, model)] == ["ok"]
    monkeypatch.setattr("lstm_analysis.place_check.save_model", lambda model, path: path.write_bytes(b"no model"))
    (row,) = check_model(client, tmp_path, model)
    assert row.verdict == "FAIL"
    assert row.found.startswith("UserError: ")
    assert not list(tmp_path.glob(".check*"))


def test_a_failed_check_ends_with_1_and_says_what_to_do(
    client: "Client", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    joined = tmp_path / "joined.yaml"
    joined.write_text(yaml.safe_dump({"address": client.scheduler.address}))
    monkeypatch.setattr("lstm_analysis.place_check.describe_device", lambda: 1 / 0)
    ended = call("cluster", joined, "--check", "--output", tmp_path / "runs")
    assert ended.code == 1
    assert "device    FAIL  division by zero\n                -> torch cannot be used there" in ended.out
    assert describe_device()["torch_threads"] >= 1


def test_wrong_usage(tmp_path: Path) -> None:
    place = local(tmp_path, 1)
    expect_paragraph(call("cluster", place, "--print", "--study", tmp_path), 2, "--study and --output go with --check")
    assert call("cluster", place).code == 2
    expect_paragraph(call("cluster", tmp_path / "gone.yaml", "--print"), 2, "gone.yaml cannot be read")
