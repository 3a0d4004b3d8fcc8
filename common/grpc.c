/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/grpc.h"

#include <endian.h>

void
grpc_put(struct buffer *body, struct slice message)
{
	const uint32_t length = htobe32((uint32_t)message.length);

	buffer_append(body, "", 1);
	buffer_append(body, &length, sizeof(length));
	buffer_append_slice(body, message);
}

bool
grpc_take(struct slice body, struct slice *message_r)
{
	uint32_t length;

	*message_r = slice_from(NULL, 0);
	if (body.length < GRPC_PREFIX_BYTES || body.data[0] != 0)
		return false;
	memcpy(&length, body.data + 1, sizeof(length));
	if (be32toh(length) != body.length - GRPC_PREFIX_BYTES)
		return false;
	*message_r = slice_from(body.data + GRPC_PREFIX_BYTES, body.length - GRPC_PREFIX_BYTES);
	return true;
}

int
grpc_parse_status(struct slice value)
{
	int status = 0;

	if (value.length == 0 || value.length > 2)
		return -1;
	for (size_t i = 0; i < value.length; i++) {
		if (value.data[i] < '0' || value.data[i] > '9')
			return -1;
		status = status * 10 + value.data[i] - '0';
	}
	return status < GRPC_STATUSES ? status : -1;
}

void
grpc_reason(struct slice text, char reason_r[GRPC_REASON_MAX])
{
	size_t length = text.length < GRPC_REASON_MAX - 1 ? text.length : GRPC_REASON_MAX - 1;

	for (size_t i = 0; i < length; i++) {
		uint8_t c = text.data[i];

		reason_r[i] = c < ' ' || c > '~' || c == '%' ? '?' : (char)c;
	}
	/* A value neither begins nor ends with a space (RFC 9113 8.2.1). */
	while (length > 0 && reason_r[length - 1] == ' ')
		length--;
	reason_r[length] = '\0';
	if (reason_r[0] == ' ')
		reason_r[0] = '?';
}
