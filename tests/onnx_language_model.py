"""An exported language model as an ONNX graph, and what onnx's own reference evaluator says of it."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from states_of import IDS, States

N_GATE = {"LSTM": 4, "GRU": 3}


class Graph:
    """An exported language model, node by node, to be changed before it is made."""

    def __init__(self, cell="LSTM", sizes=(5, 4), seed=0, bias=True):
        self.rng, self.cell, self.sizes = np.random.default_rng(seed), cell, sizes
        self.dims, self.given = ["time", 1], {}
        self.weights = {"embedding": self.draw(11, 6)}
        self.nodes = [helper.make_node("Gather", ["embedding", "ids"], ["x0"])]
        width = 6
        for i, n in enumerate(sizes):
            rows = N_GATE[cell] * n
            self.weights |= {f"W{i}": self.draw(1, rows, width), f"R{i}": self.draw(1, rows, n)}
            if bias:
                self.weights[f"B{i}"] = self.draw(1, 2 * rows)
            options = {"linear_before_reset": 1} if cell == "GRU" else {}
            inputs = [f"x{i}", f"W{i}", f"R{i}", *([f"B{i}"] if bias else [])]
            out = [f"y{i}", f"h{i}", *([f"c{i}"] if cell == "LSTM" else [])]
            self.nodes += [
                helper.make_node(cell, inputs, out, hidden_size=n, **options),
                helper.make_node("Squeeze", [f"y{i}", "one"], [f"x{i + 1}"]),
            ]
            width = n
        self.weights |= {"one": np.array([1]), "V": self.draw(width, 11), "v": self.draw(11)}
        self.nodes += [
            helper.make_node("MatMul", [f"x{len(sizes)}", "V"], ["scores"]),
            helper.make_node("Add", ["v", "scores"], ["logits"]),
        ]

    def draw(self, *shape):
        return self.rng.normal(0, 0.7, shape).astype(np.float32)

    def node(self, kind, at=0):
        return [node for node in self.nodes if node.op_type == kind][at]

    def option(self, name, value, at=0):
        self.node(self.cell, at).attribute.append(helper.make_attribute(name, value))

    def model(self, outputs=("logits",)):
        ids = helper.make_tensor_value_info("ids", TensorProto.INT64, self.dims)
        starts = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in self.given]
        found = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
        weights = [numpy_helper.from_array(array, name) for name, array in self.weights.items()]
        graph = helper.make_graph(self.nodes, "language model", [ids, *starts], found, weights)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)

    def save(self, tmp_path):
        onnx.save(self.model(), tmp_path / "m.onnx")
        return tmp_path / "m.onnx"

    def states(self):
        """Return what the reference evaluator says, a token at a time for c."""
        n, wanted = len(self.sizes), []
        for stop in range(1, len(IDS) + 1):
            names = [f"h{i}" for i in range(n)] + [f"c{i}" for i in range(n) if self.cell == "LSTM"] + ["logits"]
            run = ReferenceEvaluator(self.model(names)).run
            ids = IDS[:stop].astype(np.int64).reshape([stop if n == "time" else n for n in self.dims])
            wanted.append(dict(zip(names, run(None, {"ids": ids, **self.given}), strict=True)))
        hidden = [np.stack([step[f"h{i}"].reshape(-1) for step in wanted]) for i in range(n)]
        cell = [np.stack([step[f"c{i}"].reshape(-1) for step in wanted]) for i in range(n) if self.cell == "LSTM"]
        logits = wanted[-1].get("logits")
        return States(hidden, cell or None, logits.reshape(len(IDS), -1))
