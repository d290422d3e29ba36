"""Every file whose weights are not those of an LSTM language model is refused."""

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from lstm_analysis.errors import UsageError, UserError
from lstm_analysis.inference.checkpoints import load_model

TOKENS = [f"w{i}" for i in range(11)]


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
        (
            set_to("rnn.weight_ih_l1", with_value(torch.nan)),
            r"has 1 NaN or infinite values in 'rnn.weight_ih_l1' \(20, 5\)",
        ),
        (set_to("encoder.weight", with_value(torch.inf)), "has 1 NaN or infinite values in 'encoder.weight'"),
        (lambda t: [t.pop(k) for k in list(t) if k.startswith("rnn.")], "holds no LSTM: none of its 3 tensors"),
        (lambda t: t.pop("rnn.weight_hh_l1"), "lacks weight_hh_l1; the file is incomplete"),
        (lambda t: [t.pop(k) for k in list(t) if k.endswith("_l0")], "lacks weight_hh_l0, weight_ih_l0; the file"),
        (lambda t: t.pop("decoder.weight"), r"has no decoder of shape \(11, 5\)"),
        (lambda t: t.pop("encoder.weight"), "has no embedding of width 6"),
        (set_to("temperature", lambda _: torch.tensor(2.0)), "would not use: temperature. Run without them"),
        (
            set_to("encoder.weight", lambda w: w[:, :4]),
            "no embedding of width 6 .*: encoder.weight has width 4, but layer 0 reads 6 inputs",
        ),
        (set_to("decoder.weight", lambda w: torch.zeros(12, 5)), r"has no decoder of shape \(11, 5\)"),
        (set_to("rnn.bias_ih_l0", lambda b: torch.zeros(5)), r"bias_ih_l0 has shape \(5,\), but \(20,\) is needed"),
        (
            set_to("rnn.weight_ih_l1", lambda w: torch.zeros(20, 7)),
            "weight_ih_l1 reads 7 inputs, but the layer before it has 5 neurons",
        ),
        (set_to("rnn.weight_ih_l0", lambda w: torch.zeros(19, 6)), r"weight_ih_l0 has shape \(19, 6\), but \(20, 6\)"),
        (
            set_to("rnn.weight_hh_l0", lambda w: torch.zeros(20)),
            r"weight_hh_l0 has shape \(20,\), but an LSTM needs a matr",
        ),
        (
            set_to("rnn.weight_ih_l0", lambda w: torch.tensor(1.0)),
            r"weight_ih_l0 has shape \(\), but an LSTM needs a m",
        ),
        (set_to("rnn.weight_hh_l0", lambda w: torch.zeros(0, 0)), r"weight_hh_l0 has shape \(0, 0\), but an LSTM"),
        (set_to("norm.weight", lambda _: torch.ones(5)), "would not use: norm.weight. Run without them"),
        (set_to("middle.weight", lambda _: torch.ones(5, 5)), "would not use: middle.weight"),
        (set_to("lstm2.weight_ih_l0", lambda _: torch.ones(20, 5)), "holds 2 LSTMs, named 'lstm2.', 'rnn.'"),
    ],
)
@pytest.mark.parametrize("name", ["m.pt", "m.safetensors"])
def test_weights_of_something_else_are_refused(network, save, name, change, hint):
    tensors = network().state_dict()
    change(tensors)
    with pytest.raises(UserError, match=hint):
        load_model(save(tensors, name))


def test_a_head_of_several_matrices_is_not_taken_for_a_tied_decoder(network, save):
    tensors = network(width=5).state_dict()
    del tensors["decoder.weight"]
    tensors |= {"head.0.weight": torch.ones(7, 5), "head.1.weight": torch.ones(11, 7)}
    with pytest.raises(UserError, match=r"would not use: head.0.weight, head.1.weight"):
        load_model(save(tensors))


@pytest.mark.parametrize(
    ("names", "hint"),
    [
        ({}, "only decoder.weight has it, a decoder by its name or its bias"),
        ({"decoder.weight": "output.weight", "decoder.bias": None}, "only output.weight has it"),
        ({"decoder.weight": "a.weight", "decoder.bias": "a.bias"}, "only a.weight has it"),
        (
            {"decoder.weight": "encoder.decoder.weight", "decoder.bias": "encoder.decoder.bias"},
            "only encoder.decoder.w",
        ),
    ],
    ids=str,
)
@pytest.mark.parametrize("cut", [False, True])
def test_a_decoder_is_not_taken_for_the_embedding(network, save, names, hint, cut):
    tensors = network(width=5).state_dict()
    table = tensors.pop("encoder.weight")
    for old, new in names.items():
        tensors |= {new: tensors.pop(old)} if new else {}
        tensors.pop(old, None)
    if cut:
        tensors["encoder.weight"] = table[:, :4]
        hint = "encoder.weight has width 4, but layer 0 reads 5 inputs"
    with pytest.raises(UserError, match=hint):
        load_model(save(tensors))


def test_two_matrices_that_could_both_be_the_embedding_are_refused(network, save):
    tensors = network(width=5).state_dict()
    tensors["first.weight"], tensors["second.weight"] = tensors.pop("decoder.weight"), tensors.pop("encoder.weight")
    del tensors["decoder.bias"]
    with pytest.raises(UserError, match=r"each of first.weight, second.weight could be the embedding"):
        load_model(save(tensors))


@pytest.mark.parametrize(
    ("module", "hint"),
    [
        (nn.RNN(6, 5, 2), "is a plain .Elman. RNN"),
        (nn.LSTM(6, 5, proj_size=3), "is an LSTM with projections"),
        (nn.LSTM(6, 5, bidirectional=True), "is bidirectional"),
    ],
    ids=["rnn", "projected", "bidirectional"],
)
@pytest.mark.parametrize("name", ["m.pt", "m.safetensors"])
def test_other_networks_are_refused(network, save, name, module, hint):
    tensors = {k: v for k, v in network().state_dict().items() if not k.startswith("rnn.")}
    tensors |= {f"rnn.{k}": v for k, v in module.state_dict().items()}
    with pytest.raises(UserError, match=hint):
        load_model(save(tensors, name))


def test_layers_of_different_cells_are_refused(network, save):
    tensors = network().state_dict()
    tensors |= {f"rnn.{k[:-1]}1": v for k, v in nn.GRU(5, 5).state_dict().items()}
    with pytest.raises(UserError, match=r"layers of different cells \(gru, lstm\)"):
        load_model(save(tensors))


def test_half_a_multiplicative_lstm_is_refused(network, save):
    tensors = network(n_layer=1).state_dict() | {"rnn.weight_mih_l0": torch.ones(5, 6)}
    with pytest.raises(UserError, match=r"has weight_mih_l0 alone; a multiplicative LSTM has"):
        load_model(save(tensors))
    tensors["rnn.weight_mhh_l0"] = torch.ones(5, 4)
    with pytest.raises(UserError, match=r"weight_mhh_l0 has shape \(5, 4\), but \(5, 5\) is needed"):
        load_model(save(tensors))


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        (lambda t: t.pop("out.head.weight"), "adaptive softmax without out.head.weight; the file is incomplete"),
        (lambda t: t.pop("out.tail.1.0.weight"), "adaptive softmax without out.tail.1.0.weight"),
        (set_to("out.tail.0.1.weight", lambda w: w[:, :0]), r"out.tail.0.1.weight has shape \(4, 0\), but an adaptive"),
        (
            set_to("out.head.weight", lambda w: w[:, :4]),
            r"out.head.weight has shape \(5, 4\), but .* \(rows, 5\) there",
        ),
        (set_to("out.head.weight", lambda w: w[:2]), "has 2 rows, too few for 2 clusters and a token"),
        (set_to("out.tail.0.1.weight", lambda w: w[:2]), "an adaptive softmax over 9 tokens, but 11 rows in 'encoder"),
        (set_to("out.head.bias", lambda _: torch.zeros(4)), r"out.head.bias has shape \(4,\), but \(5,\) is needed"),
    ],
)
def test_a_strange_adaptive_softmax_is_refused(network, save, change, hint):
    tensors = {k: v for k, v in network().state_dict().items() if not k.startswith("decoder.")}
    softmax = nn.AdaptiveLogSoftmaxWithLoss(5, 11, [3, 7], div_value=2.0)
    tensors |= {f"out.{k}": v for k, v in softmax.state_dict().items()}
    change(tensors)
    with pytest.raises(UserError, match=hint):
        load_model(save(tensors))


def test_a_cut_safetensors_file_is_an_error(network, save):
    path = save(network().state_dict(), "m.safetensors")
    raw = path.read_bytes()
    for n in (0, 5, 100, len(raw) - 1):
        path.write_bytes(raw[:n])
        with pytest.raises(UserError, match=r"m.safetensors is not a whole safetensors file \(.+\)\. Copy"):
            load_model(path)


@pytest.mark.parametrize(
    ("rules", "hint"),
    [
        ('{"lower_case": "no", "number": 5}', "normalisation.lower_case must be true or false, found 'no'"),
        ('{"number": 5}', "normalisation.number must be a text, found 5"),
        ('{"unknown": ["<unk>"]}', "normalisation.unknown must be a text, found"),
        ("[1]", r"normalisation must be a mapping of keys, found \[1\]"),
    ],
)
def test_a_normalisation_of_other_types_is_an_error(network, tmp_path, rules, hint):
    save_file(network().state_dict(), tmp_path / "m.safetensors", {"normalisation": rules})
    with pytest.raises(UserError, match=rf"The metadata of .*m.safetensors is not understood \(.*{hint}.*\): 'voc"):
        load_model(tmp_path / "m.safetensors", "bytes")


@pytest.mark.parametrize(
    "metadata", [{"vocabulary": "a b c"}, {"normalisation": '{"upper": 1}'}, {"vocabulary": "[1]"}]
)
def test_metadata_of_another_kind_is_an_error(network, tmp_path, metadata):
    save_file(network().state_dict(), tmp_path / "m.safetensors", metadata)
    with pytest.raises(UserError, match=r"(metadata of|vocabulary inside) .*m.safetensors"):
        load_model(tmp_path / "m.safetensors")


def test_missing_files_and_unknown_formats(tmp_path):
    with pytest.raises(UsageError, match=r"none.pt does not exist; check model.checkpoint"):
        load_model(tmp_path / "none.pt")
    with pytest.raises(UsageError, match=r"The checkpoint .* is a folder; name the file in it"):
        load_model(tmp_path)
    (tmp_path / "m.ckpt").touch()
    with pytest.raises(UsageError, match=r"Unknown checkpoint format '.ckpt' .*known are .safetensors, .pt"):
        load_model(tmp_path / "m.ckpt")
