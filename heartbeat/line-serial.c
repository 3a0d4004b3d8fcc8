/* SPDX-License-Identifier: BSD-2-Clause */
#include "heartbeat/line_private.h"
#include "heartbeat/serial-frame.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

/* At each wake-up: noise must not keep the loop from everything else. */
#define READS_PER_WAKEUP 8
#define READ_BYTES 512

struct line_serial {
	struct line line;
	int fd;
	struct serial_decoder decoder;
	uint8_t rest[SERIAL_FRAME_BYTES]; /* of the frame that was begun */
	size_t rest_length;
};

static void
serial_close(struct line *line)
{
	struct line_serial *serial = (struct line_serial *)line;

	qb_loop_poll_del(line->loop, serial->fd);
	/* Else close() waits until all of it has gone down the cable. */
	tcflush(serial->fd, TCOFLUSH);
	close(serial->fd);
}

static void
lose_device(struct line_serial *serial, int error)
{
	struct line *line = &serial->line;

	serial_close(line);
	line->health.is_open = false;
	line->health.errors++;
	line_trouble(line, "The serial line %u has lost its device %s (%s); plug it in again.",
	    line->setup.number, line->spec.path, error ? strerror(error) : "hung up");
}

static void
read_bytes(struct line_serial *serial, struct slice input)
{
	struct line_health *health = &serial->line.health;
	uint64_t bad = serial->decoder.bad;
	uint8_t packet[BEAT_BYTES];

	while (serial_decoder_feed(&serial->decoder, &input, packet))
		line_deliver(&serial->line, slice_from(packet, BEAT_BYTES));
	health->errors += serial->decoder.bad - bad;
}

/* Write the rest of the frame that was begun, as far as it goes. 0, or an error of the device. */
static int
flush_rest(struct line_serial *serial)
{
	ssize_t written = write(serial->fd, serial->rest, serial->rest_length);

	if (written < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : errno;
	serial->rest_length -= (size_t)written;
	memmove(serial->rest, serial->rest + written, serial->rest_length);
	return 0;
}

static int32_t on_event(int32_t fd, int32_t events, void *data);

static void
wait_for_events(struct line_serial *serial)
{
	int events = serial->rest_length > 0 ? POLLIN | POLLOUT : POLLIN;

	qb_loop_poll_mod(serial->line.loop, QB_LOOP_HIGH, serial->fd, events, serial, on_event);
}

static int32_t
on_event(int32_t fd, int32_t events, void *data)
{
	struct line_serial *serial = data;
	uint8_t bytes[READ_BYTES];
	int error = 0;

	for (int i = 0; i < READS_PER_WAKEUP; i++) {
		ssize_t length = read(fd, bytes, sizeof(bytes));

		if (length < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		/* With VMIN 1, nothing to read is EAGAIN: 0 is a device that is gone. */
		if (length <= 0) {
			lose_device(serial, length < 0 ? errno : 0);
			return 0;
		}
		read_bytes(serial, slice_from(bytes, (size_t)length));
		/* An answer may have found out that the device is gone. */
		if (!serial->line.health.is_open)
			return 0;
	}
	if ((events & POLLOUT) && serial->rest_length > 0)
		error = flush_rest(serial);
	if (error || (events & (POLLHUP | POLLERR | POLLNVAL)))
		lose_device(serial, error);
	else if (events & POLLOUT)
		wait_for_events(serial);
	return 0;
}

static int
set_raw(int fd, unsigned baud)
{
	struct termios t;

	if (tcgetattr(fd, &t) != 0)
		return -errno;
	cfmakeraw(&t);
	t.c_iflag &= ~(tcflag_t)(IXOFF | IXANY | INPCK);
	t.c_cflag &= ~(tcflag_t)(CSTOPB | CRTSCTS | HUPCL);
	t.c_cflag |= CLOCAL | CREAD;
	t.c_cc[VMIN] = 1;
	t.c_cc[VTIME] = 0;
	/* glibc takes the number as well as its constant. */
	if (cfsetspeed(&t, baud) != 0 || tcsetattr(fd, TCSANOW, &t) != 0)
		return -errno;
	tcflush(fd, TCIOFLUSH);
	/* Against a getty or a second agent that is not root. */
	return ioctl(fd, TIOCEXCL) == 0 ? 0 : -errno;
}

static void
serial_open(struct line *line)
{
	struct line_serial *serial = (struct line_serial *)line;
	int result;

	serial->rest_length = 0;
	serial->decoder = (struct serial_decoder){0};
	/* Nonblocking from the beginning: else it waits for a carrier. */
	serial->fd = open(line->spec.path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	result = serial->fd < 0 ? -errno : set_raw(serial->fd, line->spec.baud);
	if (result == 0)
		result = qb_loop_poll_add(
		    line->loop, QB_LOOP_HIGH, serial->fd, POLLIN, serial, on_event);
	line->health.is_open = result == 0;
	if (result == 0)
		return;
	if (serial->fd >= 0)
		close(serial->fd);
	line_trouble(line, "The serial line %u can't open its device %s: %s.", line->setup.number,
	    line->spec.path, result == -ENOTTY ? "it is no serial device" : strerror(-result));
}

/* Is there so much on its way that a frame behind it would come late? */
static bool
is_full(const struct line_serial *serial)
{
	int waiting = 0;

	return serial->rest_length > 0 ||
	       (ioctl(serial->fd, TIOCOUTQ, &waiting) == 0 && waiting > SERIAL_FRAME_BYTES);
}

static void
serial_send(struct line *line, const uint8_t packet[BEAT_BYTES])
{
	struct line_serial *serial = (struct line_serial *)line;
	int error;

	if (is_full(serial)) {
		line->health.dropped++;
		return;
	}
	serial_frame_encode(packet, serial->rest);
	serial->rest_length = SERIAL_FRAME_BYTES;
	error = flush_rest(serial);
	if (error) {
		line->health.dropped++;
		lose_device(serial, error);
	} else if (serial->rest_length == SERIAL_FRAME_BYTES) {
		/* Nothing of it was taken. */
		line->health.dropped++;
		serial->rest_length = 0;
	} else {
		line->health.sent++;
		if (serial->rest_length > 0)
			wait_for_events(serial);
	}
}

const struct line_way line_serial_way = {
    .bytes = sizeof(struct line_serial),
    .open = serial_open,
    .send = serial_send,
    .close = serial_close,
};
