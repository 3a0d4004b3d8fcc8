/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/model-array.h"

#include "agent/sg-status.h"

#include <inttypes.h>
#include <stdio.h>

bool
model_array_has(const struct model_array *array, uint64_t key)
{
	for (int host = 0; host < MODEL_HOSTS; host++)
		for (int path = 0; path < MODEL_PATHS; path++)
			if (key && array->keys[host][path] == key)
				return true;
	return false;
}

bool
model_array_can_write(const struct model_array *array, int host)
{
	for (int path = 0; path < MODEL_PATHS; path++)
		if (array->keys[host][path])
			return true;
	return array->type == 0;
}

static void
print_keys(const struct model_array *array, char *text)
{
	unsigned count = 0;
	int n;

	for (int i = 0; i < MODEL_HOSTS * MODEL_PATHS; i++)
		count += array->keys[i / MODEL_PATHS][i % MODEL_PATHS] != 0;
	n = sprintf(text, "  PR generation=0x%x, ", array->generation);
	if (count == 0)
		n += sprintf(text + n, "there are NO registered reservation keys\n");
	else if (count == 1)
		n += sprintf(text + n, "1 registered reservation key follows:\n");
	else
		n += sprintf(text + n, "%u registered reservation keys follow:\n", count);
	for (int i = 0; i < MODEL_HOSTS * MODEL_PATHS; i++)
		if (array->keys[i / MODEL_PATHS][i % MODEL_PATHS])
			n += sprintf(text + n, "    0x%" PRIx64 "\n",
			    array->keys[i / MODEL_PATHS][i % MODEL_PATHS]);
}

static void
print_holder(const struct model_array *array, char *text)
{
	static const char *const types[] = {[1] = "Write Exclusive",
	    [3] = "Exclusive Access",
	    [5] = "Write Exclusive, registrants only",
	    [6] = "Exclusive Access, registrants only",
	    [7] = "Write Exclusive, all registrants"};

	if (array->type == 0)
		sprintf(text, "  PR generation=0x%x, there is NO reservation held\n",
		    array->generation);
	else
		sprintf(text,
		    "  PR generation=0x%x, Reservation follows:\n    Key=0x%" PRIx64
		    "\n    scope: LU_SCOPE,  type: %s\n",
		    array->generation, array->keys[array->holder_host][array->holder_path],
		    types[array->type]);
}

static int
reserve(struct model_array *array, int host, int path)
{
	bool is_holder = array->holder_host == host && array->holder_path == path;

	if (array->type != 0 && !(is_holder && array->type == RESERVATION_TYPE))
		return SG_CONFLICT;
	array->type = RESERVATION_TYPE;
	array->holder_host = host;
	array->holder_path = path;
	return 0;
}

static int
preempt(struct model_array *array, int host, int path, uint64_t victim)
{
	if (!model_array_has(array, victim))
		return SG_CONFLICT;
	if (array->type && array->keys[array->holder_host][array->holder_path] == victim) {
		array->type = RESERVATION_TYPE;
		array->holder_host = host;
		array->holder_path = path;
	}
	for (int h = 0; h < MODEL_HOSTS; h++)
		for (int p = 0; p < MODEL_PATHS; p++) {
			if (array->keys[h][p] != victim || (h == host && p == path))
				continue;
			array->keys[h][p] = 0;
			array->has_attention[h][p] = true;
		}
	array->generation++;
	return 0;
}

int
model_array_run(struct model_array *array, int host, uint64_t key,
    const struct barring_command *command, char text[MODEL_TEXT_MAX])
{
	int path = (int)command->path;

	text[0] = '\0';
	if (array->has_attention[host][path]) {
		array->has_attention[host][path] = false;
		return SG_ATTENTION;
	}
	switch (command->verb) {
	case BARRING_READ_KEYS:
		print_keys(array, text);
		return 0;
	case BARRING_READ_RESERVATION:
		print_holder(array, text);
		return 0;
	case BARRING_DO_REGISTER:
		array->keys[host][path] = key;
		array->generation++;
		return 0;
	case BARRING_DO_RESERVE:
		return array->keys[host][path] == key ? reserve(array, host, path) : SG_CONFLICT;
	case BARRING_DO_PREEMPT:
		return array->keys[host][path] == key ? preempt(array, host, path, command->victim)
						      : SG_CONFLICT;
	}
	return SG_SYNTAX;
}
