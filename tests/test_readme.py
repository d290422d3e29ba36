"""The README speaks of what is there."""

import re
from pathlib import Path

import lstm_analysis as la
from lstm_analysis.cli import parser
from lstm_analysis.selectivity import MEASURES

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_function_it_names_exists() -> None:
    names = set(re.findall(r"\bla\.([a-z_]+)", README))
    assert len(names) > 8
    assert all(callable(getattr(la, name)) for name in names)


def test_every_command_it_names_exists() -> None:
    help_text = parser().format_help()
    known = {
        "run",
        "submit",
        "status",
        "logs",
        "cancel",
        "train",
        "validate",
        "cluster",
        "inspect",
        "match",
        "neurons",
        "lesion",
        "report",
        "import",
        "export",
    }
    commands = set(re.findall(rf"(?:`|^)(?:lstm-analysis )?({'|'.join(known)}) [A-Za-z/]", README, re.MULTILINE))
    assert commands == known
    assert all(re.search(rf"^    {command} ", help_text, re.MULTILINE) for command in commands)


def test_every_file_it_names_exists() -> None:
    files = set(re.findall(r"\b((?:pipelines|cluster|docs|tests)/[\w./-]+\.\w+)", README))
    assert len(files) > 4
    assert all((ROOT / name).exists() for name in files)


def test_every_measure_is_explained() -> None:
    assert all(f"| `{name}` |" in README for name in MEASURES)


def test_nothing_is_left_to_fill_in() -> None:
    assert "@@" not in README
    assert "TODO" not in README
