/* SPDX-License-Identifier: BSD-2-Clause */
/* The source itself: only so can the one that this processor does not need be reached. */
#include "common/crc32c.c"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

typedef uint32_t (*implementation)(uint32_t crc, const uint8_t *p, size_t length);

/* Those that run on this processor; the second may be missing. */
static implementation implementations[2] = {crc32c_table};
static size_t implementation_count = 1;

static int
find_implementations(void **state)
{
	(void)state;
#if defined(__x86_64__)
	if (__builtin_cpu_supports("sse4.2"))
		implementations[implementation_count++] = crc32c_sse42;
#endif
	return 0;
}

static const uint8_t zeros[32];
static const uint8_t read_command[48] = {
    0x01, 0xc0, [16] = 0x14, [22] = 0x04, [27] = 0x14, [31] = 0x18, [32] = 0x28, [40] = 0x02};

static void
the_vectors_of_rfc_3720_b4_come_out(void **state)
{
	uint8_t ones[32], up[32], down[32];
	const struct {
		const void *data;
		size_t length;
		uint32_t crc;
	} rows[] = {
	    {zeros, sizeof(zeros), 0x8a9136aa},
	    {ones, sizeof(ones), 0x62a8ab43},
	    {up, sizeof(up), 0x46dd794e},
	    {down, sizeof(down), 0x113fdb5c},
	    {read_command, sizeof(read_command), 0xd9963a56},
	    {"123456789", 9, 0xe3069283},
	    {"", 0, 0},
	};

	(void)state;
	memset(ones, 0xff, sizeof(ones));
	for (uint8_t i = 0; i < 32; i++) {
		up[i] = i;
		down[i] = 31 - i;
	}
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(crc32c(0, rows[i].data, rows[i].length), rows[i].crc);
		for (size_t k = 0; k < implementation_count; k++)
			assert_int_equal(
			    ~implementations[k](~0u, rows[i].data, rows[i].length), rows[i].crc);
	}
}

static void
both_implementations_agree_at_every_length_and_address(void **state)
{
	uint8_t bytes[64 + 8];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 167 + 13);
	for (size_t at = 0; at < 8; at++)
		for (size_t length = 0; length <= 64; length++)
			for (size_t k = 1; k < implementation_count; k++)
				assert_int_equal(implementations[k](7, bytes + at, length),
				    implementations[0](7, bytes + at, length));
}

static void
a_sum_continued_is_the_sum_of_the_whole(void **state)
{
	uint32_t whole = crc32c(0, read_command, sizeof(read_command));

	(void)state;
	for (size_t cut = 0; cut <= sizeof(read_command); cut++)
		assert_int_equal(crc32c(crc32c(0, read_command, cut), read_command + cut,
				     sizeof(read_command) - cut),
		    whole);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_vectors_of_rfc_3720_b4_come_out),
    cmocka_unit_test(both_implementations_agree_at_every_length_and_address),
    cmocka_unit_test(a_sum_continued_is_the_sum_of_the_whole),
};

int
main(void)
{
	return cmocka_run_group_tests(tests, find_implementations, NULL);
}
