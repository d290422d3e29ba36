"""``lstm-analysis convert``: a checkpoint of any format as one safetensors file."""

import argparse
from pathlib import Path

from ..disk import check_folder
from ..errors import UsageError
from ..ranges import require_seed
from .subcommand import Commands, new_command


def add_convert(commands: Commands) -> None:
    """Add the command to the command line."""
    sub = new_command(commands, "convert", convert_command, "Write a checkpoint of any format as one safetensors file.")
    sub.add_argument("checkpoint", type=Path)
    sub.add_argument("output", type=Path, metavar="OUT.safetensors")
    sub.add_argument("--vocabulary", help="the vocabulary, if the checkpoint has none")
    sub.add_argument("--unknown", metavar="TOKEN", help="the token that stands for what the vocabulary lacks")
    sub.add_argument("--lower-case", action="store_true", default=None, help="it was trained on lower-cased text")
    sub.add_argument("--number", metavar="TOKEN", help="the token that every number was written as, such as N")
    sub.add_argument("--gates", choices=["sigmoid"], help="for weights of Keras alone: what the gates are")
    sub.add_argument("--twin", choices=["initial", "shuffled"], help="write a random-weights twin instead")
    sub.add_argument("--seed", type=int, default=0, help="of the twin (default: 0)")
    sub.add_argument("--dtype", choices=["float32", "float16"], default="float32")
    sub.add_argument("--force", action="store_true", help="replace a file that is there")


def convert_command(options: argparse.Namespace) -> int:
    """Convert a checkpoint."""
    if options.output.suffix != ".safetensors":
        raise UsageError(f"{options.output} must end in .safetensors, the format that is written.")
    if options.output.exists() and not options.force:
        raise UsageError(f"{options.output} is there already. Give --force to replace it, or another name.")
    require_seed(options.seed, "--seed")
    check_folder(options.output.parent)
    from ..inference.checkpoints import load_model, save_model
    from ..inference.description import describe_model
    from ..inference.twin import random_twin

    rules = (options.unknown, options.lower_case, options.number)
    model = load_model(options.checkpoint, options.vocabulary, options.gates, *rules)
    if options.twin is not None:
        model = random_twin(model, options.seed, options.twin)
    save_model(model, options.output, options.dtype)
    print(describe_model(model))
    print(f"{'written':<14}{options.output} ({options.dtype})")
    return 0
