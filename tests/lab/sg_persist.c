// SPDX-License-Identifier: BSD-2-Clause
/*
 * sg_persist -- the lab's double of sg3-utils' tool: persistent reservations on the shared disk
 *
 * The options, output and exit status of the part of the real one (version 0.67, sg3-utils 1.46)
 * that a fence agent uses; the commands go to the node's disk (scsi.h), which is the array. An
 * option that the real one has and this has not is a syntax error here, so that nothing is
 * believed to be done that is not.
 *
 * Exit status: 0; 1 syntax; 5 illegal request; 24 reservation conflict; 35 the way to the array is
 * gone; 50 + errno a device that cannot be opened; 75 no device of an array. It waits for as long
 * as the disk hangs.
 *
 * Not played: a unit attention (exit status 6), which the real one may give once after another
 * initiator's preempt; who calls it has to ask again then.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define SOCKET_PATH "/dev/lab-scsi"

enum {
	EXIT_SYNTAX = 1,
	EXIT_ILLEGAL = 5,
	EXIT_CONFLICT = 24,
	EXIT_TRANSPORT = 35,
	EXIT_ERRNO = 50, /* + errno */
};

static const char *const devices[] = {"/dev/shared", "/dev/shared-slots"};

/* Service actions; those of PR Out have their code in SCSI. */
static const struct action {
	int letter;
	bool is_out;
	unsigned code;
	const char *option;
	const char *name;
} actions[] = {
    {'G', true, 0, "register", "Register"},
    {'R', true, 1, "reserve", "Reserve"},
    {'L', true, 2, "release", "Release"},
    {'C', true, 3, "clear", "Clear"},
    {'P', true, 4, "preempt", "Preempt"},
    {'A', true, 5, "preempt-abort", "Preempt and abort"},
    {'I', true, 6, "register-ignore", "Register and ignore existing key"},
    {'k', false, 0, "read-keys", "Read keys"},
    {'r', false, 1, "read-reservation", "Read reservation"},
};

#define ACTION_COUNT (sizeof(actions) / sizeof(*actions))
#define READ_KEYS (&actions[7])

struct request {
	const struct action *action;
	const char *device;
	uint64_t key;
	uint64_t service_key;
	unsigned type;
	bool wants_out;
	bool wants_in;
	bool has_inquiry;
	bool is_readonly;
};

static int
syntax(const char *why)
{
	fprintf(stderr, "sg_persist: %s\n", why);
	return EXIT_SYNTAX;
}

/* ---- the command line ---- */

static const struct action *
action_find(int letter)
{
	for (size_t i = 0; i < ACTION_COUNT; i++)
		if (actions[i].letter == letter)
			return &actions[i];
	return NULL;
}

static int
option_take(struct request *r, int letter, const char *value)
{
	const struct action *action = action_find(letter);

	if (action) {
		if (r->action)
			return syntax("one service action only");
		r->action = action;
		return 0;
	}
	switch (letter) {
	case 'o':
		r->wants_out = true;
		return 0;
	case 'i':
		r->wants_in = true;
		return 0;
	case 'n':
		r->has_inquiry = false;
		return 0;
	case 'y':
		r->is_readonly = true;
		return 0;
	case 'Z': /* the array's registrations survive a loss of power anyway */
		return 0;
	case 'd':
		r->device = value;
		return 0;
	case 'K':
		return sscanf(value, "%" SCNx64, &r->key) == 1 ? 0 : syntax("bad --param-rk");
	case 'S':
		return sscanf(value, "%" SCNx64, &r->service_key) == 1 ? 0
								       : syntax("bad --param-sark");
	case 'T':
		return sscanf(value, "%x", &r->type) == 1 ? 0 : syntax("bad --prout-type");
	default:
		return syntax("an option that the lab's double does not have");
	}
}

static int
command_line_read(struct request *r, int argc, char **argv)
{
	struct option options[ACTION_COUNT + 10] = {
	    {"out", no_argument, NULL, 'o'},
	    {"in", no_argument, NULL, 'i'},
	    {"no-inquiry", no_argument, NULL, 'n'},
	    {"readonly", no_argument, NULL, 'y'},
	    {"param-aptpl", no_argument, NULL, 'Z'},
	    {"device", required_argument, NULL, 'd'},
	    {"param-rk", required_argument, NULL, 'K'},
	    {"param-sark", required_argument, NULL, 'S'},
	    {"prout-type", required_argument, NULL, 'T'},
	};
	int letter;

	for (size_t i = 0; i < ACTION_COUNT; i++)
		options[9 + i] =
		    (struct option){actions[i].option, no_argument, NULL, actions[i].letter};
	while ((letter = getopt_long(argc, argv, "oinyZd:K:S:T:GRLCPAIkr", options, NULL)) != -1) {
		int rc = option_take(r, letter, optarg);

		if (rc != 0)
			return rc;
	}
	if (optind < argc)
		r->device = argv[optind++];
	if (optind < argc || !r->device)
		return syntax("one device is wanted");
	if (r->wants_out && r->wants_in)
		return syntax("--in or --out, not both");
	if (!r->action && !r->wants_out)
		r->action = READ_KEYS;
	if (!r->action || r->action->is_out != r->wants_out)
		return syntax("a service action of --in with --in, one of --out with --out");
	return 0;
}

/* ---- the array ---- */

/* 0, or the exit status that says why it is no device of the array. */
static int
device_check(const struct request *r)
{
	int fd = open(r->device, (r->is_readonly ? O_RDONLY : O_RDWR) | O_NONBLOCK | O_CLOEXEC);
	struct stat st, own;
	int rc = EXIT_ERRNO + ENOTTY;

	if (fd < 0) {
		rc = EXIT_ERRNO + errno;
		fprintf(
		    stderr, "sg_persist: error opening file %s: %s\n", r->device, strerror(errno));
		return rc;
	}
	if (fstat(fd, &st) == 0 && S_ISBLK(st.st_mode))
		for (size_t i = 0; i < sizeof(devices) / sizeof(*devices); i++)
			if (stat(devices[i], &own) == 0 && own.st_rdev == st.st_rdev)
				rc = 0;
	close(fd);
	if (rc != 0)
		fprintf(stderr, "sg_persist: %s: %s\n", r->device, strerror(ENOTTY));
	return rc;
}

/* The stream to the array, after the request has been sent; NULL and errno. */
static FILE *
array_ask(const struct request *r)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX, .sun_path = SOCKET_PATH};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return NULL;
	if (r->action->is_out)
		dprintf(fd, "out %u %" PRIx64 " %" PRIx64 " %u\n", r->action->code, r->key,
		    r->service_key, r->type);
	else
		dprintf(fd, "%s\n", r->action == READ_KEYS ? "keys" : "reservation");
	return fdopen(fd, "r");
}

static void
keys_print(FILE *from, bool is_reservation, unsigned count)
{
	char line[64];

	if (count == 0)
		printf(is_reservation ? "there is NO reservation held\n"
				      : "there are NO registered reservation keys\n");
	else if (is_reservation)
		printf("Reservation follows:\n");
	else if (count == 1)
		printf("1 registered reservation key follows:\n");
	else
		printf("%u registered reservation keys follow:\n", count);
	while (count-- > 0 && fgets(line, sizeof(line), from))
		printf(is_reservation ? "    Key=0x%s    scope: LU_SCOPE, "
					" type: Write Exclusive, registrants only\n"
				      : "    0x%s",
		    line);
}

static int
failed(const struct request *r, const char *why, int status)
{
	fprintf(stderr, "PR %s (%s): %s\n", r->action->is_out ? "out" : "in", r->action->name, why);
	return status;
}

static int
answer_take(const struct request *r, FILE *from)
{
	char line[64] = "";
	uint32_t generation;
	unsigned count;

	if (!from || !fgets(line, sizeof(line), from) || strcmp(line, "failed\n") == 0)
		return failed(r, "Transport error", EXIT_TRANSPORT);
	if (strcmp(line, "conflict\n") == 0)
		return failed(r, "Reservation conflict", EXIT_CONFLICT);
	if (sscanf(line, "good %" SCNx32 " %u", &generation, &count) != 2)
		return failed(r,
		    "bad field in cdb or parameter list (perhaps unsupported service action)",
		    EXIT_ILLEGAL);
	if (r->action->is_out)
		return 0;
	printf("  PR generation=0x%" PRIx32 ", ", generation);
	keys_print(from, r->action != READ_KEYS, count);
	return 0;
}

int
main(int argc, char **argv)
{
	struct request r = {.has_inquiry = true};
	int rc = command_line_read(&r, argc, argv);

	signal(SIGPIPE, SIG_IGN);
	if (rc == 0)
		rc = device_check(&r);
	if (rc != 0)
		return rc;
	if (r.has_inquiry)
		printf("  GEMEL     LAB ARRAY         1\n  Peripheral device type: disk\n");
	return answer_take(&r, array_ask(&r));
}
