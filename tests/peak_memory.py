"""A study run in this process, as a program: prints the largest resident size and what the plan allows, in bytes.

python peak_memory.py STUDY OUTPUT [KEY=VALUE ...]
"""

import json
import re
import sys
from pathlib import Path

import torch

from lstm_analysis import dry_run, inputs, memory_plan, study
from lstm_analysis.config import load_study


def peak_bytes() -> int:
    """Return the largest resident size of this program.

    Of Linux' two figures for it ``ru_maxrss`` would begin at the size of the program that started this one.
    """
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024


def main(file: str, output: str, *settings: str) -> dict[str, int]:
    """Run the study without its report, which no worker writes."""
    torch.set_num_threads(1)
    study.write_report = lambda run: (run.path / "report.html").write_text("short")
    config = load_study(file, settings)
    run = study.run_study(config, Path(output), in_process=True)
    peak = peak_bytes()
    model = inputs.trained_model(config)
    size = dry_run.count(config, model)
    n_token, n_type = size.n_token, len(size.type_n_token)
    planned = memory_plan.worker_bytes(config, model, n_token, size.n_piece / n_token, n_type)
    planned += run.selectivity.sizes["concept"] * memory_plan.concept_bytes(config, model, n_token)
    n_lane = run.facts["lanes"]["plan"]["n_lane"] if "lanes" in run.facts else 0
    return {"peak": peak, "planned": planned, "n_token": n_token, "n_lane": n_lane}


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
