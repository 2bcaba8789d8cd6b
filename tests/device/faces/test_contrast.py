import numpy as np
import pytest

from device.faces.contrast import stretched


def picture(low: int, high: int, shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(0).integers(low, high, shape, dtype=np.uint8)


@pytest.mark.parametrize("shape", [(48, 48), (96, 96, 3), (37, 500), (480, 640, 3)])
@pytest.mark.parametrize("levels", [(0, 14), (20, 80), (150, 220)])
def test_a_dim_or_hazy_picture_takes_up_all_levels(levels, shape):
    flat = picture(*levels, shape)
    wide = stretched(flat)
    assert (wide.shape, wide.dtype, wide.min(), wide.max()) == (flat.shape, np.uint8, 0, 255)
    order = np.argsort(flat, axis=None)
    assert (np.diff(wide.ravel()[order].astype(int)) >= 0).all()  # what was brighter is no darker


@pytest.mark.parametrize(
    "image",
    [picture(0, 256, (480, 640, 3)), picture(60, 150, (48, 48)), np.full((1, 1, 3), 7, np.uint8)],
    ids=["wide", "ordinary", "one pixel"],
)
def test_an_ordinary_or_empty_picture_stays_itself(image):
    assert stretched(image) is image


def test_noise_alone_stays_noise():
    noise = np.random.default_rng(0).normal(20, 1.5, (120, 160)).clip(0, 255).astype(np.uint8)
    assert stretched(noise) is noise


def test_a_lamp_does_not_keep_the_rest_dark():
    dim = picture(0, 40, (120, 160))
    dim[:8, :8] = 255
    assert np.percentile(stretched(dim), 90) > 200
