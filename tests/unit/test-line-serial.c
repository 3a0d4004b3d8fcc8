/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/line-world.h"

#include "common/clock.h"
#include "heartbeat/serial-frame.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

/* A pseudo terminal: the line has one end, the test the other. The name of the device is a link,
 * so that another one can be plugged in. */
struct fixture {
	struct line_world world;
	int cable; /* -1: pulled */
	char folder[32], device[64], text[80];
	struct serial_decoder decoder;
	unsigned frames;
	uint8_t last[BEAT_BYTES];
};

static void
plug(struct fixture *f)
{
	f->cable = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	assert_true(f->cable >= 0);
	assert_int_equal(grantpt(f->cable), 0);
	assert_int_equal(unlockpt(f->cable), 0);
	assert_int_equal(symlink(ptsname(f->cable), f->device), 0);
}

static void
pull(struct fixture *f)
{
	close(f->cable);
	f->cable = -1;
	unlink(f->device);
}

static int
setup(void **state)
{
	struct fixture *f = test_malloc(sizeof(*f));

	memset(f, 0, sizeof(*f));
	world_open(&f->world);
	strcpy(f->folder, "/tmp/gemel-serial.XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->device, sizeof(f->device), "%s/tty", f->folder);
	snprintf(f->text, sizeof(f->text), "serial %s", f->device);
	plug(f);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	world_close(&f->world);
	if (f->cable >= 0)
		pull(f);
	rmdir(f->folder);
	test_free(f);
	return 0;
}

static void
put_bytes(struct fixture *f, const void *bytes, size_t length)
{
	assert_int_equal(write(f->cable, bytes, length), length);
}

static void
put_packet(struct fixture *f, uint8_t byte)
{
	uint8_t packet[BEAT_BYTES], frame[SERIAL_FRAME_BYTES];

	memset(packet, byte, sizeof(packet));
	serial_frame_encode(packet, frame);
	put_bytes(f, frame, sizeof(frame));
}

/* Read what there is at the test's end. */
static void
drain(struct fixture *f)
{
	uint8_t bytes[1024];
	ssize_t length;

	while ((length = read(f->cable, bytes, sizeof(bytes))) > 0) {
		struct slice input = slice_from(bytes, (size_t)length);

		while (serial_decoder_feed(&f->decoder, &input, f->last))
			f->frames++;
	}
}

static bool
has_sent_frames(struct line_world *world, uint64_t count)
{
	struct fixture *f = (struct fixture *)world;

	drain(f);
	return f->frames >= count;
}

static bool
is_open(struct line_world *world, uint64_t value)
{
	return world_health(world, 0).is_open == (value != 0);
}

static void
packets_go_both_ways(void **state)
{
	struct fixture *f = *state;
	struct line_health health;

	world_line(&f->world, 0, f->text);
	put_packet(f, 0);
	put_packet(f, 5);
	world_wait(&f->world, world_has_heard, 2);
	assert_int_equal(f->world.last_length[0], BEAT_BYTES);
	assert_int_equal(f->world.last[0][BEAT_BYTES - 1], 5);
	world_send(&f->world, 0, 6);
	world_send(&f->world, 0, 17);
	world_wait(&f->world, has_sent_frames, 2);
	assert_int_equal(f->last[0], 17);
	health = world_health(&f->world, 0);
	assert_true(health.is_open);
	assert_int_equal(health.sent, 2);
	assert_int_equal(health.received, 2);
	assert_int_equal(health.dropped + health.errors, 0);
	assert_string_equal(health.trouble, "");
}

/* Each value of a byte gets through: nothing in the device means anything. */
static void
the_device_is_raw(void **state)
{
	struct fixture *f = *state;
	struct termios t;

	strcat(f->text, " 57600");
	world_line(&f->world, 0, f->text);
	for (int byte = 0; byte < 256; byte++) {
		put_packet(f, (uint8_t)byte);
		world_wait(&f->world, world_has_heard, (uint64_t)byte + 1);
		assert_int_equal(f->world.last[0][0], byte);
		world_send(&f->world, 0, (uint8_t)byte);
		world_wait(&f->world, has_sent_frames, (uint64_t)byte + 1);
		assert_int_equal(f->last[0], byte);
	}
	assert_int_equal(f->decoder.bad, 0);
	assert_int_equal(tcgetattr(f->cable, &t), 0);
	assert_int_equal(cfgetospeed(&t), B57600);
	assert_int_equal(cfgetispeed(&t), B57600);
	assert_int_equal(t.c_cflag & (CSIZE | CSTOPB | PARENB | CRTSCTS), CS8);
	assert_int_equal(t.c_cflag & (CLOCAL | CREAD), CLOCAL | CREAD);
	assert_int_equal(t.c_iflag & (IXON | IXOFF | ICRNL | ISTRIP), 0);
	assert_int_equal(t.c_lflag & (ECHO | ICANON | ISIG), 0);
	assert_int_equal(t.c_oflag & OPOST, 0);
}

static void
noise_costs_no_frame_behind_it(void **state)
{
	struct fixture *f = *state;
	uint8_t frame[SERIAL_FRAME_BYTES], packet[BEAT_BYTES] = {1};

	world_line(&f->world, 0, f->text);
	serial_frame_encode(packet, frame);
	put_bytes(f, "login: \003\021\023\004", 11);
	put_bytes(f, frame, 100);
	put_packet(f, 8);
	world_wait(&f->world, world_has_heard, 1);
	assert_int_equal(f->world.last[0][0], 8);
	assert_int_equal(f->world.heard[0], 1);
	assert_int_equal(world_health(&f->world, 0).errors, 2);
}

static void
what_is_pulled_is_used_again_when_it_is_plugged_in(void **state)
{
	struct fixture *f = *state;
	/* Not before the line was tried. */
	uint64_t now_ms = clock_boot_ms() + LINE_RETRY_MS;

	world_line(&f->world, 0, f->text);
	for (uint64_t round = 1; round <= 3; round++) {
		put_packet(f, (uint8_t)round);
		world_wait(&f->world, world_has_heard, round);
		pull(f);
		world_wait(&f->world, is_open, false);
		assert_non_null(strstr(world_health(&f->world, 0).trouble, "lost its device"));
		world_send(&f->world, 0, 1);
		assert_int_equal(world_health(&f->world, 0).dropped, round);
		line_tick(f->world.lines[0], now_ms += LINE_RETRY_MS);
		assert_non_null(strstr(world_health(&f->world, 0).trouble, "No such file"));
		plug(f);
		line_tick(f->world.lines[0], now_ms += LINE_RETRY_MS);
		assert_true(world_health(&f->world, 0).is_open);
		assert_string_equal(world_health(&f->world, 0).trouble, "");
		world_send(&f->world, 0, 1);
		world_wait(&f->world, has_sent_frames, round);
	}
}

/* The sender finds it out before the loop does. */
static void
sending_into_a_pulled_device_is_survived(void **state)
{
	struct fixture *f = *state;
	struct line_health health;

	world_line(&f->world, 0, f->text);
	pull(f);
	world_send(&f->world, 0, 1);
	world_send(&f->world, 0, 1);
	health = world_health(&f->world, 0);
	assert_false(health.is_open);
	assert_int_equal(health.sent, 0);
	assert_int_equal(health.dropped, 2);
}

/* A half frame that comes after a pull would cost the next one. */
static void
nothing_of_the_old_cable_is_sent_on_the_new_one(void **state)
{
	struct fixture *f = *state;

	world_line(&f->world, 0, f->text);
	for (int i = 0; world_health(&f->world, 0).dropped == 0; i++)
		world_send(&f->world, 0, (uint8_t)i);
	pull(f);
	world_wait(&f->world, is_open, false);
	plug(f);
	line_tick(f->world.lines[0], clock_boot_ms() + LINE_RETRY_MS);
	world_send(&f->world, 0, 0);
	world_wait(&f->world, has_sent_frames, 1);
	assert_int_equal(f->decoder.bad, 0);
}

static void
a_frame_is_sent_whole_or_not_at_all(void **state)
{
	struct fixture *f = *state;
	struct line_health health;

	world_line(&f->world, 0, f->text);
	/* Nobody reads, again and again, so that it gets full at any place in a frame. */
	for (uint64_t round = 1; round <= 20; round++) {
		while (world_health(&f->world, 0).dropped < round)
			world_send(&f->world, 0, (uint8_t)round);
		health = world_health(&f->world, 0);
		world_wait(&f->world, has_sent_frames, health.sent);
		assert_int_equal(f->frames, health.sent);
		assert_int_equal(f->decoder.bad, 0);
		for (uint64_t i = 0; i < round; i++)
			put_packet(f, 0);
	}
	health = world_health(&f->world, 0);
	assert_true(health.is_open);
	assert_string_equal(health.trouble, "");
}

static void
what_is_no_serial_device_is_a_trouble(void **state)
{
	struct fixture *f = *state;

	world_line(&f->world, 0, "serial /dev/null");
	assert_false(world_health(&f->world, 0).is_open);
	assert_non_null(strstr(world_health(&f->world, 0).trouble, "no serial device"));
}

#define TEST(law) cmocka_unit_test_setup_teardown(law, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(packets_go_both_ways),
	    TEST(the_device_is_raw),
	    TEST(noise_costs_no_frame_behind_it),
	    TEST(what_is_pulled_is_used_again_when_it_is_plugged_in),
	    TEST(sending_into_a_pulled_device_is_survived),
	    TEST(nothing_of_the_old_cable_is_sent_on_the_new_one),
	    TEST(a_frame_is_sent_whole_or_not_at_all),
	    TEST(what_is_no_serial_device_is_a_trouble),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
