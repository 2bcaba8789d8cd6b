"""Resizing: averaged where it shrinks, bilinear where it grows."""

import numpy as np

from device.resizing import resized


def test_an_image_of_the_size_stays_the_same_object():
    image = np.zeros((48, 48), np.uint8)
    assert resized(image, (48, 48)) is image


def test_what_shrinks_is_averaged_and_what_grows_is_bilinear():
    stripes = np.tile(np.uint8([0, 0, 255, 255]), (96, 24))
    assert (resized(stripes, (24, 24)) == 128).all()
    assert resized(np.uint8([[0, 200], [0, 200]]), (2, 4)).tolist() == [[0, 50, 150, 200]] * 2
