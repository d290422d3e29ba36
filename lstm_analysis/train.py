"""Training a study's model: its texts encoded, its vocabulary built, its curve drawn."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from . import __version__
from .config import Study
from .corpus import read_corpus
from .errors import UsageError, UserError
from .inference.training import Text, Trained, train_model, write_untrained
from .recipe import HOLD_OUT, Recipe
from .report import write_training_page
from .vocabulary import END_NAMES, Normalisation, Vocabulary, build_vocabulary


def train(study: Study) -> Trained:
    """Train the study's model on the study's corpus, or go on training it; draw its curve beside it after each epoch.

    Returns
    -------
    Perplexities of the checkpoint.

    Raises
    ------
    UserError
        If the study has no recipe, or a text is too short.
    """
    recipe, checkpoint = recipe_of(study), Path(study.resolve(study.model.checkpoint))
    corpus = _read(study, study.corpus.path)
    kept = _kept(corpus, recipe)
    vocabulary = _vocabulary(study, recipe, corpus, kept)
    whole = _encode(corpus, vocabulary)
    validation, test = _other(study, recipe.validation, vocabulary), _other(study, recipe.test, vocabulary)
    if validation is None:
        validation = Text(whole.token_id[~kept], whole.document[~kept])
    learnt = Text(whole.token_id[kept], whole.document[kept])
    facts = _facts(study, corpus, whole, vocabulary)

    def draw() -> None:
        write_training_page(checkpoint, asdict(recipe))

    found = train_model(learnt, validation, test, vocabulary, recipe, checkpoint, facts, draw)
    draw()
    return found


def write_initial(study: Study) -> None:
    """Write the weights that the study's training begins with, untrained."""
    recipe, corpus = recipe_of(study), _read(study, study.corpus.path)
    vocabulary = _vocabulary(study, recipe, corpus, _kept(corpus, recipe))
    facts = {"initialised_by": f"lstm-analysis {__version__}"}
    write_untrained(vocabulary, recipe, Path(study.resolve(study.model.checkpoint)), facts)


def recipe_of(study: Study) -> Recipe:
    """Return the study's recipe.

    Raises
    ------
    UsageError
        If it has none, or one that does not fit its corpus.
    """
    recipe = study.model.train
    if recipe is None:
        raise UsageError("The study has no recipe; give one under model.train.")
    for name in ("validation", "test"):
        if study.corpus.format == "sotu" and getattr(recipe, name) is not None:
            raise UsageError(
                f"model.train.{name} is {getattr(recipe, name)!r}, but the corpus format 'sotu' is read from its "
                "package and not from files. Remove it; every hold_out-th document is the validation text."
            )
    return recipe


def _read(study: Study, paths: Sequence[str], limited: bool = True) -> xr.Dataset:
    config = study.corpus
    return read_corpus(
        [study.resolve(path) for path in paths],
        config.format,
        end_of_sentence=_end(study),
        limit_tokens=config.limit_tokens if limited else None,
        sentences=config.sentences,
        documents=config.documents if limited else (),
    )


def _end(study: Study) -> str | None:
    named = study.corpus.end_of_sentence
    return END_NAMES[0] if named == "automatic" else named


def _kept(corpus: xr.Dataset, recipe: Recipe) -> NDArray[np.bool_]:
    """Return which tokens are learnt from, dims (time)."""
    document = corpus["document"].values
    if recipe.validation is not None:
        return np.ones(len(document), bool)
    n = recipe.hold_out or HOLD_OUT
    kept: NDArray[np.bool_] = document % n != n - 1
    if kept.all():
        raise UserError(
            f"No document is left for validation: the corpus has {corpus.sizes['document_name']}, fewer than "
            f"model.train.hold_out ({n}). Give a smaller hold_out, or a text as model.train.validation."
        )
    return kept


def _vocabulary(study: Study, recipe: Recipe, corpus: xr.Dataset, kept: NDArray[np.bool_]) -> Vocabulary:
    types = [str(form) for form in corpus["type"].values]
    counts = np.bincount(corpus["type_id"].values[kept], minlength=len(types))
    normalisation = Normalisation(recipe.lower_case, recipe.number)
    found: Mapping[str, int] = {form: n for form, n in zip(types, counts.tolist(), strict=True) if n}
    return build_vocabulary(found, recipe.vocabulary_size, normalisation, _end(study))


def _encode(corpus: xr.Dataset, vocabulary: Vocabulary) -> Text:
    rows = vocabulary.encode([str(form) for form in corpus["type"].values])
    return Text(rows[corpus["type_id"].values], corpus["document"].values)


def _other(study: Study, path: str | None, vocabulary: Vocabulary) -> Text | None:
    """Return a text that the recipe names, read as the corpus is."""
    return None if path is None else _encode(_read(study, [path], limited=False), vocabulary)


def _facts(study: Study, corpus: xr.Dataset, whole: Text, vocabulary: Vocabulary) -> dict[str, str]:
    return {
        "trained_by": f"lstm-analysis {__version__}",
        "trained_on": ", ".join([study.corpus.format, *study.corpus.path]),
        "n_document": str(corpus.sizes["document_name"]),
        "unknown_share": f"{float((whole.token_id == vocabulary.unknown).mean()):.4f}",
    }
