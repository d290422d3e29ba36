"""A scheduler that encrypts: joined with the right files, refused in words with any others."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from certificates import write_certificates
from command import call
from distributed import LocalCluster
from driver import LOOPBACK, SCRIPTS, SECONDS, wait_until

from lstm_analysis.cluster import client as client_module
from lstm_analysis.cluster import connect, open_client
from lstm_analysis.config import load_cluster
from lstm_analysis.errors import UsageError, UserError

pytestmark = pytest.mark.cluster

Files = dict[str, Path]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tls")


@pytest.fixture(scope="module")
def files(folder: Path) -> Files:
    return write_certificates(folder, "ours")


@pytest.fixture(scope="module")
def scheduler(folder: Path, files: Files) -> Iterator[str]:
    """The address of a scheduler with one worker, which talk in TLS alone."""
    tls = ["--tls-ca-file", files["ca"], "--tls-cert", files["cert"], "--tls-key", files["key"]]
    file = ["--scheduler-file", folder / "scheduler.json"]
    dask = [sys.executable, SCRIPTS / "dask"]
    commands = [
        [*dask, "scheduler", "--host", LOOPBACK, "--port", "0", "--no-dashboard", *file, *tls],
        [*dask, "worker", "--nthreads", "1", "--no-dashboard", "--local-directory", folder, *file, *tls],
    ]
    with (folder / "dask.log").open("ab") as log:
        processes = [subprocess.Popen([*map(str, command)], stdout=log, stderr=log) for command in commands]
    try:
        wait_until(lambda: (folder / "scheduler.json").exists(), "scheduler file")
        yield str(yaml.safe_load((folder / "scheduler.json").read_text())["address"])
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.wait(SECONDS)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "JOIN_SECONDS", 2)


def place(folder: Path, address: str, files: Files | None) -> Path:
    """Write the cluster file of a running scheduler; its files are named as they lie beside it."""
    security = {"tls_ca_file": "ca", "tls_client_cert": "cert", "tls_client_key": "key"}
    content: dict[str, object] = {"address": address}
    if files:
        content["security"] = {key: files[what].name for key, what in security.items()}
    file = folder / "place.yaml"
    file.write_text(yaml.safe_dump(content))
    return file


def refusal(file: Path) -> str:
    """Return why a scheduler is not joined, in one line."""
    with pytest.raises(UserError) as caught:
        connect(file)
    assert caught.value.exit_code == 1
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_with_the_right_files_it_is_joined(folder: Path, files: Files, scheduler: str) -> None:
    assert scheduler.startswith("tls://")
    with open_client(place(folder, scheduler, files), folder) as client:
        assert client.submit(sum, [1, 2]).result() == 3
        assert all(address.startswith("tls://") for address in client.nthreads())
    beside = folder / "beside.yaml"
    content = yaml.safe_load((folder / "place.yaml").read_text())
    beside.write_text(yaml.safe_dump({"scheduler_file": "scheduler.json", "security": content["security"]}))
    with open_client(beside) as client:
        assert client.scheduler.address == scheduler


def test_without_them_it_is_not(folder: Path, files: Files, scheduler: str) -> None:
    plain = scheduler.replace("tls://", "tcp://")
    assert "speaks TLS only. Write address: tls://" in refusal(place(folder, plain, None))
    assert "speaks TLS only. Write address: tls://" in refusal(place(folder, plain, files))
    assert "but no security. Give security: {tls_ca_file," in refusal(place(folder, scheduler, None))


def test_with_those_of_another_authority_it_is_not(folder: Path, files: Files, scheduler: str) -> None:
    other = write_certificates(folder, "other")
    wrong_authority, wrong_client = {**files, "ca": other["ca"]}, {**other, "ca": files["ca"]}
    assert "do not trust each other (its certificate: " in refusal(place(folder, scheduler, wrong_authority))
    assert re.search(r"do not trust each other \(.*unknown ca", refusal(place(folder, scheduler, wrong_client)))


def test_a_missing_file_is_named(folder: Path, files: Files) -> None:
    gone = {**files, "key": folder / "gone.pem"}
    with pytest.raises(
        UsageError, match=r"security\.tls_client_key is .*gone\.pem, which cannot be read \(No such file"
    ):
        connect(place(folder, "tls://127.0.0.1:1", gone))


def test_a_scheduler_without_tls_or_none_at_all_is_told_apart(folder: Path, files: Files) -> None:
    for nowhere in ("tcp://127.0.0.1:1", "tcp://no-such-host.invalid:1"):
        message = refusal(place(folder, nowhere, None))
        assert f"({nowhere}) did not answer: Timed out trying to connect to {nowhere} after 2 s." in message
    with LocalCluster(n_workers=0, processes=True, dashboard_address=f"{LOOPBACK}:0") as cluster:
        address = cluster.scheduler_address
        for wrong in (address, address.replace("tcp://", "tls://")):
            assert f"The scheduler at {wrong} does not speak TLS." in refusal(place(folder, wrong, files))


def test_a_cluster_that_is_started_can_encrypt(folder: Path, files: Files) -> None:
    names = ("client", "scheduler", "worker")
    security = {f"tls_{role}_{what}": files[what].name for role in names for what in ("cert", "key")}
    kwargs = {
        "n_workers": 1,
        "processes": False,
        "dashboard_address": f"{LOOPBACK}:0",
        "security": {"tls_ca_file": files["ca"].name, **security},
    }
    file = folder / "started.yaml"
    file.write_text(yaml.safe_dump({"module": "distributed", "class": "LocalCluster", "kwargs": kwargs}))
    assert load_cluster(file).kwargs["security"]["tls_ca_file"] == files["ca"].name
    assert "encryption  TLS" in call("cluster", file, "--print").out
    with open_client(file) as client:
        assert [address.partition("://")[0] for address in client.nthreads()] == ["tls"]
