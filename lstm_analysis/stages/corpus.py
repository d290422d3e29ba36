"""Stage corpus: the reader's sentences into ``corpus.zarr``, the model beside it."""

from collections.abc import Iterator
from typing import Any

from ..config import AUTOMATIC, Study
from ..corpus import CorpusBuilder, PieceColumns, Sentence, read_sentences
from ..corpus.writing import write_corpus
from ..errors import UsageError
from ..inference.checkpoints import save_model
from ..inference.model import LanguageModel
from ..segmentation import segmenter
from .work import Work, log

UNKNOWN_WARNING = 0.2


def corpus_stage(state: Work, model: LanguageModel) -> None:
    """Read the corpus into ``corpus.zarr`` and put the model beside it."""
    with state.stage("corpus", "corpus.zarr", "model.safetensors") as facts:
        builder = corpus_builder(state.study, model)
        save_model(model, state.run / "model.safetensors")
        with state.progress("corpus") as bar:
            facts |= write_corpus(
                state.run / "corpus.zarr",
                study_sentences(state.study),
                builder,
                model.vocabulary,
                state.study.inference.shard_tokens,
                state.prints["corpus"],
                bar.update,
            )
        n_read = facts.get("n_piece", facts["n_token"])
        facts |= {"end_of_sentence": builder.end_of_sentence, "unknown_share": facts["n_unknown"] / n_read}
    report_corpus(facts)


def study_sentences(study: Study) -> Iterator[Sentence]:
    """Yield the sentences of a study's corpus."""
    config = study.corpus
    return read_sentences(config.format, [study.resolve(p) for p in config.path], config.sentences, config.documents)


def corpus_builder(study: Study, model: LanguageModel) -> CorpusBuilder:
    """Return what turns the study's sentences into the columns of its corpus."""
    cut = segmenter(model.vocabulary)
    pieces = None if cut is None else PieceColumns(cut, study.corpus.unit)
    return CorpusBuilder(end_symbol(study, model), study.corpus.limit_tokens, pieces)


def end_symbol(study: Study, model: LanguageModel) -> str | None:
    """Return the symbol that ends each sentence: the study's, or that of the model's vocabulary.

    A tokenizer's is used only if the study asks for it: many a model has it at the ends of documents alone.
    """
    asked = study.corpus.end_of_sentence
    if asked != AUTOMATIC:
        if asked is not None and model.vocabulary.index(asked) in (None, model.vocabulary.unknown):
            raise UsageError(
                f"corpus.end_of_sentence is {asked!r}, which the model's vocabulary lacks. Give the symbol that the "
                "model was trained with, or null for none."
            )
        return asked
    return None if model.vocabulary.level == "subword" else model.vocabulary.end_of_sentence


def report_corpus(facts: dict[str, Any]) -> None:
    """Say what was read, and warn if the model does not know much of it."""
    log.info(
        "corpus: %s tokens in %s sentences of %s documents, %s types, %.2f %% unknown to the model%s",
        *(f"{facts[name]:,}" for name in ("n_token", "n_sentence", "n_document", "n_type")),
        100 * facts["unknown_share"],
        "; stopped at corpus.limit_tokens" if facts["limited"] else "",
    )
    if facts["unknown_share"] > UNKNOWN_WARNING:
        log.warning(
            "%.0f %% of the tokens are unknown to the model and are all read as the same symbol, so its states say "
            "little about them. Usual causes: the model was trained on lower-cased text (model.lower_case: true), with "
            "numbers as one token (model.number: N) or with other tokens (clitics, punctuation) than the corpus has, "
            "or on another language or level (words, characters).",
            100 * facts["unknown_share"],
        )
