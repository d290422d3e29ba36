"""Study and cluster files: what is accepted, and what each mistake is answered."""

from pathlib import Path

import pytest

from lstm_analysis.cluster import LOCAL
from lstm_analysis.config import (
    ClusterConfig,
    CorpusConfig,
    InferenceConfig,
    ModelConfig,
    Recipe,
    SelectivityConfig,
    StoreConfig,
    Study,
    load_cluster,
    load_study,
)
from lstm_analysis.errors import UsageError

ROOT = Path(__file__).parents[1]
STUDY = """
name: mine
corpus: {format: text, path: "data/*.txt"}
model: {checkpoint: m.safetensors}
"""


@pytest.fixture
def study_file(tmp_path: Path) -> Path:
    file = tmp_path / "mine.yaml"
    file.write_text(STUDY)
    return file


@pytest.mark.parametrize("file", sorted((ROOT / "pipelines").glob("*.yaml")), ids=lambda p: p.name)
def test_every_shipped_study_is_valid(file: Path) -> None:
    assert load_study(file).name == file.stem


@pytest.mark.parametrize("file", sorted((ROOT / "cluster").glob("*.yaml")), ids=lambda p: p.name)
def test_every_shipped_cluster_is_valid(file: Path) -> None:
    assert isinstance(load_cluster(file), ClusterConfig)


def test_the_default_cluster_is_the_shipped_local_one() -> None:
    assert load_cluster(ROOT / "cluster" / "local.yaml") == LOCAL


def test_defaults_and_relative_paths(study_file: Path) -> None:
    study = load_study(study_file)
    assert isinstance(study, Study)
    assert study.inference.carry == "document"
    assert study.corpus.path == ("data/*.txt",)
    assert study.resolve("data/*.txt") == str(study_file.parent / "data/*.txt")
    assert study.resolve("s3://bucket/x.txt") == "s3://bucket/x.txt"
    assert study.resolve("/abs/x.txt") == "/abs/x.txt"


def test_settings_override_any_key(study_file: Path) -> None:
    study = load_study(
        study_file, ["inference.carry=sentence", "store=none", "corpus.end_of_sentence=null", "model.train.epochs=2"]
    )
    assert (study.inference.carry, study.store.activations) == ("sentence", "none")
    assert study.corpus.end_of_sentence is None
    assert study.model.train == Recipe(epochs=2)


def test_numbers_that_yaml_takes_for_text(study_file: Path) -> None:
    train = load_study(study_file, ["model.train.learning_rate=3e-3"]).model.train
    assert train is not None
    assert train.learning_rate == 0.003


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("corpus.formt=x", r"unknown key corpus\.formt; did you mean 'format'\?"),
        ("infrence.carry=x", r"unknown key infrence; did you mean 'inference'\?"),
        ("inference.carry=sentense", r"did you mean 'sentence'\?"),
        ("inference.carry=paragraph", "one of document, sentence, continuous, streams"),
        ("inference.shard_tokens=many", "must be a whole number, found 'many'"),
        ("inference.surprisal=1", "must be true or false, found 1"),
        ("inference.states=[hidden, gates]", "inference.states is 'gates'"),
        ("store.activations=float8", "one of float32, float16, none"),
        ("model=7", "model must be a mapping of keys, found 7"),
        ("concepts=[7]", "concepts must be a mapping, found 7"),
        ("seed=1.5", "seed must be a whole number"),
        ("name=a/b", "cannot hold a '/'"),
        ("name.x=1", "name is 'mine' in the study, not a mapping"),
        ("inference.carry", "expected KEY=VALUE"),
        ("seed=[", "not valid YAML"),
        ("folder=x", "unknown key folder"),
        ("selectivity.measures=[]", r"mine\.yaml: selectivity\.measures is \[\]; it must be a list of at least one"),
        ("selectivity.alpha=1", "selectivity.alpha is 1.0; it must be between 0 and 1"),
        ("inference.states=[hidden, hidden]", "inference.states is .*; it must be without repeats"),
        ("inference.shard_tokens=0", "inference.shard_tokens is 0; it must be at least 1"),
        ("corpus.limit_tokens=0", "corpus.limit_tokens is 0; it must be at least 1"),
        ("seed=-1", "mine.yaml: seed is -1; it must be at least 0"),
        ("seed=99999999999999999999", r"mine.yaml: seed is 9{20}; it must be at least 0 and below 2\*\*63"),
        ("model.train.hold_out=1", "model.train.hold_out is 1; it must be at least 2"),
        ("model.train={size: 3, size: 4}", "not valid YAML"),
    ],
)
def test_mistakes_are_explained(study_file: Path, setting: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        load_study(study_file, [setting])
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a\n- b\n", "must hold a mapping"),
        ("name: [", "not valid YAML"),
        ("name: !!python/object/apply:os.system ['true']\n", "not valid YAML"),
        ("name: x\ncorpus: {format: text}\n", "the key model is missing"),
        ("name: x\nseed: 1\nname: y\n", "line 3 has the key 'name' again; only the last would count"),
        ("name: x\ncorpus:\n  format: text\n  'format': tsv\n", "line 4 has the key 'format' again"),
        ("name: x\nmodel: {checkpoint: m}\ncorpus: {path: x}\n", r"the key corpus\.format is missing"),
    ],
)
def test_malformed_files(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(text)
    with pytest.raises(UsageError, match=message):
        load_study(file)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.yaml cannot be read \(No such file"):
        load_study(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("module: distributed\n", "only one of them"),
        ("address: tcp://a:1\nscheduler_file: f\n", "only one of them"),
        ("module: distributed\nclas: LocalCluster\n", "did you mean 'class'"),
        ("version: 2\naddress: tcp://a:1\n", "version is 2"),
        ("address: tcp://a:1\naddress: tcp://b:1\n", "line 2 has the key 'address' again"),
    ],
)
def test_malformed_clusters(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(text)
    with pytest.raises(UsageError, match=message):
        load_cluster(file)


@pytest.mark.parametrize(
    "wrong",
    [
        {"layers": 0}, {"size": 0}, {"epochs": 0}, {"streams": 0}, {"steps": 0}, {"vocabulary_size": 2},
        {"hold_out": 1}, {"dropout": 1.0}, {"dropout": -0.1}, {"learning_rate": 0.0}, {"learning_rate": float("nan")},
        {"learning_rate": float("inf")}, {"clip": 0.0}, {"weight_decay": -0.1}, {"weight_decay": float("nan")},
        {"seed": -1},
    ],
    ids=str,
)  # fmt: skip
def test_a_recipe_made_in_python_is_checked(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=rf"^model\.train\.{next(iter(wrong))} is .*; it must be "):
        Recipe(**wrong)  # type: ignore[arg-type]


def test_parts_of_a_study_made_in_python_are_checked() -> None:
    with pytest.raises(UsageError, match=r"inference.carry is 'paragraph'; it must be one of document, sentence, "):
        InferenceConfig(carry="paragraph")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"inference.states is 'gates'"):
        InferenceConfig(states=("hidden", "gates"))  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"inference.device is 'gpu'; .*one of auto, cpu, cuda"):
        InferenceConfig(device="gpu")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"store.activations is 'float61'; did you mean 'float16'"):
        StoreConfig("float61")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"selectivity.measures is .*without repeats"):
        SelectivityConfig(measures=("auroc", "auroc"))
    with pytest.raises(UsageError, match="seed is -1"):
        Study("x", CorpusConfig("text"), ModelConfig("m"), seed=-1)


def test_a_merged_key_may_be_overridden(tmp_path: Path) -> None:
    file = tmp_path / "merged.yaml"
    base = "name: x\nmodel: {checkpoint: m}\nconcepts:\n- &a {source: s, n: 1}\n- &b {<<: *a, n: 2}\n- {<<: *b, m: 3}\n"
    file.write_text(base + "corpus: {format: text}\n")
    assert load_study(file).concepts[1:] == ({"source": "s", "n": 2}, {"source": "s", "n": 2, "m": 3})
