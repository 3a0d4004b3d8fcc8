/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an operator may have written into corosync.conf and into DRBD's files. A file is known or
 * its line is named; whatever is read of it can be judged.
 */
#include <assert.h>
#include <string.h>

#include "common/doctor/checks.h"
#include "common/doctor/corosync-conf.h"
#include "common/doctor/drbd-conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	static struct facts facts;
	struct findings found = {0};
	const char *reason;
	unsigned line;

	memset(&facts, 0, sizeof(facts));
	line = corosync_conf_parse(slice_from(data, length), &facts.corosync, &reason);
	assert((line == 0) == facts.corosync.is_known && (line == 0) == (reason == NULL));
	drbd_conf_read(slice_from(data, length), &facts.drbd);
	doctor_check(&facts, &found);
	for (size_t i = 0; i < found.count; i++)
		assert(strlen(found.items[i].text) < FINDING_TEXT_MAX);
	findings_close(&found);
	return 0;
}
