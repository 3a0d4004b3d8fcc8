/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flow -- the load generator and the judge of the tests.
 */
#include "tests/lab/flow-verbs.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *usage;
} verbs[] = {
    {"send", flow_send,
	"--to HOST:PORT --log FILE [--rate N] [--connections N] [--count N | --seconds N]\n"
	"      [--recipients FILE|PATTERN] [--copies N] [--from ADDRESS] [--size BYTES|MIN-MAX]\n"
	"      [--large-every N] [--per-connection N] [--pipelining] [--stop-file FILE]\n"
	"      [--connect-timeout MS] [--answer-timeout MS] [--retry MS] [--json]"},
    {"judge", flow_judge,
	"--log FILE... --maildirs DIR [--accounts FILE] [--min-acked N] [--wait SECONDS]\n"
	"      [--whole] [--ignore-foreign] [--ignore-other-runs] [--json]"},
    {"gaps", flow_gaps, "--log FILE... [--over MS] [--json]"},
};
#define VERBS (sizeof(verbs) / sizeof(*verbs))

int
flow_fail(int status, const char *format, ...)
{
	va_list arguments;

	fputs("flow: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	return status;
}

bool
flow_number(const char *option, const char *text, uint64_t low, uint64_t high, uint64_t *number_r)
{
	char *end;

	errno = 0;
	*number_r = strtoull(text, &end, 10);
	if (text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && *number_r >= low &&
	    *number_r <= high)
		return true;
	flow_fail(0, "--%s %s: not a number between %llu and %llu", option, text,
	    (unsigned long long)low, (unsigned long long)high);
	return false;
}

int
main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; argc > 1 && i < VERBS; i++)
		if (strcmp(argv[1], verbs[i].name) == 0)
			return verbs[i].run(argc - 1, argv + 1);
	fputs("usage:\n", stderr);
	for (size_t i = 0; i < VERBS; i++)
		fprintf(stderr, "  flow %s %s\n", verbs[i].name, verbs[i].usage);
	return FLOW_USAGE;
}
