/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/watchdog.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/watchdog.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define FEED_MS 200u
#define MAGIC_CLOSE "V"

int
watchdog_open(struct watchdog *watchdog, const char *path, unsigned timeout_s)
{
	int seconds = (int)timeout_s;
	int fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);

	watchdog->fd = -1;
	watchdog->fed_ms = 0;
	if (fd < 0)
		return -errno;
	if (ioctl(fd, WDIOC_SETTIMEOUT, &seconds) != 0 && errno != ENOTTY && errno != EOPNOTSUPP) {
		int error = -errno;

		/* Opening has armed it. */
		if (write(fd, MAGIC_CLOSE, 1) < 0)
			error = -errno;
		close(fd);
		return error;
	}
	watchdog->fd = fd;
	return 0;
}

int
watchdog_feed(struct watchdog *watchdog, uint64_t now_ms)
{
	if (watchdog->fd < 0 || now_ms - watchdog->fed_ms < FEED_MS)
		return 0;
	watchdog->fed_ms = now_ms;
	return write(watchdog->fd, "\n", 1) == 1 ? 0 : -errno;
}

void
watchdog_close(struct watchdog *watchdog)
{
	if (watchdog->fd < 0)
		return;
	/* If it cannot be disarmed it resets the node, which is what it is for. */
	if (write(watchdog->fd, MAGIC_CLOSE, 1) == 1)
		watchdog->fed_ms = 0;
	close(watchdog->fd);
	watchdog->fd = -1;
}
