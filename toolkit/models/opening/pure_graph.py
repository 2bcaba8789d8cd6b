"""Whether the graph of a SavedModel only computes: every operator in it is on a list of pure ones, by name."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from device.errors import EdgeError

# Reading the folder's own weights, holding them, and calling the functions of the graph.
STRUCTURE = """
    Placeholder PlaceholderWithDefault Const NoOp Identity IdentityN StopGradient PreventGradient VarHandleOp
    ReadVariableOp VariableV2 Variable Assign AssignVariableOp VarIsInitializedOp DisableCopyOnRead PartitionedCall
    StatefulPartitionedCall If StatelessIf EnsureShape
"""
LAYERS = """
    Conv1D Conv2D Conv2DBackpropInput Conv3D DepthwiseConv2dNative DepthwiseConv2dNativeBackpropInput BiasAdd BiasAddV1
    MatMul BatchMatMul BatchMatMulV2 BatchMatMulV3 Einsum FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3 LRN AvgPool
    MaxPool MaxPoolV2 Relu Relu6 LeakyRelu Elu Selu Softmax LogSoftmax Sigmoid Tanh Softplus Softsign L2Loss
    ResizeBilinear ResizeNearestNeighbor ResizeBicubic ResizeArea _FusedConv2D _FusedMatMul
    _FusedBatchNormEx
"""
ARITHMETIC = """
    Add AddV2 AddN Sub Mul Div RealDiv DivNoNan FloorDiv FloorMod TruncateDiv TruncateMod Mod Neg Abs Sign Square
    SquaredDifference Sqrt Rsqrt Exp Expm1 Log Log1p Pow Maximum Minimum Reciprocal Inv Floor Ceil Round Rint Erf Erfc
    Erfinv Sin Cos Tan Sinh Cosh Asin Acos Atan Atan2 Less LessEqual Greater GreaterEqual Equal NotEqual LogicalAnd
    LogicalOr LogicalNot Select SelectV2 ClipByValue IsFinite IsInf IsNan Cast Bitcast Mean Sum Prod Max Min All Any
    ArgMax ArgMin TopK TopKV2 Cumsum Cumprod
"""
SHAPES = """
    Reshape Squeeze ExpandDims Transpose Concat ConcatV2 Split SplitV Pack Unpack Slice StridedSlice Gather GatherV2
    GatherNd Pad PadV2 MirrorPad Tile Fill Shape ShapeN Size Rank Range ZerosLike OnesLike BroadcastTo BroadcastArgs
    Reverse ReverseV2 SpaceToBatchND BatchToSpaceND SpaceToDepth DepthToSpace OneHot Where Unique InvertPermutation
    Conj Real Imag
"""
AUGMENTATION = """
    StatelessRandomUniform StatelessRandomUniformV2 StatelessRandomNormal StatelessRandomNormalV2
    StatelessRandomUniformInt StatelessRandomUniformIntV2 StatelessRandomUniformFullIntV2 StatelessRandomGetKeyCounter
    StatelessRandomGetAlg RngReadAndSkip RandomUniform RandomUniformInt RandomStandardNormal TruncatedNormal
    ImageProjectiveTransformV2 ImageProjectiveTransformV3 AdjustContrastv2 AdjustHue AdjustSaturation RGBToHSV HSVToRGB
"""
PURE = frozenset(f"{STRUCTURE} {LAYERS} {ARITHMETIC} {SHAPES} {AUGMENTATION}".split())
# TensorFlow writes these into every SavedModel, in the functions that save and restore it; nobody runs those here.
SAVING = PURE | {
    "SaveV2",
    "RestoreV2",
    "MergeV2Checkpoints",
    "ShardedFilename",
    "StringJoin",
    "StaticRegexFullMatch",
}
SAVER_NAME = re.compile(r"__inference__traced_(?:save|restore)_\d+")
MOST_CONSTANTS = 1 << 25  # numbers in all constants together; a few bytes may stand for many equal ones
# Functions that call functions: so deep, and so many operators when each call is counted with all that it calls.
DEEPEST_CALLS, MOST_OPERATORS = 100, 1_000_000


def refuse_impure(path: object, graph_def: Any, callable_names: Iterable[str]) -> None:
    """Raise EdgeError unless a SavedModel's graph only computes.

    graph_def: TensorFlow's GraphDef; callable_names: its functions that objects of the SavedModel or its signatures
    call. Allowed are pure operators only, in functions called by functions too. The operators that save a model are
    allowed where TensorFlow puts them, in functions that only the graph's own saver calls; a graph saved by TensorFlow
    1, which holds them beside the network, is refused.
    """
    functions = {function.signature.name: function for function in graph_def.library.function}
    bodies = {"": graph_def.node, **{name: function.node_def for name, function in functions.items()}}
    calls = {name: Counter(_called(nodes)) for name, nodes in bodies.items()}
    called = {*callable_names, *(name for body, names in calls.items() if body for name in names)}
    savers = {name for name in functions if SAVER_NAME.fullmatch(name) and name not in called}
    _refuse_endless(path, calls)
    impure = set()
    for name, nodes in bodies.items():
        impure |= {node.op for node in nodes} - (SAVING if name in savers else PURE) - set(functions)
    _refuse_large_constants(path, bodies.values())
    if impure:
        raise EdgeError(
            f"{path} is not run: its graph holds {', '.join(sorted(impure)[:5])}, which is not known to only compute; "
            "save the network as model.save('model.keras')"
        )


def operators(graph_def: Any) -> set[str]:
    """Return the names of all operators of a GraphDef, those in its functions too."""
    bodies = (graph_def.node, *(function.node_def for function in graph_def.library.function))
    return {node.op for nodes in bodies for node in nodes}


def _called(nodes: Iterable[Any]) -> Iterator[str]:
    for node in nodes:
        yield node.op
        for value in node.attr.values():
            yield from (function.name for function in (value.func, *value.list.func) if function.name)


def _refuse_endless(path: object, calls: dict[str, Counter[str]]) -> None:
    """Raise EdgeError where a function calls itself, through others or not, or where calls multiply beyond bounds.

    calls: how often each function names each operator and function.
    """
    operators: dict[str, int] = {}  # of the functions all of whose calls are counted already
    left = dict(calls)
    for _ in range(DEEPEST_CALLS):
        known = {name for name, called in left.items() if not any(one in left for one in called)}
        counted = {
            name: sum(times * operators.get(one, 1) for one, times in left.pop(name).items())
            for name in known
        }
        operators |= counted
        if not known or not left:
            break
    if left:
        deep = f"its function {min(left)!r} calls itself, or functions call others over {DEEPEST_CALLS} deep"
        raise EdgeError(f"{path} is not run: {deep}; save it as model.keras")
    if (most := max(operators.values())) > MOST_OPERATORS:
        raise EdgeError(f"{path} is not run: its calls of functions come to {most:,} operators")


def _refuse_large_constants(path: object, bodies: Iterable[Iterable[Any]]) -> None:
    total = 0
    for node in (node for nodes in bodies for node in nodes if node.op == "Const"):
        total += math.prod(max(int(size.size), 0) for size in node.attr["value"].tensor.tensor_shape.dim)
        if total > MOST_CONSTANTS:
            raise EdgeError(f"{path} is not run: its constants up to {node.name} declare {total:,} numbers")
