# SPDX-License-Identifier: BSD-2-Clause
"""wait -- wait for a condition, never for a length of time."""

import time

from .plan import LabError


def until(condition, seconds, what, every=0.02):
    """Call condition until it is true and return that; LabError after so many seconds."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise LabError(f"waited {seconds:g} s in vain: {what}")
        time.sleep(every)
