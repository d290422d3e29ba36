"""Stage corpus: the reader's sentences into ``corpus.zarr``, the model beside it."""

from collections.abc import Iterator
from typing import Any

from ..config import AUTOMATIC, Study
from ..corpus import CorpusBuilder, Sentence, read_sentences
from ..corpus.writing import write_corpus
from ..errors import UsageError
from ..inference.checkpoints import save_exactly
from ..inference.model import LanguageModel
from .work import Work, log, progress

UNKNOWN_WARNING = 0.2


def corpus_stage(state: Work, model: LanguageModel) -> None:
    """Read the corpus into ``corpus.zarr`` and put the model beside it."""
    end = end_symbol(state.study, model)
    with state.stage("corpus", "corpus.zarr", "model.safetensors") as facts:
        builder = CorpusBuilder(end, state.study.corpus.limit_tokens)
        save_exactly(state.run / "model.safetensors", model)
        with progress("corpus") as bar:
            facts |= write_corpus(
                state.run / "corpus.zarr",
                study_sentences(state.study),
                builder,
                model.vocabulary.encode,
                model.vocabulary.unknown,
                state.study.inference.shard_tokens,
                state.prints["corpus"],
                bar.update,
            )
        facts |= {"end_of_sentence": end, "unknown_share": facts["n_unknown"] / facts["n_token"]}
    report_corpus(facts)


def study_sentences(study: Study) -> Iterator[Sentence]:
    """Yield the sentences of a study's corpus."""
    config = study.corpus
    return read_sentences(config.format, [study.resolve(p) for p in config.path], config.sentences, config.documents)


def end_symbol(study: Study, model: LanguageModel) -> str | None:
    """Return the symbol that ends each sentence: the study's, or that of a word model's vocabulary."""
    asked = study.corpus.end_of_sentence
    if asked != AUTOMATIC:
        if asked is not None and model.vocabulary.index(asked) in (None, model.vocabulary.unknown):
            raise UsageError(
                f"corpus.end_of_sentence is {asked!r}, which the model's vocabulary lacks. Give the symbol that the "
                "model was trained with, or null for none."
            )
        return asked
    return model.vocabulary.end_of_sentence if model.vocabulary.level == "word" else None


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
            "little about them. Usual causes: the model was trained on lower-cased text or with other tokens (clitics, "
            "numbers, punctuation) than the corpus has, or on another language or level (words, characters).",
            100 * facts["unknown_share"],
        )
