/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/barrier.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"

#define PAIR 77

/* A scratch folder with the fake's disk and two run directories. */
static char scratch[PATH_MAX - 64];
static char runs[2][PATH_MAX];
static struct barrier_site sites[2];
static qb_loop_t *loop;

struct outcome {
	int calls;
	enum barring_end end;
	char sentence[BARRING_SENTENCE_MAX];
	json_t *evidence;
};

static void
on_done(void *context, enum barring_end end, const char *sentence, const json_t *evidence)
{
	struct outcome *outcome = context;

	outcome->calls++;
	outcome->end = end;
	snprintf(outcome->sentence, sizeof(outcome->sentence), "%s", sentence);
	outcome->evidence = json_deep_copy(evidence);
	qb_loop_stop(loop);
}

static void
write_file(const char *name, const char *text)
{
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", scratch, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static const char *
read_file(const char *name)
{
	static char text[8192];
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", scratch, name);
	file = fopen(path, "r");
	text[0] = '\0';
	if (file) {
		text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
		fclose(file);
	}
	return text;
}

static void
boot(int node, uint8_t life)
{
	sites[node] = (struct barrier_site){.loop = loop,
	    .run_directory = runs[node],
	    .place = {.pair = PAIR,
		.node = (uint8_t)node,
		.boot = {{life, 1, 2, 3, 4}},
		.paths = 2,
		.devices = {"/dev/first", "/dev/second"}}};
}

static int
setup(void **state)
{
	const char *temporary = getenv("TMPDIR");

	(void)state;
	snprintf(
	    scratch, sizeof(scratch), "%s/test-barrier.XXXXXX", temporary ? temporary : "/tmp");
	assert_non_null(mkdtemp(scratch));
	setenv("FAKE_ARRAY", scratch, 1);
	loop = qb_loop_create();
	for (int node = 0; node < 2; node++) {
		snprintf(runs[node], PATH_MAX, "%s/run-%d", scratch, node);
		assert_int_equal(mkdir(runs[node], 0755), 0);
		boot(node, (uint8_t)(10 + node));
	}
	return 0;
}

static int
teardown(void **state)
{
	char command[PATH_MAX + 16];

	(void)state;
	qb_loop_destroy(loop);
	snprintf(command, sizeof(command), "rm -rf '%s'", scratch);
	assert_int_equal(system(command), 0);
	return 0;
}

typedef struct barrier *(*operation)(const struct barrier_site *, barrier_done, void *);

static struct outcome
run(int node, operation begin)
{
	struct outcome outcome = {0};
	char host[2] = {(char)('0' + node), '\0'};

	setenv("FAKE_HOST", host, 1);
	assert_non_null(begin(&sites[node], on_done, &outcome));
	assert_int_equal(outcome.calls, 0);
	qb_loop_run(loop);
	assert_int_equal(outcome.calls, 1);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	return outcome;
}

static enum barring_end
end_of(int node, operation begin)
{
	struct outcome outcome = run(node, begin);

	json_decref(outcome.evidence);
	return outcome.end;
}

static void
register_both(void)
{
	assert_int_equal(end_of(0, barrier_register), BARRING_DONE);
	assert_int_equal(end_of(1, barrier_register), BARRING_DONE);
}

static void
a_pair_registers_and_one_bars_the_other(void **state)
{
	struct outcome outcome;
	const char *device, *victim;
	int before, after;

	(void)state;
	register_both();
	assert_int_equal(end_of(0, barrier_check), BARRING_DONE);
	outcome = run(1, barrier_bar);
	assert_int_equal(outcome.end, BARRING_DONE);
	assert_string_equal(outcome.sentence, "");
	/* What the record is made of. */
	assert_int_equal(json_array_size(json_object_get(outcome.evidence, "keys_before")), 4);
	assert_int_equal(json_array_size(json_object_get(outcome.evidence, "keys_after")), 2);
	assert_int_equal(json_unpack(outcome.evidence, "{s:[s],s:[{s:s,s:i,s:i},*]}", "preempted",
			     &victim, "paths", "device", &device, "generation_before", &before,
			     "generation_after", &after),
	    0);
	assert_string_equal(victim, "6704d00a01020304");
	assert_string_equal(device, "/dev/first");
	assert_int_equal(after, before + 1);
	json_decref(outcome.evidence);
	assert_int_equal(end_of(0, barrier_check), BARRING_GONE);
	assert_int_equal(end_of(0, barrier_bar), BARRING_GONE);
	assert_int_equal(end_of(1, barrier_check), BARRING_DONE);
}

static void
who_was_barred_stays_so_until_it_boots_again(void **state)
{
	(void)state;
	register_both();
	assert_int_equal(end_of(1, barrier_bar), BARRING_DONE);
	assert_int_equal(end_of(0, barrier_register), BARRING_GONE);
	assert_null(strstr(read_file("keys"), "6704d00a01020304"));
	/* A boot empties the run directory; one that did not is told by the key in the marker. */
	boot(0, 12);
	assert_int_equal(end_of(0, barrier_register), BARRING_DONE);
	assert_non_null(strstr(read_file("keys"), "6704d00c01020304"));
	assert_string_equal(read_file("run-0/reserved"), "6704d00c01020304\n");
}

static void
the_marker_is_there_only_when_all_is_done(void **state)
{
	(void)state;
	write_file("mishap", "--reserve 5\n");
	assert_int_equal(end_of(0, barrier_register), BARRING_UNKNOWN);
	assert_non_null(strstr(read_file("keys"), "6704d00a01020304"));
	assert_string_equal(read_file("run-0/reserved"), "");
	write_file("mishap", "nothing 0\n");
	assert_int_equal(end_of(0, barrier_register), BARRING_DONE);
	assert_string_equal(read_file("run-0/reserved"), "6704d00a01020304\n");
}

static void
without_marker_nothing_is_registered_in_the_eyes_of_the_caller(void **state)
{
	struct outcome outcome;

	(void)state;
	assert_int_equal(rmdir(runs[0]), 0);
	outcome = run(0, barrier_register);
	assert_int_equal(outcome.end, BARRING_UNKNOWN);
	assert_non_null(strstr(outcome.sentence, "cannot be written"));
	json_decref(outcome.evidence);
}

static void
an_unreadable_marker_is_not_none(void **state)
{
	(void)state;
	write_file("run-0/reserved", "67x\n");
	assert_int_equal(end_of(0, barrier_register), BARRING_UNKNOWN);
	assert_string_equal(read_file("keys"), "");
}

static void
every_command_is_asked_as_it_has_to_be(void **state)
{
	static const char *const lines[] = {
	    "--no-inquiry --in --readonly --read-keys --device=/dev/second\n",
	    "--no-inquiry --in --readonly --read-reservation --device=/dev/first\n",
	    "--no-inquiry --out --register-ignore --param-aptpl --param-sark=6704d00a01020304 "
	    "--device=/dev/second\n",
	    "--no-inquiry --out --reserve --prout-type=5 --param-rk=6704d00a01020304 "
	    "--device=/dev/first\n",
	    "--no-inquiry --out --preempt-abort --prout-type=5 --param-rk=6704d00a01020304 "
	    "--param-sark=6704d10b01020304 --device=/dev/first\n",
	};

	(void)state;
	register_both();
	assert_int_equal(end_of(0, barrier_bar), BARRING_DONE);
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		if (!strstr(read_file("log"), lines[i]))
			fail_msg("not asked: %s\nbut: %s", lines[i], read_file("log"));
}

static void
a_failure_is_told_in_a_sentence(void **state)
{
	struct outcome outcome;

	(void)state;
	register_both();
	write_file("mishap", "--preempt-abort 24\n");
	outcome = run(0, barrier_bar);
	assert_int_equal(outcome.end, BARRING_UNKNOWN);
	assert_non_null(strstr(outcome.sentence, "sg_persist --preempt-abort on /dev/first ended "
						 "with 24: reservation conflict"));
	json_decref(outcome.evidence);
	assert_non_null(strstr(read_file("keys"), "6704d10b01020304"));
}

static void
a_path_that_hangs_proves_nothing_and_holds_nobody_up_for_long(void **state)
{
	struct outcome outcome;
	uint64_t since_ms = clock_boot_ms();

	(void)state;
	register_both();
	write_file("mishap", "--read-reservation hang\n");
	outcome = run(0, barrier_bar);
	assert_int_equal(outcome.end, BARRING_UNKNOWN);
	assert_non_null(strstr(outcome.sentence, "no answer in time"));
	assert_true(clock_boot_ms() - since_ms < 4 * BARRIER_COMMAND_MS);
	json_decref(outcome.evidence);
}

static void
without_the_program_the_callback_comes_all_the_same(void **state)
{
	char *path = strdup(getenv("PATH"));
	struct outcome outcome;

	(void)state;
	setenv("PATH", scratch, 1);
	outcome = run(0, barrier_bar);
	setenv("PATH", path, 1);
	free(path);
	assert_int_equal(outcome.end, BARRING_UNKNOWN);
	assert_non_null(strstr(outcome.sentence, "install sg3-utils"));
	json_decref(outcome.evidence);
}

static void
stop(void *data)
{
	qb_loop_stop(data);
}

static void
what_is_dropped_calls_nobody(void **state)
{
	struct outcome outcome = {0};
	struct barrier *barrier = barrier_check(&sites[0], on_done, &outcome);
	qb_loop_timer_handle timer;

	(void)state;
	/* Before it has begun, and in the middle. */
	barrier_drop(&barrier);
	assert_null(barrier);
	barrier_drop(&barrier);
	write_file("mishap", "--read-keys hang\n");
	barrier = barrier_check(&sites[0], on_done, &outcome);
	while (!strstr(read_file("log"), "/dev/second")) {
		qb_loop_timer_add(loop, QB_LOOP_LOW, 1000000, loop, stop, &timer);
		qb_loop_run(loop);
	}
	barrier_drop(&barrier);
	assert_int_equal(outcome.calls, 0);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		a_pair_registers_and_one_bars_the_other, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		who_was_barred_stays_so_until_it_boots_again, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		the_marker_is_there_only_when_all_is_done, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		without_marker_nothing_is_registered_in_the_eyes_of_the_caller, setup, teardown),
	    cmocka_unit_test_setup_teardown(an_unreadable_marker_is_not_none, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		every_command_is_asked_as_it_has_to_be, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_failure_is_told_in_a_sentence, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		a_path_that_hangs_proves_nothing_and_holds_nobody_up_for_long, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		without_the_program_the_callback_comes_all_the_same, setup, teardown),
	    cmocka_unit_test_setup_teardown(what_is_dropped_calls_nobody, setup, teardown),
	};
	const char *source = getenv("srcdir");
	char path[PATH_MAX], fakes[PATH_MAX];

	snprintf(fakes, sizeof(fakes), "%s/tests/unit/fake-bin", source ? source : ".");
	if (!realpath(fakes, path)) {
		printf("1..0 # SKIP no %s; set srcdir\n", fakes);
		return EXIT_SUCCESS;
	}
	snprintf(fakes, sizeof(fakes), "%.2000s:%.2000s", path, getenv("PATH"));
	setenv("PATH", fakes, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
