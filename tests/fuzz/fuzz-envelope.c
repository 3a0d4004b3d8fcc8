/* SPDX-License-Identifier: BSD-2-Clause */
/* What decodes encodes again, to something that decodes to the same; and makes harmless header
 * lines. */
#include "mailcore/spool/envelope.h"
#include "mailcore/spool/trace.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool ok)
{
	if (!ok)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buffer once = {0}, twice = {0}, lines = {0};
	struct envelope e, again;
	struct trace trace = {.envelope = &e, .hostname = slice_of("mx"), .id_text = "3-1f"};

	if (!envelope_decode(slice_from(data, size), &e))
		return 0;
	/* Items may come in another order or be left out, so data itself may be shorter. */
	if (envelope_encode(&e, &once)) {
		require(envelope_decode(buffer_slice(&once), &again));
		require(envelope_encode(&again, &twice));
		require(slice_is_equal(buffer_slice(&once), buffer_slice(&twice)));
		envelope_close(&again);
	}
	trace_deliver(&trace, e.recipient_count - 1, &lines);
	for (size_t i = 0; i < lines.length; i++)
		require(lines.data[i] >= ' ' || strchr("\t\r\n", lines.data[i]));
	envelope_close(&e);
	buffer_close(&once);
	buffer_close(&twice);
	buffer_close(&lines);
	return 0;
}
