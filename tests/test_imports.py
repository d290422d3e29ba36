"""Imports go one way, torch and bokeh stay where they are needed."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import lstm_analysis

ROOT = Path(lstm_analysis.__file__).parent

# A module imports from rows above its own. The modules of a row marked "together" may also import each other.
ROWS = [
    (
        "together",
        [
            "errors",
            "schema",
            "vocabulary",
            "segmentation",
            "hugging_face",
            "compiled",
            "fixed_point",
            "versions",
            "explorer_links",
            "subtokens",
        ],
    ),
    (
        "together",
        [
            "yaml_file",
            "ranges",
            "conversion",
            "recipe",
            "driver_config",
            "cluster_config",
            "store_config",
            "corpus_config",
            "lesion_config",
            "config",
            "disk",
            "locations",
        ],
    ),
    (
        "together",
        [
            "integrity",
            "store",
            "state_store",
            "packed",
            "owner",
            "lock",
            "progress",
            "cluster",
            "submission",
            "dashboard",
        ],
    ),
    ("apart", ["statistics"]),
    ("apart", ["corpus", "inference", "labels", "reductions", "selectivity", "analyses", "match"]),
    ("apart", ["report"]),
    ("apart", ["explorer"]),
    (
        "together",
        [
            "record",
            "tables",
            "neuron_listing",
            "match_listing",
            "lesion_listing",
            "lesions",
            "single_neurons",
            "matching_plan",
            "matching_result",
            "neuron_pairs",
            "neuron_match_listing",
            "run_matching",
            "nulls",
            "tasks",
            "study",
            "companions",
            "inputs",
            "train",
            "stages",
            "dry_run",
            "memory_plan",
            "extract",
            "run",
            "place_check",
        ],
    ),
    ("apart", ["exchange"]),
    ("apart", ["commands"]),
    ("apart", ["cli"]),
]
LEVEL = {name: level for level, (_, names) in enumerate(ROWS) for name in names}
OWNERS = {"torch": {"inference"}, "bokeh": {"report", "explorer", "dashboard"}}
FILES = sorted(path for path in ROOT.rglob("*.py") if path != ROOT / "__init__.py")


def part(path: Path) -> str:
    """Return the module or sub-package of the package that a file belongs to."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imported(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield line and absolute dotted name of all that a file imports when it runs, inside functions too."""
    package = ["lstm_analysis", *path.relative_to(ROOT).parent.parts]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    blocks = [node for node in ast.walk(tree) if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    for_types = {id(inner) for block in blocks for node in block.body for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.split(".")) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = [*base, *(node.module.split(".") if node.module else [])]
            yield from ((node.lineno, [*module, alias.name]) for alias in node.names)


def allowed(importer: str, target: str) -> bool:
    """Whether a part of the package may import another."""
    same_row = LEVEL[importer] == LEVEL[target] and ROWS[LEVEL[importer]][0] == "together"
    return importer == target or LEVEL[target] < LEVEL[importer] or same_row


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_one_way(path):
    assert part(path) in LEVEL, f"give {part(path)} a place in ROWS: what may it import, who may import it?"
    targets = [(line, name[1]) for line, name in imported(path) if name[0] == "lstm_analysis" and len(name) > 1]
    wrong = [
        f"line {line}: {target}" for line, target in targets if target in LEVEL and not allowed(part(path), target)
    ]
    assert not wrong, f"{path.relative_to(ROOT)} imports from a sibling or from above: {wrong}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
@pytest.mark.parametrize("library", OWNERS)
def test_torch_and_bokeh_stay_in_their_packages(path, library):
    lines = [line for line, name in imported(path) if name[0] == library]
    assert part(path) in OWNERS[library] or not lines, f"{path.relative_to(ROOT)} imports {library} in lines {lines}"


def loaded_by(statement: str) -> set[str]:
    """Return which of torch and bokeh a fresh interpreter has loaded after a statement."""
    code = f"{statement}; import sys; print(*({{'torch', 'bokeh'}} & set(sys.modules)))"
    return set(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split())


def test_importing_the_package_loads_neither_torch_nor_bokeh():
    assert loaded_by("import lstm_analysis") == set()


def test_the_stage_packages_but_inference_load_neither_torch_nor_bokeh():
    names = [name for name in ROWS[4][1] if name != "inference" and (ROOT / name / "__init__.py").exists()]
    assert loaded_by(f"import {', '.join(f'lstm_analysis.{name}' for name in names)}") == set()
