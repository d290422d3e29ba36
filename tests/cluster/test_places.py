"""Every shipped cluster file: it loads, its class takes it, it is shown without being started; mistakes are named."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from command import call, expect_paragraph
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

import lstm_analysis
from lstm_analysis.cluster import LOCAL, PLACES
from lstm_analysis.cluster.arguments import names_of
from lstm_analysis.cluster.preview import PREVIEWS, describe_cluster
from lstm_analysis.cluster.start import arguments, find_class, one_worker
from lstm_analysis.config import ClusterConfig, load_cluster
from lstm_analysis.errors import UsageError, UserError

FOLDER = Path(lstm_analysis.__file__).parents[1] / "cluster"
FILES = sorted(FOLDER.glob("*.yaml"))
QUEUES = ("slurm", "pbs", "lsf", "sge")
CUDA = """
from distributed import LocalCluster

class LocalCUDACluster(LocalCluster):
    def __init__(self, CUDA_VISIBLE_DEVICES=None, n_workers=None, threads_per_worker=1, memory_limit="auto", **kwargs):
        super().__init__(n_workers=n_workers, threads_per_worker=threads_per_worker, **kwargs)
"""


@pytest.fixture
def fake_cuda(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for dask-cuda, which needs another version of Dask than the tests."""
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / "dask_cuda.py").write_text(CUDA)
    monkeypatch.syspath_prepend(tmp_path / "packages")
    monkeypatch.delitem(sys.modules, "dask_cuda", raising=False)


def started(**changes: Any) -> ClusterConfig:
    """Return the content of a cluster file that names a class."""
    return ClusterConfig(**{"module": "distributed", "class_": "LocalCluster", **changes})


def jobs(**changes: Any) -> ClusterConfig:
    """Return the content of a cluster file for Slurm."""
    kwargs = {"cores": 4, "memory": "8GB", "interface": "lo", **changes.pop("kwargs", {})}
    return ClusterConfig(**{"module": "dask_jobqueue", "class_": "SLURMCluster", "kwargs": kwargs, **changes})


def told(config: ClusterConfig) -> dict[str, Any]:
    """Return the arguments that the class of a cluster file gets."""
    return arguments(config, find_class(config))


@pytest.mark.usefixtures("fake_cuda")
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_shipped_place_is_shown_and_takes_one_thread_a_worker(file: Path, here: Path) -> None:
    config = load_cluster(file)
    ended = call("cluster", file, "--print")
    assert (ended.code, ended.err) == (0, "")
    if config.joins:
        assert "nothing is started" in ended.out
        return
    place, kwargs = PLACES[str(config.class_)], told(config)
    assert f"class       {config.class_} of {config.module}" in ended.out
    if place.threads is not None and not place.manifest:
        assert place.threads.given(kwargs)
    if place.kind != "gateway":
        words = ended.out.replace("'", "").replace("\n        - ", " ")
        assert "threads: 1" in words or "--nthreads 1" in words or '"nthreads": 1' in words
    dashboards = [line for line in ended.out.splitlines() if "dashboard on" in line or "dashboard there on" in line]
    assert all("dashboard on 127.0.0.1:8787" in line or "there on 127.0.0.1:8787" in line for line in dashboards)
    assert len(dashboards) == (place.kind in ("processes", "hosts", "jobs"))
    assert "0.0.0.0" not in ended.out or place.kind == "pods"


@pytest.mark.parametrize("name", QUEUES)
def test_a_job_script_holds_what_workers_need(name: str, here: Path) -> None:
    script = describe_cluster(load_cluster(FOLDER / f"{name}.yaml"))
    for line in ("OMP_NUM_THREADS=1", "MALLOC_TRIM_THRESHOLD_=67108864", "MALLOC_MMAP_THRESHOLD_=33554432"):
        assert f"export {line}\n" in script
    worker = script.splitlines()[-1]
    for words in (
        "--nthreads 1", "--nworkers 4", "--nanny", "--lifetime 225m", "--lifetime-stagger 10m", "--interface eth0",
        "--local-directory /tmp", "--death-timeout 120", "--memory-limit 3.73GiB",
    ):  # fmt: skip
        assert words in worker
    assert "distributed.scheduler.allowed-failures: 10" in script


def test_every_kind_of_place_can_be_shown_and_every_place_can_be_cut_down_to_one_worker() -> None:
    assert {place.kind for place in PLACES.values()} <= set(PREVIEWS)
    one = {file.stem: one_worker(load_cluster(file)) for file in FILES if not load_cluster(file).joins}
    assert {name: config.scale for name, config in one.items()} == {
        "local": {}, "gpu": {}, "ssh": {}, "kubernetes": {"n": 1}, "gateway": {"n": 1},
        **{name: {"jobs": 1} for name in QUEUES},
    }  # fmt: skip
    assert one["local"].kwargs["n_workers"] == one["gpu"].kwargs["n_workers"] == 1
    many = started(class_="SSHCluster", kwargs={"hosts": ["a", "b", "c"]})
    assert one_worker(many).kwargs["hosts"] == ["a", "b"]


def test_worker_keys_are_said_in_the_words_of_each_class(fake_cuda: None) -> None:
    worker = {"threads": 2, "resources": {"GPU": 1}}
    here = told(started(worker=worker))
    assert (here["threads_per_worker"], here["resources"]) == (2, {"GPU": 1})
    gpu = told(started(module="dask_cuda", class_="LocalCUDACluster", worker=worker))
    assert (gpu["threads_per_worker"], gpu["resources"], gpu["host"]) == (2, {"GPU": 1}, "127.0.0.1")
    ssh = told(started(class_="SSHCluster", kwargs={"scheduler_options": {"host": "h"}}, worker=worker))
    assert ssh["worker_options"] == {"nthreads": 2, "resources": {"GPU": 1}}
    assert ssh["scheduler_options"] == {"dashboard_address": "127.0.0.1:8787", "idle_timeout": "1h", "host": "h"}
    slurm = told(jobs(worker=worker, kwargs={"worker_extra_args": ["--lifetime", "1h"]}))
    assert slurm["processes"] == 2
    assert slurm["worker_extra_args"] == ["--lifetime", "1h", "--resources", "GPU=1"]
    pods = told(started(module="dask_kubernetes.operator", class_="KubeCluster", worker=worker))
    assert pods["worker_command"] == ["dask-worker", "--nthreads", "2", "--resources", "GPU=1"]


def test_one_thread_is_the_default_and_what_the_class_is_told_directly_wins() -> None:
    assert told(jobs())["processes"] == 4
    assert told(jobs(kwargs={"processes": 1}))["processes"] == 1
    assert told(started(kwargs={"threads_per_worker": 3}))["threads_per_worker"] == 3
    assert told(LOCAL)["threads_per_worker"] == 1


def test_what_the_file_leaves_out_comes_from_the_users_dask_configuration(here: Path) -> None:
    import dask

    config = ClusterConfig(module="dask_jobqueue", class_="SLURMCluster")
    mine = {
        "cores": 2,
        "memory": "3GiB",
        "interface": "lo",
        "queue": "night",
        "worker-extra-args": ["--lifetime", "1h"],
    }
    find_class(config)  # loads the defaults of dask-jobqueue
    with dask.config.set({f"jobqueue.slurm.{key}": value for key, value in mine.items()}):
        script = describe_cluster(replace(config, worker={"resources": {"GPU": 1}}))
    for words in (
        "-p night",
        "--nworkers 2",
        "--memory-limit 1.50GiB",
        "--interface lo",
        "--lifetime 1h --resources GPU=1",
    ):
        assert words in script


MISTAKES: dict[str, tuple[Callable[[], ClusterConfig], str]] = {
    "argument": (lambda: started(kwargs={"n_wokers": 2}), r"kwargs\.n_wokers is no argument of LocalCluster; did"),
    "job argument": (lambda: jobs(kwargs={"waltime": "1h"}), r"kwargs\.waltime .* did you mean 'walltime'\?"),
    "pod argument": (
        lambda: started(module="dask_kubernetes.operator", class_="KubeCluster", kwargs={"imge": "x"}),
        r"kwargs\.imge is no argument of KubeCluster; did you mean 'image'",
    ),
    "old argument": (
        lambda: started(class_="SSHCluster", kwargs={"nprocs": 1, "scheduler_options": {"host": "h"}}),
        r"kwargs\.nprocs is no argument of SSHCluster",
    ),
    "scale": (lambda: jobs(scale={"job": 3}), r"scale\.job is unknown; did you mean 'jobs'"),
    "scale without jobs": (lambda: started(scale={"jobs": 3}), r"scale\.jobs is unknown; known are n, cores, memory"),
    "adapt": (
        lambda: jobs(scale={"adapt": {"maximum_job": 3}}),
        r"scale\.adapt\.maximum_job is unknown; did you mean 'maximum_jobs'",
    ),
    "adapt without a mapping": (lambda: jobs(scale={"adapt": True}), "adapt stands alone and holds a mapping"),
    "adapt and more": (lambda: jobs(scale={"adapt": {}, "n": 1}), "adapt stands alone and holds a mapping"),
    "hosts scale": (lambda: started(class_="SSHCluster", scale={"n": 1}), "SSHCluster cannot be scaled"),
    "worker": (lambda: started(worker={"thread": 1}), r"worker\.thread has no meaning for LocalCluster; say it"),
    "gateway worker": (
        lambda: started(module="dask_gateway", class_="GatewayCluster", worker={"threads": 1}),
        r"worker\.threads has no meaning for GatewayCluster; say it in kwargs",
    ),
    "manifest worker": (
        lambda: replace(load_cluster(FOLDER / "kubernetes.yaml"), worker={"threads": 1}),
        r"worker\.threads has no meaning for KubeCluster; say it in the file of kwargs\.custom_cluster_spec",
    ),
    "threads": (lambda: jobs(worker={"threads": 3}), "jobs of 4 cores and workers of 3 threads"),
    "interface": (
        lambda: jobs(kwargs={"interface": None}),
        r"does not say where the scheduler of SLURMCluster listens\. Give kwargs\.interface",
    ),
    "ssh interface": (
        lambda: started(class_="SSHCluster", kwargs={"hosts": ["a", "b"]}),
        r"where the scheduler of SSHCluster listens\. Give kwargs\.scheduler_options\.interface",
    ),
    "security": (lambda: started(kwargs={"security": {"tls_ca": "x"}}), r"security\.tls_ca is unknown; did you mean"),
    "security file": (
        lambda: started(kwargs={"security": {"tls_ca_file": "gone.pem"}}, folder=Path("place")),
        r"security\.tls_ca_file is place/gone\.pem, which cannot be read \(No such file",
    ),
    "class": (lambda: started(class_="LocalClutser"), "has no cluster class 'LocalClutser'"),
}  # fmt: skip


@pytest.mark.parametrize("kind", MISTAKES)
def test_a_mistake_is_named(kind: str) -> None:
    make, message = MISTAKES[kind]
    with pytest.raises(UsageError, match=message) as caught:
        told(make())
    assert "\n" not in str(caught.value)


MISSING = {
    "dask_cuda": ("gpu", "LocalCUDACluster needs the module dask_cuda; .*lstm-analysis\\[cuda\\]"),
    "asyncssh": ("ssh", "SSHCluster needs the module asyncssh; install it with .*lstm-analysis\\[ssh\\]"),
    "dask_jobqueue": ("slurm", "needs the module dask_jobqueue; install it with .*lstm-analysis\\[jobqueue\\]"),
    "dask_kubernetes": ("kubernetes", "needs the module dask_kubernetes; install it .*lstm-analysis\\[kubernetes\\]"),
    "dask_gateway": ("gateway", "needs the module dask_gateway; install it with .*lstm-analysis\\[gateway\\]"),
}


@pytest.mark.parametrize("module", MISSING)
def test_a_missing_package_is_named_with_its_extra(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib import util

    find = util.find_spec
    monkeypatch.setattr(util, "find_spec", lambda name: None if name == module else find(name))
    file, message = MISSING[module]
    for what in ("--print", "--check"):
        expect_paragraph(call("cluster", FOLDER / f"{file}.yaml", what), 1, message)


def test_a_package_that_is_there_and_broken_is_not_called_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_place.py").write_text("import no_such_module_at_all")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UserError, match="which cannot be loaded: No module named 'no_such_module_at_all'"):
        find_class(started(module="my_place", class_="Cluster"))


def test_a_class_of_ones_own_is_left_to_judge_its_arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_place.py").write_text("class Mine:\n    def __init__(self, **options): ...")
    monkeypatch.syspath_prepend(tmp_path)
    config = started(module="own_place", class_="Mine", kwargs={"anything": 1}, scale={"n": 2})
    assert told(config) == {"anything": 1}
    assert "arguments   anything: 1" in describe_cluster(config)


def test_keys_that_mean_nothing_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "place.yaml"
    for text, message in (
        ("address: tcp://a:1\nscale: {n: 2}\n", "scale has no meaning for a scheduler that runs already"),
        ("address: tcp://a:1\nkwargs: {n: 2}\n", "kwargs has no meaning for a scheduler that runs already"),
        ("module: distributed\nclass: LocalCluster\nsecurity: {tls_ca_file: x}\n", r"use kwargs\.security"),
        ("address: tls://a:1\nsecurity: {tls_ca: x}\n", r"unknown key security\.tls_ca; did you mean 'tls_ca_file'"),
    ):
        file.write_text(text)
        with pytest.raises(UsageError, match=message):
            load_cluster(file)


def test_arguments_of_a_class_are_those_of_what_it_passes_them_on_to() -> None:
    class Base:
        def __init__(self, size: int) -> None: ...

    class Middle(Base):
        def __init__(self, colour: str = "", **rest: Any) -> None: ...

    class Top(Middle): ...

    assert names_of(Top) == ({"colour", "size"}, False)
    assert names_of(Middle.__init__) == ({"colour"}, True)


def test_files_count_from_the_cluster_file(here: Path) -> None:
    spec = told(load_cluster(FOLDER / "kubernetes.yaml"))["custom_cluster_spec"]
    assert Path(spec) == FOLDER / "kubernetes" / "cluster.yaml"
    assert ClusterConfig(folder=Path("a")).resolve("/b") == "/b"
    assert ClusterConfig(folder=Path("a")).resolve("~/b") == str(Path.home() / "b")


def test_the_manifests_fit_the_schemas_of_kubernetes_and_of_the_operator() -> None:
    from dask_kubernetes.operator import customresources

    crd = yaml.safe_load((Path(customresources.__path__[0]) / "daskcluster.yaml").read_text())
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    manifests = {file.stem: yaml.safe_load(file.read_text()) for file in (FOLDER / "kubernetes").glob("*.yaml")}
    cluster = manifests.pop("cluster")
    validator = jsonschema.Draft202012Validator(schema, registry=Registry(retrieve=of_the_operator))
    validator.validate(cluster)
    assert (cluster["apiVersion"], cluster["kind"]) == ("kubernetes.dask.org/v1", "DaskCluster")
    with pytest.raises(jsonschema.ValidationError):
        validator.validate({**cluster, "spec": {**cluster["spec"], "worker": {"spec": {}, "replicas": "many"}}})
    pods = {name: cluster["spec"][name]["spec"] for name in ("scheduler", "worker")}
    for name, spec in pods.items():
        kubernetes_validate.validate(pod(name, spec), "1.33", strict=True)
    assert sorted(manifests) == ["driver", "network-policy", "runs"]
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "x"},
        "spec": cluster["spec"]["scheduler"]["service"],
    }
    kubernetes_validate.validate(service, "1.33", strict=True)
    for manifest in manifests.values():
        kubernetes_validate.validate(manifest, "1.33", strict=True)
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(pod("x", {"containerz": []}), "1.33", strict=True)


def of_the_operator(address: str) -> Resource[Any]:
    """Return a schema that one of dask-kubernetes refers to; those of Kubernetes' own parts are looked at elsewhere."""
    from dask_kubernetes.operator import customresources

    file = Path(customresources.__path__[0]) / address.rsplit("/", 1)[-1]
    own = "customresources" in address
    content = yaml.safe_load(file.read_text()) if own else {"definitions": {part: {"type": "object"} for part in PARTS}}
    return Resource.from_contents(content, default_specification=DRAFT202012)


PARTS = tuple(f"io.k8s.api.core.v1.{name}" for name in ("PodSpec", "ServiceSpec"))


def pod(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    """Return a pod of a specification."""
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


def test_the_parts_of_the_kubernetes_place_fit_together() -> None:
    parts = {file.stem: yaml.safe_load(file.read_text()) for file in (FOLDER / "kubernetes").glob("*.yaml")}
    name = parts["cluster"]["metadata"]["name"]
    worker, driver = parts["cluster"]["spec"]["worker"]["spec"], parts["driver"]["spec"]["template"]["spec"]
    for spec in (worker, driver):
        assert spec["volumes"][0]["persistentVolumeClaim"]["claimName"] == parts["runs"]["metadata"]["name"]
        assert spec["containers"][0]["volumeMounts"] == [{"name": "runs", "mountPath": "/runs"}]
        assert spec["securityContext"]["runAsUser"] == 1000
    assert "USER 1000" in (FOLDER / "Dockerfile").read_text()
    label = {"dask.org/cluster-name": name}
    assert parts["network-policy"]["spec"]["podSelector"]["matchLabels"] == label
    assert parts["driver"]["spec"]["template"]["metadata"]["labels"] == label
    assert parts["cluster"]["spec"]["scheduler"]["service"]["selector"].items() >= label.items()


def test_pods_without_a_manifest_are_shown_as_the_operator_would_make_them(here: Path) -> None:
    kwargs = {"name": "mine", "image": "mine:1", "n_workers": 2, "env": {"A": "1"}}
    config = started(module="dask_kubernetes.operator", class_="KubeCluster", kwargs=kwargs)
    spec = yaml.safe_load(describe_cluster(config).partition("\n\n")[2])
    assert spec["metadata"]["name"] == "mine"
    container = spec["spec"]["worker"]["spec"]["containers"][0]
    assert (container["image"], spec["spec"]["worker"]["replicas"]) == ("mine:1", 2)
    assert container["args"][:3] == ["dask-worker", "--nthreads", "1"]


def test_a_place_that_encrypts_is_shown_and_told_so(tmp_path: Path) -> None:
    for name in ("ca", "cert", "key"):
        (tmp_path / f"{name}.pem").touch()
    security = {"tls_ca_file": "ca.pem", "tls_worker_cert": "cert.pem", "tls_worker_key": "key.pem"}
    script = describe_cluster(jobs(kwargs={"security": security}, folder=tmp_path))
    assert "encryption  TLS" in script
    assert f"--tls-ca-file {tmp_path / 'ca.pem'}" in script
    elsewhere = {"hosts": ["a", "b"], "scheduler_options": {"host": "a"}, "security": {"tls_ca_file": "/there/ca.pem"}}
    ssh = told(started(class_="SSHCluster", kwargs=elsewhere))
    assert ssh["scheduler_options"]["security"] == ssh["worker_options"]["security"] == elsewhere["security"]
    assert ssh["security"].tls_ca_file == "/there/ca.pem"
