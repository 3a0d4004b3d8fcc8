/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "agent/reservation.h"

#define PAIR 0x1234abcdu

static const struct id128 boot = {{0xde, 0xad, 0xbe, 0xef, 0x42, 0x40, 1, 2, 3, 4, 5}};

static int
keys_of(const char *text, struct reservation_keys *list)
{
	return reservation_parse_keys(slice_of(text), list);
}

static int
holder_of(const char *text, struct reservation_holder *holder)
{
	return reservation_parse_holder(slice_of(text), holder);
}

static void
a_key_says_pair_node_and_life(void **state)
{
	struct id128 other = boot;
	uint64_t key = reservation_key(PAIR, 1, &boot);

	(void)state;
	assert_int_equal(key, 0x67bcd1deadbeef42);
	assert_int_equal(reservation_key_node(key, PAIR), 1);
	assert_int_equal(reservation_key_node(reservation_key(PAIR, 0, &boot), PAIR), 0);
	other.bytes[4]++;
	assert_int_not_equal(reservation_key(PAIR, 1, &other), key);
	assert_int_equal(reservation_key_node(reservation_key(PAIR, 1, &other), PAIR), 1);
	assert_true(reservation_is_same_life(key, reservation_key(7, 0, &boot)));
	assert_false(reservation_is_same_life(key, reservation_key(PAIR, 1, &other)));
}

static void
a_key_of_somebody_else_is_nobodys(void **state)
{
	uint64_t key = reservation_key(PAIR, 1, &boot);

	(void)state;
	for (unsigned bit = 41; bit < 64; bit++)
		assert_int_equal(reservation_key_node(key ^ UINT64_C(1) << bit, PAIR), -1);
	assert_int_equal(reservation_key_node(key, PAIR + 1), -1);
	assert_int_equal(reservation_key_node(0, PAIR), -1);
	assert_int_equal(reservation_key_node(0x123abc, PAIR), -1);
}

static void
a_key_is_read_as_it_is_written(void **state)
{
	static const char *const bad[] = {"", "\n", "0x", "0", "0000000000000000", "0x0x1",
	    "67bcd1deadbeef421", "67 bc", "g", "-1"};
	uint64_t key = reservation_key(PAIR, 0, &boot), again;
	char text[RESERVATION_KEY_TEXT];

	(void)state;
	assert_true(reservation_key_parse(slice_of(reservation_key_text(key, text)), &again));
	assert_int_equal(again, key);
	assert_true(reservation_key_parse(slice_of("0x67BCd0\n"), &again));
	assert_int_equal(again, 0x67bcd0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_false(reservation_key_parse(slice_of(bad[i]), &again));
		assert_int_equal(again, 0);
	}
}

static void
keys_are_read_with_and_without_the_lines_before(void **state)
{
	static const char *const texts[] = {
	    /* 0.67, --no-inquiry */
	    "  PR generation=0x1f, 2 registered reservation keys follow:\n"
	    "    0x67bcd1deadbeef42\n"
	    "    0x1\n",
	    /* the same with the inquiry, and what is said when no action is given */
	    ">> No service action given; assume Persistent Reserve In command\n"
	    ">> with Read Keys service action\n"
	    "  LIO-ORG   disk1             4.0 \n"
	    "  Peripheral device type: disk\n"
	    "  PR generation=0x1f, 2 registered reservation keys follow:\n"
	    "    0x67bcd1deadbeef42\n"
	    "    0x1\n",
	    /* other white space */
	    ("PR generation=0x1F,\t2 registered  reservation keys follow:\r\n"
	     "\t0x67BCD1DEADBEEF42\r\n\t0x0000000000000001\r\n\n"),
	};
	struct reservation_keys list;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		assert_int_equal(keys_of(texts[i], &list), 0);
		assert_int_equal(list.generation, 0x1f);
		assert_int_equal(list.count, 2);
		assert_int_equal(list.keys[0], 0x67bcd1deadbeef42);
		assert_int_equal(list.keys[1], 1);
	}
	assert_int_equal(keys_of("  PR generation=0x1, 1 registered reservation key follows:\n"
				 "    0x123abc\n",
			     &list),
	    0);
	assert_int_equal(list.count, 1);
	assert_true(reservation_has_key(&list, 0x123abc));
	assert_false(reservation_has_key(&list, 0x123ab));
}

static void
no_keys_is_said_in_words(void **state)
{
	struct reservation_keys list;

	(void)state;
	assert_int_equal(
	    keys_of("  PR generation=0x0, there are NO registered reservation keys\n", &list), 0);
	assert_int_equal(list.count, 0);
	assert_int_equal(
	    keys_of("  LIO-ORG   disk0             4.0 \r\n"
		    "  Peripheral device type: disk\r\n"
		    "  PR generation=0x8, there are NO registered reservation keys\r\n",
		&list),
	    0);
	assert_int_equal(list.generation, 8);
}

static void
what_is_unclear_is_never_no_keys(void **state)
{
	static const char *const texts[] = {
	    "",
	    "\n",
	    "  LIO-ORG   disk1             4.0 \n  Peripheral device type: disk\n",
	    "PR in (Read keys): Reservation conflict\n",
	    "  PR generation=0x1, \n",
	    "  PR generation=0x1\n",
	    "  PR generation=0x1 there are NO registered reservation keys\n",
	    "  PR generation=1, there are NO registered reservation keys\n",
	    "  PR generation=0x, there are NO registered reservation keys\n",
	    "  PR generation=0x123456789, there are NO registered reservation keys\n",
	    "  PR generation=0x1, there are NO registered reservation keys",
	    "  PR generation=0x1, there are NO registered reservation keys\n    0x1\n",
	    "  PR generation=0x1, there are NO registered\n",
	    "  PR generation=0x1, there is NO reservation held\n",
	    "  PR generation=0x1, 0 registered reservation keys follow:\n",
	    "  PR generation=0x1, 	0 registered reservation key.\n", /* mpathpersist */
	    "  PR generation=0x1, -1 registered reservation keys follow:\n",
	    "  PR generation=0x1, 1 registered reservation key follows:\n",
	    "  PR generation=0x1, 1 registered reservation key follows:\n    0x\n",
	    "  PR generation=0x1, 1 registered reservation key follows:\n    0x0\n",
	    "  PR generation=0x1, 1 registered reservation key follows:\n    1\n",
	    "  PR generation=0x1, 1 registered reservation key follows:\n    0x0x1\n",
	    "  PR generation=0x1, 1 registered reservation key follows:\n    0x1\n    0x2\n",
	    "  PR generation=0x1, 2 registered reservation keys follow:\n    0x1\n",
	    "  PR generation=0x1, 1 registered reservation key follows:\n    0x12345678123456781\n",
	    "  PR generation=0x1, 1 registered reservation key follows:\n    0x1g\n",
	    "  PR generation=0x1, 1023 registered reservation keys follow:\n    0x1\n",
	    "  PR generation=0x1, 99999999999 registered reservation keys follow:\n    0x1\n",
	    "  PR generation=0x1, Additional length=0\n",
	};
	struct reservation_keys list;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		if (keys_of(texts[i], &list) != -EPROTO)
			fail_msg("taken: %s", texts[i]);
		assert_int_equal(list.count, 0);
	}
}

/* A pipe that broke, a disk that was full: no shorter list comes of it. */
static void
a_text_cut_anywhere_is_unclear(void **state)
{
	static const char keys[] = "  PR generation=0x1f, 2 registered reservation keys follow:\n"
				   "    0x67bcd1deadbeef42\n    0x67bcd0deadbeef42\n";
	static const char holder[] =
	    "  PR generation=0x8, Reservation follows:\n    Key=0x123abc\n"
	    "    scope: LU_SCOPE,  type: Write Exclusive, registrants only\n";
	struct reservation_keys list;
	struct reservation_holder held;

	(void)state;
	for (size_t length = 0; length < sizeof(keys) - 1; length++)
		assert_int_equal(reservation_parse_keys(slice_from(keys, length), &list), -EPROTO);
	assert_int_equal(reservation_parse_keys(slice_from(keys, sizeof(keys) - 1), &list), 0);
	for (size_t length = 0; length < sizeof(holder) - 1; length++)
		assert_int_equal(
		    reservation_parse_holder(slice_from(holder, length), &held), -EPROTO);
	assert_int_equal(
	    reservation_parse_holder(slice_from(holder, sizeof(holder) - 1), &held), 0);
}

static void
the_longest_list_is_taken_and_one_more_is_not(void **state)
{
	struct reservation_keys list;

	(void)state;
	for (unsigned count = RESERVATION_KEYS_MAX; count <= RESERVATION_KEYS_MAX + 1; count++) {
		char text[8192];
		int n = sprintf(
		    text, "  PR generation=0x1, %u registered reservation keys follow:\n", count);

		for (unsigned i = 1; i <= count; i++)
			n += sprintf(text + n, "    0x%x\n", i);
		assert_int_equal(keys_of(text, &list), count > RESERVATION_KEYS_MAX ? -EPROTO : 0);
	}
}

static void
the_holder_is_read_with_its_type(void **state)
{
	static const struct {
		const char *name;
		unsigned type;
	} types[] = {{"Write Exclusive", 1}, {"Exclusive Access", 3},
	    {"Write Exclusive, registrants only", 5}, {"Exclusive Access, registrants only", 6},
	    {"Write Exclusive, all registrants", 7}, {"Exclusive Access, all registrants", 8}};
	struct reservation_holder holder;
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		snprintf(text, sizeof(text),
		    "  IBM       1814      FAStT   0914\n  Peripheral device type: disk\n"
		    "  PR generation=0x2, Reservation follows:\n    Key=0x67bcd1deadbeef42\n"
		    "    scope: LU_SCOPE,  type: %s\n",
		    types[i].name);
		assert_int_equal(holder_of(text, &holder), 0);
		assert_int_equal(holder.type, types[i].type);
		assert_int_equal(holder.key, 0x67bcd1deadbeef42);
		assert_int_equal(holder.generation, 2);
	}
	assert_int_equal(
	    holder_of("  PR generation=0x3, there is NO reservation held\n", &holder), 0);
	assert_int_equal(holder.type, 0);
	assert_int_equal(holder.generation, 3);
}

static void
an_unclear_holder_is_an_error(void **state)
{
	static const char *const texts[] = {
	    "",
	    "  PR generation=0x8, Reservation follows:\n",
	    "  PR generation=0x8, Reservation follows:\n    Key=0x1\n",
	    "  PR generation=0x8, Reservation follows:\n    Key=0x1\n    scope: LU_SCOPE,  type: "
	    "\n",
	    "  PR generation=0x8, Reservation follows:\n    Key=0x1\n"
	    "    scope: LU_SCOPE,  type: obsolete [0]\n",
	    "  PR generation=0x8, Reservation follows:\n    Key=0x1\n"
	    "    scope: 1  type: Write Exclusive, registrants only\n",
	    "  PR generation=0x8, Reservation follows:\n    Key=0x\n"
	    "    scope: LU_SCOPE,  type: Write Exclusive, registrants only\n",
	    "  PR generation=0x8, Reservation follows:\n    Key=0x1\n"
	    "    scope: LU_SCOPE,  type: Write Exclusive, registrants only\n    Key=0x2\n",
	    "  PR generation=0x8, there is NO reservation held\n    Key=0x1\n",
	    "  PR generation=0x8, there are NO registered reservation keys\n",
	};
	struct reservation_holder holder;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		if (holder_of(texts[i], &holder) != -EPROTO)
			fail_msg("taken: %s", texts[i]);
		assert_int_equal(holder.type, 0);
	}
}

static void
sets_are_compared_whatever_the_order(void **state)
{
	struct reservation_keys a = {.count = 3, .keys = {1, 2, 1}},
				b = {.count = 2, .keys = {2, 1}};

	(void)state;
	assert_true(reservation_is_same_set(&a, &b));
	b.keys[1] = 3;
	assert_false(reservation_is_same_set(&a, &b));
	b.count = 1;
	assert_false(reservation_is_same_set(&a, &b));
	assert_false(reservation_is_same_set(&b, &a));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_key_says_pair_node_and_life),
	    cmocka_unit_test(a_key_of_somebody_else_is_nobodys),
	    cmocka_unit_test(a_key_is_read_as_it_is_written),
	    cmocka_unit_test(keys_are_read_with_and_without_the_lines_before),
	    cmocka_unit_test(no_keys_is_said_in_words),
	    cmocka_unit_test(what_is_unclear_is_never_no_keys),
	    cmocka_unit_test(a_text_cut_anywhere_is_unclear),
	    cmocka_unit_test(the_longest_list_is_taken_and_one_more_is_not),
	    cmocka_unit_test(the_holder_is_read_with_its_type),
	    cmocka_unit_test(an_unclear_holder_is_an_error),
	    cmocka_unit_test(sets_are_compared_whatever_the_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
