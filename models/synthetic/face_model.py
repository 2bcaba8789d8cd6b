"""A statistical model of labelled faces: a Gaussian a class over eigenfaces, after Turk and Pentland (1991)."""

from dataclasses import dataclass

import numpy as np

from toolkit.data.dataset import FACE_SIZE

EIGENFACES = 300
# The part of the pooled covariance in that of a class: a class of 300 faces cannot say 300 directions alone.
POOLED_SHARE = 0.3
# A sampled face stands this many times as far from the mean face as its class does: clearer expressions.
EXPRESSION_GAIN = 2.0
# Samples stay nearer to their class than faces do (standard deviations times this): clearer faces.
SPREAD = 0.65
# Rendered in 64 gray levels, which halves the file and which no eye sees.
GRAY_STEP = 4
PIXELS = FACE_SIZE * FACE_SIZE


@dataclass(frozen=True)
class FaceModel:
    """mean: (2304,); eigenfaces: (2304, K); class_means: (C, K); roots: (C, K, K), covariance = root @ root.T;
    discriminants: (C, K) and offsets: (C,), the linear discriminant of the classes; light: mean and standard
    deviation of the brightness and of the contrast of the faces, (2, 2)."""

    mean: np.ndarray
    eigenfaces: np.ndarray
    class_means: np.ndarray
    roots: np.ndarray
    discriminants: np.ndarray
    offsets: np.ndarray
    light: np.ndarray

    def sample(self, label: int, count: int, rng: np.random.Generator) -> np.ndarray:
        """Return ``count`` new points of a class among the eigenfaces, (count, K)."""
        root = self.roots[label]
        noise = rng.standard_normal((count, root.shape[1])) @ root.T
        return EXPRESSION_GAIN * self.class_means[label] + SPREAD * noise

    def margins(self, points: np.ndarray, label: int) -> np.ndarray:
        """Return by how much the log-odds of ``label`` exceed those of the best other class, (N,)."""
        scores = points @ self.discriminants.T + self.offsets
        return scores[:, label] - np.delete(scores, label, axis=1).max(axis=1)

    def render(self, points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return points as faces, (N, 48, 48) uint8, each with a brightness and contrast as faces have."""
        faces = points @ self.eigenfaces.T + self.mean
        (brightness, brightness_spread), (contrast, contrast_spread) = self.light
        level = rng.normal(brightness, brightness_spread / 2, (len(faces), 1))
        gain = np.maximum(rng.normal(contrast, contrast_spread / 2, (len(faces), 1)), contrast / 2)
        gray = np.rint((faces * gain + level) / GRAY_STEP) * GRAY_STEP
        return np.clip(gray, 0, 255).astype(np.uint8).reshape(-1, FACE_SIZE, FACE_SIZE)


def fit_face_model(images: np.ndarray, labels: np.ndarray, class_count: int) -> FaceModel:
    """Return the model of aligned faces, (N, 48, 48) uint8, and their mirror images."""
    faces, level, gain = normalize_light(images)
    faces = np.concatenate([faces, mirrored(faces)])
    labels = np.concatenate([labels, labels])
    mean = faces.mean(axis=0)
    eigenfaces = leading_directions(faces - mean, min(EIGENFACES, len(faces) // 2))
    points = (faces - mean) @ eigenfaces
    class_means = np.stack([points[labels == label].mean(axis=0) for label in range(class_count)])
    pooled = np.cov((points - class_means[labels]).T)
    roots = np.stack([class_root(points[labels == label], pooled) for label in range(class_count)])
    discriminants = np.linalg.solve(pooled, class_means.T).T
    light = np.array([[level.mean(), level.std()], [gain.mean(), gain.std()]])
    offsets = -0.5 * (discriminants * class_means).sum(axis=1)
    return FaceModel(mean, eigenfaces, class_means, roots, discriminants, offsets, light)


def normalize_light(images: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return faces as (N, 2304) float32 of mean 0 and deviation 1 around the middle, their brightness and contrast."""
    faces = images.reshape(len(images), PIXELS).astype(np.float32)
    window = middle_window()
    level = faces @ window
    faces -= level[:, None]
    gain = np.maximum(np.sqrt((faces**2) @ window), 8)
    return faces / gain[:, None], level, gain


def middle_window() -> np.ndarray:
    """Return weights of the pixels, (2304,) float32 with sum 1: the face counts, the corners do not."""
    rows, columns = np.mgrid[:FACE_SIZE, :FACE_SIZE]
    window = np.exp(-(((columns - 23.5) / 15) ** 4) - ((rows - 24.5) / 18) ** 4).ravel()
    return (window / window.sum()).astype(np.float32)


def mirrored(faces: np.ndarray) -> np.ndarray:
    """Return (N, 2304) faces with left and right exchanged."""
    return faces.reshape(-1, FACE_SIZE, FACE_SIZE)[:, :, ::-1].reshape(-1, PIXELS)


def leading_directions(centred: np.ndarray, count: int) -> np.ndarray:
    """Return the ``count`` eigenvectors of largest variance, (2304, count), orthonormal."""
    _, vectors = np.linalg.eigh(centred.T @ centred)
    return vectors[:, ::-1][:, :count]


def class_root(points: np.ndarray, pooled: np.ndarray) -> np.ndarray:
    """Return a (K, K) root of the covariance of a class, shrunk towards the pooled one."""
    own = np.cov(points.T) if len(points) > 1 else pooled
    mixed = (1 - POOLED_SHARE) * own + POOLED_SHARE * pooled
    return np.linalg.cholesky(mixed + 1e-6 * np.trace(mixed) / len(mixed) * np.eye(len(mixed)))
