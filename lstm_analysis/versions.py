"""Which versions make the numbers, here or on a worker."""

import importlib.metadata
import platform

PACKAGES = ("lstm-analysis", "numpy", "torch", "xarray", "zarr", "dask", "distributed", "numba", "bokeh")


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that make the numbers."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
