"""What a layer or an operation makes and multiplies within, beside its outputs and its weights' multiplications."""

import math
from collections.abc import Iterator

from toolkit.models.opening.calls import Call, Shape

# A pooling window compares or adds one number in about a nanosecond, a convolution multiplies twenty.
COMPARISON, DECOMPOSITION = 20, 20
CONTRACTIONS = ("Matmul", "Dot", "Tensordot", "Einsum", "EinsumDense", "Inner", "Outer", "Vdot")
ATTENTIONS = (
    "Attention",
    "AdditiveAttention",
    "MultiHeadAttention",
    "GroupQueryAttention",
    "DotProductAttention",
)


def elements(shape: Shape) -> int:
    """Return how many numbers a tensor of ``shape`` holds; an open size counts once."""
    return math.prod(1 if size is None else size for size in shape)


def shapes_within(call: Call) -> Iterator[Shape]:
    """Yield the shapes of what ``call`` makes on its way: a separable convolution channels before they are mixed,
    attention a number for each pair of places, in each head, a resizing the picture padded or resized one way."""
    kind, gives = type(call.operation).__name__, call.gives[0] if call.gives else ()
    if kind in ATTENTIONS:
        yield _pairs(call)
    elif kind in ("SeparableConv1D", "SeparableConv2D"):
        yield (*gives[:-1], (call.takes[0][-1] or 1) * call.operation.depth_multiplier)
    elif kind == "SeparableConv":
        yield (*gives[:-1], elements(call.takes[1][-2:]))
    elif kind in ("Resizing", "Resize", "RandomCrop", "CenterCrop") and len(gives) >= 3:
        yield _resized_one_way(call.takes[0], gives)
    elif kind == "ExtractPatches":  # by a convolution with a kernel of zeros and ones
        yield (gives[-1], gives[-1])
    elif kind == "Einsum" and len(call.takes) > 2:  # at most, in whatever order it multiplies
        yield tuple(map(elements, call.takes))


def multiplications_within(call: Call) -> int:
    """Return how many multiplications ``call`` takes for its batch beside those of a layer's weights, or what takes
    as long."""
    kind, operation, takes = type(call.operation).__name__, call.operation, call.takes
    if not takes or not call.gives:
        return 0
    gives = call.gives[0]
    if kind in CONTRACTIONS:
        return _contraction(call)
    if kind in ATTENTIONS:
        return _attention(call)
    if kind in ("Conv", "DepthwiseConv", "SeparableConv", "ConvTranspose"):
        places = max(elements(gives[:-1]), elements(takes[0][:-1]))
        return places * sum(map(elements, takes[1:]))
    if (window := getattr(operation, "pool_size", None)) is not None:
        sides = (window,) * (len(gives) - 2) if isinstance(window, int) else window
        return COMPARISON * elements(gives) * elements(tuple(sides))
    if kind.startswith("Adaptive"):  # one side after the other, with windows at each place
        return COMPARISON * elements(takes[0]) * sum(size or 1 for size in takes[0][1:-1])
    if kind == "ExtractPatches":
        return elements(gives) * (gives[-1] or 1)
    if kind in ("Norm", "Normalize"):  # of a matrix, by its singular values at worst
        return DECOMPOSITION * math.isqrt(elements(takes[0]) ** 3)
    return 0


def _contraction(call: Call) -> int:
    """Return at least the multiplications of a product of two tensors: sizes m k and k n give m n by m k n, which is
    the root of their product, and less where they share sizes that stay."""
    sizes = [*map(elements, call.takes), elements(call.gives[0])]
    if (kernel := getattr(call.operation, "kernel", None)) is not None:
        sizes.append(elements(tuple(kernel.shape)))
    return math.prod(sizes) if len(sizes) > 3 else math.isqrt(math.prod(sizes))


def _attention(call: Call) -> int:
    """Return the multiplications of attention: each pair of places multiplies the channels of a head, twice; each place
    goes through the weights."""
    weights = [tuple(weight.shape) for weight in getattr(call.operation, "weights", ())]
    channels = max(
        *(shape[-1] or 1 for shape in call.takes),
        *(getattr(call.operation, size, 0) for size in ("key_dim", "value_dim")),
    )
    places = max(elements(shape[:-1]) for shape in call.takes)
    return 2 * elements(_pairs(call)) * channels + places * sum(map(elements, weights))


def _pairs(call: Call) -> Shape:
    """Return the shape of what attention holds for each pair of places, batch first."""
    kind, layer, first = type(call.operation).__name__, call.operation, call.takes[0]
    other = call.takes[min(1, len(call.takes) - 1)]
    if kind == "DotProductAttention":  # batch, places, heads, channels
        return (first[0], first[2], first[1], other[1])
    heads = getattr(layer, "num_query_heads", None) or getattr(layer, "num_heads", 1)
    # The additive one adds before it sums over the channels.
    channels = first[-1] if kind == "AdditiveAttention" else 1
    return (first[0], heads, elements(first[1:-1]), elements(other[1:-1]), channels)


def _resized_one_way(takes: Shape, gives: Shape) -> Shape:
    """Return the largest picture on the way to a resized one: padded to the other's proportions, or one side first."""
    (height, width), (new_height, new_width) = _sides(takes), _sides(gives)
    return (
        *takes[:-3],
        max(new_height, height, -(-width * new_height // max(1, new_width))),
        max(new_width, width, -(-height * new_width // max(1, new_height))),
        gives[-1],
    )


def _sides(shape: Shape) -> tuple[int, int]:
    return shape[-3] or 1, shape[-2] or 1
