/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/store/turn.h"

#include "common/clock.h"
#include "mailcore/spool/trace.h"

#include <errno.h>
#include <stdlib.h>

void
task_list_push(struct task_list *list, struct task *task)
{
	task->next = NULL;
	if (list->last)
		list->last->next = task;
	else
		list->first = task;
	list->last = task;
	list->count++;
}

struct task *
task_list_pop(struct task_list *list)
{
	struct task *task = list->first;

	if (!task)
		return NULL;
	list->first = task->next;
	if (!list->first)
		list->last = NULL;
	list->count--;
	return task;
}

void
task_list_append(struct task_list *list, struct task_list *source)
{
	if (!source->first)
		return;
	if (list->last)
		list->last->next = source->first;
	else
		list->first = source->first;
	list->last = source->last;
	list->count += source->count;
	*source = (struct task_list){0};
}

void
task_list_free(struct task_list *list)
{
	struct task *task;

	while ((task = task_list_pop(list)) != NULL)
		free(task);
}

/* After these the file system is not to be believed, although it may still sync. */
static bool
is_fatal(int result)
{
	return result == -EROFS || result == -ENOTRECOVERABLE;
}

static struct maildir_item
task_item(const struct task *task)
{
	return (struct maildir_item){
	    task->message->id, task->recipient, task->message->envelope.accepted_ms / 1000};
}

static int
publish(const struct turn_settings *settings, struct task *task)
{
	struct maildir_item item = task_item(task);
	int result = 0;

	if (task->size.stored == 0) {
		result = maildir_measure(settings->maildir, &item, &task->size);
		if (result == -ENOENT)
			return 0; /* an earlier life has renamed it */
	}
	if (result == 0 && task->account == 0)
		result = -ENXIO;
	if (result != 0)
		return result;
	result = maildir_publish(settings->maildir, &item, task->account, &task->size);
	if (result != -ENOENT || !task->wants_mailbox)
		return result;
	result = maildir_create(settings->maildir, task->account);
	if (result != 0)
		return result;
	return maildir_publish(settings->maildir, &item, task->account, &task->size);
}

struct source {
	struct spool *spool;
	const struct message *message;
};

static int
read_content(void *context, uint64_t offset, void *out, size_t length)
{
	const struct source *source = context;

	return spool_read(source->spool, source->message, offset, out, length);
}

static int
stage(const struct turn_settings *settings, struct task *task)
{
	const struct message *message = task->message;
	struct source source = {settings->spool, message};
	struct maildir_item item = task_item(task);
	struct buffer headers = {0};
	char id_text[MESSAGE_ID_TEXT];
	struct trace trace = {&message->envelope, slice_of(settings->hostname),
	    message_id_text(message->id, id_text)};
	struct maildir_content content = {
	    .length = message->content_length, .read = read_content, .context = &source};
	int result;

	trace_deliver(&trace, task->recipient, &headers);
	content.headers = buffer_slice(&headers);
	result = maildir_stage(settings->maildir, &item, &content, &task->size);
	buffer_close(&headers);
	return result;
}

int
turn_run(const struct turn_settings *settings, struct turn *turn)
{
	uint64_t start_ms = clock_boot_ms();
	uint64_t bytes = 0;
	int fatal = 0;
	struct task *task;

	while ((task = task_list_pop(&turn->publish)) != NULL) {
		task->result = publish(settings, task);
		fatal = is_fatal(task->result) ? task->result : fatal;
		task_list_push(&turn->published, task);
	}
	while (turn->staged.count < settings->batch_messages && bytes < settings->batch_bytes &&
	       (turn->staged.count == 0 || clock_boot_ms() - start_ms < settings->batch_ms) &&
	       (task = task_list_pop(&turn->stage)) != NULL) {
		task->result = stage(settings, task);
		fatal = is_fatal(task->result) ? task->result : fatal;
		bytes += task->size.stored;
		task_list_push(&turn->staged, task);
	}
	return fatal != 0 ? fatal : maildir_sync(settings->maildir);
}
