"""A network of linear operations in onnxruntime, for the benchmark cpu-network.

Arguments: folder, threads, batch, widths of the tensors from the input on, shifts of the layers.
The folder holds w0, w1, .. (int8, [N, K], row-major) and x (uint8, [batch, K]). Writes the output
to y, prints "ready", then answers every line with a number of runs by the seconds that one took.
"""

import sys
import time

import numpy
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper


def network(folder, batch, widths, shifts):
    """QLinearMatMul after QLinearMatMul: the form for which onnxruntime has its fastest kernels."""
    constants, nodes, name = [], [], "x"

    def constant(label, value):
        constants.append(numpy_helper.from_array(numpy.ascontiguousarray(value), label))
        return label

    one = constant("one", numpy.float32(1))
    for layer, (k, n, shift) in enumerate(zip(widths, widths[1:], shifts)):
        weights = numpy.fromfile(f"{folder}/w{layer}", dtype=numpy.int8).reshape(n, k)
        # The input is centred on 128, everything between layers starts at 0: ReLU comes for free.
        zero = constant(f"x_zero{layer}", numpy.uint8(0 if layer else 128))
        w = constant(f"w{layer}", weights.T)
        w_zero = constant(f"w_zero{layer}", numpy.int8(0))
        scale = constant(f"y_scale{layer}", numpy.float32(2.0**shift))
        y_zero = constant(f"y_zero{layer}", numpy.uint8(0))
        inputs = [name, one, zero, w, one, w_zero, scale, y_zero]
        name = f"y{layer}"
        nodes.append(helper.make_node("QLinearMatMul", inputs, [name]))
    x = helper.make_tensor_value_info("x", TensorProto.UINT8, [batch, widths[0]])
    y = helper.make_tensor_value_info(name, TensorProto.UINT8, [batch, widths[-1]])
    graph = helper.make_graph(nodes, "network", [x], [y], constants)
    opset = [helper.make_opsetid("", 21)]
    return helper.make_model(graph, opset_imports=opset, ir_version=10), name


def main():
    folder, threads, batch, widths, shifts = sys.argv[1:]
    batch = int(batch)
    widths = [int(width) for width in widths.split(",")]
    shifts = [int(shift) for shift in shifts.split(",")]
    model, name = network(folder, batch, widths, shifts)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(threads)
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    x = numpy.fromfile(f"{folder}/x", dtype=numpy.uint8).reshape(batch, widths[0])
    y = numpy.zeros((batch, widths[-1]), dtype=numpy.uint8)
    binding = session.io_binding()
    binding.bind_cpu_input("x", x)
    binding.bind_output(name, "cpu", 0, numpy.uint8, y.shape, y.ctypes.data)
    session.run_with_iobinding(binding)
    y.tofile(f"{folder}/y")
    print("ready", flush=True)
    for line in sys.stdin:
        runs = int(line)
        start = time.perf_counter()
        for _ in range(runs):
            session.run_with_iobinding(binding)
        print((time.perf_counter() - start) / runs, flush=True)


main()
