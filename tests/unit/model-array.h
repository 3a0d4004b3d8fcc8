/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * model-array -- one disk of an array in memory: persistent reservations (SPC-4, 5.13) as
 * agent/barring.h asks for them, answered in sg_persist's texts. A value: copy it to go back.
 */
#ifndef GEMEL_TESTS_MODEL_ARRAY_H
#define GEMEL_TESTS_MODEL_ARRAY_H

#include "agent/barring.h"

#define MODEL_HOSTS 3 /* the pair, and a stranger */
#define MODEL_STRANGER 2
#define MODEL_PATHS 2
#define MODEL_TEXT_MAX 4096

struct model_array {
	uint64_t keys[MODEL_HOSTS][MODEL_PATHS]; /* 0: not registered on this path */
	bool has_attention[MODEL_HOSTS][MODEL_PATHS];
	uint32_t generation;
	unsigned type; /* 0: no reservation */
	int holder_host, holder_path;
};

/* Do it. The exit status, and what is printed. */
int model_array_run(struct model_array *array, int host, uint64_t key,
    const struct barring_command *command, char text[MODEL_TEXT_MAX]);

bool model_array_can_write(const struct model_array *array, int host);
bool model_array_has(const struct model_array *array, uint64_t key);

#endif
