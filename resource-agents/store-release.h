/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * store-release -- unmounting, with whoever is in the way.
 *
 * Foreign processes are named in the log, sent SIGTERM and later SIGKILL. Never
 * a lazy unmount: it would report success while the device is in use. The end
 * is proved: the directory is no mount of the device, and the kernel lets us claim
 * the device exclusively, which it does not while anybody has it mounted, in
 * any mount namespace.
 */
#ifndef GEMEL_AGENTS_STORE_RELEASE_H
#define GEMEL_AGENTS_STORE_RELEASE_H

#include "ocf/ocf.h"
#include "common/process.h"

struct store_release {
	const char *device, *directory; /* borrowed */
	dev_t number;                   /* of the device's file system */
	const char *busy_path;          /* where the child's name is kept */
	uint64_t term_ms;               /* from SIGTERM to SIGKILL */
};

/* Success, or OCF_ERR_GENERIC with the reason: then the node must be fenced. */
enum ocf_exit store_release(struct ocf_context *ctx, const struct store_release *release);

/* Claim the device exclusively for a moment. 0; -EBUSY: somebody uses it; -errno. May hang. */
int store_claim(const char *device);

#endif
