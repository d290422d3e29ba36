"""How the work grows with the workers: one study with 1, 2 and (more than this machine has cores) 4 of them.

Each round runs the study with each number of workers, one after the other, and the peak of a matrix product by as many
processes beside it, because what a second core gives is the machine's matter: efficiency is held against that peak.

    python tests/benchmarks/scaling.py [--model MODEL.safetensors] [--workers 1 2 4] [--rounds 2] [--store none]
"""

import argparse
import json
import multiprocessing
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import yaml

from lstm_analysis.config import load_study
from lstm_analysis.study import run_study

STUDY = Path(__file__).parents[2] / "pipelines" / "sotu.yaml"
STAGES = ("activations", "labels", "summary", "selectivity", "analyses")
GEMM_SIZE, GEMM_SECONDS = 1536, 2.0


def gemm(seconds: float) -> float:
    """Return the floating-point operations a second of a square product on one thread."""
    import torch

    torch.set_num_threads(1)
    a, b = torch.rand(GEMM_SIZE, GEMM_SIZE), torch.rand(GEMM_SIZE, GEMM_SIZE)
    n, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        a @ b
        n += 1
    return n * 2 * GEMM_SIZE**3 / (time.perf_counter() - began)


def peak(n_process: int) -> float:
    """Return what so many processes reach together."""
    with multiprocessing.get_context("spawn").Pool(n_process) as pool:
        pool.map(gemm, [0.1] * n_process)
        return sum(pool.map(gemm, [GEMM_SECONDS] * n_process, chunksize=1))


def stage_seconds(folder: Path, n_worker: int, settings: list[str]) -> dict[str, float]:
    """Run the study on so many workers and return the seconds of each stage."""
    cluster = folder / f"{n_worker}.yaml"
    kwargs = {"n_workers": n_worker, "dashboard_address": "127.0.0.1:0"}
    cluster.write_text(yaml.safe_dump({"module": "distributed", "class": "LocalCluster", "kwargs": kwargs}))
    run = folder / f"run-{n_worker}"
    shutil.rmtree(run, ignore_errors=True)
    run_study(load_study(STUDY, settings), run, cluster)
    stages = json.loads((run / "run.json").read_text())["stages"]
    return {stage: float(stages[stage]["seconds"]) for stage in STAGES if stage in stages}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="default: that of pipelines/sotu.yaml")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--tokens", type=int, default=800_000)
    parser.add_argument("--store", choices=("float32", "none"), default="float32")
    options = parser.parse_args()
    settings = [f"corpus.limit_tokens={options.tokens}", f"store={options.store}", "inference.shard_tokens=32768",
                "selectivity.twin=null", "selectivity.draws=0", "analyses=[sentence_position]"]  # fmt: skip
    settings += [] if options.model is None else [f"model.checkpoint={options.model.resolve()}"]
    seconds: dict[int, list[dict[str, float]]] = {n: [] for n in options.workers}
    peaks: dict[int, list[float]] = {n: [] for n in options.workers}
    folder = Path(tempfile.mkdtemp())
    try:
        for _ in range(options.rounds):
            for n in options.workers:
                peaks[n].append(peak(n))
                seconds[n].append(stage_seconds(folder, n, settings))
    finally:
        shutil.rmtree(folder)
    report(options.workers, seconds, peaks)


def report(workers: list[int], seconds: dict[int, list[dict[str, float]]], peaks: dict[int, list[float]]) -> None:
    """Print the median seconds of each stage, the speed-up, and its share of what the matrix products gained."""
    one, gain_one = workers[0], statistics.median(peaks[workers[0]])
    print(f"{'stage':<14}" + "".join(f"{n:>4} worker{'s' if n > 1 else ' '}{'':>20}" for n in workers))
    for stage in seconds[one][0]:
        line, base = f"{stage:<14}", statistics.median(entry[stage] for entry in seconds[one])
        for n in workers:
            found = statistics.median(entry[stage] for entry in seconds[n])
            gain = statistics.median(peaks[n]) / gain_one
            line += f"{found:>9.1f} s {base / found:>5.2f} x {base / found / gain:>5.0%} of peak"
        print(line)
    line = "matrix product"
    for n in workers:
        found = statistics.median(peaks[n])
        line += f"{found / 1e9:>7.0f} GF/s {found / gain_one:>5.2f} x{'':>14}"
    print(line)


if __name__ == "__main__":
    main()
