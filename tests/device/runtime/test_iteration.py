"""``device.run``: results in the caller's own loop; of a camera only the newest frame."""

import time

from device import run
from device.capture.sources.demo import DemoSource


class Watched(DemoSource):
    """The paced demo, which knows the last picture that it made and whether it was closed."""

    made, closed = -1, False

    def picture(self, index):
        self.made = index
        return super().picture(index)

    def __exit__(self, *exc):
        self.closed = True
        super().__exit__(*exc)


def test_a_slow_loop_sees_fewer_frames_of_a_camera_not_older_ones(tiny_model):
    camera = Watched(None, live=True, faces=())
    results = run(camera, model=tiny_model, detector="haar")
    first = next(results)
    seen = camera.made
    while camera.made < seen + 5:
        time.sleep(0.001)
    assert next(results).index >= first.index + 4
    results.close()
    assert camera.closed


def test_every_frame_of_a_file_is_seen_and_no_more_than_asked(tiny_model):
    film = Watched(9, faces=())
    results = list(run(film, model=tiny_model, detector="haar", max_frames=4))
    assert [result.index for result in results] == [0, 1, 2, 3]
    assert film.closed
    assert [one.index for one in run("demo:3", model=tiny_model, detector="haar")] == [0, 1, 2]
