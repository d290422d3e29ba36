"""Grid Engine (SGE, UGE, Altair)."""

from .system import BatchSystem, JobRequest


def header(job: JobRequest) -> list[str]:
    """Return the directives of a driver's script; sites name memory differently, so it is left to ``directives``."""
    lines = [
        f"-N {job.name}",
        f"-o {job.output}",
        "-j y",
        "-V",
        "-S /bin/sh",
        "-notify",
        *([f"-q {job.queue}"] if job.queue else []),
        *([f"-P {job.account}"] if job.account else []),
        *([f"-l h_rt={job.walltime}"] if job.walltime else []),
        *job.directives,
    ]
    return [f"#$ {line}" for line in lines]


SGE = BatchSystem("sge", ("qsub", "-terse"), "qdel", r"^(\d+)", "JOB_ID", header)
