/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * count -- how often each thing has happened over all seeds: a simulation in which something never
 * happens shows nothing of it.
 */
#ifndef GEMEL_SIM_COUNT_H
#define GEMEL_SIM_COUNT_H

#include <stdint.h>

/* name, sentence, must it occur */
#define COUNTS(X)                                                                          \
	X(FAULT_RING, "cluster rings cut")                                                 \
	X(FAULT_LINE, "one line cut, both ways")                                           \
	X(FAULT_LINE_ONE_WAY, "one line cut, one way")                                     \
	X(FAULT_LINES, "all lines cut")                                                    \
	X(FAULT_ALL, "everything between the nodes cut")                                   \
	X(FAULT_LOSS, "bursts of loss, delay and overtaking")                              \
	X(FAULT_FLAP, "a link that flaps each 300 ms")                                     \
	X(FAULT_PAUSE, "a machine paused")                                                 \
	X(FAULT_POWER, "power cuts")                                                       \
	X(FAULT_AGENT_KILL, "agents killed")                                               \
	X(FAULT_AGENT_STOP, "agents stopped for a while")                                  \
	X(FAULT_CORE_KILL, "cores killed")                                                 \
	X(FAULT_CORE_STOP, "cores stopped for a while")                                    \
	X(FAULT_DISK_CUT, "a node's way to the array cut")                                 \
	X(FAULT_DISK_HANG, "a node's way to the array that hangs")                         \
	X(FAULT_DISK_READ_ONLY, "a node's way to the array that reads and does not write") \
	X(FAULT_MOVE, "planned moves asked for")                                           \
	X(FAULT_OPERATOR_FENCE, "operators who fence by hand")                             \
	X(ATTACKS, "packets replayed")                                                     \
	X(REPLAYS_REFUSED, "packets refused as replayed or not the peer's")                \
	X(UNPROVED, "packets signed, but unproved")                                        \
	X(PROVED_RELEASED, "proofs: its word")                                             \
	X(PROVED_NEWER, "proofs: a newer life")                                            \
	X(PROVED_BARRED, "proofs: barred")                                                 \
	X(PROVED_POWER, "ends by the power switch")                                        \
	X(GAVE_UP, "requests for the peer's end given up")                                 \
	X(BAR_FAILED, "tries to bar that failed")                                          \
	X(JOINED, "requests that joined one on its way")                                   \
	X(OFF_PROVED, "proofs that it stays off")                                          \
	X(YIELDED, "nodes that yielded")                                                   \
	X(YIELDED_BOTH, "of these, while they asked too")                                  \
	X(RELEASED, "nodes that gave their word")                                          \
	X(NO_WORD, "nodes that ended without a word")                                      \
	X(REFUSED_TO_YIELD, "healthy owners that were asked and went on")                  \
	X(EXCLUDED, "nodes that learned that they had been replaced")                      \
	X(KEY_GONE, "nodes that found their key gone")                                     \
	X(LATCHED_START, "agents that started in a latched life")                          \
	X(LATCH_REFUSED, "actions refused by the latch")                                   \
	X(WRITES_BARRED, "writes refused by the array")                                    \
	X(PROMOTES, "cores that became active")                                            \
	X(TAKEOVERS, "of these, after a fence")                                            \
	X(HANDOFFS, "of these, after a clean demote")                                      \
	X(TOLD_FENCED, "Pacemakers that saw that they had been fenced")                    \
	X(ACKS, "acknowledgements")                                                        \
	X(ACKS_HELD, "acknowledgements held for want of a lease")                          \
	X(ACKS_LATE, "acknowledgements, after a takeover, of what was durable before")     \
	X(BOOTS, "boots")

enum count {
#define X(name, text) COUNT_##name,
	COUNTS(X)
#undef X
	COUNT_KINDS
};

extern const char *const count_texts[COUNT_KINDS];

#endif
