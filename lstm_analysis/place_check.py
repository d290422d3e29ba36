"""``lstm-analysis cluster FILE --check``: one worker is started and looked at, for a study if one is given."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from .cluster.check import Row, check_memory, check_workers, describe_rows, grouped
from .cluster.client import client_of
from .cluster.start import one_worker
from .config import Study, load_cluster
from .disk import temporary_name
from .dry_run import count
from .inference.checkpoints import save_model
from .inference.device import describe_device, model_digest
from .inference.model import LanguageModel
from .inputs import trained_model, validate
from .memory_plan import worker_bytes

if TYPE_CHECKING:
    from distributed import Client


def check_place(cluster: Path, folder: Path, study: Study | None = None) -> tuple[str, bool]:
    """Start one worker of a cluster file, or take those of a running scheduler, and check it.

    Parameters
    ----------
    cluster
        The cluster file.
    folder
        Where runs lie; it is made if it is not there.
    study
        What is to be run: its model is read on the worker, and its memory held against the worker's.

    Returns
    -------
    A line for each check, and whether none failed.
    """
    config = load_cluster(cluster)
    model = None if study is None else _model(study)
    folder.mkdir(parents=True, exist_ok=True)
    with client_of(config if config.joins else one_worker(config), cluster) as client:
        rows = check_workers(client, folder, describe_device)
        if len(rows) > 1:
            rows += _for_study(client, folder, study, model)
    return describe_rows(rows), all(row.verdict != "FAIL" for row in rows)


def _model(study: Study) -> LanguageModel | None:
    """Return the study's model, ``None`` if it is to be trained first."""
    validate(study)
    trained = Path(study.resolve(study.model.checkpoint)).exists() or study.model.train is None
    return trained_model(study) if trained else None


def _for_study(client: "Client", folder: Path, study: Study | None, model: LanguageModel | None) -> list[Row]:
    if study is None:
        return [check_memory(client, None)]
    if model is None:
        return [Row("model", "note", "is not there yet", "It is trained when the study is run, or by `train`.")]
    size = count(study, model)
    needed = worker_bytes(study, model, size.n_token, size.n_piece / size.n_token, len(size.type_n_token))
    return [check_memory(client, needed), *check_model(client, folder, model), *_wanted_device(client, study)]


def check_model(client: "Client", folder: Path, model: LanguageModel) -> list[Row]:
    """Put the model where a run has it, and let the workers read it."""
    place = temporary_name(folder / "check").resolve()
    place.mkdir()
    try:
        save_model(model, place / "model.safetensors")
        read = client.run(model_digest, place / "model.safetensors", on_error="return")
    finally:
        shutil.rmtree(place, ignore_errors=True)
    wrong = {a: f"{type(d).__name__}: {d}" for a, d in read.items() if isinstance(d, BaseException)}
    wrong |= {a: "other weights than the driver's" for a, d in read.items() if isinstance(d, str) and d != model.digest}
    if wrong:
        return [Row("model", "FAIL", grouped(wrong), "The worker reads the model from the run's folder: see storage.")]
    return [Row("model", "ok", f"read by the worker, digest {model.digest[:12]}")]


def _wanted_device(client: "Client", study: Study) -> list[Row]:
    if study.inference.device != "cuda":
        return []
    cuda = all(found["cuda"] for found in client.run(describe_device).values())
    advice = "Start it where there is one (cluster/gpu.yaml), or set inference.device: auto."
    return [
        Row("cuda", "ok" if cuda else "FAIL", "seen" if cuda else "the study wants it, the worker has none", advice)
    ]
