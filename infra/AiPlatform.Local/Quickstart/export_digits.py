"""Writes the handwritten digits that ship with scikit-learn as digits.csv (header label,p0,...,p63) into a folder."""

import csv
import pathlib
import sys

from sklearn.datasets import load_digits

digits = load_digits()
path = pathlib.Path(sys.argv[1]) / "digits.csv"
with open(path, "w", newline="", encoding="utf-8") as file:
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(["label", *(f"p{i}" for i in range(digits.data.shape[1]))])
    for label, pixels in zip(digits.target, digits.data):
        rows.writerow([int(label), *(int(pixel) for pixel in pixels)])
print(len(digits.target))
