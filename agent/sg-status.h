/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sg-status -- what the exit status of a program of sg3-utils means (sg3_utils(8)).
 *
 * Pure. Above 50 it is an errno of opening the device, plus 50.
 */
#ifndef GEMEL_AGENT_SG_STATUS_H
#define GEMEL_AGENT_SG_STATUS_H

enum sg_status {
	SG_SYNTAX = 1,
	SG_NOT_READY = 2,
	SG_ILLEGAL = 5,
	SG_ATTENTION = 6, /* something had happened before; the command was not done */
	SG_NO_COMMAND = 9,
	SG_FILE = 15,
	SG_CONFLICT = 24, /* RESERVATION CONFLICT; the command was not done */
	SG_BUSY = 26,
	SG_TIMEOUT = 33,
	SG_ERRNO = 50,
};

/* What it means and what to do; also of what command.h gives instead of a status. */
const char *sg_status_text(int status);

#endif
