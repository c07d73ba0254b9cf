"""Exports the data sets inside scikit-learn as CSV, and what numpy and scipy say about them.

Usage: /usr/bin/python3 reference.py FOLDER
"""
import csv
import json
import os
import shutil
import sys

import numpy as np
import sklearn
from scipy import stats
from sklearn import datasets

folder = sys.argv[1]


def write(name, file, columns, rows):
    os.makedirs(os.path.join(folder, name))
    with open(os.path.join(folder, name, file), "w", newline="") as target:
        writer = csv.writer(target)
        writer.writerow(columns)
        writer.writerows(rows.tolist())


def describe(values):
    q1, median, q3 = np.quantile(values, [0.25, 0.5, 0.75])
    outside = (values < q1 - 1.5 * (q3 - q1)) | (values > q3 + 1.5 * (q3 - q1))
    return {
        "mean": values.mean(), "std": values.std(ddof=1), "min": values.min(), "max": values.max(), "q1": q1, "median": median, "q3": q3,
        "distinct": len(set(values)), "iqrOutliers": int(outside.sum()),
    }


reference = {}
for name in ("iris", "wine", "breast_cancer", "diabetes", "digits"):
    data = getattr(datasets, "load_" + name)()
    columns = [str(column) for column in data.feature_names] + ["target"]
    rows = np.column_stack([data.data, data.target])
    write(name, name + ".csv", columns, rows)
    reference[name] = {
        "rows": len(rows), "duplicates": len(rows) - len({tuple(row) for row in rows}),
        "columns": {column: describe(rows[:, index]) for index, column in enumerate(columns)},
    }

# Two versions of wine: all rows, and only those of the first two classes.
data = datasets.load_wine()
columns = list(data.feature_names) + ["target"]
rows = np.column_stack([data.data, data.target])
part = rows[rows[:, -1] < 2]
write("wine2", "wine.csv", columns, part)
reference["drift"] = {}
for index, column in enumerate(columns):
    result = stats.ks_2samp(rows[:, index], part[:, index])
    reference["drift"][column] = {"statistic": result.statistic, "pvalue": result.pvalue}
flavanoids, phenols = (rows[:, columns.index(column)] for column in ("flavanoids", "total_phenols"))
reference["correlation"] = {"pearson": stats.pearsonr(flavanoids, phenols)[0], "spearman": stats.spearmanr(flavanoids, phenols)[0]}
images = os.path.join(os.path.dirname(sklearn.__file__), "datasets", "images")
os.makedirs(os.path.join(folder, "images"))
for image in ("china.jpg", "flower.jpg"):
    shutil.copy(os.path.join(images, image), os.path.join(folder, "images", image))
with open(os.path.join(folder, "reference.json"), "w") as file:
    json.dump(reference, file)
