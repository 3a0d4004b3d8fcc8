// SPDX-License-Identifier: BSD-2-Clause
/*
 * fence_lab -- the fence agent of the lab's power switch
 *
 * Runs inside a node and asks the lab's machine room over a Unix socket, which
 * stands for the management network: not over the rings, which may be down.
 * It believes the room's "ok" only, which says that the node's cables are dead,
 * its every process has ended and its disk is let go; anything else, and no
 * answer in time, is a failure.
 *
 * Input as fence agents have it: name=value lines on standard input, unknown
 * names ignored, the last one wins.  For people: -o ACTION -n PLUG.
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define SWITCH_PATH "/run/lab/switch"
#define ANSWER_MS 15000

enum {
	EXIT_OK = 0,
	EXIT_FAILED = 1,
	EXIT_BAD_ARGS = 2,
	EXIT_IS_OFF = 2,
};

struct options {
	char action[16];
	char plug[64];
	char path[108];
};

static const char metadata[] =
    "<?xml version=\"1.0\" ?>\n"
    "<resource-agent name=\"fence_lab\" shortdesc=\"Power switch of the test lab\">\n"
    "  <longdesc>Cuts the power of a node of the Gemel test lab. Success means that the node's "
    "cables are dead, every process of it has ended and its disk is let go.</longdesc>\n"
    "  <vendor-url>https://example.test/</vendor-url>\n"
    "  <parameters>\n"
    "    <parameter name=\"action\" unique=\"0\" required=\"1\">\n"
    "      <getopt mixed=\"-o, --action=[action]\"/>\n"
    "      <content type=\"string\" default=\"reboot\"/>\n"
    "      <shortdesc lang=\"en\">Fencing action</shortdesc>\n"
    "    </parameter>\n"
    "    <parameter name=\"plug\" unique=\"0\" required=\"0\" obsoletes=\"port\">\n"
    "      <getopt mixed=\"-n, --plug=[node]\"/>\n"
    "      <content type=\"string\"/>\n"
    "      <shortdesc lang=\"en\">Name of the node</shortdesc>\n"
    "    </parameter>\n"
    "    <parameter name=\"socket\" unique=\"0\" required=\"0\">\n"
    "      <getopt mixed=\"-s, --socket=[path]\"/>\n"
    "      <content type=\"string\" default=\"" SWITCH_PATH "\"/>\n"
    "      <shortdesc lang=\"en\">Unix socket of the switch</shortdesc>\n"
    "    </parameter>\n"
    "  </parameters>\n"
    "  <actions>\n"
    "    <action name=\"on\" automatic=\"0\"/>\n"
    "    <action name=\"off\"/>\n"
    "    <action name=\"reboot\"/>\n"
    "    <action name=\"status\"/>\n"
    "    <action name=\"monitor\"/>\n"
    "    <action name=\"list\"/>\n"
    "    <action name=\"metadata\"/>\n"
    "    <action name=\"validate-all\"/>\n"
    "  </actions>\n"
    "</resource-agent>\n";

static int
failed(const char *what, const char *why)
{
	fprintf(stderr, "fence_lab: %s: %s\n", what, why);
	return EXIT_FAILED;
}

static void
option_set(struct options *o, const char *name, const char *value)
{
	const struct {
		const char *name;
		char *to;
		size_t size;
	} table[] = {
	    {"action", o->action, sizeof(o->action)},
	    {"plug", o->plug, sizeof(o->plug)},
	    {"port", o->plug, sizeof(o->plug)},
	    {"socket", o->path, sizeof(o->path)},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
		if (strcmp(name, table[i].name) == 0)
			snprintf(table[i].to, table[i].size, "%s", value);
}

static void
options_from_stdin(struct options *o)
{
	char line[512];

	while (fgets(line, sizeof(line), stdin)) {
		char *value = strchr(line, '=');

		line[strcspn(line, "\r\n")] = 0;
		if (line[0] == '#' || !value)
			continue;
		*value++ = 0;
		option_set(o, line, value);
	}
}

static bool
options_from_arguments(struct options *o, int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "o:n:s:")) != -1) {
		if (c == '?')
			return false;
		option_set(o, c == 'o' ? "action" : c == 'n' ? "plug" : "socket", optarg);
	}
	return optind == argc;
}

static long
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Everything that the switch says until it closes; 0 or -errno. */
static int
answer_read(int fd, char *answer, size_t size)
{
	long end = now_ms() + ANSWER_MS;
	size_t have = 0;

	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		long left = end - now_ms();
		ssize_t n;

		if (left <= 0 || poll(&p, 1, (int)left) == 0)
			return -ETIMEDOUT;
		n = read(fd, answer + have, size - 1 - have);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			have += (size_t)n;
		answer[have] = 0;
		if (n == 0 || have == size - 1)
			return 0;
	}
}

/* Ask the switch "ACTION PLUG"; its whole answer.  0 or -errno. */
static int
switch_ask(const struct options *o, char *answer, size_t size)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int rc = 0;

	if (fd < 0)
		return -errno;
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", o->path);
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    dprintf(fd, "%s %s\n", o->action, o->plug) < 0)
		rc = -errno;
	if (rc == 0)
		rc = answer_read(fd, answer, size);
	close(fd);
	return rc;
}

int
main(int argc, char **argv)
{
	static const char *const needs_plug[] = {"on", "off", "reboot", "status"};
	static const char *const known[] = {
	    "on", "off", "reboot", "status", "monitor", "list", "validate-all", "metadata"};
	struct options o = {.action = "reboot", .path = SWITCH_PATH};
	char answer[1024] = "";
	bool is_known = false;
	int rc;

	if (argc > 1 ? !options_from_arguments(&o, argc, argv) : (options_from_stdin(&o), false)) {
		fprintf(stderr, "Usage: fence_lab -o ACTION [-n NODE] [-s SOCKET]\n");
		return EXIT_BAD_ARGS;
	}
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		is_known |= strcmp(o.action, known[i]) == 0;
	if (!is_known)
		return failed(o.action, "no such action"), EXIT_BAD_ARGS;
	if (strcmp(o.action, "metadata") == 0)
		return fputs(metadata, stdout), EXIT_OK;
	if (strcmp(o.action, "validate-all") == 0)
		return EXIT_OK;
	for (size_t i = 0; i < sizeof(needs_plug) / sizeof(*needs_plug); i++)
		if (strcmp(o.action, needs_plug[i]) == 0 && !o.plug[0])
			return failed(o.action, "which node? give plug="), EXIT_BAD_ARGS;

	rc = switch_ask(&o, answer, sizeof(answer));
	if (rc < 0)
		return failed(o.path, strerror(-rc));
	if (strncmp(answer, "ok", 2) == 0) {
		const char *rest = strchr(answer, '\n');

		fputs(rest ? rest + 1 : "", stdout);
		return EXIT_OK;
	}
	if (strncmp(answer, "is-off", 6) == 0)
		return EXIT_IS_OFF;
	return failed(o.action, answer[0] ? answer : "the switch gave no answer");
}
