"""Exports the data sets inside scikit-learn as CSV, and what numpy and scipy say about them.

Usage: /usr/bin/python3 reference.py FOLDER
"""
import json
import os
import shutil
import sys

import numpy as np
import sklearn
from scipy import stats
from sklearn import datasets

folder = sys.argv[1]
reference = {}
for name in ("iris", "wine", "breast_cancer", "diabetes", "digits"):
    data = getattr(datasets, "load_" + name)(as_frame=True)
    frame = data.frame if data.frame is not None else data.data
    os.makedirs(os.path.join(folder, name))
    frame.to_csv(os.path.join(folder, name, name + ".csv"), index=False)
    columns = {}
    for column in frame.columns:
        values = frame[column].to_numpy(dtype=float)
        q1, median, q3 = np.quantile(values, [0.25, 0.5, 0.75])
        columns[str(column)] = {
            "mean": values.mean(), "std": values.std(ddof=1), "min": values.min(), "max": values.max(), "q1": q1, "median": median, "q3": q3,
            "distinct": len(set(values)), "iqrOutliers": int(((values < q1 - 1.5 * (q3 - q1)) | (values > q3 + 1.5 * (q3 - q1))).sum()),
        }
    reference[name] = {"rows": len(frame), "duplicates": int(frame.duplicated().sum()), "columns": columns}

# Two versions of wine: all rows, and only those of the first two classes.
wine = datasets.load_wine(as_frame=True).frame
part = wine[wine["target"] < 2]
os.makedirs(os.path.join(folder, "wine2"))
part.to_csv(os.path.join(folder, "wine2", "wine.csv"), index=False)
reference["drift"] = {
    str(column): {"statistic": result.statistic, "pvalue": result.pvalue}
    for column in wine.columns
    for result in [stats.ks_2samp(wine[column], part[column])]
}
reference["correlation"] = {
    "pearson": stats.pearsonr(wine["flavanoids"], wine["total_phenols"])[0],
    "spearman": stats.spearmanr(wine["flavanoids"], wine["total_phenols"])[0],
}
images = os.path.join(os.path.dirname(sklearn.__file__), "datasets", "images")
os.makedirs(os.path.join(folder, "images"))
for image in ("china.jpg", "flower.jpg"):
    shutil.copy(os.path.join(images, image), os.path.join(folder, "images", image))
with open(os.path.join(folder, "reference.json"), "w") as file:
    json.dump(reference, file)
