"""Writes test/fixtures/shards/*.tar with Python's tarfile, in the formats that webdataset's writers have used.

    python test/reference/make_shard_fixtures.py test/fixtures/shards     # needs Pillow
"""
import io
import json
import sys
import tarfile
from pathlib import Path

from PIL import Image


def png(red):
    file = io.BytesIO()
    Image.new("RGB", (3, 2), (red, 10, 20)).save(file, "PNG")
    return file.getvalue()


long = "a-folder-with-a-long-name/" * 6
members = [
    (f"{long}000.png", png(0)), (f"{long}000.txt", "ein Käse\nzwei Käse\n".encode()),
    ("001.jpg", png(1)), ("001.json", json.dumps({"caption": " a caption ", "label": 7, "url": "x"}).encode()),
    ("002.cls", b"3\n"), ("002.seg.npy", b"?"), ("002.PNG", png(2)),
]
out = Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)
for name, format in dict(pax=tarfile.PAX_FORMAT, gnu=tarfile.GNU_FORMAT, ustar=tarfile.USTAR_FORMAT).items():
    with tarfile.open(out / f"{name}.tar", "w", format=format) as tar:
        folder = tarfile.TarInfo("folder")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        for path, data in members:
            if name == "ustar":
                path = path.replace(long, "a-folder-with-a-long-name/" * 4)
            info = tarfile.TarInfo(path)
            info.size, info.mtime = len(data), 0
            tar.addfile(info, io.BytesIO(data))
