/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * store-disk -- taking and giving back a file system on a disk that both nodes see.
 *
 * The disk's mount is the only state that counts: mounted at its directory
 * is promoted. That this node stands by with it unmounted is a marker file in
 * OCF_RUN_DIR, gone after a boot.
 *
 * Whatever may hang on a dead disk runs in a child that can be left behind. A
 * mount that was left behind might still happen later, so the child's name is
 * kept in the busy file, and nothing that follows begins, or reports the disk
 * as free, before it is gone.
 *
 * Nothing here guards against a mount by both nodes at once: fencing does.
 */
#ifndef GEMEL_AGENTS_STORE_DISK_H
#define GEMEL_AGENTS_STORE_DISK_H

#include "ocf/ocf.h"

enum ocf_exit store_disk_check_node(struct ocf_context *ctx);
enum ocf_exit store_disk_start(struct ocf_context *ctx);
enum ocf_exit store_disk_stop(struct ocf_context *ctx);
enum ocf_exit store_disk_promote(struct ocf_context *ctx);
enum ocf_exit store_disk_demote(struct ocf_context *ctx);
enum ocf_exit store_disk_monitor(struct ocf_context *ctx);

#endif
