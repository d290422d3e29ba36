"""``lstm-analysis train``: the model of a study."""

import argparse
from pathlib import Path

from ..errors import UsageError
from .subcommand import Commands, add_settings, new_command


def add_train(commands: Commands) -> None:
    """Add the command to the command line."""
    sub = new_command(commands, "train", train_command, "Train the study's model, or go on training it.")
    sub.add_argument("study", type=Path)
    sub.add_argument("--force", action="store_true", help="train anew although the checkpoint is there")
    sub.add_argument("--init-only", action="store_true", help="write the weights it begins with (float32)")
    add_settings(sub)


def train_command(options: argparse.Namespace) -> int:
    """Train a study's model, or write what its training begins with."""
    from ..config import load_study
    from ..train import train, write_initial

    study = load_study(options.study, options.set)
    checkpoint = Path(study.resolve(study.model.checkpoint))
    if checkpoint.exists() and not options.force:
        raise UsageError(f"{checkpoint} is there already. Give --force to train it anew.")
    options.output = checkpoint.parent
    if options.init_only:
        write_initial(study)
        print(f"{checkpoint}: untrained")
        return 0
    found = train(study)
    print(f"{checkpoint}: perplexity {found.validation_perplexity:.1f} on the validation text")
    if found.test_perplexity is not None:
        print(f"{checkpoint}: perplexity {found.test_perplexity:.1f} on the test text")
    return 0
