"""IBM Spectrum LSF."""

from .system import BatchSystem, JobRequest

NOTICE_MINUTES = 2
"""How long before the end of its time a driver is told to stop."""


def header(job: JobRequest) -> list[str]:
    """Return the directives of a driver's script."""
    timed = [f"-W {job.walltime}", f"-wt {NOTICE_MINUTES} -wa TERM"] if job.walltime else []
    lines = [
        f"-J {job.name}",
        f"-o {job.output}",
        *([f"-q {job.queue}"] if job.queue else []),
        *([f"-P {job.account}"] if job.account else []),
        f"-n {job.cores}",
        '-R "span[hosts=1]"',
        f"-M {job.megabytes}MB",
        *timed,
        *job.directives,
    ]
    return [f"#BSUB {line}" for line in lines]


LSF = BatchSystem("lsf", ("bsub",), "bkill", r"Job <(\d+)>", "LSB_JOBID", header, reads_stdin=True)
