"""Tables for the terminal: the top neurons of each concept, and what a run holds."""

from collections.abc import Sequence

import xarray as xr

from .run import Run
from .selectivity import best_neurons, choose_concepts, leading_measure


def top_neurons(scores: xr.Dataset, by: str = "auroc", alpha: float = 0.05) -> str:
    """Return a line a concept: its counts and its most selective neurons, chosen as in the report.

    Of a source with many concepts some are shown (see `choose_concepts`), and how many are not.

    Parameters
    ----------
    scores
        Scores of concepts, such as a run's ``selectivity``.
    by
        The measure to rank by; if the scores lack it the one that the report leads with.
    alpha
        Level of the tests: concepts with a neuron that passes are shown first.
    """
    by = by if by in scores else leading_measure(scores)
    lines = [f"{'concept':<28}{'tokens':>8}{'types':>7}{'docs':>6}   most selective neurons (layer:neuron {by})"]
    for chosen in choose_concepts(scores, alpha):
        lines.append(f"-- {chosen.source}")
        lines += [_line(scores, concept, by) for concept in chosen.shown]
        if chosen.rest:
            lines.append(f"   and {len(chosen.rest)} more concepts, all in the report and in neurons.parquet")
    return "\n".join(lines)


def _line(scores: xr.Dataset, concept: int, by: str) -> str:
    one = scores.isel(concept=concept)
    counts = [int(one[name].sel(group="target")) for name in ("n_token", "n_type", "n_document")]
    best = best_neurons(scores, concept, by)
    neurons = "   ".join(f"{row.layer}:{row.neuron} {getattr(row, by):.3f}" for row in best.itertuples())
    name = str(one["concept"].values)
    return f"{name[:27]:<28}{counts[0]:>8,} {counts[1]:>6,} {counts[2]:>5,}   {neurons or 'undefined'}"


def describe_layers(sizes: Sequence[int]) -> str:
    """Return the sizes of a model's layers, written for a person.

    >>> describe_layers([650, 650]), describe_layers([1150, 1150, 400])
    ('2 x 650', '1150 + 1150 + 400')
    """
    return f"{len(sizes)} x {sizes[0]}" if len(set(sizes)) == 1 else " + ".join(map(str, sizes))


def describe_cost(run: Run) -> str:
    """Return what a million tokens cost in each step beside the model's reading; empty where states are not kept.

    Seconds are those of the run's last uninterrupted try of a stage, on all its workers together.
    """
    stages, corpus = run.record["stages"], run.facts.get("corpus", {})
    seconds = {name: entry["seconds"] for name, entry in stages.items() if "seconds" in entry}
    if not seconds.get("activations") or "n_token" not in corpus:
        return ""
    steps = {"summary": "one pass of sums", "selectivity": "scores and tests", "analyses": "analyses"}
    scale, reading = 1e6 / corpus["n_token"], seconds["activations"]
    parts = [
        f"{text} {seconds[name] * scale:,.1f} s ({100 * seconds[name] / reading:.0f} %)"
        for name, text in steps.items()
        if name in seconds
    ]
    if not parts:
        return ""
    return f"a million tokens: reading {reading * scale:,.1f} s, {', '.join(parts)} of reading"


def describe_run(run: Run) -> str:
    """Return what a run holds, for a person."""
    facts, lines = run.facts, [f"run         {run.path}"]
    if "model" in facts:
        model = facts["model"]
        lines.append(
            f"model       {describe_layers(model['layer_sizes'])} neurons, vocabulary of {model['n_vocabulary']:,}, "
            f"{model['checkpoint']}" + (f", a random-weights twin ({model['twin']})" if model.get("twin") else "")
        )
    if imported := facts.get("imported"):
        lines.append(
            f"imported    from {imported['from']}, {imported['project']!r}: {len(imported['sources'])} sources of "
            f"{describe_layers(imported['layer_sizes'])} neurons; not known: {', '.join(imported['not_known'])}"
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
    lines += [f"cost        {cost}"] if (cost := describe_cost(run)) else []
    for name, entry in run.record["stages"].items():
        seconds = f"{entry['seconds']:,.1f} s" if "seconds" in entry else ""
        lines.append(f"stage       {name:<12}{entry['state']:<9}{seconds:>10}   {', '.join(entry['products'])}")
    return "\n".join(lines)
