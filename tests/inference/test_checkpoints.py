"""Every way a model may be stored, and every file that must be refused."""

import json
import os
import pickle
import random
from collections import OrderedDict

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from lstm_analysis.corpus import read_sentences
from lstm_analysis.errors import UsageError, UserError
from lstm_analysis.inference.checkpoints import load_model, save_model
from lstm_analysis.inference.lstm import Stream, StreamReader
from lstm_analysis.vocabulary import Normalisation, Vocabulary

TOKENS = [f"w{i}" for i in range(11)]


@pytest.fixture
def save(tmp_path):
    """Return a function that stores tensors, with a vocabulary inside, in one of the formats."""

    def put(tensors, name="model.pt", vocab=TOKENS):
        path = tmp_path / name
        tensors = {key: tensor.detach().clone() for key, tensor in tensors.items()}
        if path.suffix == ".safetensors":
            save_file(tensors, path, {} if vocab is None else {"vocabulary": json.dumps(vocab)})
        else:
            torch.save(tensors if vocab is None else {"state_dict": tensors, "vocab": vocab, "licence": "MIT"}, path)
        return path

    return put


def assert_is(model, net):
    expected = net.language_model()
    pairs = [
        (model.embedding, expected.embedding),
        (model.decoder_weight, expected.decoder_weight),
        (model.decoder_bias, expected.decoder_bias),
    ]
    for a, b in zip(model.layers, expected.layers, strict=True):
        pairs += [(a.weight_input, b.weight_input), (a.weight_recurrent, b.weight_recurrent), (a.bias, b.bias)]
    for found, wanted in pairs:
        assert torch.equal(found, wanted)
        assert found.dtype == torch.float32


@pytest.mark.parametrize("name", ["m.pt", "m.pth", "m.bin", "m.safetensors"])
@pytest.mark.parametrize("shape", [{}, {"n_layer": 1}, {"n_layer": 3, "width": 5}], ids=["two", "one", "three"])
def test_formats(network, save, name, shape):
    net = network(**shape)
    model = load_model(save(net.state_dict(), name))
    assert_is(model, net)
    assert model.vocabulary == Vocabulary(tuple(TOKENS))
    assert (model.n_layer, model.n_neuron) == (net.rnn.num_layers, 5)
    if name != "m.safetensors":
        assert model.metadata == {"licence": "MIT"}


PREFIXES = [
    ("encoder.", "rnn.", "decoder."),
    ("", "", "out."),
    ("model.embedding.", "model.lstm.", "model.fc."),
    ("encoder.embedding.", "encoder.lstm.", "encoder.decoder."),
    ("module.emb.", "module.", "module.softmax."),
    ("z.", "lstm.", "a."),
]


@pytest.mark.parametrize("prefixes", PREFIXES, ids="".join)
@pytest.mark.parametrize("width", [5, 6])
@pytest.mark.parametrize("turn", [1, -1])
def test_any_prefix_in_any_order(network, save, prefixes, width, turn):
    if prefixes[0] == "z." and width == 5 and turn == -1:
        pytest.skip("of two matrices of one shape and no telling name the first is the embedding")
    net = network(width=width)
    names = dict(zip(("encoder.", "rnn.", "decoder."), prefixes, strict=True))
    renamed = {}
    for key, tensor in list(net.state_dict().items())[::turn]:
        head = key.split(".")[0] + "."
        renamed[names[head] + key.removeprefix(head)] = tensor
    assert_is(load_model(save(renamed)), net)


@pytest.mark.parametrize("name", ["m.pt", "m.safetensors"])
def test_a_tied_decoder_is_the_embedding(network, save, name):
    net = network(width=5)
    net.decoder.weight = net.encoder.weight
    tied, stored = net.state_dict(), net.state_dict()
    del stored["decoder.weight"]
    for tensors in (tied, stored):
        model = load_model(save(tensors, name))
        assert_is(model, net)
        assert model.decoder_weight.data_ptr() == model.embedding.data_ptr()
        assert model.to("cpu", torch.float64).decoder_weight.dtype == torch.float64
        assert model.n_parameter == 11 * 5 + 11 + 2 * (4 * 5 * (5 + 5) + 4 * 5)


def test_a_model_without_biases(network, save):
    net = network(bias=False, n_token=20)
    tensors = net.state_dict()
    del tensors["decoder.bias"]
    model = load_model(save(tensors, vocab=[f"w{i}" for i in range(20)]))
    assert all((layer.bias == 0).all() for layer in model.layers)
    assert model.decoder_bias.tolist() == [0.0] * 20


def test_a_bias_of_the_lstm_is_not_taken_for_the_decoder_s(network, save):
    net = network(n_token=20)
    assert net.rnn.bias_ih_l0.shape == net.decoder.bias.shape
    tensors = net.state_dict()
    del tensors["decoder.bias"]
    assert load_model(save(tensors, vocab=[f"w{i}" for i in range(20)])).decoder_bias.tolist() == [0.0] * 20


def test_half_precision_is_read_as_float32(network, save):
    net = network().half()
    model = load_model(save(net.state_dict()))
    assert_is(model, net.float())


def test_an_untied_decoder_of_the_embedding_s_shape_stays_untied(network, save):
    model = load_model(save(network(width=5).state_dict()))
    assert not torch.equal(model.decoder_weight, model.embedding)


@pytest.mark.parametrize("vocab", [TOKENS, {token: i for i, token in reversed(list(enumerate(TOKENS)))}])
def test_a_vocabulary_inside_the_checkpoint(network, save, vocab):
    assert load_model(save(network().state_dict(), vocab=vocab)).vocabulary.tokens == tuple(TOKENS)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("v.txt", "\n".join(TOKENS)),
        ("v.txt", "\r\n".join(TOKENS) + "\r\n"),
        ("v.txt", "\ufeff" + "\n".join(TOKENS) + "\n"),
        ("v.json", json.dumps(TOKENS)),
        ("v.json", "\ufeff" + json.dumps(dict(reversed([(token, i) for i, token in enumerate(TOKENS)])))),
    ],
)
def test_a_vocabulary_file(network, save, write, name, text):
    path = save(network().state_dict(), vocab=None)
    assert load_model(path, write(name, text)).vocabulary.tokens == tuple(TOKENS)


def test_only_line_feeds_separate_the_tokens_of_a_vocabulary_file(network, save, write):
    tokens = [*TOKENS[:8], "\u2028", "\x85", "\x1c"]
    path = save(network().state_dict(), vocab=None)
    assert load_model(path, write("v.txt", "\n".join(tokens))).vocabulary.tokens == tuple(tokens)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("{", "is not valid JSON"),
        ("3", "must be a list of tokens"),
        ('["a", 1]', "must be a list of tokens"),
        ('{"a": 0, "b": 2}', "must be a list of tokens, or a map"),
        ('{"a": 0, "b": "1"}', "must be a list of tokens, or a map"),
        ('{"a": 0, "b": [1]}', "must be a list of tokens, or a map"),
        ("[]", "has 0 tokens, but the embedding of .* has 11 rows"),
        ('["a", "a"]', "lists the token 'a' more than once"),
        (b"caf\xe9", "not valid UTF-8 at byte 3"),
    ],
)
def test_wrong_vocabulary_files(network, save, write, text, hint):
    with pytest.raises(UserError, match=hint):
        load_model(save(network().state_dict(), vocab=None), write("v.json", text))


@pytest.mark.parametrize("name", ["m.pt", "m.safetensors"])
def test_a_checkpoint_without_a_vocabulary_asks_for_one(network, save, name):
    with pytest.raises(UserError, match=r"has no vocabulary inside\. Give one as model\.vocabulary"):
        load_model(save(network().state_dict(), name, vocab=None))
    with pytest.raises(UsageError, match=r"none.txt cannot be read \(No such file"):
        load_model(save(network().state_dict(), name), "none.txt")


def test_a_vocabulary_of_another_size_is_refused(network, save):
    with pytest.raises(UserError, match=r"has 10 tokens, but the embedding of .*model.pt has 11 rows"):
        load_model(save(network().state_dict(), vocab=TOKENS[:10]))


class Harmful:
    """Makes a file when it is unpickled."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return os.mkdir, (str(self.target),)


@pytest.mark.parametrize("how", [torch.save, lambda thing, path: path.write_bytes(pickle.dumps(thing))])
@pytest.mark.parametrize("wrap", [lambda bad: bad, lambda bad: {"state_dict": bad, "vocab": TOKENS}])
def test_a_pickled_object_is_refused_and_its_code_never_runs(tmp_path, how, wrap):
    target, path = tmp_path / "harm", tmp_path / "m.pt"
    how(wrap(Harmful(target)), path)
    with pytest.raises(UserError, match=r"is a pickled object.* refused\. Where you trust it"):
        load_model(path)
    assert not target.exists()
    pickle.loads(pickle.dumps(Harmful(target)))  # noqa: S301 (the proof that it would have done harm)
    assert target.exists()


def test_a_whole_pickled_module_is_refused(network, tmp_path):
    torch.save(nn.LSTM(2, 2), tmp_path / "m.pt")
    with pytest.raises(UserError, match="is a pickled object"):
        load_model(tmp_path / "m.pt")


def changed(network, change, **shape):
    tensors = OrderedDict(network(**shape).state_dict())
    change(tensors)
    return tensors


def set_to(name, make):
    return lambda tensors: tensors.update({name: make(tensors.get(name))})


def with_value(value):
    def make(tensor):
        tensor = tensor.clone()
        tensor.view(-1)[3] = value
        return tensor

    return make


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        (set_to("rnn.weight_ih_l1", with_value(torch.nan)), r"has 1 NaN or infinite values in 'rnn.weight_ih_l1' \(20, 5\)"),
        (set_to("encoder.weight", with_value(torch.inf)), "has 1 NaN or infinite values in 'encoder.weight'"),
        (lambda t: [t.pop(k) for k in list(t) if k.startswith("rnn.")], "holds no LSTM: none of its 3 tensors"),
        (lambda t: t.pop("rnn.weight_hh_l1"), "lacks weight_hh_l1; the file is incomplete"),
        (lambda t: [t.pop(k) for k in list(t) if k.endswith("_l0")], "lacks weight_hh_l0, weight_ih_l0; the file"),
        (lambda t: t.pop("decoder.weight"), r"has no decoder of shape \(11, 5\)"),
        (lambda t: t.pop("encoder.weight"), "has no embedding of width 6"),
        (set_to("decoder.weight", lambda w: torch.zeros(12, 5)), r"has no decoder of shape \(11, 5\)"),
        (set_to("rnn.bias_ih_l0", lambda b: torch.zeros(5)), r"bias_ih_l0 has shape \(5,\), but \(20,\) is needed"),
        (set_to("rnn.weight_ih_l1", lambda w: torch.zeros(20, 7)), r"weight_ih_l1 has shape \(20, 7\), but \(20, 5\)"),
        (set_to("norm.weight", lambda _: torch.ones(5)), "would not use: norm.weight. Run without them"),
        (set_to("middle.weight", lambda _: torch.ones(5, 5)), "would not use: middle.weight"),
        (set_to("lstm2.weight_ih_l0", lambda _: torch.ones(20, 5)), "holds 2 LSTMs, named 'lstm2.', 'rnn.'"),
    ],
)
@pytest.mark.parametrize("name", ["m.pt", "m.safetensors"])
def test_weights_of_something_else_are_refused(network, save, name, change, hint):
    with pytest.raises(UserError, match=hint):
        load_model(save(changed(network, change), name))


def test_a_head_of_several_matrices_is_not_taken_for_a_tied_decoder(network, save):
    tensors = network(width=5).state_dict()
    del tensors["decoder.weight"]
    tensors |= {"head.0.weight": torch.ones(7, 5), "head.1.weight": torch.ones(11, 7)}
    with pytest.raises(UserError, match="would not use: head.0.weight, head.1.weight"):
        load_model(save(tensors))


@pytest.mark.parametrize(
    ("module", "hint"),
    [
        (nn.GRU(6, 5, 2), r"is a GRU: weight_hh_l0 has shape \(15, 5\), an LSTM has \(20, 5\)"),
        (nn.RNN(6, 5, 2), "is a plain .Elman. RNN"),
        (nn.LSTM(6, 5, proj_size=3), "is an LSTM with projections"),
        (nn.LSTM(6, 5, bidirectional=True), "is bidirectional"),
    ],
    ids=["gru", "rnn", "projected", "bidirectional"],
)
@pytest.mark.parametrize("name", ["m.pt", "m.safetensors"])
def test_other_networks_are_refused(network, save, name, module, hint):
    tensors = {k: v for k, v in network().state_dict().items() if not k.startswith("rnn.")}
    tensors |= {f"rnn.{k}": v for k, v in module.state_dict().items()}
    with pytest.raises(UserError, match=hint):
        load_model(save(tensors, name))


def test_layers_of_different_sizes_are_refused(network, save):
    tensors = network().state_dict()
    wider = nn.LSTM(5, 7).state_dict()
    tensors |= {f"rnn.{k[:-1]}1": v for k, v in wider.items()}
    with pytest.raises(UserError, match=r"layers of different sizes \[5, 7\]"):
        load_model(save(tensors))


@pytest.mark.parametrize("old", [False, True], ids=["zip", "legacy"])
def test_a_torch_file_cut_anywhere_is_an_error_never_a_crash(network, tmp_path, old):
    path = tmp_path / "m.pt"
    torch.save(
        {"state_dict": network().state_dict(), "vocab": TOKENS}, path, _use_new_zipfile_serialization=not old
    )
    raw = path.read_bytes()
    for n in range(0, len(raw), 97):
        path.write_bytes(raw[:n])
        with pytest.raises(UserError, match=r"m.pt is not a whole torch file \(.+\)\. Copy or save it again"):
            load_model(path)


def test_other_bytes_are_an_error_never_a_crash(tmp_path):
    path, source = tmp_path / "m.pt", random.Random(0)
    for _ in range(200):
        path.write_bytes(source.randbytes(80))
        with pytest.raises(UserError):
            load_model(path)
    path.write_text("<html>not found</html>")
    with pytest.raises(UserError, match="is not a whole torch file"):
        load_model(path)


def test_a_cut_safetensors_file_is_an_error(network, save):
    path = save(network().state_dict(), "m.safetensors")
    raw = path.read_bytes()
    for n in (0, 5, 100, len(raw) - 1):
        path.write_bytes(raw[:n])
        with pytest.raises(UserError, match=r"m.safetensors is not a whole safetensors file \(.+\)\. Copy"):
            load_model(path)


@pytest.mark.parametrize(
    "metadata", [{"vocabulary": "a b c"}, {"normalisation": '{"upper": 1}'}, {"vocabulary": "[1]"}]
)
def test_metadata_of_another_kind_is_an_error(network, tmp_path, metadata):
    save_file(network().state_dict(), tmp_path / "m.safetensors", metadata)
    with pytest.raises(UserError, match=r"(metadata of|vocabulary inside) .*m.safetensors"):
        load_model(tmp_path / "m.safetensors")


@pytest.mark.parametrize("found", [3, [1], {"state_dict": 3}])
def test_a_torch_file_without_a_state_dict_is_an_error(tmp_path, found):
    torch.save(found, tmp_path / "m.pt")
    with pytest.raises(UserError, match=r"m.pt holds a (int|list)"):
        load_model(tmp_path / "m.pt")


def test_missing_files_and_unknown_formats(tmp_path):
    with pytest.raises(UsageError, match=r"none.pt does not exist; check model.checkpoint"):
        load_model(tmp_path / "none.pt")
    (tmp_path / "m.onnx").touch()
    with pytest.raises(UsageError, match=r"Unknown checkpoint format '.onnx' .*known are .safetensors, .pt"):
        load_model(tmp_path / "m.onnx")


def test_what_we_save_we_load(network, tmp_path):
    net, path = network(), tmp_path / "folder" / "m.safetensors"
    vocabulary = Vocabulary(tuple(TOKENS), Normalisation(lower_case=True, number="N"))
    save_model(path, net.state_dict(), vocabulary, {"source": "here"}, torch.float32)
    model = load_model(path)
    assert_is(model, net)
    assert model.vocabulary == vocabulary
    assert model.metadata == {"source": "here"}
    assert [file.name for file in path.parent.iterdir()] == ["m.safetensors"]


def test_the_digest_depends_on_every_weight_and_the_vocabulary(network, save):
    digests = {load_model(save(network().state_dict())).digest, load_model(save(network().state_dict())).digest}
    for name in network().state_dict():
        digests.add(load_model(save(changed(network, set_to(name, with_value(0.5))))).digest)
    digests.add(load_model(save(network().state_dict(), vocab=TOKENS[::-1])).digest)
    assert len(digests) == 1 + len(network().state_dict()) + 1


BITS = {"darwin": 3.280, "charlotte_bronte": 3.539, "zora_neale_hurston": 4.175, "shakespeare": 4.466}
PUBLISHED = {"darwin": 3.28, "charlotte_bronte": 3.54, "zora_neale_hurston": 4.18, "shakespeare": 4.47}


@pytest.fixture(scope="module")
def text(real_data):
    """The first 6,000 tokens of the corpus, a sentence a line."""
    lines, left = [], 6_000
    for sentence in read_sentences("tsv", [str(real_data("english/gum_open.tsv.gz"))]):
        lines.append(" ".join(sentence.tokens[:left]))
        left -= len(sentence.tokens[:left])
        if not left:
            return "\n".join(lines)
    raise AssertionError("the corpus is too short")


@pytest.mark.parametrize("author", BITS)
def test_real_models_predict_as_well_as_they_did_elsewhere(real_data, text, author):
    model = load_model(real_data(f"models/char_{author}_2x128.pt"))
    assert (model.vocabulary.level, model.n_layer, model.n_neuron) == ("char", 2, 128)
    known = set(model.vocabulary.tokens)
    ids = model.vocabulary.encode([char for char in text if char in known])
    bits = np.empty(len(ids), np.float32)
    StreamReader(model).read([Stream(ids)], None, None, bits)
    mean = float(np.nanmean(bits.astype(np.float64)))
    assert mean == pytest.approx(BITS[author], abs=0.001)
    assert mean == pytest.approx(PUBLISHED[author], abs=0.015)
