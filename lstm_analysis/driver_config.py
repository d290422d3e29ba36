"""The job of a driver on a batch system, as a cluster file describes it."""

from dataclasses import dataclass

from .ranges import require


@dataclass(frozen=True)
class DriverConfig:
    """What the driver's own job asks for. It plans and gathers; the workers do the reading.

    Parameters
    ----------
    cores, memory
        Processor cores, and memory such as ``4GB``.
    walltime, queue, account
        As the batch system writes them; by default those of the workers' ``kwargs``.
    directives
        Further ones, without their prefix, such as ``--qos=long``.
    prologue
        Shell lines before the program; by default the workers' ``job_script_prologue``.
    """

    cores: int = 1
    memory: str = "4GB"
    walltime: str | None = None
    queue: str | None = None
    account: str | None = None
    directives: tuple[str, ...] = ()
    prologue: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        require(self.cores >= 1, "driver.cores", self.cores, "at least 1")
