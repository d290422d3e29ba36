"""Dims that several stores share, in their order."""

T = ("time",)
STATE = ("time", "layer", "neuron")
SCORE = ("concept", "layer", "neuron")
MOMENT = ("concept", "group", "layer", "neuron")
TUNING = ("sentence_position", "layer", "neuron")
NEURON = ("layer", "neuron")
PAIR = ("layer", "neuron", "layer_other", "neuron_other")
TYPE = ("table_type", "layer", "neuron")
TOP = ("extreme", "rank", "layer", "neuron")
SPAN = ("mark",)
OCCURRENCE = ("occurrence",)
WORD = ("corpus_word",)
