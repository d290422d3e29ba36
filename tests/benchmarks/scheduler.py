"""What a shard costs beside its work: many simulated shards through a scheduler and workers of their own.

Prints the time a shard when its work is nothing, the share of a real shard's work that this is, and the memory of
scheduler and driver at the beginning, on the way and in the end.

    python tests/benchmarks/scheduler.py [--shards 100000] [--workers 2] [--seconds 0]
"""

import argparse
import sys
import tempfile
import time
from collections import deque
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))

from driver import external_cluster

from lstm_analysis.cluster import work

REAL_SECONDS = 7.0
"""What reading 65,536 tokens takes a core (2 x 650, 9,200 tokens/s)."""


def simulate(index: int, seconds: float) -> dict[str, object]:
    """Do nothing for a while and return a receipt as large as a real one."""
    time.sleep(seconds)
    sums = {"hidden_state": index, "cell_state": index, "surprisal": index, "token_id": index}
    return {"spans": [[index, index + 1]], "seconds": seconds, "process": 0, "checksums": sums, "n_predicted": 1}


def megabytes(process: psutil.Process) -> float:
    """Return the resident memory of a process."""
    return float(process.memory_info().rss) / 1e6


def main() -> None:
    """Run the simulated shards and print what they cost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shards", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=0.0, help="work of a shard")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, external_cluster(Path(folder), options.workers) as process:
        measure(Path(folder), psutil.Process(process.pid), options)


def measure(folder: Path, scheduler: psutil.Process, options: argparse.Namespace) -> None:
    """Send the simulated shards through a scheduler and print what they cost."""
    from distributed import Client

    driver, receipts = psutil.Process(), dict[int, object]()
    with Client(scheduler_file=str(folder / "scheduler.json"), timeout=60) as client:
        client.wait_for_workers(options.workers)
        queue = deque((i, options.seconds) for i in range(options.shards))
        began = time.perf_counter()
        print(f"{'shards':>10} {'ms a shard':>11} {'scheduler MB':>13} {'driver MB':>10}")
        print(f"{0:>10,} {'':>11} {megabytes(scheduler):>13.0f} {megabytes(driver):>10.0f}")
        for (index, _), outcome in work(client, "simulate", simulate, queue):
            assert isinstance(outcome, dict), outcome
            receipts[index] = outcome
            if len(receipts) % max(1, options.shards // 10) == 0:
                each = 1e3 * (time.perf_counter() - began) / len(receipts)
                memory = f"{megabytes(scheduler):>13.0f} {megabytes(driver):>10.0f}"
                print(f"{len(receipts):>10,} {each:>11.2f} {memory}", flush=True)
        assert len(receipts) == options.shards
        each = (time.perf_counter() - began) / options.shards - options.seconds / options.workers
        share = 100 * each * options.workers / REAL_SECONDS
        print(f"overhead {1e3 * each:.2f} ms a shard: {share:.2f} % of a real shard's {REAL_SECONDS:.0f} s")


if __name__ == "__main__":
    main()
