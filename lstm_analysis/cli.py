"""The command line: ``lstm-analysis run | train | convert | validate | cluster | inspect | neurons | report``."""

import argparse
import json
import logging
import signal
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

from . import __version__
from .disk import check_folder, explain_os_error
from .errors import STOP, Interrupted, UsageError, UserError, raise_if_stopped
from .ranges import require_seed

Command = Callable[[argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code: 0 done, 1 failed, 2 wrong usage, 3 some shards failed, 75 interrupted."""
    options = parser().parse_args(arguments)
    _log_to_stderr(logging.DEBUG if options.debug else logging.INFO)
    STOP.clear()
    signal.signal(signal.SIGTERM, _terminate)
    command: Command = options.command
    try:
        return command(options)
    except UserError as error:
        if options.debug:
            raise
        print(f"lstm-analysis: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("lstm-analysis: interrupted; run the same command to go on.", file=sys.stderr)
        return Interrupted("").exit_code
    except BrokenPipeError:
        return 0
    except OSError as error:
        if options.debug or error.errno is None:  # without a number it does not come from the system
            raise
        refusal = explain_os_error(error, vars(options).get("output") or vars(options).get("run") or Path())
        print(f"lstm-analysis: {refusal}", file=sys.stderr)
        return refusal.exit_code


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    top = argparse.ArgumentParser(
        prog="lstm-analysis", description="Measure what single neurons of a recurrent language model respond to."
    )
    top.add_argument("--version", action="version", version=f"lstm-analysis {__version__}")
    top.add_argument("--debug", action="store_true", help="show tracebacks")
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: Command, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(command=command)
        return sub

    run = add("run", run_command, "Run a whole study; what is done already is kept.")
    run.add_argument("study", type=Path, help="study file, pipelines/*.yaml")
    run.add_argument("--cluster", type=Path, help="cluster file, cluster/*.yaml (default: this machine)")
    run.add_argument("--output", type=Path, help="folder of the run (default: runs/NAME)")
    run.add_argument("--dry-run", action="store_true", help="show the plan and stop")
    run.add_argument("--force", action="store_true", help="replace results of other inputs in the folder")
    train = add("train", train_command, "Train the study's model, or go on training it.")
    train.add_argument("study", type=Path)
    train.add_argument("--force", action="store_true", help="train anew although the checkpoint is there")
    train.add_argument("--init-only", action="store_true", help="write the weights it begins with (float32)")
    validate = add("validate", validate_command, "Check a study file and what it names, without running it.")
    validate.add_argument("study", type=Path)
    place = add("cluster", cluster_command, "Show what a cluster file would start, or start one worker and check it.")
    place.add_argument("file", type=Path, metavar="FILE", help="cluster file, cluster/*.yaml")
    what = place.add_mutually_exclusive_group(required=True)
    what.add_argument("--print", action="store_true", help="show the job script, manifest or commands; start nothing")
    what.add_argument("--check", action="store_true", help="start one worker and check versions, storage, threads ...")
    place.add_argument("--study", type=Path, help="with --check: can the worker read its model, has it the memory?")
    place.add_argument("--output", type=Path, help="with --check: folder of runs that all must see (default: runs)")
    for sub in (run, train, validate):
        sub.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override a key of the study")
    convert = add("convert", convert_command, "Write a checkpoint of any format as one safetensors file.")
    convert.add_argument("checkpoint", type=Path)
    convert.add_argument("output", type=Path, metavar="OUT.safetensors")
    convert.add_argument("--vocabulary", help="the vocabulary, if the checkpoint has none")
    convert.add_argument("--unknown", metavar="TOKEN", help="the token that stands for what the vocabulary lacks")
    convert.add_argument("--lower-case", action="store_true", default=None, help="it was trained on lower-cased text")
    convert.add_argument("--number", metavar="TOKEN", help="the token that every number was written as, such as N")
    convert.add_argument("--gates", choices=["sigmoid"], help="for weights of Keras alone: what the gates are")
    convert.add_argument("--twin", choices=["initial", "shuffled"], help="write a random-weights twin instead")
    convert.add_argument("--seed", type=int, default=0, help="of the twin (default: 0)")
    convert.add_argument("--dtype", choices=["float32", "float16"], default="float32")
    convert.add_argument("--force", action="store_true", help="replace a file that is there")
    inspect = add("inspect", inspect_command, "Show what a run holds.")
    inspect.add_argument("run", type=Path, help="folder of a run")
    inspect.add_argument("--json", action="store_true", help="print run.json's facts as JSON")
    neurons = add("neurons", neurons_command, "List the neurons of a run that are strongest for a concept.")
    neurons.add_argument("run", type=Path, help="folder of a run")
    neurons.add_argument("--concept", required=True, help="a concept of the run, or sentence_position")
    neurons.add_argument("--by", metavar="SCORE", help="the score to rank by (default: auroc; cliff_mean)")
    neurons.add_argument("--n", type=_number_or_all, default=10, help="how many, or all (default: 10)")
    neurons.add_argument("--layer", type=int, help="only of this layer, counted from 0")
    neurons.add_argument("--sign", choices=["up", "down"], help="only neurons that go up, or down, for the concept")
    neurons.add_argument("--q", type=float, help="only neurons with q_value at most this, such as 0.05")
    neurons.add_argument("--keep-duplicates", action="store_true", help="a row for each neuron, |r| > .95 or not")
    form = neurons.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print all columns as JSON")
    form.add_argument("--csv", type=Path, metavar="FILE", help="write all columns")
    form.add_argument("--parquet", type=Path, metavar="FILE", help="write all columns")
    neurons.add_argument("--force", action="store_true", help="replace a file that is there")
    report = add("report", report_command, "Write a run's report.html anew.")
    report.add_argument("run", type=Path, help="folder of a run")
    return top


def run_command(options: argparse.Namespace) -> int:
    """Run a study, print the top neurons of each concept."""
    from .config import load_study

    study = load_study(options.study, options.set)
    options.output = options.output or study.output
    check_folder(options.output)
    if options.dry_run:
        from .dry_run import describe_plan

        print(describe_plan(study, options.output, options.cluster))
        return 0
    from .study import run_study
    from .tables import describe_cost, top_neurons

    run = run_study(study, options.output, options.cluster, force=options.force)
    print(top_neurons(run.selectivity, alpha=run.record["study"]["selectivity"]["alpha"]))
    if cost := describe_cost(run):
        print(f"\n{cost}")
    print(f"\nreport: {run.path / 'report.html'}")
    return 0


def train_command(options: argparse.Namespace) -> int:
    """Train a study's model, or write what its training begins with."""
    from .config import load_study
    from .train import train, write_initial

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


def validate_command(options: argparse.Namespace) -> int:
    """Check a study."""
    from .config import load_study
    from .study import corpus_files, trained_model, validate
    from .tables import describe_layers
    from .train import check_training

    study = load_study(options.study, options.set)
    sources = validate(study)
    corpus_files(study, {})
    if study.model.train is not None and not Path(study.resolve(study.model.checkpoint)).exists():
        check_training(study)
        found = "The model is not there yet and is trained first"
    else:
        model = trained_model(study)
        found = f"{describe_layers(model.layer_sizes)} neurons, vocabulary of {len(model.vocabulary):,}"
    print(f"{options.study}: valid. {found}; concepts from {', '.join(sources)}.")
    return 0


def cluster_command(options: argparse.Namespace) -> int:
    """Show what a cluster file would start, or check it."""
    from .config import load_cluster, load_study

    if options.print:
        if options.study or options.output:
            raise UsageError("--study and --output go with --check; --print shows the cluster file alone.")
        from .cluster.preview import describe_cluster

        print(describe_cluster(load_cluster(options.file)))
        return 0
    from .place_check import check_place

    study = None if options.study is None else load_study(options.study)
    options.output = options.output or (study.output.parent if study else Path("runs"))
    check_folder(options.output)
    table, passed = check_place(options.file, options.output, study)
    print(table)
    return 0 if passed else 1


def convert_command(options: argparse.Namespace) -> int:
    """Convert a checkpoint."""
    if options.output.suffix != ".safetensors":
        raise UsageError(f"{options.output} must end in .safetensors, the format that is written.")
    if options.output.exists() and not options.force:
        raise UsageError(f"{options.output} is there already. Give --force to replace it, or another name.")
    require_seed(options.seed, "--seed")
    check_folder(options.output.parent)
    from .inference.checkpoints import load_model, save_model
    from .inference.description import describe_model
    from .inference.twin import random_twin

    rules = (options.unknown, options.lower_case, options.number)
    model = load_model(options.checkpoint, options.vocabulary, options.gates, *rules)
    if options.twin is not None:
        model = random_twin(model, options.seed, options.twin)
    save_model(model, options.output, options.dtype)
    print(describe_model(model))
    print(f"{'written':<14}{options.output} ({options.dtype})")
    return 0


def inspect_command(options: argparse.Namespace) -> int:
    """Show a run."""
    from .run import open_run
    from .tables import describe_run

    run = open_run(options.run)
    print(json.dumps(run.record, indent=1) if options.json else describe_run(run))
    return 0


def neurons_command(options: argparse.Namespace) -> int:
    """List the neurons that are strongest for a concept."""
    from .neuron_listing import describe_neurons, list_neurons, neurons_as_json, refuse_existing, write_neurons
    from .run import open_run

    file = options.csv or options.parquet
    if file is not None:
        refuse_existing(file, options.force)
        check_folder(file.parent)
        options.output = file
    if options.q is not None and not 0 < options.q <= 1:
        raise UsageError(f"--q is {options.q}; it must be above 0 and at most 1.")
    chosen = {"n": options.n, "layer": options.layer, "q": options.q, "group_duplicates": not options.keep_duplicates}
    chosen["sign"] = {"up": 1, "down": -1}.get(options.sign)
    table, by = list_neurons(open_run(options.run), options.concept, options.by, **chosen)
    if file is not None:
        write_neurons(table, file, "csv" if options.csv else "parquet")
        print(f"{file}: {len(table)} neurons")
    else:
        print((neurons_as_json if options.json else describe_neurons)(table, options.concept, by))
    return 0


def report_command(options: argparse.Namespace) -> int:
    """Write a run's report anew."""
    from .report import write_report
    from .run import open_run

    run = open_run(options.run)
    print(write_report(run))
    return 0


def _number_or_all(text: str) -> int | None:
    if text == "all":
        return None
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number from 1 on nor all")
    return int(text)


def _log_to_stderr(level: int) -> None:
    log = logging.getLogger("lstm_analysis")
    log.setLevel(level)
    log.propagate = False
    log.handlers = [logging.StreamHandler(sys.stderr)]
    warnings.showwarning = _show_warning


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    print(f"warning: {message}", file=sys.stderr)


def _terminate(number: int, frame: FrameType | None) -> None:
    STOP.set()
    raise_if_stopped()


if __name__ == "__main__":
    sys.exit(main())
