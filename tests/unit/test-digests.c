/* SPDX-License-Identifier: BSD-2-Clause */
/* The attrd_updater of these tests is a script of its own. While it works there is a folder "busy",
 * by which it sees that another one works, too; without a file "up" the cluster does not run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "agent/digests.h"
#include "common/clock.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAIT_MS 20000
#define NEVER_MS 1000000u
#define SOON_MS 20u

#define SCRIPT                                                                                   \
	"#!/bin/bash\n"                                                                          \
	"cd \"${0%/*}\"\n"                                                                       \
	"mkdir busy || echo overlap >>said\n"                                                    \
	"if [ -e hang ]; then echo >hangs; exec sleep 1000; fi\n"                                \
	"if [ -e up ]; then status=0; echo \"$*\" >>said; else status=102; echo >>refused; fi\n" \
	"rmdir busy\n"                                                                           \
	"exit $status\n"

/* SHA-256 of "a" and of "b". */
#define HEX_A "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
#define HEX_B "3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d"
#define TELL(file, hex) "--name gemel-digest-" file " --update " hex "\n"
#define FORGET(file) "--name gemel-digest-" file " --delete\n"
#define ALL_A TELL("gemel.conf", HEX_A) TELL("corosync.conf", HEX_A) TELL("heartbeat.keys", HEX_A)

struct fixture {
	char folder[64], *path;
	char files[DIGEST_FILES][128];
	qb_loop_t *loop;
	struct digests *digests;
	/* What is waited for. */
	const char *name, *text;
	uint64_t until_ms;
	bool has_come;
};

static void
path_of(const struct fixture *f, const char *name, char path[128])
{
	snprintf(path, 128, "%s/%s", f->folder, name);
}

static void
put(const struct fixture *f, const char *name, const char *text)
{
	char path[128];
	FILE *file;

	path_of(f, name, path);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	assert_int_equal(chmod(path, 0755), 0);
}

static void
take_away(const struct fixture *f, const char *name)
{
	char path[128];

	path_of(f, name, path);
	unlink(path);
}

/* The text of a file; "" if there is none. */
static void
get(const struct fixture *f, const char *name, char text[4096])
{
	char path[128];
	FILE *file;
	size_t length = 0;

	path_of(f, name, path);
	file = fopen(path, "r");
	if (file) {
		length = fread(text, 1, 4095, file);
		fclose(file);
	}
	text[length] = '\0';
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const char *path = getenv("PATH");
	char own[4096];

	snprintf(f->folder, sizeof(f->folder), "/tmp/test-digests.XXXXXX");
	if (!path || !mkdtemp(f->folder))
		return -1;
	f->path = strdup(path);
	snprintf(own, sizeof(own), "%s:%s", f->folder, path);
	setenv("PATH", own, 1);
	f->loop = qb_loop_create();
	put(f, "attrd_updater", SCRIPT);
	put(f, "up", "");
	for (size_t i = 0; i < DIGEST_FILES; i++) {
		path_of(f, digest_files[i].name, f->files[i]);
		put(f, digest_files[i].name, "a");
	}
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	static const char *const names[] = {"attrd_updater", "up", "said", "refused", "hang",
	    "hangs", "gemel.conf", "corosync.conf", "heartbeat.keys"};
	struct fixture *f = *state;
	char busy[128];

	digests_close(&f->digests);
	qb_loop_destroy(f->loop);
	setenv("PATH", f->path, 1);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		take_away(f, names[i]);
	path_of(f, "busy", busy);
	rmdir(busy);
	rmdir(f->folder);
	free(f->path);
	free(f);
	return 0;
}

static void
begin(struct fixture *f, uint32_t look_ms, uint32_t retry_ms)
{
	struct digests_settings settings = {.look_ms = look_ms, .retry_ms = retry_ms};

	for (size_t i = 0; i < DIGEST_FILES; i++)
		settings.paths[i] = f->files[i];
	assert_int_equal(digests_open(f->loop, &settings, &f->digests), 0);
}

static void
on_poll(void *data)
{
	struct fixture *f = data;
	qb_loop_timer_handle timer;
	char text[4096];

	get(f, f->name, text);
	f->has_come = strncmp(text, f->text, strlen(f->text)) == 0;
	if (f->has_come || clock_boot_ms() > f->until_ms)
		qb_loop_stop(f->loop);
	else
		qb_loop_timer_add(f->loop, QB_LOOP_LOW, 2000000, f, on_poll, &timer);
}

/* Until a file begins with this text. */
static void
wait_for(struct fixture *f, const char *name, const char *text)
{
	char said[4096];

	f->name = name;
	f->text = text;
	f->until_ms = clock_boot_ms() + WAIT_MS;
	on_poll(f);
	if (!f->has_come)
		qb_loop_run(f->loop);
	get(f, name, said);
	if (!f->has_come)
		assert_string_equal(said, text);
}

static void
each_file_is_told_of_in_turn(void **state)
{
	struct fixture *f = *state;

	begin(f, NEVER_MS, NEVER_MS);
	wait_for(f, "said", ALL_A);
}

static void
a_missing_file_takes_its_attribute_away(void **state)
{
	struct fixture *f = *state;

	take_away(f, "corosync.conf");
	begin(f, NEVER_MS, NEVER_MS);
	wait_for(f, "said",
	    TELL("gemel.conf", HEX_A) FORGET("corosync.conf") TELL("heartbeat.keys", HEX_A));
}

static void
a_cluster_that_does_not_run_yet_is_asked_again(void **state)
{
	struct fixture *f = *state;

	take_away(f, "up");
	begin(f, NEVER_MS, SOON_MS);
	wait_for(f, "refused", "\n\n\n");
	put(f, "up", "");
	wait_for(f, "said", ALL_A);
}

/* The looks that see no change come between, and say nothing. */
static void
only_what_has_changed_is_told_again(void **state)
{
	struct fixture *f = *state;

	begin(f, 200, NEVER_MS);
	wait_for(f, "said", ALL_A);
	put(f, "heartbeat.keys", "b");
	wait_for(f, "said", ALL_A TELL("heartbeat.keys", HEX_B));
	take_away(f, "gemel.conf");
	wait_for(f, "said", ALL_A TELL("heartbeat.keys", HEX_B) FORGET("gemel.conf"));
}

static void
what_a_restarted_pacemaker_forgot_is_told_again(void **state)
{
	struct fixture *f = *state;

	begin(f, SOON_MS, NEVER_MS);
	wait_for(f, "said", ALL_A ALL_A);
}

static void
all_is_told_again_when_asked_for(void **state)
{
	struct fixture *f = *state;

	begin(f, NEVER_MS, NEVER_MS);
	wait_for(f, "said", ALL_A);
	put(f, "gemel.conf", "b");
	digests_again(f->digests);
	wait_for(f, "said",
	    ALL_A TELL("gemel.conf", HEX_B) TELL("corosync.conf", HEX_A)
		TELL("heartbeat.keys", HEX_A));
}

/* In the middle of telling it is remembered until that is done. */
static void
asked_for_twice_at_once_all_is_told_twice(void **state)
{
	struct fixture *f = *state;

	begin(f, NEVER_MS, NEVER_MS);
	wait_for(f, "said", TELL("gemel.conf", HEX_A));
	digests_again(f->digests);
	digests_again(f->digests);
	wait_for(f, "said", ALL_A ALL_A);
}

static void
an_end_in_the_middle_leaves_nobody_behind(void **state)
{
	struct fixture *f = *state;

	put(f, "hang", "");
	begin(f, NEVER_MS, NEVER_MS);
	wait_for(f, "hangs", "\n");
	digests_close(&f->digests);
	assert_null(f->digests);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(each_file_is_told_of_in_turn, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		a_missing_file_takes_its_attribute_away, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		a_cluster_that_does_not_run_yet_is_asked_again, setup, teardown),
	    cmocka_unit_test_setup_teardown(only_what_has_changed_is_told_again, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		what_a_restarted_pacemaker_forgot_is_told_again, setup, teardown),
	    cmocka_unit_test_setup_teardown(all_is_told_again_when_asked_for, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		asked_for_twice_at_once_all_is_told_twice, setup, teardown),
	    cmocka_unit_test_setup_teardown(
		an_end_in_the_middle_leaves_nobody_behind, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
