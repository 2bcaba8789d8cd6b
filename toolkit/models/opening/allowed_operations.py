"""Which layers and operations of Keras a network from a file may hold: a classifier's, whose cost shapes tell."""

from collections.abc import Iterator
from typing import Any

from device.errors import EdgeError
from device.text import a_few
from toolkit.models.opening.declared import parts

NETWORKS = "Functional Model Sequential InputLayer Identity"
WEIGHTED = """
    Dense EinsumDense Embedding Conv1D Conv2D Conv3D Convolution1D Convolution2D Convolution3D Conv1DTranspose
    Conv2DTranspose Conv3DTranspose Convolution1DTranspose Convolution2DTranspose Convolution3DTranspose
    DepthwiseConv1D DepthwiseConv2D SeparableConv1D SeparableConv2D SeparableConvolution1D SeparableConvolution2D
    BatchNormalization GroupNormalization LayerNormalization RMSNormalization UnitNormalization SpectralNormalization
    Normalization PReLU Attention AdditiveAttention MultiHeadAttention GroupQueryAttention RNN SimpleRNN GRU LSTM
    SimpleRNNCell GRUCell LSTMCell StackedRNNCells ConvLSTM1D ConvLSTM2D ConvLSTM3D Bidirectional TimeDistributed
    Masking LayerScale CustomScaleLayer StochasticDepth
"""
POOLING = """
    AveragePooling1D AveragePooling2D AveragePooling3D AvgPool1D AvgPool2D AvgPool3D MaxPooling1D MaxPooling2D
    MaxPooling3D MaxPool1D MaxPool2D MaxPool3D GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D
    GlobalAvgPool1D GlobalAvgPool2D GlobalAvgPool3D GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D
    GlobalMaxPool1D GlobalMaxPool2D GlobalMaxPool3D AdaptiveAveragePooling1D AdaptiveAveragePooling2D
    AdaptiveMaxPooling1D AdaptiveMaxPooling2D
"""
PLAIN_LAYERS = """
    Activation ReLU LeakyReLU ELU Softmax Add Subtract Multiply Average Maximum Minimum Concatenate Dot Flatten Reshape
    Permute RepeatVector Cropping1D Cropping2D Cropping3D ZeroPadding1D ZeroPadding2D ZeroPadding3D UpSampling1D
    UpSampling2D UpSampling3D Rescaling Resizing CenterCrop ActivityRegularization Dropout AlphaDropout
    GaussianDropout GaussianNoise SpatialDropout1D SpatialDropout2D SpatialDropout3D
"""
AUGMENTATION = """
    RandomBrightness RandomColorDegeneration RandomColorJitter RandomContrast RandomCrop RandomErasing RandomFlip
    RandomElasticTransform RandomGaussianBlur RandomGrayscale RandomHue RandomInvert RandomPerspective
    RandomPosterization RandomRotation RandomSaturation RandomSharpness RandomShear RandomTranslation RandomZoom
    RandAugment AugMix CutMix MixUp Solarization
"""
# Operations of keras.ops, by their classes.
ELEMENTWISE = """
    Abs Absolute Add Subtract Multiply Divide TrueDivide DivideNoNan FloorDivide Mod Power Negative Reciprocal Sign
    Signbit Square Sqrt Cbrt Rsqrt Exp Exp2 Expm1 Log Log10 Log1p Log2 Logaddexp Sin Cos Tan Sinh Cosh Tanh Arcsin
    Arccos Arctan Arctan2 Arcsinh Arccosh Arctanh Erf Erfc Erfinv Ceil Floor Round Trunc Clip Maximum Minimum Fmax Fmin
    Equal NotEqual Greater GreaterEqual Less LessEqual Isclose Isfinite Isinf Isnan LogicalAnd LogicalNot LogicalOr
    LogicalXor Where Select NanToNum Hypot Heaviside Cast SaturateCast StopGradient ConvertToTensor Copy
"""
ACTIVATIONS = """
    Relu Relu6 LeakyRelu Elu Selu Celu Gelu Glu Sigmoid HardSigmoid LogSigmoid SparseSigmoid Silu HardSilu Softplus
    Softsign SoftShrink HardShrink TanhShrink HardTanh Squareplus Softmax LogSoftmax Sparsemax SparsePlus Threshold
"""
REDUCTIONS = """
    All Any Amax Amin Max Min Mean Average Sum Prod Std Var Logsumexp Argmax Argmin CountNonzero Cumsum Cumprod Sort
    Argsort TopK Moments Norm Normalize BatchNorm LayerNorm RMSNorm
"""
SHAPES = """
    Reshape Ravel Squeeze ExpandDims Transpose Swapaxes Moveaxis Rearrange Concatenate Append Stack Hstack Vstack
    Dstack Split ArraySplit Hsplit Vsplit Dsplit GetItem Slice SliceUpdate Scatter ScatterUpdate Take
    TakeAlongAxis Pad Repeat Tile BroadcastTo Flip Fliplr Flipud Rot90 Roll Diff Tril Triu Diagonal ZerosLike OnesLike
    FullLike OneHot ExtractPatches SpaceToDepth DepthToSpace
"""
PRODUCTS = """
    Matmul Dot Tensordot Einsum Inner Outer Vdot DotProductAttention Conv ConvTranspose DepthwiseConv SeparableConv
    MaxPool AveragePool
"""
IMAGES = "Resize CropImages PadImages RGBToGrayscale RGBToHSV HSVToRGB"
ALLOWED = frozenset(
    f"{NETWORKS} {WEIGHTED} {POOLING} {PLAIN_LAYERS} {AUGMENTATION} {ELEMENTWISE} {ACTIVATIONS} {REDUCTIONS} {SHAPES} "
    f"{PRODUCTS} {IMAGES}".split()
)
MOST_PARTS = (
    1000  # of a split; what Unstack gives only shapes tell, which Keras lists before they are known here
)
# Functions that a layer may be given as its activation: each keeps the shape, or halves a side.
FUNCTION_NAMES = """
    celu elu exponential gelu glu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh leaky_relu linear log_sigmoid
    log_softmax mish relu relu6 selu sigmoid silu soft_shrink softmax softplus softsign sparse_plus sparse_sigmoid
    sparsemax squareplus swish tanh tanh_shrink threshold softmax_v2 hard_sigmoid_of_keras_2 abs absolute arctan cos erf
    exp expm1 identity log1p negative rsqrt sign sin sqrt square
"""
FUNCTIONS = frozenset(FUNCTION_NAMES.split())


def refuse_unlisted(path: object, config: Any) -> None:
    """Raise EdgeError where a network's configuration, of any version of Keras, names a layer, an operation or a
    function that is not on the list.

    A class that Keras does not have is for its loader to tell.
    """
    from keras import layers
    from keras.src.ops.operation import Operation  # what all layers and operations derive from

    known = {*dir(layers), *(kind.__name__ for kind in _derived_in_keras(Operation))}
    unlisted = list(dict.fromkeys(_named(config, known - ALLOWED)))
    if unlisted:
        raise EdgeError(
            f"{path} calls {a_few(unlisted)}, not among the layers and operations of image classifiers that are run; "
            "replace it by others and save the model again, or write a SavedModel where the code is, "
            "model.export('folder'), and name that"
        )


def _derived_in_keras(kind: Any) -> Iterator[Any]:
    for one in kind.__subclasses__():
        if one.__module__.startswith("keras."):
            yield one
        yield from _derived_in_keras(one)


def _named(config: Any, refused: set[str]) -> Iterator[str]:
    """Yield the name of each class of ``refused``, each split into too many parts and each function off the list in a
    configuration."""
    for part in parts(config):
        sections = part.get("indices_or_sections", 0)
        name = str(part.get("class_name", "")).rpartition(".")[2]
        function = str(part.get("config")).rpartition(".")[2]
        if name in refused:
            yield name
        elif isinstance(sections, int) and sections > MOST_PARTS:
            yield f"a split into {sections:,} parts"
        elif name == "function" and function not in FUNCTIONS:
            yield f"the function {function}"
