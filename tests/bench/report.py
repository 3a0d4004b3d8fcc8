# SPDX-License-Identifier: BSD-2-Clause
"""report -- the line that a benchmark prints for each thing that it measured."""

import json
import os
import platform
import statistics


def host():
    """What ran it, in a few words."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        models = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    model = models[0] if models else platform.machine()
    return f"{os.cpu_count()} x {model}, Linux {platform.release()}"


def line(bench, what, ours, peer, unit, **more):
    """Print the medians of two lists of figures, how many there were and their ratio."""
    ours_median = statistics.median(ours) if ours else None
    peer_median = statistics.median(peer) if peer else None
    ratio = ours_median / peer_median if ours_median is not None and peer_median else None
    print(json.dumps({
        "bench": bench, "what": what,
        "ours": rounded(ours_median), "peer": rounded(peer_median), "ratio": rounded(ratio),
        "unit": unit, "n": max(len(ours), len(peer)), "host": host(), **more}), flush=True)


def rounded(figure):
    """Four digits that mean something."""
    return None if figure is None else float(f"{figure:.4g}")
