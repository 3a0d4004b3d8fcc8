/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/certificates.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Paths that were given out. */
static char *given[256];
static size_t given_count;

static void
run(char *const argv[])
{
	int status = -1;
	pid_t child = fork();

	if (child == 0) {
		execvp(argv[0], argv);
		_exit(127);
	}
	if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
		fprintf(stderr, "%s failed\n", argv[0]);
		abort();
	}
}

char *
certificates_make(void)
{
	char *folder = strdup("/tmp/gemel-test-certificates-XXXXXX");
	const char *source = getenv("srcdir");
	char script[4096];

	if (!folder || !mkdtemp(folder))
		abort();
	snprintf(script, sizeof(script), "%s/scripts/make-certificates", source ? source : ".");
	run((char *[]){
	    script, folder, "--pair", "hq", "--pair", "b", "--witness", CERTIFICATES_HOST, NULL});
	return folder;
}

static const char *
give(const char *folder, const char *name, const char *end)
{
	char *path;

	if (given_count == sizeof(given) / sizeof(given[0]) ||
	    asprintf(&path, "%s/%s%s", folder, name, end) < 0)
		abort();
	return given[given_count++] = path;
}

struct tls_files
certificates_of(const char *folder, const char *name)
{
	return (struct tls_files){
	    .certificate = give(folder, name, ".pem"),
	    .key = give(folder, name, ".key"),
	    .authority = give(folder, "ca", ".pem"),
	};
}

void
certificates_remove(char *folder)
{
	run((char *[]){"rm", "-rf", "--", folder, NULL});
	free(folder);
	while (given_count)
		free(given[--given_count]);
}
