"""``deploy/Containerfile``, built by buildah, run by podman: no rights, a closed root, a camera passed.

The image that it starts from is made of this machine's Debian mirror, a registry being out of reach of most tests; it
stays in the user's cache. Needs root, buildah, podman and mmdebstrap (Debian: apt install buildah podman mmdebstrap).
"""

import json
import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from device.storage import cache_folder

ROOT = Path(__file__).parents[2]
PROGRAMS = ("buildah", "podman", "mmdebstrap")
MISSING = [name for name in PROGRAMS if shutil.which(name) is None]
IMAGE, BASE = "localhost/fer-edge-test", "localhost/fer-edge-test-base"
SUITE = "bookworm"
CLOSED = ("--rm", "--read-only", "--cap-drop=all", "--security-opt=no-new-privileges", "--network=none")
# Inside another container: limits cannot be raised, and cgroups of both versions stand side by side.
NARROW = ("--ulimit=nofile=1024:1024", "--ulimit=nproc=2000:2000", "--cgroups=disabled")
NO_CGROUPS = 'umount -l /sys/fs/cgroup; mount -t tmpfs none /sys/fs/cgroup; exec "$@"'

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(MISSING), reason=f"apt install {' '.join(MISSING)}"),
    pytest.mark.skipif(
        os.geteuid() != 0, reason="it takes root to make the image that the other starts from"
    ),
]


def call(*command: str | Path) -> subprocess.CompletedProcess:
    return subprocess.run(command, capture_output=True, text=True)


@pytest.fixture(scope="module")
def base() -> str:
    """An image of Debian with no more than what the Containerfile expects of one."""
    if call("podman", "image", "exists", BASE).returncode:
        archive = cache_folder() / "container" / f"{SUITE}.tar"
        archive.parent.mkdir(parents=True, exist_ok=True)
        if not archive.exists():
            partial = archive.with_name(f"partial-{SUITE}.tar")
            done = call("mmdebstrap", "--quiet", "--variant=apt", SUITE, partial)
            if done.returncode:
                pytest.skip("mmdebstrap makes no Debian here: " + done.stderr.strip().splitlines()[-1])
            partial.rename(archive)
        done = call("podman", "import", "--quiet", archive, BASE)
        if done.returncode:
            pytest.skip("podman stores no image here: " + done.stderr.strip().splitlines()[-1])
    return BASE


@pytest.fixture(scope="module")
def image(base, wheel, tmp_path_factory):
    """The image of the project's own wheel; removed afterwards."""
    context = tmp_path_factory.mktemp("context")
    (context / "dist").mkdir()
    shutil.copy(wheel, context / "dist")
    shutil.copy(ROOT / ".containerignore", context)
    lent = []
    if certificate := os.environ.get("PIP_CERT"):  # how pip reaches the package index from here
        (context / "pip.conf").write_text("[global]\ncert = /srv/authorities.pem\n")
        lent = [
            f"--volume={context}/pip.conf:/etc/pip.conf:ro",
            f"--volume={certificate}:/srv/authorities.pem:ro",
        ]
    command = ["buildah", "build", "--isolation=chroot", "--network=host", *lent, f"--build-arg=BASE={base}"]
    done = call(*command, "-f", ROOT / "deploy" / "Containerfile", "-t", IMAGE, context)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    yield IMAGE
    call("podman", "rmi", "--force", IMAGE)


@pytest.fixture(scope="module")
def run(image):
    """A function that runs ``device`` in the container, with options of podman; returns the finished process."""
    ways = (["podman", "run"], ["unshare", "--mount", "sh", "-c", NO_CGROUPS, "sh", "podman", "run", *NARROW])
    for way in ways:
        done = call(*way, *CLOSED, image, "--version")
        if done.returncode == 0:
            return lambda *arguments, options=(): call(*way, *CLOSED, *options, image, *arguments)
    pytest.skip("podman runs nothing here: " + done.stderr.strip().splitlines()[-1])


def test_it_runs_without_rights_on_a_root_that_cannot_be_written(run):
    done = run("run", "--source", "demo", "--max-frames", "20", "--output", "rows.jsonl", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["frames"], told["outputs"]["rows.jsonl"]["written"], told["notes"]) == (20, 20, [])
    script = "id -u; grep -h CapEff /proc/self/status; touch /opt/fer-edge/x || touch /etc/x || echo closed"
    done = run("-c", script, options=("--entrypoint=/bin/sh",))
    assert done.stdout.split() == ["10001", "CapEff:", "0" * 16, "closed"]


def test_an_installed_model_lasts_in_the_volume(run, tiny_tflite, tmp_path):
    shutil.copy(tiny_tflite, tmp_path / "new.tflite")
    tmp_path.chmod(0o755)
    volume = "--volume=fer-edge-test:/var/lib/fer-edge"
    try:
        done = run("install", "/new/new.tflite", options=(volume, f"--volume={tmp_path}:/new:ro"))
        assert done.returncode == 0, done.stderr
        done = run("run", "--source", "demo", "--max-frames", "5", "--json", options=(volume,))
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["expressions"] == {"neutral": 10}  # the packaged model sees one happy
    finally:
        call("podman", "volume", "rm", "--force", "fer-edge-test")


def test_a_camera_that_is_passed_can_be_opened_by_the_user(run, tmp_path):
    """A node like a camera's: root's, for the group video alone."""
    node = tmp_path / "video0"
    os.mknod(node, 0o660 | stat.S_IFCHR, os.makedev(1, 5))
    os.chown(node, 0, 44)
    script = "dd if=/dev/video0 bs=1 count=4 2>/dev/null | wc -c"
    done = run("-c", script, options=("--entrypoint=/bin/sh", f"--device={node}:/dev/video0"))
    assert done.stdout.strip() == "4", done.stderr


def test_no_camera_is_one_line(run):
    done = run("run", "--source", "usb:0")
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
