/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * logfmt -- a line for the log as key=value pairs, whatever bytes the values have.
 *
 * Pure. Values come from strangers: each is bounded, and every byte but visible
 * ASCII without space, quote and backslash is written \xNN. So a value never
 * ends its pair, its line or the terminal's good behaviour, a reader splits at
 * spaces, and what was written can be had back exactly (unless it was cut).
 */
#ifndef GEMEL_COMMON_LOGFMT_H
#define GEMEL_COMMON_LOGFMT_H

#include "common/slice.h"

/* Bytes taken of one value; a longer one ends with "...". */
#define LOGFMT_VALUE_MAX 320

/* Append " key=value". */
void logfmt_text(struct buffer *line, const char *key, struct slice value);

/* The same, in angle brackets: an address, which may be empty. */
void logfmt_address(struct buffer *line, const char *key, struct slice address);

/* Append " key="a sentence"": spaces stay as they are. */
void logfmt_sentence(struct buffer *line, const char *key, struct slice sentence);

void logfmt_number(struct buffer *line, const char *key, uint64_t value);

/* Append " key=12.345". */
void logfmt_seconds(struct buffer *line, const char *key, uint64_t milliseconds);

#endif
