"""State dicts of all cells, softmaxes and namings: torch's own numbers, and files that give them back to the bit."""

from dataclasses import replace

import numpy as np
import pytest
import safetensors.torch as library
import torch
from random_model import random_layer
from states_of import IDS, TOKENS, States, assert_same, surprisal
from torch import nn

from lstm_analysis.inference.checkpoints import load_model, save_model
from lstm_analysis.inference.model import AdaptiveDecoder, Decoder, LanguageModel
from lstm_analysis.vocabulary import Normalisation, Vocabulary


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


def stacked(cell: type[nn.RNNBase], sizes: list[int], width: int = 6) -> nn.ModuleDict:
    """Return embedding, a list of layers of one module each, and decoder, with weights that matter."""
    inputs = [width, *sizes[:-1]]
    rnns = nn.ModuleList(cell(a, b) for a, b in zip(inputs, sizes, strict=True))
    net = nn.ModuleDict({"encoder": nn.Embedding(11, width), "rnns": rnns, "decoder": nn.Linear(sizes[-1], 11)})
    with torch.no_grad():
        for parameter in rnns.parameters():
            parameter.mul_(2)
    return net


@torch.inference_mode()
def torch_states(net: nn.ModuleDict) -> States:
    """Return what torch says, a token at a time."""
    x, hidden, cell = net["encoder"](torch.as_tensor(IDS).long())[:, None], [], []
    for rnn in net["rnns"]:
        steps, state = [], None
        for row in x:
            out, state = rnn(row[None], state)
            steps.append((out[0, 0].numpy(), state[1][0, 0].numpy() if isinstance(state, tuple) else None))
        hidden.append(np.stack([h for h, _ in steps]))
        cell.append(None if steps[0][1] is None else np.stack([c for _, c in steps]))
        x = torch.as_tensor(hidden[-1])[:, None]
    logits = net["decoder"](x[:, 0]).numpy()
    return States(hidden, None if cell[0] is None else cell, logits)


def renamed(net: nn.ModuleDict, name: str) -> dict[str, torch.Tensor]:
    """Return the state dict with the layers' weights under another pattern of (module, kind)."""
    found = {}
    for key, tensor in net.state_dict().items():
        if key.startswith("rnns."):
            _, i, kind = key.split(".")
            key = name.format(i=i, kind=kind, stacked=kind[:-1] + i)
        found[key] = tensor
    return found


@pytest.mark.parametrize("cell", [nn.LSTM, nn.GRU])
@pytest.mark.parametrize("sizes", [[5], [5, 5], [7, 4, 6]], ids=str)
@pytest.mark.parametrize("name", ["rnn.{stacked}", "rnns.{i}.{kind}", "encoder.rnns.{i}.module.{kind}"])
def test_layers_stacked_or_in_a_list(save, cell, sizes, name):
    net = stacked(cell, sizes)
    model = load_model(save(renamed(net, name)))
    assert (model.cell, model.layer_sizes) == (cell.__name__.lower(), tuple(sizes))
    assert_same(model, torch_states(net))


AWD = {  # of a weight-dropped module: what the raw matrix is called, and whether the last dropped one is there, too
    "salesforce": ("rnns.{i}.module.{kind}", "rnns.{i}.module.weight_hh_l0_raw", False),
    "salesforce, with what is left of dropping": ("rnns.{i}.module.{kind}", "rnns.{i}.module.weight_hh_l0_raw", True),
    "fastai": ("0.rnns.{i}.module.{kind}", "0.rnns.{i}.weight_hh_l0_raw", True),
}


@pytest.mark.parametrize("dialect", AWD)
@pytest.mark.parametrize("turn", [1, -1])
def test_awd_lstm(save, dialect, turn):
    """Three layers of unequal size, a tied decoder, and weight-dropped names: the raw matrix is what is evaluated."""
    name, raw, left_over = AWD[dialect]
    net = stacked(nn.LSTM, [9, 9, 6])
    net["decoder"].weight = net["encoder"].weight
    tensors = renamed(net, name)
    for i in range(3):
        weight = tensors.pop(name.format(i=i, kind="weight_hh_l0"))
        tensors[raw.format(i=i)] = weight
        if left_over:
            tensors[name.format(i=i, kind="weight_hh_l0")] = nn.functional.dropout(weight, 0.5)
    if dialect == "fastai":
        ends = {"encoder.weight": "0.encoder.weight", "decoder.weight": "1.decoder.weight"}
        tensors = {ends.get(key, "1." + key if key == "decoder.bias" else key): value for key, value in tensors.items()}
        tensors["0.encoder_dp.emb.weight"] = tensors["0.encoder.weight"]
    model = load_model(save(dict(list(tensors.items())[::turn])))
    assert model.tied
    assert model.layer_sizes == (9, 9, 6)
    assert_same(model, torch_states(net))


def test_fastai_keeps_its_weights_under_model(network, tmp_path):
    net = network()
    torch.save({"model": net.state_dict(), "opt": {"state": {}}, "vocab": TOKENS}, tmp_path / "m.pth")
    assert torch.equal(load_model(tmp_path / "m.pth").embedding, net.encoder.weight)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("prefix", ["decoder.", "crit.softmax.", ""])
def test_an_adaptive_softmax(network, save, bias, prefix):
    net = network()
    softmax = nn.AdaptiveLogSoftmaxWithLoss(5, 11, [3, 7], div_value=2.0, head_bias=bias)
    tensors = {k: v for k, v in net.state_dict().items() if not k.startswith("decoder.")}
    model = load_model(save(tensors | {f"{prefix}{k}": v for k, v in softmax.state_dict().items()}))
    assert isinstance(model.decoder, AdaptiveDecoder)
    assert model.decoder.cutoffs == (3, 7, 11)
    hidden = torch.as_tensor(net.states(IDS)[0][:-1, -1])
    with torch.inference_mode():
        nats = -softmax(hidden, torch.as_tensor(IDS[1:]).long()).output.numpy()
    np.testing.assert_allclose(surprisal(model), nats / np.log(2), atol=1e-5)


def test_a_gru_without_biases(save):
    net = stacked(nn.GRU, [5])
    tensors = {k: v for k, v in net.state_dict().items() if "bias_" not in k}
    with torch.no_grad():
        for name, parameter in net["rnns"].named_parameters():
            if "bias_" in name:
                parameter.zero_()
    assert_same(load_model(save(tensors)), torch_states(net))


def model_of(cell: str, sizes: tuple[int, ...], head: str) -> LanguageModel:
    """Return a random model of any shape; some biases are minus zero, whose bytes are not those of zero."""
    inputs = (6, *sizes[:-1])
    layers = tuple(random_layer(cell, a, n, torch.float32, a) for a, n in zip(inputs, sizes, strict=True))
    for layer in layers:
        layer.bias[::3] = -0.0
    width = sizes[-1]
    embedding = torch.randn(11, 6)
    tails = ((torch.randn(3, width), torch.randn(4, 3)), (torch.randn(2, width), torch.randn(4, 2)))
    decoder = {
        "full": Decoder(torch.randn(11, width), torch.randn(11)),
        "tied": Decoder(embedding, torch.randn(11)),
        "adaptive": AdaptiveDecoder(torch.randn(5, width), torch.randn(5), tails),
        "none": None,
    }[head]
    return LanguageModel(embedding, layers, decoder, Vocabulary(tuple(TOKENS)), {"source": "here"})


@pytest.mark.parametrize("cell", ["lstm", "gru", "mlstm"])
@pytest.mark.parametrize("sizes", [(6,), (6, 6), (7, 4, 6)], ids=str)
@pytest.mark.parametrize("head", ["full", "tied", "adaptive", "none"])
def test_what_is_saved_is_loaded_to_the_bit(tmp_path, cell, sizes, head):
    model = model_of(cell, sizes, head)
    save_model(model, tmp_path / "m.safetensors")
    again = load_model(tmp_path / "m.safetensors")
    assert again.digest == model.digest
    assert (again.tied, again.metadata, again.cell) == (model.tied, model.metadata, cell)
    first = (tmp_path / "m.safetensors").read_bytes()
    save_model(again, tmp_path / "m.safetensors")
    assert (tmp_path / "m.safetensors").read_bytes() == first


def test_what_is_loaded_from_our_files_is_not_warned_of(tmp_path, caplog):
    save_model(model_of("lstm", (6,), "tied"), tmp_path / "m.safetensors")
    assert load_model(tmp_path / "m.safetensors").tied
    assert not caplog.text


@pytest.mark.parametrize("tied", [True, False])
def test_what_the_library_of_safetensors_left_out_is_put_back(network, write, tmp_path, caplog, tied):
    """It stores shared weights once, under the first name of the alphabet, which is the decoder's."""
    net = network(width=5)
    if tied:
        net.decoder.weight = net.encoder.weight
    library.save_model(net, tmp_path / "m.safetensors")
    model = load_model(tmp_path / "m.safetensors", write("v.txt", "\n".join(TOKENS)))
    assert (model.tied, model.metadata) == (tied, {})
    assert torch.equal(model.embedding, net.encoder.weight)
    assert not caplog.text


def test_float16_is_rounded_and_never_infinite(tmp_path):
    model = model_of("lstm", (6,), "tied")
    save_model(model, str(tmp_path / "m.safetensors"), "float16")
    again = load_model(tmp_path / "m.safetensors")
    assert torch.equal(again.embedding, model.embedding.half().float())
    model.embedding[2, 3] = 7e4
    with pytest.raises(Exception, match=r"encoder.weight reaches 70000, which float16 cannot hold. Save in float32"):
        save_model(model, tmp_path / "n.safetensors", "float16")
    assert not (tmp_path / "n.safetensors").exists()


def test_the_vocabulary_s_rules_are_saved(tmp_path):
    model = model_of("lstm", (6,), "full")
    for normalisation in (Normalisation(True, "w3"), Normalisation(True, "w3", "w4", "w5")):
        rules = Vocabulary(tuple(TOKENS), normalisation)
        save_model(replace(model, vocabulary=rules), tmp_path / "m.safetensors")
        again = load_model(tmp_path / "m.safetensors").vocabulary
        assert (again, again.digest) == (rules, rules.digest)
