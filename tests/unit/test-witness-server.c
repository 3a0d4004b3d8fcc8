/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>

#include "common/disk.h"
#include "tests/unit/fake-disk.h"
#include "witness/row.h"
#include "witness/server.h"

#define NODE_0 "gemel:pair/hq/node/0"
#define NODE_1 "gemel:pair/hq/node/1"

static struct keeper *keeper;
static struct witness_reply reply;
static enum register_verdict verdict;
static struct register_row row;

static int
setup(void **state)
{
	(void)state;
	fake_disk_reset();
	row = (struct register_row){0};
	if (disk_make_directory("/w", 0700) != 0)
		return -1;
	return keeper_open("/w", &keeper);
}

static int
teardown(void **state)
{
	(void)state;
	keeper_close(&keeper);
	fake_disk_close();
	return 0;
}

/* Whoever uri names asks as this node of this pair. */
static enum grpc_status
ask(const char *uri, const char *pair, enum register_verb verb, uint8_t node)
{
	const struct register_ask question = {.verb = verb,
	    .uuid = row.uuid,
	    .epoch = row.epoch ? row.epoch : 1,
	    .node = node,
	    .boot = {{(uint8_t)(10 + node)}},
	    .peer_boot = {{(uint8_t)(11 - node)}}};
	uint8_t message[MESSAGES_MAX];
	size_t length = messages_put_ask(pair, &question, message);

	witness_answer(keeper, uri, MESSAGES_PATH_REGISTER, slice_from(message, length), &reply);
	if (reply.status == GRPC_OK) {
		assert_true(
		    messages_take_answer(slice_from(reply.message, reply.length), &verdict, &row));
	} else {
		assert_int_equal(reply.length, 0);
		assert_string_not_equal(reply.reason, "");
	}
	return reply.status;
}

static void
a_node_asks_for_its_pair(void **state)
{
	(void)state;
	assert_int_equal(ask(NODE_0, "hq", REGISTER_READ, 0), GRPC_OK);
	assert_int_equal(verdict, REGISTER_ABSENT);
	assert_int_equal(ask(NODE_0, "hq", REGISTER_CREATE, 0), GRPC_OK);
	assert_int_equal(verdict, REGISTER_CHANGED);
	assert_int_equal(ask(NODE_1, "hq", REGISTER_GRANT, 1), GRPC_OK);
	assert_int_equal(verdict, REGISTER_CHANGED);
	assert_true(register_is_sole(&row, 1));
	row.epoch = 1;
	assert_int_equal(ask(NODE_0, "hq", REGISTER_GRANT, 0), GRPC_OK);
	assert_int_equal(verdict, REGISTER_OUTDATED);
	assert_int_equal(row.epoch, 2);
}

static void
nobody_asks_as_another(void **state)
{
	(void)state;
	ask(NODE_0, "hq", REGISTER_CREATE, 0);
	fake_disk_stop_at(1);
	assert_int_equal(ask(NODE_0, "hq", REGISTER_GRANT, 1), GRPC_PERMISSION_DENIED);
	assert_int_equal(ask(NODE_0, "b", REGISTER_READ, 0), GRPC_PERMISSION_DENIED);
	assert_int_equal(
	    ask("gemel:pair/h/node/0", "hq", REGISTER_GRANT, 0), GRPC_PERMISSION_DENIED);
	assert_int_equal(ask("", "hq", REGISTER_READ, 0), GRPC_UNAUTHENTICATED);
	assert_int_equal(ask("gemel:region/hq", "hq", REGISTER_READ, 0), GRPC_UNAUTHENTICATED);
	assert_false(fake_disk_was_reached());
}

static void
damage_is_said_and_grants_nothing(void **state)
{
	(void)state;
	ask(NODE_0, "hq", REGISTER_CREATE, 0);
	keeper_close(&keeper);
	keeper_open("/w", &keeper);
	fake_disk_bytes("/w/hq.register", &(size_t){0})[9] ^= 1;
	assert_int_equal(ask(NODE_0, "hq", REGISTER_GRANT, 0), GRPC_DATA_LOSS);
	assert_int_equal(ask(NODE_0, "hq", REGISTER_READ, 0), GRPC_DATA_LOSS);
}

static enum grpc_status
echo(uint64_t nonce)
{
	uint8_t message[MESSAGES_MAX];

	witness_answer(keeper, NODE_0, MESSAGES_PATH_ECHO,
	    slice_from(message, messages_put_echo(nonce, message)), &reply);
	return reply.status;
}

static void
an_echo_is_what_was_said(void **state)
{
	uint64_t nonce;

	(void)state;
	assert_int_equal(echo(4711), GRPC_OK);
	assert_true(messages_take_echo(slice_from(reply.message, reply.length), &nonce));
	assert_int_equal(nonce, 4711);
	assert_int_equal(echo(0), GRPC_INVALID_ARGUMENT);
}

static void
a_failed_disk_answers_nothing_more(void **state)
{
	(void)state;
	ask(NODE_0, "hq", REGISTER_CREATE, 0);
	fake_disk_fail_at(3, -EIO); /* the sync */
	assert_int_equal(ask(NODE_0, "hq", REGISTER_GRANT, 0), GRPC_UNAVAILABLE);
	assert_int_equal(ask(NODE_0, "hq", REGISTER_READ, 0), GRPC_UNAVAILABLE);
	assert_int_equal(echo(4711), GRPC_UNAVAILABLE);
}

static void
what_is_no_question_is_refused(void **state)
{
	(void)state;
	witness_answer(keeper, NODE_0, MESSAGES_PATH_REGISTER, slice_of("nonsense"), &reply);
	assert_int_equal(reply.status, GRPC_INVALID_ARGUMENT);
	witness_answer(keeper, NODE_0, MESSAGES_PATH_REGISTER, slice_of(""), &reply);
	assert_int_equal(reply.status, GRPC_INVALID_ARGUMENT);
	witness_answer(keeper, NODE_0, "/gemel.Witness/Dance", slice_of(""), &reply);
	assert_int_equal(reply.status, GRPC_UNIMPLEMENTED);
	witness_answer(keeper, NODE_0, "", slice_of(""), &reply);
	assert_int_equal(reply.status, GRPC_UNIMPLEMENTED);
}

int
main(void)
{
#define LAW(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    LAW(a_node_asks_for_its_pair),
	    LAW(nobody_asks_as_another),
	    LAW(damage_is_said_and_grants_nothing),
	    LAW(an_echo_is_what_was_said),
	    LAW(a_failed_disk_answers_nothing_more),
	    LAW(what_is_no_question_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
