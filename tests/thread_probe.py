"""How many threads a task's matrix products may use, wherever it is done; a program, for an environment is asked for.

python thread_probe.py RUN (alone | processes | threads | SCHEDULER_FILE)
"""

import json
import sys
import threading
import time
from pathlib import Path

import torch
from distributed import Client, LocalCluster
from threadpoolctl import threadpool_info

from lstm_analysis.inference.extraction import open_reader
from lstm_analysis.run import open_run


def warm_up(i: int) -> None:
    """Use torch in a thread, which from then on has a number of threads of its own."""
    torch.get_num_threads()
    time.sleep(0.5)  # so that no thread does two tasks


def probe(i: int, run: Path, digest: str) -> tuple[int, int, list[int]]:
    """Open the reader as a task does; return the thread, torch's number of threads, and OpenMP's."""
    reader = open_reader(run / "model.safetensors", digest, "cpu", "float32", "auto")
    time.sleep(0.5)
    assert reader is open_reader(run / "model.safetensors", digest, "cpu", "float32", "auto")
    of_openmp = [pool["num_threads"] for pool in threadpool_info() if pool["internal_api"] == "openmp"]
    return threading.get_ident(), torch.get_num_threads(), of_openmp


def probe_twice(client: Client, run: Path, digest: str) -> list[tuple[int, int, list[int]]]:
    """Probe two threads of the cluster, both used before."""
    client.gather(client.map(warm_up, range(2), pure=False))
    return client.gather(client.map(probe, range(2), run=run, digest=digest, pure=False))


def main(folder: str, where: str) -> list[tuple[int, int, list[int]]]:
    """Probe one way of running."""
    run = Path(folder).resolve()
    digest = open_run(run).facts["model"]["digest"]
    if where == "alone":
        return [probe(0, run, digest)]
    if where not in ("processes", "threads"):
        with Client(scheduler_file=where) as client:
            client.wait_for_workers(1)
            return probe_twice(client, run, digest)
    size = {"n_workers": 1, "threads_per_worker": 2, "dashboard_address": "127.0.0.1:0"}
    with LocalCluster(processes=where == "processes", **size) as cluster, Client(cluster) as client:
        return probe_twice(client, run, digest)


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
