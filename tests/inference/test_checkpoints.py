"""Every way a model may be stored."""

import json

import numpy as np
import pytest
import torch

from lstm_analysis.corpus import read_sentences
from lstm_analysis.errors import UsageError, UserError
from lstm_analysis.inference.checkpoints import load_model
from lstm_analysis.inference.checkpoints.safetensors_file import save_weights
from lstm_analysis.inference.reader import Stream, StreamReader
from lstm_analysis.vocabulary import Normalisation, Vocabulary

TOKENS = [f"w{i}" for i in range(11)]


def assert_is(model, net):
    expected = net.language_model()
    pairs = [
        (model.embedding, expected.embedding),
        (model.decoder.weight, expected.decoder.weight),
        (model.decoder.bias, expected.decoder.bias),
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


@pytest.mark.parametrize("prefixes", PREFIXES)
@pytest.mark.parametrize("width", [5, 6])
@pytest.mark.parametrize("turn", [1, -1])
def test_any_prefix_in_any_order(network, save, prefixes, width, turn):
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
        assert model.decoder.weight.data_ptr() == model.embedding.data_ptr()
        assert model.to("cpu", torch.float64).decoder.weight.dtype == torch.float64
        assert model.n_parameter == 11 * 5 + 11 + 2 * (4 * 5 * (5 + 5) + 4 * 5)


@pytest.mark.parametrize("name", ["m.pt", "m.safetensors"])
def test_a_bias_without_its_decoder_is_said(network, save, name, caplog):
    tensors = network(width=5).state_dict()
    del tensors["decoder.weight"]
    assert load_model(save(tensors, name)).tied
    assert "has the bias of a decoder (decoder.bias), but no weight, so the embedding is taken" in caplog.text


def test_a_refused_file_is_not_warned_of(network, save, caplog):
    tensors = network(width=5).state_dict() | {"logit_scale": torch.tensor(5.0)}
    del tensors["decoder.weight"], tensors["decoder.bias"]
    with pytest.raises(UserError, match="would not use: logit_scale"):
        load_model(save(tensors))
    assert not caplog.text


def test_a_counter_is_no_weight(network, save):
    net = network()
    assert_is(load_model(save(net.state_dict() | {"norm.num_batches_tracked": torch.tensor(5)})), net)


def test_a_model_without_a_decoder_is_taken_for_a_tied_one_but_not_in_silence(network, save, caplog):
    net = network(width=5)
    tensors = {name: tensor for name, tensor in net.state_dict().items() if not name.startswith("decoder.")}
    assert load_model(save(tensors)).tied
    assert "has neither weight nor bias of a decoder" in caplog.text


def test_a_model_without_biases(network, save):
    net = network(bias=False, n_token=20)
    tensors = net.state_dict()
    del tensors["decoder.bias"]
    model = load_model(save(tensors, vocab=[f"w{i}" for i in range(20)]))
    assert all((layer.bias == 0).all() for layer in model.layers)
    assert model.decoder.bias.tolist() == [0.0] * 20


def test_a_bias_of_the_lstm_is_not_taken_for_the_decoder_s(network, save):
    net = network(n_token=20)
    assert net.rnn.bias_ih_l0.shape == net.decoder.bias.shape
    tensors = net.state_dict()
    del tensors["decoder.bias"]
    assert load_model(save(tensors, vocab=[f"w{i}" for i in range(20)])).decoder.bias.tolist() == [0.0] * 20


def test_a_vector_of_another_name_is_not_taken_for_the_decoder_s_bias(network, save):
    tensors = network().state_dict()
    del tensors["decoder.bias"]
    with pytest.raises(UserError, match=r"would not use: criterion\.weight"):
        load_model(save(tensors | {"criterion.weight": torch.arange(11.0)}))
    model = load_model(save(tensors | {"bias": torch.arange(11.0)}))
    assert model.decoder.bias.tolist() == list(range(11))


def test_of_two_biases_the_decoder_s_is_taken_and_the_other_refused(network, save):
    tensors = {"a.bias": torch.zeros(11), **network().state_dict()}
    with pytest.raises(UserError, match=r"would not use: a\.bias\. Run"):
        load_model(save(tensors))


def test_half_precision_is_read_as_float32(network, save):
    net = network().half()
    model = load_model(save(net.state_dict()))
    assert_is(model, net.float())


def test_an_untied_decoder_of_the_embedding_s_shape_stays_untied(network, save):
    model = load_model(save(network(width=5).state_dict()))
    assert not torch.equal(model.decoder.weight, model.embedding)


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


def test_what_we_save_we_load(network, tmp_path):
    net, path = network(), tmp_path / "folder" / "m.safetensors"
    vocabulary = Vocabulary(tuple(TOKENS), Normalisation(lower_case=True, number="N"))
    save_weights(path, net.state_dict(), vocabulary, {"source": "here"}, torch.float32)
    model = load_model(path)
    assert_is(model, net)
    assert model.vocabulary == vocabulary
    assert model.metadata == {"source": "here"}
    assert [file.name for file in path.parent.iterdir()] == ["m.safetensors"]


def test_the_digest_depends_on_every_weight_and_the_vocabulary(network, save):
    digests = {load_model(save(network().state_dict())).digest, load_model(save(network().state_dict())).digest}
    for name in network().state_dict():
        tensors = network().state_dict()
        tensors[name].view(-1)[3] = 0.5
        digests.add(load_model(save(tensors)).digest)
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


SLOW = pytest.mark.slow
AUTHORS = [pytest.param(name, marks=() if name in ("darwin", "shakespeare") else SLOW) for name in BITS]


@pytest.mark.parametrize("author", AUTHORS)
def test_real_models_predict_as_well_as_they_did_elsewhere(real_data, text, author):
    model = load_model(real_data(f"models/char_{author}_2x128.pt"))
    assert (model.vocabulary.level, model.n_layer, model.n_neuron) == ("char", 2, 128)
    known = set(model.vocabulary.tokens)
    ids = model.vocabulary.encode([char for char in text if char in known])
    bits = np.empty(len(ids), np.float32)
    StreamReader(model).read([Stream(ids)], {}, bits)
    mean = float(np.nanmean(bits.astype(np.float64)))
    assert mean == pytest.approx(BITS[author], abs=0.001)
    assert mean == pytest.approx(PUBLISHED[author], abs=0.015)
