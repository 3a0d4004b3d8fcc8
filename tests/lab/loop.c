// SPDX-License-Identifier: BSD-2-Clause
#include "tests/lab/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

int
loop_attach(int image, uint32_t block_size, char *device, size_t size)
{
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	struct loop_config config = {.fd = (uint32_t)image, .block_size = block_size};
	int rc;

	if (control < 0)
		return -errno;
	config.info.lo_flags = LO_FLAGS_AUTOCLEAR | LO_FLAGS_DIRECT_IO;
	do {
		int nr = ioctl(control, LOOP_CTL_GET_FREE);

		if (nr < 0) {
			rc = -errno;
			break;
		}
		snprintf(device, size, "/dev/loop%d", nr);
		rc = open(device, O_RDWR | O_CLOEXEC);
		if (rc < 0) {
			rc = -errno;
		} else if (ioctl(rc, LOOP_CONFIGURE, &config) < 0) {
			int error = errno;

			close(rc);
			rc = -error;
		}
	} while (rc == -EBUSY); /* another lab was quicker */
	close(control);
	return rc;
}
