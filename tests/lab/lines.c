// SPDX-License-Identifier: BSD-2-Clause
#include "tests/lab/lines.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int
lines_listen(struct lines *l, const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	strcpy(addr.sun_path, path);
	unlink(path);
	l->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (l->listener < 0 || bind(l->listener, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    listen(l->listener, 8) < 0)
		return -errno;
	return 0;
}

void *
lines_serve(void *lines)
{
	const struct lines *l = lines;

	for (;;) {
		int fd = accept4(l->listener, NULL, NULL, SOCK_CLOEXEC);
		FILE *io = fd < 0 ? NULL : fdopen(fd, "r+");
		char line[LINES_MAX];

		if (!io)
			continue;
		while (fgets(line, sizeof(line), io)) {
			fseek(io, 0, SEEK_CUR);
			l->answer(line, io);
			fflush(io);
		}
		fclose(io);
	}
	return NULL;
}
