/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/sg-status.h"

#include <errno.h>

const char *
sg_status_text(int status)
{
	switch (status) {
	case -ETIMEDOUT:
	case SG_TIMEOUT:
		return "no answer in time; look at the path to the array";
	case -ENOENT:
		return "no such program; install sg3-utils";
	case SG_SYNTAX:
		return "it does not know an option; install sg3-utils of Debian 12 or later";
	case SG_NOT_READY:
		return "the disk is not ready; look at the array";
	case SG_ILLEGAL:
	case SG_NO_COMMAND:
		return "the array does not support this; see doc/reservations.md for what it "
		       "must be able to do";
	case SG_ATTENTION:
		return "one unit attention after the other; look at the array";
	case SG_FILE:
	case SG_ERRNO + ENOENT:
	case SG_ERRNO + ENXIO:
	case SG_ERRNO + ENODEV:
	case SG_ERRNO + EACCES:
		return "the device cannot be opened; look whether it is there";
	case SG_ERRNO + ENOTTY:
		return "the device is no SCSI disk; name those below a multipath or logical volume";
	case SG_CONFLICT:
		return "reservation conflict: a key is no longer registered; perhaps this node has "
		       "been barred itself";
	case SG_BUSY:
		return "the disk is busy; look at the array";
	default:
		return "it failed; run it by hand with --verbose";
	}
}
