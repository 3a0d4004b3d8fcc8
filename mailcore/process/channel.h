/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * channel -- frames through a stream socket, many per system call.
 *
 * Both sides use it. What is put waits until channel_flush(), which the owner
 * calls once per turn of its loop. Sockets travel with the one frame (LISTEN)
 * that announces them. Never blocks.
 */
#ifndef GEMEL_MAILCORE_PROCESS_CHANNEL_H
#define GEMEL_MAILCORE_PROCESS_CHANNEL_H

#include "common/slice.h"
#include "mailcore/process/frame.h"

#define CHANNEL_BATCH 256 /* frames read by one call */

struct channel {
	int fd;
	struct buffer out;
	size_t sockets_at;              /* where in out the frame begins that sockets go with */
	int sockets[FRAME_SOCKETS_MAX]; /* to be sent; borrowed */
	size_t socket_count;
	bool takes_sockets;
	int received[FRAME_SOCKETS_MAX]; /* owned until the user takes them and sets the count to 0
					  */
	size_t received_count;
	uint8_t in[CHANNEL_BATCH * FRAME_BYTES];
	size_t in_length;
};

/* Take fd. Without takes_sockets the kernel drops whatever descriptors the other side sends. */
void channel_open(struct channel *c, int fd, bool takes_sockets);

/* Close the descriptor and forget what was not sent. Sockets that were received and not taken are
 * closed, too. Allowed twice. */
void channel_close(struct channel *c);

void channel_put(struct channel *c, const struct frame *f);

/* Put f with count sockets, which are only borrowed and must stay open until it is sent. -EBUSY:
 * the last one is not sent yet. */
int channel_put_sockets(struct channel *c, const struct frame *f, const int *sockets, size_t count);

/* Frames that wait to be sent. */
static inline size_t
channel_waiting(const struct channel *c)
{
	return c->out.length / FRAME_BYTES;
}

/* Send what waits. Returns 0, -EAGAIN when the other side has to read first, or -errno. */
int channel_flush(struct channel *c);

/* Read what is there; all whole frames of the last call must be dropped before. Returns the number
 * of bytes, 0 at the end of the other side, -EAGAIN or -errno. */
int channel_fill(struct channel *c);

/* The next whole frame that was read, or NULL; *taken begins at 0 and counts bytes. A view until
 * the next channel_fill() or channel_drop(). */
const uint8_t *channel_next(const struct channel *c, size_t *taken);

/* Forget taken bytes of what was read. */
void channel_drop(struct channel *c, size_t taken);

#endif
