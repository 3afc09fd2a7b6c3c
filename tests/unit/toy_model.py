"""A small network for tests that look at how models are loaded."""

PIXELS = ("b", 3, 224, 224)


def graph(weight: float, *, dimension: int = 1280, name: str = "images") -> bytes:
    """Make a network of one product: every output is the mean of a picture times a weight."""
    from onnx import TensorProto, helper

    weights = helper.make_tensor("w", TensorProto.FLOAT, [1, dimension], [weight] * dimension)
    means = helper.make_node("ReduceMean", [name], ["mean"], axes=[1, 2, 3], keepdims=0)
    column = helper.make_node("Unsqueeze", ["mean", "at"], ["column"])
    made = helper.make_node("MatMul", ["column", "w"], ["vectors"])
    at = helper.make_tensor("at", TensorProto.INT64, [1], [1])
    put_in = helper.make_tensor_value_info(name, TensorProto.FLOAT, list(PIXELS))
    out = helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["b", dimension])
    whole = helper.make_graph([means, column, made], "toy", [put_in], [out], [weights, at])
    model = helper.make_model(whole, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())
