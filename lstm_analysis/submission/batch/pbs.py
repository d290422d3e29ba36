"""PBS Professional and OpenPBS."""

from .system import BatchSystem, JobRequest


def header(job: JobRequest) -> list[str]:
    """Return the directives of a driver's script."""
    lines = [
        f"-N {job.name[:15]}",
        f"-o {job.output}",
        "-j oe",
        "-V",
        *([f"-q {job.queue}"] if job.queue else []),
        *([f"-A {job.account}"] if job.account else []),
        f"-l select=1:ncpus={job.cores}:mem={job.megabytes}mb",
        *([f"-l walltime={job.walltime}"] if job.walltime else []),
        *job.directives,
    ]
    return [f"#PBS {line}" for line in lines]


PBS = BatchSystem("pbs", ("qsub",), "qdel", r"^(\S+)", "PBS_JOBID", header)
