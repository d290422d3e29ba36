"""A simulated corpus of word types in documents, and the type tables of neurons that read it."""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy import signal

FEWEST_TOKENS = 5


@dataclass(frozen=True)
class World:
    """Tokens of a corpus: type and document of each, dims (time); the topic of each type, -1 for none."""

    type_id: np.ndarray
    document: np.ndarray
    topic: np.ndarray

    @property
    def n_token(self):
        """Tokens of each type."""
        return np.bincount(self.type_id, minlength=len(self.topic))


def make_world(rng, n_type=2000, n_document=100, n_token=100_000, n_topic=10, topical=0.5, pull=20.0):
    """Return Zipf words in documents; each document has a topic, whose words are ``pull`` times as likely there."""
    probability = 1 / np.arange(20, n_type + 20)
    topic = np.where(rng.random(n_type) < topical, rng.integers(0, n_topic, n_type), -1)
    topic[:50] = -1
    type_id = []
    for document in range(n_document):
        weight = probability * np.where(topic == document % n_topic, pull, 1.0)
        type_id.append(rng.choice(n_type, n_token // n_document, p=weight / weight.sum()))
    return World(np.concatenate(type_id), np.repeat(np.arange(n_document), n_token // n_document), topic)


def noise(rng, world, n_neuron, persistence=0.9):
    """Return AR(1) values that know nothing of the words, dims (time, neuron)."""
    white = rng.standard_normal((len(world.type_id), n_neuron))
    return signal.lfilter([np.sqrt(1 - persistence**2)], [1, -persistence], white, axis=0)


def document_effects(rng, world, n_neuron, n_topic=10):
    """Return what documents and their topics add, dims (time, neuron)."""
    n_document = world.document[-1] + 1
    of_topic = rng.standard_normal((n_topic, n_neuron))[np.arange(n_document) % n_topic]
    return (of_topic + 0.5 * rng.standard_normal((n_document, n_neuron)))[world.document]


def type_tables(world, values, members, pos=None, group=None, n_layer=1):
    """Return the type tables for values (time, neuron) and the member types of each concept."""
    group = world.document if group is None else group
    count = world.n_token
    row = np.flatnonzero(count >= FEWEST_TOKENS)
    place = np.full(len(count), -1)
    place[row] = np.arange(len(row))
    inside = place[world.type_id] >= 0
    of_type, of_group = place[world.type_id[inside]], group[inside]
    scale = 1 / (10 * np.abs(values).max())
    whole = np.rint(values[inside] * scale * 2**30).astype(np.int64)
    n_group = group.max() + 1
    pair, n_pair = np.unique(of_type * n_group + of_group, return_counts=True)
    target = np.stack([np.where(np.isin(row, member), count[row], 0) for member in members])
    concept = {"concept": [f"concept {k}" for k in range(len(members))], "source": ("concept", ["test"] * len(members))}
    return xr.Dataset(
        {
            "table_type_id": ("table_type", row),
            "type_n_token": ("table_type", count[row]),
            "type_n_document": ("table_type", np.bincount(pair // n_group)),
            "type_value_sum": (("table_type", "layer", "neuron"), _sum(of_type, whole, len(row), n_layer)),
            "document_group_n_token": ("document_group", np.bincount(of_group, minlength=n_group)),
            "document_group_value_sum": (
                ("document_group", "layer", "neuron"),
                _sum(of_group, whole, n_group, n_layer),
            ),
            "pair_type": ("pair", pair // n_group),
            "pair_document_group": ("pair", pair % n_group),
            "pair_n_token": ("pair", n_pair),
            "type_target_n_token": (("concept", "table_type"), target),
            "type_labelled_n_token": (("concept", "table_type"), np.broadcast_to(count[row], target.shape).copy()),
            "type_pos": ("table_type", np.full(len(row), -1, np.int32) if pos is None else pos[row].astype(np.int32)),
            "value_sd": (("layer", "neuron"), (values * scale).std(axis=0, ddof=1).reshape(n_layer, -1)),
        },
        coords=concept,
    )


def _sum(index, whole, size, n_layer):
    order = np.argsort(index, kind="stable")
    start = np.searchsorted(index[order], np.arange(size))
    total = np.concatenate([np.zeros((1, whole.shape[1]), np.int64), whole[order].cumsum(axis=0)])
    stop = np.append(start[1:], len(index))
    return (total[stop] - total[start]).reshape(size, n_layer, -1)
