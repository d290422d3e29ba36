"""Training a study's model: its texts encoded, its vocabulary built, its curve drawn."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from . import __version__
from .config import Study
from .corpus import READERS, EmptyCorpus, read_corpus
from .errors import UsageError, UserError
from .inference.training import Text, Trained, alone, train_model, write_untrained
from .locations import is_url
from .recipe import HOLD_OUT, Recipe
from .report import write_training_page
from .segmentation import NEWLINE
from .stages.corpus import study_reader
from .vocabulary import END_NAMES, Normalisation, Vocabulary, build_vocabulary

TEXTS = ("validation", "test")
"""Keys of a recipe that name a text."""
SUFFIX = ".safetensors"


def train(study: Study) -> Trained:
    """Train the study's model on the study's corpus, or go on training it; draw its curve beside it after each epoch.

    Returns
    -------
    Perplexities of the checkpoint.

    Raises
    ------
    UserError
        If the study has no recipe, a text is missing or too short, or another program trains the same model.
    """
    recipe, checkpoint = check_training(study), Path(study.resolve(study.model.checkpoint))
    with alone(checkpoint):
        return _train(study, recipe, checkpoint)


def _train(study: Study, recipe: Recipe, checkpoint: Path) -> Trained:
    corpus = _read(study, study.corpus.path)
    kept = _kept(corpus, recipe)
    vocabulary = _vocabulary(study, recipe, corpus, kept)
    whole = _encode(study, corpus, vocabulary)
    validation, test = (_other(study, recipe, name, vocabulary) for name in TEXTS)
    if validation is None:
        validation = Text(whole.token_id[~kept], whole.document[~kept])
    learnt = Text(whole.token_id[kept], whole.document[kept])
    facts = _facts(study, corpus, whole, vocabulary)

    def draw() -> None:
        write_training_page(checkpoint, recipe.recorded())

    found = train_model(learnt, validation, test, vocabulary, recipe, checkpoint, facts, draw)
    draw()
    return found


def write_initial(study: Study) -> None:
    """Write the weights that the study's training begins with, untrained, in float32."""
    recipe, corpus = check_training(study), _read(study, study.corpus.path)
    vocabulary = _vocabulary(study, recipe, corpus, _kept(corpus, recipe))
    facts = {"initialised_by": f"lstm-analysis {__version__}"}
    write_untrained(vocabulary, recipe, Path(study.resolve(study.model.checkpoint)), facts)


def check_training(study: Study) -> Recipe:
    """Return the study's recipe if all is there that it needs, as far as that is seen without reading a text.

    Raises
    ------
    UserError
        If the study has no recipe, or one that does not fit it; if a text is missing; if no document of the corpus
        can be held out.
    """
    recipe = recipe_of(study)
    for name in TEXTS:
        if (path := getattr(recipe, name)) is not None:
            READERS[study.corpus.format].files([study.resolve(path)], f"The path model.train.{name}")
    if recipe.validation is None and study.corpus.format in ("text", "java") and study.corpus.path:
        reader, source = study_reader(study)
        _check_held_out(sum(source.wants(text.name) for text in reader.texts(source)), recipe)
    return recipe


def recipe_of(study: Study) -> Recipe:
    """Return the study's recipe.

    Raises
    ------
    UsageError
        If it has none, or one that does not fit the rest of the study.
    """
    recipe = study.model.train
    if recipe is None:
        raise UsageError("The study has no recipe; give one under model.train.")
    if is_url(study.model.checkpoint):
        raise UsageError(
            f"model.checkpoint is {study.model.checkpoint!r}, but training writes the checkpoint, its log and its page "
            "on this machine. Give a path, and copy the trained model to where it is wanted."
        )
    if Path(study.model.checkpoint).suffix != SUFFIX:
        raise UsageError(
            f"model.checkpoint is {study.model.checkpoint!r}, but a trained model is written as a {SUFFIX} file. Give "
            f"a name that ends in {SUFFIX}."
        )
    _refuse_ignored(study, recipe)
    for name in TEXTS:
        if study.corpus.format == "sotu" and getattr(recipe, name) is not None:
            raise UsageError(
                f"model.train.{name} is {getattr(recipe, name)!r}, but the corpus format 'sotu' is read from its "
                "package and not from files. Remove it; every hold_out-th document is the validation text."
            )
    return recipe


def _refuse_ignored(study: Study, recipe: Recipe) -> None:
    """Refuse keys that say something else of the model than what its training makes."""
    if study.model.vocabulary is not None:
        raise UsageError(
            f"model.vocabulary is {study.model.vocabulary!r}, but model.train makes the vocabulary from the text and "
            "writes it into the checkpoint. Remove model.vocabulary; model.train.vocabulary_size says how large it is."
        )
    for name in ("lower_case", "number"):
        given = getattr(study.model, name)
        if given not in (None, getattr(recipe, name)):
            raise UsageError(
                f"model.{name} is {given!r}, but the model is trained with model.train.{name} "
                f"{getattr(recipe, name)!r}. Remove model.{name}, or change the other."
            )
    if study.corpus.level == "char" and recipe.number is not None:
        raise UsageError(
            f"model.train.number is {recipe.number!r}, but the model is to read characters (corpus.level: char), of "
            "which none is a number. Set model.train.number: null."
        )
    if study.corpus.level == "word" and study.corpus.unit == "token":
        raise UsageError(
            "corpus.unit is token, but model.train makes a model that reads whole words. Set corpus.unit: word, or "
            "corpus.level: char to train a model of characters, or remove model.train and give a checkpoint."
        )


def _read(study: Study, paths: Sequence[str], limited: bool = True) -> xr.Dataset:
    config = study.corpus
    return read_corpus(
        [study.resolve(path) for path in paths],
        config.format,
        end_of_sentence=_end(study),
        limit_tokens=config.limit_tokens if limited else None,
        sentences=config.sentences,
        documents=config.documents if limited else (),
        comments=config.comments,
        subtokens=config.subtokens,
        structure=False,  # what the model reads are the tokens
        encoding=config.encoding,
        level=config.level,
    )


def _end(study: Study) -> str | None:
    named = study.corpus.end_of_sentence
    if study.corpus.level == "char":
        return NEWLINE
    return END_NAMES[0] if named == "automatic" else named


def _kept(corpus: xr.Dataset, recipe: Recipe) -> NDArray[np.bool_]:
    """Return which tokens are learnt from, dims (time)."""
    document = corpus["document"].values
    if recipe.validation is not None:
        return np.ones(len(document), bool)
    _check_held_out(corpus.sizes["document_name"], recipe)
    n = recipe.hold_out or HOLD_OUT
    kept: NDArray[np.bool_] = document % n != n - 1
    return kept


def _check_held_out(n_document: int, recipe: Recipe) -> None:
    n = recipe.hold_out or HOLD_OUT
    if n_document < n:
        raise UserError(
            f"No document is left for validation: the corpus has {n_document}, fewer than model.train.hold_out ({n}). "
            "Give a smaller hold_out, a text as model.train.validation, or more documents: corpus.documents and "
            "corpus.limit_tokens choose what is trained on as well."
        )


def _read_as(study: Study, corpus: xr.Dataset) -> tuple[list[str], NDArray[np.int32]]:
    """Return the names of what the model is to read, words or characters, and which of them each token is."""
    name, codes = ("token_name", "token_id") if study.corpus.level == "char" else ("type", "type_id")
    return [str(form) for form in corpus[name].values], corpus[codes].values


def _vocabulary(study: Study, recipe: Recipe, corpus: xr.Dataset, kept: NDArray[np.bool_]) -> Vocabulary:
    names, codes = _read_as(study, corpus)
    counts = np.bincount(codes[kept], minlength=len(names))
    normalisation = Normalisation(recipe.lower_case, recipe.number, literals=recipe.literals)
    found: Mapping[str, int] = {form: n for form, n in zip(names, counts.tolist(), strict=True) if n}
    return build_vocabulary(found, recipe.vocabulary_size, normalisation, _end(study))


def _encode(study: Study, corpus: xr.Dataset, vocabulary: Vocabulary) -> Text:
    names, codes = _read_as(study, corpus)
    return Text(vocabulary.encode(names)[codes], corpus["document"].values)


def _other(study: Study, recipe: Recipe, name: str, vocabulary: Vocabulary) -> Text | None:
    """Return a text that the recipe names, read as the corpus is."""
    path = getattr(recipe, name)
    if path is None:
        return None
    try:
        return _encode(study, _read(study, [path], limited=False), vocabulary)
    except EmptyCorpus:
        raise UserError(f"model.train.{name} is {path!r}, which holds no sentence. Give another text.") from None


def _facts(study: Study, corpus: xr.Dataset, whole: Text, vocabulary: Vocabulary) -> dict[str, str]:
    return {
        "trained_by": f"lstm-analysis {__version__}",
        "trained_on": ", ".join([study.corpus.format, *study.corpus.path]),
        "n_document": str(corpus.sizes["document_name"]),
        "unknown_share": f"{float((whole.token_id == vocabulary.unknown).mean()):.4f}",
    }
