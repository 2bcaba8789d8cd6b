"""Live sources and their faults. The camera is the only fake: no kernel here can be given one to unplug."""

import numpy as np
import pytest
from faulty_camera import FaultyCamera, collect, noise

from device.capture.live_capture import NewestFrame
from device.errors import EdgeError
from device.frames import Frame


def test_the_slot_holds_only_the_newest():
    slot = NewestFrame()
    for index in range(5):
        slot.put(Frame(np.zeros((2, 2), np.uint8), index, 0))
    assert slot.take(0.1).index == 4
    assert slot.take(0.01) is None
    assert slot.replaced == 4


def test_a_slow_loop_gets_fresh_frames_and_the_late_ones_are_counted():
    frames, capture, _ = collect(FaultyCamera(noise(2000)), most=10, meanwhile=5)
    indices = [frame.index for frame in frames]
    # The one that the camera still holds when the loop comes back may be the next to be taken.
    assert (np.diff(indices) >= 4).all()
    assert capture.dropped >= indices[-1] - 10


def test_an_unplugged_camera_is_opened_again_and_frames_go_on_counting(monkeypatch):
    monkeypatch.setattr("device.capture.live_capture.FIRST_PAUSE_S", 0.01)
    gone = EdgeError("the camera is unplugged")
    source = FaultyCamera(
        [*noise(5), gone], EdgeError("not back yet"), OSError("a driver's surprise"), noise(500)
    )
    frames, capture, said = collect(source, most=40)
    indices = [frame.index for frame in frames]
    assert indices == sorted(set(indices))
    assert capture.reopened == 3
    assert "unplugged" in said[0]
    assert "not back yet" in said[1]
    assert "OSError" in said[2]
    assert source.closed >= 4  # every failure and the end


def test_a_camera_that_fails_to_close_is_opened_again_all_the_same(monkeypatch):
    class Stuck(FaultyCamera):
        def __exit__(self, *exc):
            super().__exit__(*exc)
            if self.closed == 1:
                raise RuntimeError("a driver that cannot let go")

    monkeypatch.setattr("device.capture.live_capture.FIRST_PAUSE_S", 0.01)
    frames, capture, _ = collect(Stuck([*noise(5), EdgeError("dead")], noise(500)), most=20)
    assert (len(frames), capture.reopened) == (20, 1)


def test_the_pause_grows_until_the_camera_is_back(monkeypatch):
    monkeypatch.setattr("device.capture.live_capture.FIRST_PAUSE_S", 0.01)
    dead = EdgeError("dead")
    source = FaultyCamera([*noise(2), dead], dead, dead, dead, noise(50))
    _, _, said = collect(source, most=10)
    pauses = [float(line.split(" in ")[-1].split(" s ")[0]) for line in said]
    assert pauses == [0.01, 0.02, 0.04, 0.08]


def test_a_frozen_camera_is_opened_again(monkeypatch):
    monkeypatch.setattr("device.capture.health.FROZEN_S", 0.1)
    monkeypatch.setattr("device.capture.live_capture.FIRST_PAUSE_S", 0.01)
    frozen = [noise(1)[0]] * 500
    _, capture, said = collect(FaultyCamera(frozen, noise(5000)), most=150)
    assert capture.reopened >= 1
    assert "frozen" in said[0]


def test_a_camera_that_is_still_frozen_delivers_nothing_and_the_pauses_grow(monkeypatch):
    """So the watchdog is not fed meanwhile, and a delivery that is stale resets no back-off."""
    monkeypatch.setattr("device.capture.health.FROZEN_S", 0.1)
    monkeypatch.setattr("device.capture.live_capture.FIRST_PAUSE_S", 0.01)
    frozen = [noise(1)[0]] * 500
    frames, capture, said = collect(FaultyCamera(frozen, frozen, frozen, noise(5000)), most=150)
    assert capture.reopened == 3
    assert ["again in 0.01 s" in said[0], "again in 0.02 s" in said[1], "again in 0.04 s" in said[2]] == [
        True
    ] * 3
    repeated = [(frame.image == frozen[0]).all() for frame in frames]
    assert repeated == sorted(repeated, reverse=True)  # none after the first freeze


def with_a_clock(number: int) -> np.ndarray:
    """A frozen picture into which the camera draws its time: some pixels change at every frame."""
    picture = noise(1)[0].copy()
    picture[0, 0] = number % 256
    return picture


@pytest.mark.parametrize(
    "pictures",
    [
        [noise(4)[number % 2] for number in range(3000)],
        [noise(8)[number % 5] for number in range(3000)],
        [
            noise(1)[0] // 2 + 60 + np.random.default_rng(n).integers(0, 2, (64, 64), np.uint8)
            for n in range(3000)
        ],
        [with_a_clock(number).repeat(8, 0).repeat(8, 1) for number in range(600)],
    ],
    ids=["two in turns", "five in turns", "one level", "clock"],
)
def test_pictures_that_show_nothing_new_are_a_frozen_camera(monkeypatch, pictures):
    monkeypatch.setattr("device.capture.health.STALE_S", 0.3)
    monkeypatch.setattr("device.capture.health.FROZEN_S", 0.2)
    monkeypatch.setattr("device.capture.live_capture.FIRST_PAUSE_S", 0.01)
    fresh = [
        np.random.default_rng(1000 + number).integers(0, 256, pictures[0].shape, np.uint8)
        for number in range(50)
    ]
    frames, capture, said = collect(FaultyCamera(pictures, pictures, fresh * 10), most=250)
    assert capture.reopened >= 2
    assert all("nothing new in its pictures" in line for line in said[:2])
    assert (frames[-1].image != pictures[0]).any()


def test_a_still_room_in_a_sensors_noise_is_alive(monkeypatch):
    monkeypatch.setattr("device.capture.health.STALE_S", 0.2)
    rng, room = np.random.default_rng(0), np.full((240, 320), 120.0)
    pictures = [np.rint(room + rng.normal(0, 0.8, room.shape)).astype(np.uint8) for _ in range(300)]
    _, capture, said = collect(FaultyCamera(pictures * 10), most=300)
    assert (capture.reopened, said) == (0, [])


def test_lasting_black_is_said_now_and_then(monkeypatch):
    monkeypatch.setattr("device.capture.health.BLACK_S", 0.02)
    monkeypatch.setattr("device.capture.health.BLACK_AGAIN_S", 0.05)
    _, capture, said = collect(FaultyCamera([np.full((64, 64), 3, np.uint8)] * 5000), most=200)
    assert capture.reopened == 0
    assert len(said) >= 3
    assert all("black" in line for line in said)
    assert "minutes" in said[1]


def test_a_dark_room_is_no_frozen_camera(monkeypatch):
    monkeypatch.setattr("device.capture.health.BLACK_S", 0.02)
    monkeypatch.setattr("device.capture.health.FROZEN_S", 0.05)
    night = [np.full((64, 64), 3, np.uint8)] * 500
    _, capture, said = collect(FaultyCamera(night), most=100)
    assert capture.reopened == 0
    assert len(said) == 1
    assert "room dark" in said[0]


def test_what_lasts_is_said_once_however_often_a_camera_is_opened(monkeypatch):
    monkeypatch.setattr("device.capture.health.BLACK_S", 0.02)
    monkeypatch.setattr("device.capture.live_capture.FIRST_PAUSE_S", 0.01)
    night = [np.full((64, 64), number % 3, np.uint8) for number in range(30)]
    loose = EdgeError("the cable is loose")
    _, capture, said = collect(FaultyCamera([*night, loose], [*night, loose], night * 20), most=80)
    assert capture.reopened == 2
    assert len([line for line in said if "black" in line]) == 1


def test_black_pictures_are_said_once_and_so_is_their_end(monkeypatch):
    monkeypatch.setattr("device.capture.health.BLACK_S", 0.05)
    black = [np.full((64, 64), number % 3, np.uint8) for number in range(100)]
    _, capture, said = collect(FaultyCamera([*noise(3), *black, *noise(3000)]), most=200)
    assert capture.reopened == 0
    assert [line for line in said if "black" in line] == said[:1]
    assert "again" in said[1]


def test_a_picture_of_another_size_is_said_and_survived():
    small = [np.full((33, 47, 3), level, np.uint8) for level in range(50, 250)]
    frames, _, said = collect(FaultyCamera([*noise(20), *small]), most=120)
    assert {frame.size_wh for frame in frames} == {(64, 64), (47, 33)}
    assert "changed its picture" in said[0]
