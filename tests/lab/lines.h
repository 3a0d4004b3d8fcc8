/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lines -- a Unix socket on which each line asks and is answered
 */
#ifndef GEMEL_TESTS_LAB_LINES_H
#define GEMEL_TESTS_LAB_LINES_H

#include <stdio.h>

#define LINES_MAX 128

struct lines {
	/* Answer one line, which ends with its "\n" unless it was too long. */
	void (*answer)(char *line, FILE *to);
	int listener;
};

/* Listen at path; what was there is removed. 0 or -errno. */
int lines_listen(struct lines *l, const char *path);

/* A thread's body; takes a struct lines and serves one connection after the other, for ever. */
void *lines_serve(void *lines);

#endif
