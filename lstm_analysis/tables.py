"""Tables for the terminal: the top neurons of each concept, and what a run holds."""

from collections.abc import Sequence

import xarray as xr

from .run import Run
from .selectivity import MEASURES, rank_neurons

MANY = 12
SHOWN = 8
BEST = 3


def top_neurons(scores: xr.Dataset, by: str = "auroc") -> str:
    """Return a line a concept: its counts and its most selective neurons.

    Of a source with many concepts the pooled one and those with most target tokens are shown, and how many are not:
    the rarest have the most extreme scores, by chance.
    """
    if by not in scores:
        by = next(name for name in MEASURES if name in scores)
    lines = [f"{'concept':<28}{'tokens':>8}{'types':>7}{'docs':>6}   most selective neurons (layer:neuron {by})"]
    for source in dict.fromkeys(scores["source"].values.tolist()):
        concepts = scores["concept"].values[scores["source"].values == source].tolist()
        pooled = [concept for concept in concepts if concept == source]
        single = [concept for concept in concepts if concept != source]
        shown = concepts if len(concepts) <= MANY else pooled + _most_frequent(scores, single)
        lines.append(f"-- {source}")
        lines += [_line(scores, concept, by) for concept in shown]
        if len(shown) < len(concepts):
            lines.append(f"   and {len(concepts) - len(shown)} more concepts, all in the report and in neurons.parquet")
    return "\n".join(lines)


def _most_frequent(scores: xr.Dataset, concepts: list[str]) -> list[str]:
    counts = scores["n_token"].sel(concept=concepts, group="target").values
    return [concepts[i] for i in (-counts).argsort(kind="stable")[:SHOWN]]


def _line(scores: xr.Dataset, concept: str, by: str) -> str:
    counts = [int(scores[name].sel(concept=concept, group="target")) for name in ("n_token", "n_type", "n_document")]
    best = rank_neurons(scores, by=by, concept=concept, n=BEST)
    neurons = "   ".join(f"{row.layer}:{row.neuron} {getattr(row, by):.3f}" for row in best.itertuples())
    return f"{concept[:27]:<28}{counts[0]:>8,}{counts[1]:>7,}{counts[2]:>6,}   {neurons or 'undefined'}"


def describe_layers(sizes: Sequence[int]) -> str:
    """Return the sizes of a model's layers, written for a person.

    >>> describe_layers([650, 650]), describe_layers([1150, 1150, 400])
    ('2 x 650', '1150 + 1150 + 400')
    """
    return f"{len(sizes)} x {sizes[0]}" if len(set(sizes)) == 1 else " + ".join(map(str, sizes))


def describe_run(run: Run) -> str:
    """Return what a run holds, for a person."""
    facts, lines = run.facts, [f"run         {run.path}"]
    if "model" in facts:
        model = facts["model"]
        lines.append(
            f"model       {describe_layers(model['layer_sizes'])} neurons, vocabulary of {model['n_vocabulary']:,}, "
            f"{model['checkpoint']}" + (f", a random-weights twin ({model['twin']})" if model.get("twin") else "")
        )
    if corpus := facts.get("corpus"):
        lines.append(
            f"corpus      {corpus['n_token']:,} tokens, {corpus['n_sentence']:,} sentences, {corpus['n_document']:,} "
            f"documents, {corpus['n_type']:,} types, {100 * corpus['unknown_share']:.2f} % unknown"
        )
    for stage in ("activations", "summary"):
        if "perplexity" in facts.get(stage, {}):
            lines.append(f"perplexity  {facts[stage]['perplexity']:.1f} over {facts[stage]['n_predicted']:,} tokens")
    if "lanes" in facts:
        lines.append(f"reading     {facts['lanes']['choice']}")
    for name, entry in run.record["stages"].items():
        seconds = f"{entry['seconds']:,.1f} s" if "seconds" in entry else ""
        lines.append(f"stage       {name:<12}{entry['state']:<9}{seconds:>10}   {', '.join(entry['products'])}")
    return "\n".join(lines)
