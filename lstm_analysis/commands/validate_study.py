"""``lstm-analysis validate``: a study is checked, not run."""

import argparse
from pathlib import Path

from .subcommand import Commands, add_settings, new_command


def add_validate(commands: Commands) -> None:
    """Add the command to the command line."""
    sub = new_command(
        commands, "validate", validate_command, "Check a study file and what it names, without running it."
    )
    sub.add_argument("study", type=Path)
    add_settings(sub)


def validate_command(options: argparse.Namespace) -> int:
    """Check a study."""
    from ..config import load_study
    from ..inputs import check_corpus, check_model, corpus_files, validate
    from ..tables import describe_layers

    study = load_study(options.study, options.set)
    sources = validate(study)
    check_corpus(study)
    corpus_files(study, {})
    model = check_model(study)
    if model is None:
        found = "The model is not there yet and is trained first"
    else:
        found = f"{describe_layers(model.layer_sizes)} neurons, vocabulary of {len(model.vocabulary):,}"
    print(f"{options.study}: valid. {found}; concepts from {', '.join(sources)}.")
    return 0
