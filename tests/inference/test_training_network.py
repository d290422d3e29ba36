"""The network that learns: losses and gradients are torch's, dropout and initial values the recipe's."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from lessons import N_TOKEN, VOCABULARY, make_network, make_text
from torch import nn

from lstm_analysis.inference.model import AdaptiveDecoder, Decoder
from lstm_analysis.inference.training import Text, perplexity, softmax
from lstm_analysis.inference.training.network import Network
from lstm_analysis.inference.training.softmax import AdaptiveSoftmax, FullSoftmax
from lstm_analysis.recipe import Recipe


def plain_loss(network: Network, ids: torch.Tensor) -> torch.Tensor:
    """Return the mean nats of a text without dropout, by torch's own modules, from zero states."""
    recipe, weights = network.recipe, network.weights()
    rnn = nn.LSTM(recipe.width, recipe.size, recipe.layers)
    rnn.load_state_dict({name[4:]: tensor for name, tensor in weights.items() if name.startswith("rnn.")})
    out, _ = rnn(weights["encoder.weight"][ids[:-1]])
    tied = weights["encoder.weight"]
    logits = out.flatten(0, 1) @ weights.get("decoder.weight", tied).T + weights["decoder.bias"]
    return nn.functional.cross_entropy(logits, ids[1:].flatten())


@pytest.mark.parametrize("rows", [1, 7, 100])
def test_the_full_softmax_has_the_loss_and_the_gradients_of_torch(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    monkeypatch.setattr(softmax, "LOGITS", rows * N_TOKEN)
    torch.manual_seed(0)
    layer = FullSoftmax(6, N_TOKEN).double()
    hidden, target = torch.randn(23, 6, dtype=torch.float64, requires_grad=True), torch.randint(0, N_TOKEN, (23,))
    leaves = [hidden, layer.weight, layer.bias]
    ours = layer(hidden, target)
    found = torch.autograd.grad(3 * ours, leaves)
    theirs = nn.functional.cross_entropy(hidden @ layer.weight.T + layer.bias, target)
    wanted = torch.autograd.grad(3 * theirs, leaves)
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


def test_the_full_softmax_bears_extreme_logits() -> None:
    layer = FullSoftmax(1, 3)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1000.0], [-1000.0], [0.0]]))
    hidden = torch.ones(1, 1, requires_grad=True)
    nats = layer(hidden, torch.tensor([1]))
    nats.backward()
    assert nats.item() == pytest.approx(2000.0)
    assert hidden.grad is not None
    assert hidden.grad.item() == pytest.approx(2000.0)


def test_the_adaptive_softmax_has_the_loss_of_torch() -> None:
    torch.manual_seed(0)
    theirs = nn.AdaptiveLogSoftmaxWithLoss(16, N_TOKEN, [5, 12], div_value=4.0, head_bias=True)
    ours = AdaptiveSoftmax(16, N_TOKEN, (5, 12))
    ours.load_state_dict(theirs.state_dict())
    hidden, target = torch.randn(50, 16), torch.randint(0, N_TOKEN, (50,))
    target[:3] = torch.tensor([1, 6, 0])
    hidden.requires_grad_()
    for at in (slice(None), slice(3)):  # of three targets none is in the last cluster
        found, wanted = ours(hidden[at], target[at]), theirs(hidden[at], target[at]).loss
        torch.testing.assert_close(found, wanted)
        slopes = torch.autograd.grad(found, [hidden, *ours.parameters()], allow_unused=True, materialize_grads=True)
        same = torch.autograd.grad(wanted, [hidden, *theirs.parameters()], allow_unused=True, materialize_grads=True)
        for one, other in zip(slopes, same, strict=True):
            torch.testing.assert_close(one, other)
    assert target[:3].max() < 12
    decoder = ours.as_decoder()
    assert decoder.cutoffs == (5, 12, N_TOKEN)
    assert [tail[0].shape[0] for tail in decoder.tails] == [4, 1]


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(size=12, dropout=0.0),
        Recipe(size=12, dropout=0.0, layers=1, tied=False, embedding_size=7),
        Recipe(size=12, dropout=0.0, layers=3, init_range=0.3, forget_bias=0.0, tied=False),
    ],
    ids=["tied", "narrow", "three layers"],
)
def test_its_loss_is_that_of_torchs_modules(recipe: Recipe) -> None:
    network = make_network(recipe)
    ids = torch.as_tensor(make_text(60).token_id.reshape(3, 20).T.astype(np.int64))
    zero = torch.zeros(2, recipe.layers, 3, recipe.size)
    nats, _ = network.loss(ids, zero)
    torch.testing.assert_close(nats, plain_loss(network, ids))
    first, state = network.loss(ids[:9], zero)
    second, _ = network.loss(ids[8:], state)
    torch.testing.assert_close((8 * first + 11 * second) / 19, nats)
    assert not state.requires_grad


@pytest.mark.parametrize(
    "options", [{}, {"tied": False, "softmax": "adaptive", "cutoffs": (5, 12)}], ids=["full", "adaptive"]
)
def test_bfloat16_is_near_float32_and_keeps_float32_gradients(options: dict[str, object]) -> None:
    ids = torch.as_tensor(make_text(400).token_id.reshape(8, 50).T.astype(np.int64))
    zero, gradients, losses = torch.zeros(2, 2, 8, 64), [], []
    for precision in ("float32", "bfloat16"):
        network = make_network(Recipe(size=64, dropout=0.0, precision=precision, **options))  # type: ignore[arg-type]
        nats, state = network.loss(ids, zero)
        nats.backward()  # type: ignore[no-untyped-call]
        assert {p.grad.dtype for p in network.parameters() if p.grad is not None} == {torch.float32}
        assert state.dtype == torch.float32
        gradients.append(torch.cat([p.grad.flatten() for p in network.parameters() if p.grad is not None]))
        losses.append(nats.item())
    assert losses[1] == pytest.approx(losses[0], rel=1e-3)
    assert torch.cosine_similarity(*gradients, dim=0) > 0.999


def test_locked_masks_are_the_same_at_every_step_and_others_are_not() -> None:
    ones = torch.ones(40, 3, 50)
    locked = make_network(Recipe(size=50, dropout=0.5, locked_dropout=True))._drop(ones, "input")
    assert (locked == locked[:1]).all()
    assert not (locked[0, 0] == locked[0, 1]).all()
    free = make_network(Recipe(size=50, dropout=0.5))._drop(ones, "input")
    assert not (free == free[:1]).all()
    for dropped in (locked, free):
        assert set(dropped.unique().tolist()) == {0.0, 2.0}


@pytest.mark.parametrize("place", ["input", "between", "output"])
@pytest.mark.parametrize("locked", [False, True])
def test_dropout_acts_in_the_place_it_is_given_for(place: str, locked: bool) -> None:
    options = {"dropout": 0.0, f"dropout_{place}": 0.5, "locked_dropout": locked}
    network = make_network(Recipe(size=40, **options))  # type: ignore[arg-type]
    dropped: list[str] = []
    original = network._drop

    def seen(values: torch.Tensor, where: str) -> torch.Tensor:
        out = original(values, where)  # type: ignore[arg-type]
        if not torch.equal(out, values):
            dropped.append(where)
        return out

    network._drop = seen  # type: ignore[assignment, method-assign]
    network.loss(torch.randint(0, N_TOKEN, (6, 2)), torch.zeros(2, 2, 2, 40))
    assert dropped == [place]


def test_initial_values_are_the_recipes() -> None:
    uniform = make_network(Recipe(size=50, init_range=0.05, forget_bias=0.0, tied=False))
    for name, tensor in uniform.weights().items():
        assert 0.04 < tensor.abs().max() <= 0.05, name
    modern = make_network(Recipe(size=50)).weights()
    assert modern["encoder.weight"].abs().max() <= 0.1
    assert modern["rnn.weight_hh_l1"].abs().max() <= 1 / math.sqrt(50)
    assert not modern["decoder.bias"].any()
    assert "decoder.weight" not in modern
    for i in range(2):
        bias = modern[f"rnn.bias_ih_l{i}"] + modern[f"rnn.bias_hh_l{i}"]
        assert torch.equal(bias, torch.cat([torch.zeros(50), torch.ones(50), torch.zeros(100)]))


def test_the_model_is_a_view_of_the_network() -> None:
    network = make_network(Recipe(size=12))
    model = network.model(VOCABULARY)
    assert model.tied
    assert isinstance(model.decoder, Decoder)
    assert model.decoder.weight.data_ptr() == network.encoder.weight.data_ptr()
    adaptive = make_network(Recipe(size=16, tied=False, softmax="adaptive", cutoffs=(4, 10), embedding_size=5))
    found = adaptive.model(VOCABULARY)
    assert isinstance(found.decoder, AdaptiveDecoder)
    assert found.embedding.shape == (N_TOKEN, 5)


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(size=12),
        Recipe(size=12, tied=False, embedding_size=5, layers=1),
        Recipe(size=16, tied=False, softmax="adaptive", cutoffs=(4, 10)),
    ],
    ids=["tied", "untied", "adaptive"],
)
def test_perplexity_is_that_of_an_independent_evaluation(recipe: Recipe) -> None:
    network = make_network(recipe)
    text = make_text(300, n_document=4)
    text = Text(text.token_id, np.where(np.arange(300) == 200, 9, text.document))  # a document of one token
    nats, n = 0.0, 0
    edges = [0, *(np.flatnonzero(np.diff(text.document)) + 1), 300]
    silent = Recipe(**{**vars(recipe), "dropout": 0.0})
    quiet = Network(N_TOKEN, silent)
    quiet.load_weights(network.weights())
    for a, b in pairwise(edges):
        if b - a > 1:
            ids = torch.as_tensor(text.token_id[a:b, None].astype(np.int64))
            if recipe.softmax == "full":
                loss = plain_loss(quiet, ids).item()
            else:
                loss = quiet.loss(ids, torch.zeros(2, recipe.layers, 1, recipe.size))[0].item()
            nats, n = nats + loss * (b - a - 1), n + b - a - 1
    value, n_token = perplexity(network.model(VOCABULARY), text)
    assert n_token == n
    assert value == pytest.approx(math.exp(nats / n), rel=1e-5)


def test_the_perplexity_of_single_tokens_is_undefined() -> None:
    value, n = perplexity(make_network(Recipe(size=4)).model(VOCABULARY), Text(np.zeros(2, np.int32), np.arange(2)))
    assert math.isnan(value)
    assert n == 0
