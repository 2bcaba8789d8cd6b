"""Data files made to hang, to fill the memory or to end in an error that nobody foresaw: one line each."""

import contextlib
import os
import tarfile

import numpy as np
import pytest

from device.errors import EdgeError
from toolkit.data.readers.loading import load_dataset

from ..conftest import make_faces, png
from ..folders.test_picture_lists import pictures

pyarrow = pytest.importorskip("pyarrow", reason="parquet needs the [parquet] extra")
parquet_module = pytest.importorskip("pyarrow.parquet", reason="parquet needs the [parquet] extra")
write_table, parquet_file = parquet_module.write_table, parquet_module.ParquetFile

from toolkit.data.shards.parquet_pages import unpacked_bytes


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def header(name, size, kind=b"0"):
    member = tarfile.TarInfo(name)
    member.size, member.type = size, kind
    return member.tobuf(tarfile.USTAR_FORMAT)


def block(content):
    return content.ljust(-(-len(content) // 512) * 512, b"\0")


@pytest.mark.parametrize("name", [".b", "folder/b"])
@pytest.mark.parametrize("size", [b"-512", b"-1536", b"-99999999"])
def test_a_tar_whose_members_lead_back_ends(tmp_path, name, size):
    record = b"%d size=%s\n" % (len(size) + 9, size)
    first = header("a.cls", 1) + block(b"1")
    extended = header("x", len(record), b"x") + block(record) + header(name, 0)
    (tmp_path / "train.tar").write_bytes(first + extended + bytes(1024))
    with pytest.raises(EdgeError, match=r"cannot read .*train\.tar as a tar file: "):
        load_dataset(tmp_path)


@pytest.mark.parametrize("kind", [b"L", b"K", b"x", b"g"])
def test_a_tar_of_headers_upon_headers_is_refused(tmp_path, kind):
    content = block(b"9 size=1\n") if kind in b"xg" else block(b"name\0")
    chain = (header("x", 9 if kind in b"xg" else 5, kind) + content) * 3000
    (tmp_path / "train.tar").write_bytes(chain + header("a.cls", 1) + block(b"1") + bytes(1024))
    with pytest.raises(EdgeError):
        load_dataset(tmp_path)


def write_yolo(root, names):
    for folder in ("images/train", "labels/train"):
        (root / folder).mkdir(parents=True)
    pictures(root / "images" / "train", 3)
    for number in range(3):
        (root / "labels/train" / f"{number}.txt").write_text(f"{number % 2} 0.5 0.5 1 1\n")
    (root / "data.yaml").write_text(names)


def test_names_that_unfold_without_end_are_no_names(tmp_path):
    doubling = [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    write_yolo(tmp_path, "\n".join(["a0: &a0 [x,x,x,x,x,x,x,x,x,x]", *doubling, "names: [*a8, b]"]))
    with pytest.raises(EdgeError, match=r"data\.yaml: expected a name for each class; received a list"):
        load_dataset(tmp_path)


@pytest.mark.parametrize(
    "tag", ["!!bool", "!!timestamp", "!!int", "!!float", "!!python/name:os.system", "!x"]
)
def test_a_tag_before_a_name_makes_nothing_of_it(tmp_path, tag):
    write_yolo(tmp_path, f"names:\n  0: {tag} happy\n  1: {tag} 'sad'\n")
    assert load_dataset(tmp_path).counts() == {"happy": 2, "sad": 1}


def parquet(path, labels, images=None, **options):
    images = [png(face) for face in make_faces(len(labels))] if images is None else images
    table = pyarrow.table({"image": images, "label": labels})
    metadata = options.pop("metadata", None)
    write_table(table.replace_schema_metadata(metadata), path, **options)


def test_rows_without_pictures_have_an_end(tmp_path, monkeypatch):
    monkeypatch.setattr("toolkit.data.files.broken.MOST_BROKEN", 2000)
    count = 10_000
    parquet(tmp_path / "train.parquet", np.zeros(count, np.int8), pyarrow.nulls(count, pyarrow.binary()))
    with pytest.raises(EdgeError, match="over 2,000 rows without a face"):
        load_dataset(tmp_path, lenient=True)


@pytest.mark.parametrize("compression", ["zstd", "gzip", "snappy", "brotli", "none"])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_what_a_file_unpacks_to_is_known_from_its_pages(tmp_path, compression, version):
    path, faces = tmp_path / "train.parquet", [face.tobytes() for face in make_faces(40)]
    parquet(
        path,
        ["happy"] * 40,
        faces,
        compression=compression,
        data_page_version=version,
        data_page_size=9000,
        write_statistics=False,
    )
    metadata = parquet_file(path).metadata
    size = unpacked_bytes(path, metadata)
    declared = sum(metadata.row_group(0).column(number).total_uncompressed_size for number in range(2))
    assert sum(map(len, faces)) < size <= declared
    assert declared - size < 0.02 * declared  # the headers themselves


@pytest.mark.parametrize("compression", ["zstd", "gzip"])
def test_a_footer_that_lies_about_what_a_page_unpacks_to_is_not_believed(tmp_path, compression):
    path = tmp_path / "train.parquet"
    parquet(
        path,
        ["happy"],
        [bytes(64 << 20)],
        compression=compression,
        use_dictionary=False,
        write_statistics=False,
    )
    column = parquet_file(path).metadata.row_group(0).column(0)
    content = path.read_bytes()
    for size in (column.total_uncompressed_size, parquet_file(path).metadata.row_group(0).total_byte_size):
        before, after = thrift(2 * size), thrift(2 * 1000)
        after = bytes([*after[:-1], after[-1] | 128, *[128] * (len(before) - len(after) - 1), 0])
        assert content.count(before) >= 1
        content = content[: len(content) // 2] + content[len(content) // 2 :].replace(before, after)
    path.write_bytes(content)
    assert parquet_file(path).metadata.row_group(0).total_byte_size == 1000
    with pytest.raises(EdgeError, match=r"unpacks to over 67,\d+,\d+; that is no data set"):
        load_dataset(tmp_path)


def thrift(number):
    """Return a number as Thrift's compact protocol writes it."""
    digits = [number >> shift & 127 for shift in range(0, number.bit_length(), 7)]
    return bytes([*(digit | 128 for digit in digits[:-1]), digits[-1]])


@pytest.mark.parametrize("at", range(4, 40, 3))
def test_a_damaged_header_of_a_page_ends_in_an_answer(tmp_path, at):
    path = tmp_path / "train.parquet"
    parquet(path, ["happy", "sad"])
    content = bytearray(path.read_bytes())
    content[at] ^= 0xFF
    path.write_bytes(content)
    ended = []
    with contextlib.suppress(EdgeError):
        ended.append(len(load_dataset(tmp_path)))
    assert ended in ([], [1], [2])


def test_metadata_nested_without_end_tells_nothing(tmp_path):
    parquet(tmp_path / "train.parquet", ["happy", "sad"], metadata={"huggingface": "[" * 100_000})
    assert load_dataset(tmp_path).counts() == {"happy": 1, "sad": 1}


def test_labels_that_are_no_text_are_refused(tmp_path):
    offsets = pyarrow.py_buffer(np.arange(3, dtype=np.int32).tobytes())
    labels = pyarrow.Array.from_buffers(pyarrow.string(), 2, [None, offsets, pyarrow.py_buffer(b"\xff\xfe")])
    parquet(tmp_path / "train.parquet", labels)
    with pytest.raises(EdgeError, match=r"cannot read .*train\.parquet as parquet: 'utf-8' codec"):
        load_dataset(tmp_path)


def test_a_column_whose_name_is_no_text_is_refused(tmp_path):
    path = tmp_path / "train.parquet"
    parquet(path, ["happy", "sad"], store_schema=False)
    path.write_bytes(path.read_bytes().replace(b"label", b"lab\xffl"))
    with pytest.raises(EdgeError, match=r"cannot read .*train\.parquet as parquet"):
        load_dataset(tmp_path)


def affectnet(root):
    pictures(root / "images", 3)
    (root / "annotations").mkdir()
    for number in range(3):
        np.save(root / "annotations" / f"{number}_exp.npy", np.array(str(number)))
    return root / "annotations" / "1_exp.npy"


def test_a_pipe_among_labels_is_not_waited_for(tmp_path):
    label = affectnet(tmp_path)
    label.unlink()
    os.mkfifo(label)
    with pytest.raises(EdgeError, match=r"1_exp\.npy: .*no regular file"):
        load_dataset(tmp_path)


@pytest.mark.parametrize("content", [b"[" * 9000, b"{'descr': '<f4', 'shape': (3000000000000,)}"])
def test_a_label_with_a_hostile_header_is_refused(tmp_path, content):
    label = affectnet(tmp_path)
    label.write_bytes(b"\x93NUMPY\x01\x00" + (len(content) + 1).to_bytes(2, "little") + content + b"\n")
    with pytest.raises(EdgeError, match=r"cannot read .*1_exp\.npy"):
        load_dataset(tmp_path)
