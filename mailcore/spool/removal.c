/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/spool/state.h"

#include "common/disk.h"
#include "mailcore/spool/content.h"

#include <stdlib.h>

/* A file to be removed when the batch with the last outcome is durable. */
struct removal {
	uint64_t batch;
	message_id id;
};

struct removal_task {
	struct task task;
	struct spool *spool;
	size_t count;
	message_id ids[];
};

void
removal_add(struct spool *spool, uint64_t batch, message_id id)
{
	struct removal removal = {batch, id};

	buffer_append(&spool->removals, &removal, sizeof(removal));
}

static void
removal_run(struct task *task)
{
	struct removal_task *removal = (struct removal_task *)task;
	char path[SEGMENT_PATH_MAX];

	/* What cannot be removed now is swept at the next replay. */
	for (size_t i = 0; i < removal->count; i++) {
		content_staging_path(removal->spool->directory, removal->ids[i], path);
		disk_unlink(path);
	}
}

static void
removal_done(struct task *task)
{
	free(task);
}

void
removal_start(struct spool *spool)
{
	const struct removal *removals = (const void *)spool->removals.data;
	size_t count = 0, most = spool->removals.length / sizeof(struct removal);
	struct removal_task *task;

	while (count < most && removals[count].batch <= journal_durable(spool->journal))
		count++;
	if (!count)
		return;
	task = calloc(1, sizeof(*task) + count * sizeof(task->ids[0]));
	if (!task)
		abort();
	task->spool = spool;
	task->count = count;
	for (size_t i = 0; i < count; i++)
		task->ids[i] = removals[i].id;
	buffer_consume(&spool->removals, count * sizeof(struct removal));
	task->task.run = removal_run;
	task->task.done = task->task.drop = removal_done;
	syncer_submit(spool->syncer, LANE_FILES, &task->task);
}
