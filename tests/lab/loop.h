/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * loop -- attach a loop device to a file, without anything cached in between
 *
 * The device uses direct I/O in blocks of the size that is given, and detaches itself at its last
 * close (LO_FLAGS_AUTOCLEAR).
 */
#ifndef GEMEL_TESTS_LAB_LOOP_H
#define GEMEL_TESTS_LAB_LOOP_H

#include <stddef.h>
#include <stdint.h>

/* Attach the file that is open as image (borrowed) to a free device. Its descriptor, owned by the
 * caller, with its path in device; -errno. */
int loop_attach(int image, uint32_t block_size, char *device, size_t size);

#endif
