"""A model in words: what `lstm-analysis convert` found."""

from ..vocabulary import Vocabulary
from .model import AdaptiveDecoder, LanguageModel


def describe_model(model: LanguageModel) -> str:
    """Return cell, sizes, vocabulary, decoder and metadata, a line each."""
    facts = {
        "cell": f"{model.cell}, {' + '.join(map(str, model.layer_sizes))} neurons, embedding of "
        f"{model.embedding.shape[1]:,}",
        "vocabulary": f"{len(model.vocabulary):,} tokens ({model.vocabulary.level}){_rules(model.vocabulary)}",
        "decoder": _decoder(model),
        "weights": f"{model.n_parameter:,}",
    }
    return "\n".join(f"{name:<14}{value[:100]}" for name, value in [*facts.items(), *sorted(model.metadata.items())])


def _rules(vocabulary: Vocabulary) -> str:
    rules = vocabulary.normalisation
    said = {"lower case": rules.lower_case, f"numbers as {rules.number}": rules.number is not None}
    said |= {"literals by their kind": rules.literals}
    return "".join(f", {text}" for text, holds in said.items() if holds)


def _decoder(model: LanguageModel) -> str:
    if model.decoder is None:
        return "none that reads the top layer's h alone: states, but no surprisal"
    if isinstance(model.decoder, AdaptiveDecoder):
        return f"adaptive softmax, cutoffs {', '.join(f'{n:,}' for n in model.decoder.cutoffs[:-1])}"
    return "full softmax, tied to the embedding" if model.tied else "full softmax"
