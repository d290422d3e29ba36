"""What an analysis gives to its tasks: stores in the run, while it runs."""

import shutil
from pathlib import Path

import xarray as xr

from ..store import write_dataset
from .work import Work

PLANS = "plans"
"""Folder of a run with the tokens, or words, that an analysis reads."""


def keep_plan(state: Work, name: str, plan: xr.Dataset) -> str:
    """Write a plan into the run for its tasks; return where, as seen from the run."""
    (state.run / PLANS).mkdir(exist_ok=True)
    path = Path(PLANS) / f"{name}.zarr"
    write_dataset(state.run / path, plan)
    return str(path)


def forget_plans(state: Work) -> None:
    """Remove the plans of a stage that is done."""
    shutil.rmtree(state.run / PLANS, ignore_errors=True)
