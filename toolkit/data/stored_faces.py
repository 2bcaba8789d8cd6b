"""Faces that stay on disk, for data sets larger than memory."""

from collections.abc import Iterator

import numpy as np

FACES_AT_ONCE = 1024


class StoredFaces:
    """Rows of a memory-mapped array, (N, 48, 48) or (N, 48, 48, 3) uint8: an index brings what it names into memory.

    The training's loader and everything else that reads ``dataset.images[rows]`` works on it as on an array. The
    pages belong to the system, which drops them when memory is short.
    """

    def __init__(self, pages: np.ndarray, rows: np.ndarray | None = None):
        self.pages = pages
        self.rows = np.arange(len(pages)) if rows is None else rows

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.rows), *self.pages.shape[1:])

    @property
    def dtype(self) -> np.dtype:
        return self.pages.dtype

    @property
    def ndim(self) -> int:
        return self.pages.ndim

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, rows: int | slice | np.ndarray) -> np.ndarray:
        """Return one face, or the faces at a slice, mask or indices, in memory."""
        return np.array(self.pages[self.rows[rows]])

    def __iter__(self) -> Iterator[np.ndarray]:
        for start in range(0, len(self), FACES_AT_ONCE):
            yield from self[start : start + FACES_AT_ONCE]

    def __array__(self, dtype: np.dtype | None = None, copy: bool | None = None) -> np.ndarray:
        """Return all faces in memory."""
        return np.asarray(self[:], dtype)

    def only(self, rows: slice | np.ndarray) -> "StoredFaces":
        """Return the faces at a slice, mask or indices, without bringing them into memory."""
        return StoredFaces(self.pages, self.rows[rows])


def stored(images: np.ndarray) -> np.ndarray:
    """Return memory-mapped ``images`` as StoredFaces, others as they are."""
    return StoredFaces(images) if isinstance(images, np.memmap) else images  # type: ignore[return-value]


def parted(store: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the gray faces, (N, 48, 48), and the coloured ones, (N, 48, 48, 3), of a store; None where it has none.

    A store is an array (N, 48, 48) of gray faces, or (N, 48, 48, 4) of gray, red, green and blue.
    """
    return (stored(store), None) if store.ndim == 3 else (stored(store[..., 0]), stored(store[..., 1:]))
