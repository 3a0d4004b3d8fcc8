/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trap-engine -- who the sender of SNMPv3 traps is, across restarts (RFC 3414, 2.2 and 2.3).
 *
 * The sender of a trap is its authoritative engine: the manager knows its id, and believes only
 * what has a number of boots and a time that do not go back. So both are kept in a file, "engine"
 * in a directory of its own: "ID BOOTS", where the engine's id is 80 00 1f 88 04 (net-snmp's
 * number, RFC 3411's "text") and the bytes of ID. The file is replaced durably before the first
 * trap. The id is made once, of random bits; who loses the file has a new one, and has to tell the
 * managers.
 */
#ifndef GEMEL_AGENT_TRAP_ENGINE_H
#define GEMEL_AGENT_TRAP_ENGINE_H

#include <stdint.h>

#define TRAP_ENGINE_DIRECTORY "/var/lib/gemel/snmp"
#define TRAP_ENGINE_ID_BYTES 24 /* with the NUL */
#define TRAP_ENGINE_ERROR_MAX 256

/* RFC 3414, 2.2.2: from here on an engine is to be given another id. */
#define TRAP_ENGINE_BOOTS_MAX INT32_MAX

struct trap_engine {
	char id[TRAP_ENGINE_ID_BYTES];
	uint32_t boots; /* of this start: at least 1 */
};

/* Count one start more; make the directory (and the one above it) and the file if they are not
 * there. Returns 0, or -errno with one sentence in error. Touches the disk. */
int trap_engine_start(
    const char *directory, struct trap_engine *engine_r, char error[TRAP_ENGINE_ERROR_MAX]);

#endif
