# SPDX-License-Identifier: BSD-2-Clause
"""scratch -- a file system for a benchmark, as new before each run.

ext4 does not give away the inode of a file that was deleted in the last minutes,
and walks over all of them for each new file. So what one run has deleted makes
the next one slow, up to three times. An image on the disk to be measured, written
once and formatted before each run, lets all runs begin alike; what is synced
inside is synced on that disk. Ends with the mount namespace.
"""

import os
import subprocess

MIB = 1024 * 1024


class Scratch:
    """An image file and a directory to mount it at."""

    def __init__(self, folder, size_mib):
        self.image = os.path.join(folder, "scratch.img")
        self.directory = os.path.join(folder, "scratch")
        os.makedirs(self.directory)
        # Written through, so that no run pays for blocks that the disk has yet to find.
        with open(self.image, "wb") as file:
            for _ in range(size_mib):
                file.write(bytes(MIB))
            os.fsync(file.fileno())

    def __enter__(self):
        subprocess.run(["mkfs.ext4", "-q", "-F", "-E", "nodiscard,lazy_itable_init=0,lazy_journal_init=0",
                        self.image], check=True)
        device = subprocess.run(["losetup", "--find", "--show", "--direct-io=on", self.image],
                                capture_output=True, text=True, check=True).stdout.strip()
        try:
            subprocess.run(["mount", device, self.directory], check=True)
        finally:
            # In use: freed by the kernel when it is unmounted, whoever ends us.
            subprocess.run(["losetup", "--detach", device], check=True)
        return self.directory

    def __exit__(self, *_):
        subprocess.run(["umount", self.directory], check=True)
