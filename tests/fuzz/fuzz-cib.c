/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A cluster's configuration as any tool may have written it, and an agent's meta-data. What is read
 * is within its bounds and can be judged.
 */
#include <assert.h>
#include <string.h>

#include "cli/doctor/cib.h"
#include "common/doctor/checks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	static struct facts facts;
	struct findings found = {0};
	size_t advised;

	memset(&facts, 0, sizeof(facts));
	strcpy(facts.own_node, "hq-1");
	strcpy(facts.files[0].name, "gemel.conf");
	facts.file_count = 1;
	assert((cib_read(slice_from(data, length), &facts.cib) == 0) == facts.cib.is_known);
	assert(facts.cib.primitive_count <= CIB_PRIMITIVES_MAX);
	advised = facts.advised_count;
	if (advised_read(slice_from(data, length), "mailcore", &facts) != 0)
		assert(facts.advised_count == advised);
	doctor_check(&facts, &found);
	findings_close(&found);
	return 0;
}
