"""Google's Coral Edge TPU, by libedgetpu (https://coral.ai/software).

``toolkit quantize --edgetpu`` makes its files.
"""

from device.model.delegates.accelerator import Accelerator

EDGETPU = Accelerator(
    name="edgetpu",
    title="Edge TPU",
    library="libedgetpu.so.1",
    custom_operator="edgetpu-custom-op",
    remedy_missing="install libedgetpu1-std as https://coral.ai/software says",
    remedy_failed="plug in the Edge TPU, and see that this user may open it (group plugdev)",
)
