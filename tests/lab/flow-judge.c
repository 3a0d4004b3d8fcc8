/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/lab/flow-gaps.h"
#include "tests/lab/flow-ledger.h"
#include "tests/lab/flow-message.h"
#include "tests/lab/flow-verbs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOGS_MAX 1024
#define FAULTS_NAMED 20 /* of each kind, so that a total loss stays readable */
#define LOOK_AGAIN_NS 200000000

struct judge {
	const char *logs[LOGS_MAX];
	char runs[LOGS_MAX][FLOW_ID_MAX]; /* whose logs these are */
	size_t log_count;
	size_t run_count;
	const char *maildirs;
	const char *accounts;
	uint64_t min_acked;
	uint64_t wait_s;
	uint64_t over_ms;
	bool whole;
	bool ignore_foreign;
	bool ignore_other_runs;
	bool json;

	struct flow_ledger *ledger;
	struct flow_moments *moments;
	char bad_address[FLOW_ADDRESS_MAX];
	uint64_t torn;
	uint64_t named[FLOW_FAULTS];
	json_t *gaps;
};

static int
read_record(void *context, const struct flow_record *record)
{
	struct judge *j = context;
	int result = j->ledger != NULL ? flow_ledger_record(j->ledger, record) : 0;

	flow_moments_record(j->moments, record);
	if (record->kind == FLOW_START && j->run_count < LOGS_MAX)
		memcpy(j->runs[j->run_count++], record->id, FLOW_ID_MAX);
	if (result != 0)
		snprintf(j->bad_address, sizeof(j->bad_address), "%s", record->recipient);
	return result;
}

static int
read_logs(struct judge *j)
{
	for (size_t i = 0; i < j->log_count; i++) {
		struct flow_log_state state;
		int result = flow_log_read(j->logs[i], read_record, j, &state);

		flow_moments_log_ends(j->moments);
		j->torn += state.torn;
		if (result == -ENOENT && j->bad_address[0] != '\0')
			return flow_fail(FLOW_FAILED,
			    "%s: no mailbox is known for %s; add it to %s", j->logs[i],
			    j->bad_address, j->accounts);
		if (result == -EPROTO)
			return flow_fail(FLOW_FAILED,
			    "%s: line %" PRIu64 " does not fit: the log is damaged", j->logs[i],
			    state.records + (j->bad_address[0] == '\0'));
		if (result != 0)
			return flow_fail(FLOW_FAILED, "%s: %s", j->logs[i], strerror(-result));
		if (j->whole && !state.ended)
			return flow_fail(FLOW_FAILED,
			    "%s: its end is missing: the generator did not finish", j->logs[i]);
	}
	return FLOW_DONE;
}

/* Lines of "ADDRESS MAILBOX"; # begins a comment. */
static int
read_accounts(struct judge *j)
{
	FILE *file = j->accounts != NULL ? fopen(j->accounts, "re") : NULL;
	char line[1024], address[512], mailbox[512];

	if (j->accounts == NULL)
		return FLOW_DONE;
	if (file == NULL)
		return flow_fail(FLOW_FAILED, "%s: %s", j->accounts, strerror(errno));
	while (fgets(line, sizeof(line), file) != NULL)
		if (line[0] != '#' && sscanf(line, "%511s %511s", address, mailbox) == 2)
			flow_ledger_map(j->ledger, address, mailbox);
	fclose(file);
	if (!flow_ledger_has_mailboxes(j->ledger))
		return flow_fail(FLOW_FAILED, "%s: names no mailbox", j->accounts);
	return FLOW_DONE;
}

/* The part of an id before its last "-" names the run. */
static bool
is_of_our_runs(const struct judge *j, const char *id)
{
	const char *dash = strrchr(id, '-');
	size_t length = dash != NULL ? (size_t)(dash - id) : strlen(id);

	for (size_t i = 0; i < j->run_count; i++)
		if (strlen(j->runs[i]) == length && memcmp(j->runs[i], id, length) == 0)
			return true;
	return false;
}

static void
look_at_content(struct judge *j, const char *mailbox, struct slice content)
{
	char id[FLOW_ID_MAX], digest[FLOW_DIGEST_TEXT];

	if (flow_message_identify(content, id, sizeof(id), digest) == FLOW_FOREIGN) {
		if (!j->ignore_foreign)
			flow_ledger_foreign(j->ledger);
		return;
	}
	if (!j->ignore_other_runs || is_of_our_runs(j, id))
		flow_ledger_found(j->ledger, mailbox, id, digest);
}

/* Returns 0; -ENOENT: it was renamed away meanwhile; -errno. */
static int
look_at_file(struct judge *j, const char *mailbox, int directory, const char *name)
{
	int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
	struct stat status;
	void *map = NULL;
	int error = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) != 0)
		error = -errno;
	else if (status.st_size > 0)
		map = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		error = -errno;
	if (error == 0)
		look_at_content(j, mailbox, slice_from(map, (size_t)status.st_size));
	if (error == 0 && map != NULL)
		munmap(map, (size_t)status.st_size);
	close(fd);
	return error;
}

static int
look_at_folder(struct judge *j, const char *mailbox, const char *folder)
{
	char path[4096];
	DIR *directory;
	struct dirent *entry;
	int error = 0;

	snprintf(path, sizeof(path), "%s/%s/%s", j->maildirs, mailbox, folder);
	directory = opendir(path);
	if (directory == NULL)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	while (error == 0 && (entry = readdir(directory)) != NULL) {
		if (entry->d_name[0] != '.')
			error = look_at_file(j, mailbox, dirfd(directory), entry->d_name);
		/* A client marked it as seen meanwhile: it is in cur/ now, and cur/ comes later. */
		if (error == -ENOENT)
			error = 0;
	}
	closedir(directory);
	return error;
}

/* A tree MAILBOX/Maildir/{new,cur}; the Maildir level may be missing. */
static int
look_at_mailboxes(struct judge *j)
{
	static const char *const folders[] = {"Maildir/new", "Maildir/cur", "new", "cur"};
	DIR *directory = opendir(j->maildirs);
	struct dirent *entry;
	int error = 0;

	if (directory == NULL)
		return flow_fail(FLOW_FAILED, "%s: %s", j->maildirs, strerror(errno));
	flow_ledger_forget(j->ledger);
	while (error == 0 && (entry = readdir(directory)) != NULL)
		for (size_t i = 0; entry->d_name[0] != '.' && error == 0 && i < 4; i++)
			error = look_at_folder(j, entry->d_name, folders[i]);
	closedir(directory);
	if (error != 0)
		return flow_fail(FLOW_FAILED, "%s: %s", j->maildirs, strerror(-error));
	return FLOW_DONE;
}

static void
tell_fault(void *context, enum flow_fault fault, const char *id, const char *recipient)
{
	struct judge *j = context;

	if (j->named[fault]++ >= FAULTS_NAMED)
		return;
	fprintf(stderr, "flow: %s: %s%s%s\n", flow_fault_name(fault),
	    id[0] != '\0' ? id : "a file that no generator wrote",
	    recipient[0] != '\0' ? " for " : "", recipient);
}

/* What is still queued in the server is not lost yet, so look again while time is left. */
static int
look_until_settled(struct judge *j, struct flow_tally *tally)
{
	uint64_t until = flow_mono_ns() + j->wait_s * 1000000000u;
	int result;

	for (;;) {
		result = look_at_mailboxes(j);
		flow_ledger_tally(j->ledger, tally, NULL, NULL);
		if (result != FLOW_DONE || tally->fault[FLOW_LOST] == 0 || flow_mono_ns() >= until)
			break;
		nanosleep(&(struct timespec){0, LOOK_AGAIN_NS}, NULL);
	}
	flow_ledger_tally(j->ledger, tally, tell_fault, j);
	return result;
}

static void
add_gap(void *context, const struct flow_gap *gap)
{
	struct judge *j = context;

	json_array_append_new(
	    j->gaps, json_pack("{s:I s:I s:f}", "start_mono_ns", (json_int_t)gap->start_mono_ns,
			 "start_wall_ns", (json_int_t)gap->start_wall_ns, "ms",
			 (double)gap->length_ns / 1e6));
}

static void
print_gaps(const struct judge *j, double longest_ms)
{
	json_t *gap;
	size_t i;

	printf("longest gap %.1f ms; %zu longer than %" PRIu64 " ms\n", longest_ms,
	    json_array_size(j->gaps), j->over_ms);
	json_array_foreach(j->gaps, i, gap)
	{
		time_t at = (time_t)(json_integer_value(json_object_get(gap, "start_wall_ns")) /
				     1000000000);
		char text[32];

		strftime(text, sizeof(text), "%H:%M:%S", localtime(&at));
		printf("  %s.%03d  %8.1f ms\n", text,
		    (int)(json_integer_value(json_object_get(gap, "start_wall_ns")) / 1000000 %
			  1000),
		    json_number_value(json_object_get(gap, "ms")));
	}
}

static double
find_gaps(struct judge *j)
{
	j->gaps = json_array();
	return (double)flow_moments_gaps(j->moments, j->over_ms * 1000000, add_gap, j) / 1e6;
}

static void
print_verdict(struct judge *j, const struct flow_tally *tally, bool clean)
{
	double longest_ms = find_gaps(j);
	json_t *object;

	if (!j->json) {
		printf("acknowledged %" PRIu64 ", lost %" PRIu64 ", duplicated %" PRIu64
		       ", unexpected %" PRIu64 ", changed %" PRIu64 "\n",
		    tally->outcome[FLOW_ACKED], tally->fault[FLOW_LOST],
		    tally->fault[FLOW_DUPLICATED], tally->fault[FLOW_UNEXPECTED],
		    tally->fault[FLOW_CHANGED]);
		printf("refused %" PRIu64 ", unknown %" PRIu64 ", not sent %" PRIu64
		       ", in mailboxes %" PRIu64 "\n",
		    tally->outcome[FLOW_REFUSED],
		    tally->outcome[FLOW_UNKNOWN] + tally->outcome[FLOW_TRY],
		    tally->outcome[FLOW_UNSENT], tally->found);
		print_gaps(j, longest_ms);
		return;
	}
	object = json_pack("{s:b s:I s:I s:I s:I s:I s:I s:I s:I s:I s:I s:f s:O}", "clean", clean,
	    "acked", (json_int_t)tally->outcome[FLOW_ACKED], "refused",
	    (json_int_t)tally->outcome[FLOW_REFUSED], "unknown",
	    (json_int_t)(tally->outcome[FLOW_UNKNOWN] + tally->outcome[FLOW_TRY]), "unsent",
	    (json_int_t)tally->outcome[FLOW_UNSENT], "found", (json_int_t)tally->found, "lost",
	    (json_int_t)tally->fault[FLOW_LOST], "duplicated",
	    (json_int_t)tally->fault[FLOW_DUPLICATED], "unexpected",
	    (json_int_t)tally->fault[FLOW_UNEXPECTED], "changed",
	    (json_int_t)tally->fault[FLOW_CHANGED], "torn_logs", (json_int_t)j->torn,
	    "longest_gap_ms", longest_ms, "gaps", j->gaps);
	json_dumpf(object, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(object);
}

static int
judge_all(struct judge *j)
{
	struct flow_tally tally;
	bool clean;

	if (read_accounts(j) != FLOW_DONE || read_logs(j) != FLOW_DONE ||
	    look_until_settled(j, &tally) != FLOW_DONE)
		return FLOW_FAILED;
	clean = tally.outcome[FLOW_ACKED] >= j->min_acked;
	if (!clean)
		flow_fail(0, "only %" PRIu64 " messages were acknowledged, %" PRIu64 " were to be",
		    tally.outcome[FLOW_ACKED], j->min_acked);
	for (int fault = 0; fault < FLOW_FAULTS; fault++)
		clean &= tally.fault[fault] == 0;
	print_verdict(j, &tally, clean);
	return clean ? FLOW_DONE : FLOW_FAILED;
}

enum option_id {
	OPTION_LOG = 1,
	OPTION_MAILDIRS,
	OPTION_ACCOUNTS,
	OPTION_MIN_ACKED,
	OPTION_WAIT,
	OPTION_OVER,
	OPTION_WHOLE,
	OPTION_IGNORE_FOREIGN,
	OPTION_IGNORE_OTHER_RUNS,
	OPTION_JSON,
};

static const struct option options[] = {
    {"log", required_argument, NULL, OPTION_LOG},
    {"maildirs", required_argument, NULL, OPTION_MAILDIRS},
    {"accounts", required_argument, NULL, OPTION_ACCOUNTS},
    {"min-acked", required_argument, NULL, OPTION_MIN_ACKED},
    {"wait", required_argument, NULL, OPTION_WAIT},
    {"over", required_argument, NULL, OPTION_OVER},
    {"whole", no_argument, NULL, OPTION_WHOLE},
    {"ignore-foreign", no_argument, NULL, OPTION_IGNORE_FOREIGN},
    {"ignore-other-runs", no_argument, NULL, OPTION_IGNORE_OTHER_RUNS},
    {"json", no_argument, NULL, OPTION_JSON},
    {NULL, 0, NULL, 0},
};

static bool
add_log(struct judge *j, const char *path)
{
	if (j->log_count == LOGS_MAX) {
		flow_fail(0, "more than %d logs", LOGS_MAX);
		return false;
	}
	j->logs[j->log_count++] = path;
	return true;
}

static bool
take_option(struct judge *j, int option)
{
	switch (option) {
	case OPTION_LOG:
		return add_log(j, optarg);
	case OPTION_MAILDIRS:
		j->maildirs = optarg;
		return true;
	case OPTION_ACCOUNTS:
		j->accounts = optarg;
		return true;
	case OPTION_MIN_ACKED:
		return flow_number("min-acked", optarg, 0, UINT32_MAX, &j->min_acked);
	case OPTION_WAIT:
		return flow_number("wait", optarg, 0, 86400, &j->wait_s);
	case OPTION_OVER:
		return flow_number("over", optarg, 0, 86400000, &j->over_ms);
	case OPTION_WHOLE:
		return j->whole = true;
	case OPTION_IGNORE_FOREIGN:
		return j->ignore_foreign = true;
	case OPTION_IGNORE_OTHER_RUNS:
		return j->ignore_other_runs = true;
	case OPTION_JSON:
		return j->json = true;
	}
	return false;
}

/* Logs may follow each other after one --log. */
static bool
take_arguments(struct judge *j, int argc, char **argv)
{
	int option;

	j->over_ms = 100;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (!take_option(j, option))
			return false;
	for (; optind < argc; optind++)
		if (!add_log(j, argv[optind]))
			return false;
	if (j->log_count == 0)
		flow_fail(0, "which log? --log FILE");
	return j->log_count > 0;
}

static void
judge_close(struct judge *j)
{
	flow_ledger_close(&j->ledger);
	flow_moments_close(&j->moments);
	json_decref(j->gaps);
}

int
flow_judge(int argc, char **argv)
{
	static struct judge j;

	j = (struct judge){.ledger = flow_ledger_open(), .moments = flow_moments_open()};
	int status = FLOW_USAGE;

	if (take_arguments(&j, argc, argv)) {
		if (j.maildirs == NULL)
			flow_fail(0, "where are the mailboxes? --maildirs DIR");
		else
			status = judge_all(&j);
	}
	judge_close(&j);
	return status;
}

int
flow_gaps(int argc, char **argv)
{
	static struct judge j;

	j = (struct judge){.moments = flow_moments_open()};
	int status = FLOW_USAGE;

	if (take_arguments(&j, argc, argv)) {
		status = read_logs(&j);
		double longest_ms = find_gaps(&j);

		if (status == FLOW_DONE && j.json) {
			json_t *object =
			    json_pack("{s:f s:O}", "longest_gap_ms", longest_ms, "gaps", j.gaps);

			json_dumpf(object, stdout, JSON_COMPACT);
			putchar('\n');
			json_decref(object);
		} else if (status == FLOW_DONE) {
			print_gaps(&j, longest_ms);
		}
	}
	judge_close(&j);
	return status;
}
