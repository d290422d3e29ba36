"""Variables of ``activations.zarr``."""

from .dims import STATE, T
from .variable import Variable

STATES: dict[str, Variable] = {
    "hidden_state": Variable(STATE, "float32", "1", "hidden state h after reading the token", (-1, 1)),
    "cell_state": Variable(STATE, "float32", "1", "cell state c after reading the token"),
    "input_gate": Variable(
        STATE, "float32", "1", "input gate at the token: share of the candidate that is added", (0, 1)
    ),
    "forget_gate": Variable(STATE, "float32", "1", "forget gate at the token: what share of c is kept", (0, 1)),
    "output_gate": Variable(STATE, "float32", "1", "output gate at the token: what share of tanh(c) is shown", (0, 1)),
    "candidate": Variable(STATE, "float32", "1", "candidate at the token: what the input gate lets in", (-1, 1)),
    "reset_gate": Variable(STATE, "float32", "1", "reset gate of a GRU: share of the past in the candidate", (0, 1)),
    "update_gate": Variable(STATE, "float32", "1", "update gate of a GRU: what share of h is kept", (0, 1)),
    "surprisal": Variable(T, "float32", "bit", "-log2 p(token given its past); NaN where there is no past", (0, None)),
}

STORED_STATE = {"hidden": "hidden_state", "cell": "cell_state"} | {
    name: name for name in ("input_gate", "forget_gate", "output_gate", "candidate", "reset_gate", "update_gate")
}
"""Stored variable of each state that a study can ask for."""
_LSTM_STATES = ("hidden", "cell", "input_gate", "forget_gate", "output_gate", "candidate")
CELL_STATES = {
    "lstm": _LSTM_STATES,
    "mlstm": _LSTM_STATES,
    "gru": ("hidden", "reset_gate", "update_gate", "candidate"),
}
"""States that each kind of recurrent layer can show."""
