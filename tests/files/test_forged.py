"""Small files from strangers that ask for a lot of memory, or refer to what is not there."""

import base64
import json
import subprocess
import sys
import textwrap
import zlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pylime import load_image_example, load_text_example, read_explanation, write_explanation

SIDE = 13_000  # 169 million pixels: less than twice Pillow's limit, at which it raises itself


def png(side: int, colour: int = 2) -> bytes:
    """A PNG file that claims to have so many pixels, and has almost none."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = zlib.crc32(content, zlib.crc32(kind)).to_bytes(4, "big")
        return len(content).to_bytes(4, "big") + kind + content + checksum

    size = side.to_bytes(4, "big")
    head = chunk(b"IHDR", size + size + bytes([8, colour, 0, 0, 0]))
    body = chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + head + body + chunk(b"IEND", b"")


def in_json(path: Path, **changes) -> None:
    """A JSON file of two rows, changed."""
    write_explanation(load_text_example().head(2), path)
    stored = json.loads(path.read_text("utf-8"))
    change = changes.pop("record", {})
    for record in stored["records"]:
        record |= change
    path.write_text(json.dumps(stored | changes))


def whole_superpixel(path: Path) -> None:
    cell = {"$superpixel": {"shape": [SIDE, SIDE], "runs": [0, SIDE * SIDE]}}
    in_json(path, record={"feature_value": cell})


def superpixels_that_add_up(path: Path) -> None:
    cell = {"$superpixel": {"shape": [3000, 3000], "runs": [0, 9_000_000]}}
    in_json(path, record={"feature_value": [cell] * 30})


def image(path: Path) -> None:
    in_json(path, data=[{"$png": base64.b64encode(png(SIDE)).decode()}])


def image_in_parquet(path: Path) -> None:
    rewritten(path, data=[png(SIDE, colour=6)] * 20)


def many_rows(path: Path) -> None:
    rewritten(path, n=4_000_000)


def long_text(path: Path) -> None:
    rewritten(path, data=["a" * 300_000_000] + ["b"] * 19)


def lists(path: Path) -> None:
    rewritten(path, model_r2=pa.array([[0.5] * 3_000_000] * 20))


def rewritten(path: Path, n: int | None = None, **columns) -> None:
    """A Parquet file with other columns, or one row many times."""
    write_explanation(load_text_example(), path)
    table = pq.read_table(path)
    metadata = pq.read_metadata(path).metadata
    header = json.loads(metadata[b"pylime"])
    if n is not None:
        table = table.select(["model_r2"]).slice(0, 1).take(pa.array(np.zeros(n, np.int8)))
    for name, values in columns.items():
        place = table.schema.get_field_index(name)
        table = table.set_column(place, name, pa.array(values))
        if isinstance(values, list) and isinstance(values[0], bytes):
            header["cells"][name] = "png"
    with pq.ParquetWriter(path, table.schema, compression="zstd") as writer:
        writer.add_key_value_metadata({"pylime": json.dumps(header)})
        writer.write_table(table)


FORGERIES = {
    "whole superpixel": (whole_superpixel, "json", "PIL.Image.MAX_IMAGE_PIXELS"),
    "superpixels that add up": (superpixels_that_add_up, "json", "PIL.Image.MAX_IMAGE_PIXELS"),
    "image": (image, "json", "PIL.Image.MAX_IMAGE_PIXELS"),
    "image in parquet": (image_in_parquet, "parquet", "PIL.Image.MAX_IMAGE_PIXELS"),
    "many rows": (many_rows, "parquet", "it claims to have 4000000 rows"),
    "long text": (long_text, "parquet", "bytes of data"),
    "lists": (lists, "parquet", "columns of lists"),
}


@pytest.mark.linux
@pytest.mark.parametrize("name", FORGERIES)
def test_a_small_file_takes_little_memory(tmp_path, name):
    """It is read in a process that may take 400 MB more than when it has started."""
    forge, ending, message = FORGERIES[name]
    path = tmp_path / f"forged.{ending}"
    forge(path)
    assert path.stat().st_size < 100_000
    script = f"""
        import re, resource, warnings
        warnings.simplefilter("ignore")
        import pyarrow.parquet, PIL.PngImagePlugin
        from pylime import load_image_example, read_explanation
        load_image_example()
        pyarrow.set_cpu_count(1)
        pyarrow.set_io_thread_count(1)
        kilobytes = int(re.search(r"VmSize:\\s+(\\d+)", open("/proc/self/status").read())[1])
        limit = 1024 * kilobytes + 400_000_000
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        try:
            read_explanation({str(path)!r})
        except ValueError as error:
            print(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True
    )
    assert message in done.stdout
    assert "forged" in done.stdout


@pytest.mark.parametrize("position", [-1, 1, 1.0, 0.0, True, "0", None, [0]])
def test_positions_of_shared_cells_are_checked(tmp_path, position):
    in_json(tmp_path / "a.json", record={"data": position})
    with pytest.raises(ValueError, match=r"a record refers to cell .* of 1"):
        read_explanation(tmp_path / "a.json")


@pytest.mark.parametrize("version", [True, 1.0, 0, -1, "1", None, [1]])
def test_versions_are_whole_numbers_from_1(tmp_path, version):
    in_json(tmp_path / "a.json", version=version)
    with pytest.raises(ValueError, match="it has an unknown version of the format"):
        read_explanation(tmp_path / "a.json")


@pytest.mark.parametrize(
    "cell",
    [
        {"$superpixel": {"shape": [2.0, 2], "runs": [0, 1]}},
        {"$superpixel": {"shape": [True, 2], "runs": [0, 1]}},
        {"$superpixel": {"shape": [2, 2], "runs": [0.5, 1]}},
        {"$superpixel": {"shape": [2, 2], "runs": [False, True]}},
        {"$word": ["a", [[0.5, 1]]]},
        {"$numpy": ["float64", [1, 2]]},
    ],
)
def test_numbers_of_cells_are_whole(tmp_path, cell):
    in_json(tmp_path / "a.json", record={"feature_value": cell})
    with pytest.raises(ValueError, match=r"whole numbers|single value"):
        read_explanation(tmp_path / "a.json")


def test_what_could_not_be_read_again_is_not_written(tmp_path, monkeypatch):
    explanation = load_image_example()
    monkeypatch.setattr("pylime.files.cells._BYTES_PER_BYTE", 0)
    monkeypatch.setattr("PIL.Image.MAX_IMAGE_PIXELS", 150_000)
    for ending in ("json", "parquet"):
        with pytest.raises(ValueError, match=r"`explanation` cannot be written: .* store fewer"):
            write_explanation(explanation, tmp_path / f"a.{ending}")
    assert not list(tmp_path.iterdir())
