/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * persist -- what an array believes of its SCSI-3 persistent reservations: the rules (SPC-4, 5.13)
 *
 * One logical unit, initiators by number, each of them a node with one way to it. Only the type
 * "Write Exclusive, Registrants Only" (5) is there. The contract for who relies on it:
 *
 *   - While nobody holds the reservation everybody may write, registered or not.
 *   - While somebody holds it, who is not registered may read, and neither write nor flush.
 *   - RESERVE, RELEASE, CLEAR and PREEMPT need the key of the one who asks; else they are a
 *     reservation conflict and change nothing.
 *   - PREEMPT takes the victim's key out. The reservation becomes the preemptor's only if the
 *     victim held it; where nobody holds one, PREEMPT bars nobody: reserve first. To preempt a key
 *     that nobody has is a conflict.
 *   - Who held the reservation and gives its key back releases it.
 *   - REGISTER, CLEAR and PREEMPT count the generation up, RESERVE and RELEASE do not.
 *   - Registrations outlast a node's power (APTPL is always on) and end with the array.
 *   - Who is barred for any time has lost what it had unflushed: `expelled` counts these times, so
 *     that its disk finds out although it is registered again (side.h).
 *
 * Not played: unit attentions (sg_persist exits 6 after a preempt by another, once; here never),
 * ports, REGISTER AND MOVE, other types.
 *
 * Pure.
 */
#ifndef GEMEL_TESTS_LAB_PERSIST_H
#define GEMEL_TESTS_LAB_PERSIST_H

#include <stdbool.h>
#include <stdint.h>

#define PERSIST_INITIATORS 16
#define PERSIST_TYPE 5 /* Write Exclusive, Registrants Only */

/* All zero: nobody is registered. */
struct persist {
	uint64_t key[PERSIST_INITIATORS]; /* 0: not registered */
	uint32_t expelled[PERSIST_INITIATORS];
	uint32_t generation;
	uint32_t holder; /* the initiator's number + 1; 0: no reservation */
};

/* PERSISTENT RESERVE OUT's service actions, by their codes. */
enum persist_action {
	PERSIST_REGISTER,
	PERSIST_RESERVE,
	PERSIST_RELEASE,
	PERSIST_CLEAR,
	PERSIST_PREEMPT,
	PERSIST_PREEMPT_ABORT,
	PERSIST_REGISTER_IGNORE,
};

enum persist_status {
	PERSIST_GOOD,
	PERSIST_CONFLICT, /* the status RESERVATION CONFLICT */
	PERSIST_ILLEGAL,  /* ILLEGAL REQUEST: a field that makes no sense */
};

struct persist_order {
	enum persist_action action;
	uint64_t key;         /* of the one who asks */
	uint64_t service_key; /* the new one, or the victim's */
	uint32_t type;        /* looked at by RESERVE, RELEASE and PREEMPT */
};

/* Do as initiator (below PERSIST_INITIATORS) asks. Nothing changes unless PERSIST_GOOD comes back.
 */
enum persist_status
persist_out(struct persist *p, uint32_t initiator, const struct persist_order *order);

/* Who may not write: a bit each initiator. */
uint32_t persist_barred(const struct persist *p);

#endif
