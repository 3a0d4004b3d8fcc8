/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an operator may write as a line. Either a sentence says what is wrong and nothing is read,
 * or a line was read whose texts end and whose addresses can be used.
 */
#include <assert.h>
#include <string.h>

#include "common/line-spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	static const struct line_spec nothing;
	struct line_spec spec;

	if (line_spec_parse(slice_from(data, length), &spec)) {
		assert(memcmp(&spec, &nothing, sizeof(spec)) == 0);
		return 0;
	}
	assert(memchr(spec.path, '\0', sizeof(spec.path)));
	assert(memchr(spec.interface, '\0', sizeof(spec.interface)));
	assert((spec.kind == LINE_UDP) == (spec.path[0] == '\0'));
	assert((spec.kind == LINE_SERIAL) == (spec.baud > 0));
	for (int i = 0; i < LINE_NODES && spec.kind == LINE_UDP; i++) {
		int family = spec.nodes[i].address.ss_family;

		assert(family == AF_INET || family == AF_INET6);
		assert(family == spec.nodes[0].address.ss_family);
		assert(memchr(spec.nodes[i].scope, '\0', sizeof(spec.nodes[i].scope)));
	}
	return 0;
}
