"""One contract over every source that runs without hardware; each keeps its own peculiarities below."""

import http.server
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from device.capture.live_capture import LiveCapture
from device.capture.sources import open_source
from device.capture.sources.demo import RATE, DemoSource
from device.capture.sources.picamera import PiCamera, gray_plane
from device.capture.sources.stream import NetworkStream
from device.capture.sources.usb import UsbCamera, usb_cameras
from device.capture.sources.video import VideoFile
from device.errors import EdgeError, UsageError

FRAMES = 12


def pictures() -> list[np.ndarray]:
    return [np.full((120, 160, 3), 20 * number, np.uint8) for number in range(1, FRAMES + 1)]


def write_video(path: Path) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25.0, (160, 120))
    for picture in pictures():
        writer.write(picture)
    writer.release()
    return path


class MjpegHandler(http.server.BaseHTTPRequestHandler):
    """A network camera: the pictures as multipart JPEG, then silence or the end."""

    hang = False
    shown: tuple[np.ndarray, ...] = ()

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        for picture in self.shown or pictures() * 2:
            data = cv2.imencode(".jpg", picture)[1].tobytes()
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
            self.wfile.write(head.encode() + data + b"\r\n")
        if self.hang and not self.server.over.wait(60):
            self.server.outlasted = True

    def log_message(self, *args):
        pass


@pytest.fixture
def mjpeg_server():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), MjpegHandler)
    server.over, server.outlasted = threading.Event(), False
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.over.set()
    server.shutdown()
    server.server_close()


def address_of(server) -> str:
    return f"http://127.0.0.1:{server.server_port}/camera.mjpg"


def image_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number, picture in enumerate(pictures()):
        cv2.imwrite(str(folder / f"{number:02d}.png"), picture)
    return folder


@pytest.fixture(params=["video", "folder", "glob", "image", "demo", "stream"])
def spec(request, tmp_path):
    if request.param == "video":
        return str(write_video(tmp_path / "clip.avi"))
    if request.param == "folder":
        return str(image_folder(tmp_path))
    if request.param == "glob":
        return str(image_folder(tmp_path) / "*.png")
    if request.param == "image":
        return str(image_folder(tmp_path) / "03.png")
    if request.param == "demo":
        return f"demo:{FRAMES}"
    return address_of(request.getfixturevalue("mjpeg_server"))


def read(source, most=FRAMES) -> list:
    frames = []
    with source:
        for frame in source:
            frames.append(frame)
            if len(frames) == most:
                break
    return frames


def test_every_source_keeps_the_contract(spec):
    source = open_source(spec)
    assert source.name
    before_ns = time.monotonic_ns()
    frames = read(source)
    assert len(frames) == (1 if spec.endswith("03.png") else FRAMES)
    assert [frame.index for frame in frames] == list(range(len(frames)))
    for frame in frames:
        assert frame.image.dtype == np.uint8
        assert frame.image.ndim in (2, 3)
        assert frame.size_wh == (frame.image.shape[1], frame.image.shape[0])
        assert before_ns <= frame.captured_ns <= time.monotonic_ns()
    times = [frame.time_s for frame in frames]
    assert times == sorted(times)
    again = read(source)  # a source that failed is entered again
    assert len(again) == len(frames)
    assert (again[0].image == frames[0].image).all()


def test_a_video_has_its_own_time_and_every_frame(tmp_path):
    frames = read(VideoFile(write_video(tmp_path / "clip.avi")), most=100)
    assert len(frames) == FRAMES
    assert frames[10].media_s == pytest.approx(0.4)
    levels = [frame.image.mean() for frame in frames]
    assert levels == pytest.approx([20 * number for number in range(1, FRAMES + 1)], abs=3)


def test_a_video_of_changing_rate_has_its_containers_times(tmp_path):
    """Frames that are shown for 100, 50, 300, ... ms; a rate alone would place them evenly."""
    image = pytest.importorskip("PIL.Image", reason="Pillow writes the film")
    shown_ms = [100, 50, 300, 70, 200, 100, 50, 400]
    rng = np.random.default_rng(0)
    pictures = [image.fromarray(rng.integers(0, 256, (90, 120), dtype=np.uint8)) for _ in shown_ms]
    path = tmp_path / "uneven.gif"
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=shown_ms, loop=0)
    times = [frame.time_s for frame in read(VideoFile(path), most=100)]
    assert times == pytest.approx(np.cumsum([0, *shown_ms[:-1]]) / 1000, abs=0.011)


def test_a_film_without_times_is_timed_by_its_rate(tmp_path):
    """Motion JPEG alone has none: the times are the rate's, each later than the one before."""
    picture = np.random.default_rng(0).integers(0, 256, (90, 120), dtype=np.uint8)
    path = tmp_path / "bare.mjpg"
    path.write_bytes(cv2.imencode(".jpg", picture)[1].tobytes() * 6)
    with VideoFile(path) as source:
        times = [frame.time_s for frame in source]
        assert np.diff(times) == pytest.approx([1 / source.rate] * 5, rel=0.05)


@pytest.mark.parametrize(
    ("promised", "left", "noted"),
    [(58, 29, True), (60, 58, False), (60, 57, True), (200, 196, False), (200, 195, True)],
)
def test_a_video_cut_short_delivers_what_it_has_and_says_so(cut_video, tmp_path, promised, left, noted):
    """Two frames, or 2 % of them, may be missing: headers are often wrong by so much."""
    source = VideoFile(cut_video(tmp_path / "cut.avi", promised, left))
    assert len(read(source, most=1000)) == left
    assert [f"cut short: {left} of {promised} promised frames" in note for note in source.notes] == [
        True
    ] * noted


@pytest.mark.parametrize(("content", "word"), [(b"", "empty"), (b"no video at all" * 99, "no video")])
def test_what_is_no_video_is_refused(tmp_path, content, word):
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    with pytest.raises(EdgeError, match=word), open_source(str(path)) as source:
        next(iter(source))


def test_unreadable_pictures_are_skipped_and_named(tmp_path):
    folder = image_folder(tmp_path)
    (folder / "05.png").write_bytes(b"broken")
    (folder / "06.png").write_bytes(b"")
    source = open_source(str(folder))
    assert [frame.index for frame in read(source, most=99)] == [0, 1, 2, 3, 4, 7, 8, 9, 10, 11]
    assert "2 unreadable" in source.notes[0]
    assert "05.png" in source.notes[0]


def test_folders_without_pictures_are_refused(tmp_path):
    with pytest.raises(EdgeError, match="no images"), open_source(str(tmp_path)):
        pass
    (tmp_path / "one.png").write_bytes(b"broken")
    with pytest.raises(EdgeError, match="no readable image"):
        read(open_source(str(tmp_path)))


def test_the_demo_is_deterministic_and_knows_its_truth():
    first, second = read(DemoSource(40), most=40), read(DemoSource(40), most=40)
    assert all((a.image == b.image).all() for a, b in zip(first, second, strict=True))
    assert (first[0].image != first[30].image).any()
    with DemoSource(40) as source:
        assert len(source.faces) == 2
        left, top, right, bottom = source.faces[0].box(30 / RATE).xyxy()
        assert right - left == bottom - top == 120
        background = source.picture(0)
        assert (background[top:bottom, left:right] != source.picture(30)[top:bottom, left:right]).any()


def test_the_live_demo_is_paced():
    now_ns, slept_s = [10**9], []

    def sleep(seconds):
        slept_s.append(seconds)
        now_ns[0] += round(seconds * 1e9) + 4_000_000  # and 4 ms go by at work

    frames = read(DemoSource(7, live=True, clock_ns=lambda: now_ns[0], sleep=sleep))
    assert len(frames) == 7
    assert slept_s == pytest.approx([0.0, *[1 / 30 - 0.004] * 6], abs=1e-6)
    assert [frame.media_s for frame in frames] == [None] * 7


@pytest.mark.parametrize("spec", ["demo:fast", "webcam", "usb"])
def test_unknown_words_are_wrong_use(spec):
    with pytest.raises(UsageError, match="expected"):
        open_source(spec)


def test_a_missing_file_names_what_a_source_is(tmp_path):
    with pytest.raises(EdgeError, match=r"no such file or folder.*usb:N"):
        open_source(str(tmp_path / "gone.mp4"))


def test_a_missing_usb_camera_is_one_line():
    with pytest.raises(EdgeError, match="no /dev/video98; USB cameras found"), UsbCamera(98):
        pass


def test_usb_cameras_are_told_from_codecs_and_metadata_nodes(tmp_path):
    usb, soc = tmp_path / "devices/usb1/1-1/video4linux", tmp_path / "devices/platform/codec/video4linux"
    nodes = tmp_path / "class"
    nodes.mkdir()
    for folder, number, index in ((usb, 2, 0), (usb, 3, 1), (soc, 10, 0), (usb, 0, 0)):
        (folder / f"video{number}").mkdir(parents=True)
        (folder / f"video{number}" / "index").write_text(f"{index}\n")
        (nodes / f"video{number}").symlink_to(folder / f"video{number}")
    assert usb_cameras(nodes) == [0, 2]


def test_an_address_that_stops_answering_ends_in_bounded_time(mjpeg_server, monkeypatch):
    monkeypatch.setattr(MjpegHandler, "hang", True)
    source = NetworkStream(address_of(mjpeg_server), timeout_ms=700)
    with pytest.raises(EdgeError, match="stopped delivering after"):
        read(source, most=1000)
    assert not mjpeg_server.outlasted


def test_an_address_of_absurd_pictures_is_one_line(mjpeg_server, monkeypatch):
    monkeypatch.setattr(MjpegHandler, "shown", (np.zeros((4200, 4200), np.uint8),) * 2)
    with pytest.raises(EdgeError, match="4200x4200, expected at most 16,777,216 pixels; set the camera"):
        read(NetworkStream(address_of(mjpeg_server), timeout_ms=5000))


def test_an_address_that_ends_is_opened_again_and_counted(mjpeg_server):
    """The server ends after 24 pictures; the run goes on with the next connection."""
    stop, said = threading.Event(), []
    indices = []
    with NetworkStream(address_of(mjpeg_server), timeout_ms=2000) as source:
        capture = LiveCapture(source, stop, said.append)
        for frame in capture.frames():
            indices.append(frame.index)
            if frame.index >= 30:
                stop.set()
    assert indices == sorted(set(indices))
    assert capture.reopened == len(said) >= 1
    assert "opening it again in 0.5 s" in said[0]


def test_the_gray_plane_is_cut_out_of_padded_rows():
    stride, height, width = 64, 6, 40
    buffer = np.zeros(stride * height * 3 // 2, np.uint8)
    buffer[: stride * height].reshape(height, stride)[:, :width] = 9
    plane = gray_plane(buffer, (width, height), stride)
    assert plane.shape == (height, width)
    assert (plane == 9).all()


@pytest.mark.parametrize(
    ("age_ns", "kept"), [(0, True), (1_999_999_999, True), (2_000_000_000, False), (-1, False), (None, False)]
)
def test_a_sensors_stamp_counts_only_where_it_is_on_our_clock(age_ns, kept):
    now_ns = 10**12
    stamp_ns = None if age_ns is None else now_ns - age_ns
    assert PiCamera(clock_ns=lambda: now_ns)._captured_ns(stamp_ns) == (stamp_ns if kept else now_ns)
