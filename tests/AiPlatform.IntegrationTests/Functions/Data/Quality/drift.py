"""What scipy says about drift, over five orders of magnitude of sample size and of effect.

Usage: /usr/bin/python3 drift.py FILE
"""
import json
import sys

import numpy as np
from scipy import stats

random = np.random.default_rng(13)
samples, tails, counts, chi = [], [], [], []


def psi(before, now):
    edges = np.unique(np.quantile(before, np.arange(1, 10) / 10))
    shares = [np.maximum(np.bincount(np.searchsorted(edges, x, side="left"), minlength=len(edges) + 1) / len(x), 1e-4) for x in (before, now)]
    return float(np.sum((shares[1] - shares[0]) * np.log(shares[1] / shares[0])))


for n in (10, 30, 100, 500, 1000, 2000, 3000, 5000):
    for m in (n, n + 1, 2 * n, max(7, n // 3)):
        for effect in (0, 1e-3, 1e-2, 1e-1, 0.5, 1, 3, 10, 100):
            left, right = random.normal(0, 1, n), random.normal(effect, 1, min(m, 5000))
            found = stats.ks_2samp(left, right, method="exact")
            samples.append({"before": left.tolist() if n <= 500 else None, "now": right.tolist() if n <= 500 else None, "left": len(left),
                            "right": len(right), "statistic": float(found.statistic), "pvalue": float(found.pvalue), "psi": psi(left, right)})

for n in (10_001, 20_000, 100_000, 1_000_000):
    for m in (n + 1, 2 * n + 1, n // 2):
        for z in (0.3, 0.5, 0.8, 1, 1.3, 1.6, 2, 3, 5, 10):
            en = n * m / (n + m)
            d = z / np.sqrt(en)
            tails.append({"left": n, "right": m, "statistic": d, "pvalue": float(stats.kstwo.sf(d, np.round(en)))})

for n in (20, 100, 1000, 10_000, 100_000, 1_000_000):
    for effect in (0, 0.001, 0.01, 0.1, 0.5, 0.9):
        for categories in (2, 5, 50):
            shares = random.dirichlet(np.ones(categories))
            moved = (1 - effect) * shares + effect * np.eye(categories)[0]
            table = np.array([random.multinomial(n, shares), random.multinomial(n, moved / moved.sum())])
            kept = table[:, table.sum(axis=0) > 0]
            found = stats.chi2_contingency(kept, correction=False) if kept.shape[1] > 1 else (0.0, 1.0)
            counts.append({"before": table[0].tolist(), "now": table[1].tolist(), "statistic": float(found[0]), "pvalue": float(found[1])})

for freedom in (1, 2, 5, 20, 100, 1000, 100_000):
    for factor in (1e-3, 0.1, 0.5, 0.9, 1, 1.05, 1.5, 2, 5, 50):
        chi.append({"statistic": freedom * factor, "freedom": freedom, "pvalue": float(stats.chi2.sf(freedom * factor, freedom))})

with open(sys.argv[1], "w") as target:
    json.dump({"samples": samples, "tails": tails, "counts": counts, "chi": chi}, target)
