"""Before the corpus is read: how long the model remembers, what its precision costs, where its lanes begin."""

import numpy as np

from ..inference.forgetting import in_rows, measure_forgetting
from ..inference.reader import Stream
from ..inference.trial import measure_error
from ..store import crc32
from .carried import load_state, save_state, start_path
from .job import Job
from .passage import token_ids

Probe = tuple[int, int, int]


def probe_forgetting(index: int, job: Job, probes: list[Probe]) -> int | None:
    """Return after how many tokens the model's state no longer depends on where reading began; see the probes."""
    texts = [(token_ids(job, past, start), token_ids(job, start, stop)) for past, start, stop in probes]
    lag = measure_forgetting(job.reader(), texts, job.tolerance, in_effect=job.settles)
    return in_rows(lag, probes, texts)


def probe_precision(index: int, job: Job, spans: list[tuple[int, int]]) -> dict[str, list[float]]:
    """Return the largest error of the job's precision against float32 on a few passages, a list (layer) a state."""
    found = measure_error(job.reader().model, [token_ids(job, *span) for span in spans], job.precision, job.kernel)
    return {name: errors.tolist() for name, errors in found.items()}


def scout_lanes(index: int, starts: list[int], warm_up: int, job: Job) -> int:
    """Read the tokens before each lane's start from zeros and keep where they lead; return the states' CRC-32.

    What an earlier attempt left is kept: it may have been corrected since.
    """
    path = start_path(job.run, index)
    found = load_state(path)
    if found is None:
        reader = job.reader()
        streams = [Stream(token_ids(job, max(0, start - warm_up), start)) for start in starts]
        states = np.stack(reader.read(streams, {})).astype(np.float32)
        found = load_state(path)  # another attempt may have been quicker, and corrected since
        if found is None:
            return save_state(path, states)
    return crc32(found)
