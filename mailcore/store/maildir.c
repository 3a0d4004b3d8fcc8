/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/store/maildir.h"

#include "common/disk.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAIL_MODE 0750
#define STAGING_MODE 0750
#define STAGING_MAIL_MODE                                                       \
	02700 /* setgid: files are born in the group that they are delivered to \
	       */
#define MAILBOX_MODE 02770
#define FILE_MODE 0660

/* Content passes in pieces of this size, so memory does not grow with a message. */
#define PIECE_BYTES (128 * 1024)
#define OUTPUT_BYTES (2 * PIECE_BYTES)

/* mail/.deleted-N is free unless somebody brought mail/N back to life meanwhile. */
#define ASIDE_TRIES 100

#define STAGING_NAME_MAX 64

/* What is left of a file name's 255 bytes when times, ids and sizes at their longest are taken. */
#define HOST_MAX 128
#define NEW_NAME_MAX (sizeof("/Maildir/new/") + NAME_MAX)

struct maildir {
	char *root;
	char *host;
	uid_t owner;
	gid_t group;
	int sync_fd;
	int sync_result;
	uint8_t *input;
	uint8_t *output;
};

static const char *
staging_name(message_id id, uint32_t recipient, char out[STAGING_NAME_MAX])
{
	char text[MESSAGE_ID_TEXT];

	snprintf(out, STAGING_NAME_MAX, "Q%sR%" PRIu32, message_id_text(id, text), recipient);
	return out;
}

static void
staging_path(const struct maildir *maildir, const struct maildir_item *item, char out[PATH_MAX])
{
	char name[STAGING_NAME_MAX];

	snprintf(out, PATH_MAX, "%s/staging/mail/%s", maildir->root,
	    staging_name(item->id, item->recipient, name));
}

static void
mailbox_path(const struct maildir *maildir, uint64_t account, const char *part, char out[PATH_MAX])
{
	snprintf(out, PATH_MAX, "%s/mail/%" PRIu64 "%s", maildir->root, account, part);
}

static int
make_directory(const struct maildir *maildir, const char *path, mode_t mode)
{
	int result = disk_make_directory(path, mode);
	int fd;

	if (result != 0)
		return result;
	fd = disk_open(path, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return fd;
	result = disk_set_access(fd, maildir->owner, maildir->group, mode);
	disk_close(fd);
	return result;
}

static int
make_root(struct maildir *maildir)
{
	char path[PATH_MAX];
	int result;

	/* staging/ itself belongs to the spool as well: its owner stays as it is. */
	snprintf(path, sizeof(path), "%s/staging", maildir->root);
	result = disk_make_directory(path, STAGING_MODE);
	if (result == 0) {
		snprintf(path, sizeof(path), "%s/staging/mail", maildir->root);
		result = make_directory(maildir, path, STAGING_MAIL_MODE);
	}
	if (result == 0) {
		snprintf(path, sizeof(path), "%s/mail", maildir->root);
		result = make_directory(maildir, path, MAIL_MODE);
	}
	if (result != 0)
		return result;
	maildir->sync_fd = disk_open(path, O_RDONLY | O_DIRECTORY, 0);
	return maildir->sync_fd < 0 ? maildir->sync_fd : maildir_sync(maildir);
}

int
maildir_open(const struct maildir_settings *settings, struct maildir **maildir_r, char error[256])
{
	struct maildir *maildir;
	int result;

	if (settings->host[0] == '\0' || strlen(settings->host) > HOST_MAX ||
	    strpbrk(settings->host, "/:, ")) {
		snprintf(error, 256,
		    "store: \"%s\" cannot be part of a Maildir name; use the mail domain",
		    settings->host);
		return -EINVAL;
	}
	maildir = calloc(1, sizeof(*maildir));
	if (!maildir)
		abort();
	*maildir = (struct maildir){
	    .root = strdup(settings->directory),
	    .host = strdup(settings->host),
	    .owner = settings->owner,
	    .group = settings->group,
	    .sync_fd = -1,
	    .input = malloc(PIECE_BYTES),
	    .output = malloc(OUTPUT_BYTES),
	};
	if (!maildir->root || !maildir->host || !maildir->input || !maildir->output)
		abort();
	result = make_root(maildir);
	if (result != 0) {
		snprintf(error, 256,
		    "store: cannot make mail/ and staging/mail/ in %s: %s; check its owner and "
		    "space",
		    settings->directory, strerror(-result));
		maildir_close(&maildir);
		return result;
	}
	*maildir_r = maildir;
	return 0;
}

void
maildir_close(struct maildir **maildir)
{
	if (!*maildir)
		return;
	if ((*maildir)->sync_fd >= 0)
		disk_close((*maildir)->sync_fd);
	free((*maildir)->root);
	free((*maildir)->host);
	free((*maildir)->input);
	free((*maildir)->output);
	free(*maildir);
	*maildir = NULL;
}

int
maildir_create(struct maildir *maildir, uint64_t account)
{
	static const char *const parts[] = {
	    "", "/Maildir", "/Maildir/new", "/Maildir/cur", "/Maildir/tmp"};
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		int result;

		mailbox_path(maildir, account, parts[i], path);
		result = make_directory(maildir, path, MAILBOX_MODE);
		if (result != 0)
			return result;
	}
	return maildir_sync(maildir);
}

int
maildir_set_aside(struct maildir *maildir, uint64_t account)
{
	char from[PATH_MAX];
	char to[PATH_MAX];
	int result = -EEXIST;

	mailbox_path(maildir, account, "", from);
	for (int i = 0; i < ASIDE_TRIES && (result == -EEXIST || result == -ENOTEMPTY); i++) {
		if (i == 0)
			snprintf(
			    to, sizeof(to), "%s/mail/.deleted-%" PRIu64, maildir->root, account);
		else
			snprintf(to, sizeof(to), "%s/mail/.deleted-%" PRIu64 "-%d", maildir->root,
			    account, i);
		result = disk_rename(from, to);
	}
	if (result == -ENOENT)
		return 0;
	if (result != 0)
		return result;
	snprintf(to, sizeof(to), "%s/mail", maildir->root);
	return disk_sync_directory(to);
}

/* The staging file while it is written: CRLF becomes LF on the way, and what was written is
 * counted. */
struct writer {
	struct maildir *maildir;
	int fd;
	size_t used;     /* bytes in maildir->output */
	uint64_t offset; /* bytes in the file */
	bool has_cr;     /* a CR is held back until the next byte is known */
	struct maildir_size size;
	uint8_t last; /* byte that was counted last */
};

/* Count bytes as they stand in the file. A reader puts a CR before each LF that has none. */
static void
size_count(struct maildir_size *size, uint8_t *last, const uint8_t *data, size_t length)
{
	const uint8_t *end = data + length;
	const uint8_t *lf = data;

	if (length == 0)
		return;
	size->stored += length;
	size->wire += length;
	while ((lf = memchr(lf, '\n', (size_t)(end - lf))) != NULL) {
		if ((lf == data ? *last : lf[-1]) != '\r')
			size->wire++;
		lf++;
	}
	*last = end[-1];
}

static int
writer_flush(struct writer *writer)
{
	uint8_t *output = writer->maildir->output;
	int result = disk_write(writer->fd, output, writer->used, writer->offset);

	size_count(&writer->size, &writer->last, output, writer->used);
	writer->offset += writer->used;
	writer->used = 0;
	return result;
}

/* Fold at most PIECE_BYTES into the output. */
static int
writer_fold(struct writer *writer, const uint8_t *data, size_t length)
{
	const uint8_t *end = data + length;
	uint8_t *out;

	if (writer->used + length + 1 > OUTPUT_BYTES) {
		int result = writer_flush(writer);

		if (result != 0)
			return result;
	}
	out = writer->maildir->output + writer->used;
	while (data < end) {
		const uint8_t *lf = memchr(data, '\n', (size_t)(end - data));
		size_t run = (size_t)((lf ? lf : end) - data);

		if (run > 0) {
			if (writer->has_cr)
				*out++ = '\r';
			writer->has_cr = data[run - 1] == '\r';
			memcpy(out, data, run - writer->has_cr);
			out += run - writer->has_cr;
		}
		if (lf) {
			*out++ = '\n';
			writer->has_cr = false;
		}
		data += run + (lf != NULL);
	}
	writer->used = (size_t)(out - writer->maildir->output);
	return 0;
}

static int
writer_put_slice(struct writer *writer, struct slice bytes)
{
	for (size_t done = 0; done < bytes.length;) {
		size_t length =
		    bytes.length - done < PIECE_BYTES ? bytes.length - done : PIECE_BYTES;
		int result = writer_fold(writer, bytes.data + done, length);

		if (result != 0)
			return result;
		done += length;
	}
	return 0;
}

static int
writer_put_content(struct writer *writer, const struct maildir_content *content)
{
	uint8_t *input = writer->maildir->input;

	for (uint64_t done = 0; done < content->length;) {
		uint64_t left = content->length - done;
		size_t length = left < PIECE_BYTES ? (size_t)left : PIECE_BYTES;
		int result = content->read(content->context, done, input, length);

		if (result == 0)
			result = writer_fold(writer, input, length);
		if (result != 0)
			return result;
		done += length;
	}
	return 0;
}

static int
writer_finish(struct writer *writer)
{
	if (writer->has_cr)
		writer->maildir->output[writer->used++] = '\r';
	return writer_flush(writer);
}

int
maildir_stage(struct maildir *maildir, const struct maildir_item *item,
    const struct maildir_content *content, struct maildir_size *size_r)
{
	struct writer writer = {.maildir = maildir};
	char path[PATH_MAX];
	int result;

	staging_path(maildir, item, path);
	writer.fd = disk_open(path, O_WRONLY | O_CREAT | O_TRUNC, FILE_MODE);
	if (writer.fd < 0)
		return writer.fd;
	result = disk_set_access(writer.fd, maildir->owner, (gid_t)-1, FILE_MODE);
	if (result == 0)
		result = writer_put_slice(&writer, content->headers);
	if (result == 0)
		result = writer_put_content(&writer, content);
	if (result == 0)
		result = writer_finish(&writer);
	disk_close(writer.fd);
	/* A half is of no use, and where the disk is full its room is. */
	if (result != 0)
		disk_unlink(path);
	*size_r = writer.size;
	return result;
}

int
maildir_measure(
    struct maildir *maildir, const struct maildir_item *item, struct maildir_size *size_r)
{
	char path[PATH_MAX];
	uint8_t last = 0;
	ssize_t n;
	int fd;

	*size_r = (struct maildir_size){0};
	staging_path(maildir, item, path);
	fd = disk_open(path, O_RDONLY, 0);
	if (fd < 0)
		return fd;
	while ((n = disk_read(fd, maildir->input, PIECE_BYTES, size_r->stored)) > 0)
		size_count(size_r, &last, maildir->input, (size_t)n);
	disk_close(fd);
	return n < 0 ? (int)n : 0;
}

int
maildir_publish(struct maildir *maildir, const struct maildir_item *item, uint64_t account,
    const struct maildir_size *size)
{
	char name[STAGING_NAME_MAX];
	char part[NEW_NAME_MAX];
	char from[PATH_MAX];
	char to[PATH_MAX];
	int result;
	int staged;

	staging_path(maildir, item, from);
	snprintf(part, sizeof(part), "/Maildir/new/%" PRIu64 ".%s.%s,S=%" PRIu64 ",W=%" PRIu64,
	    item->accepted_s, staging_name(item->id, item->recipient, name), maildir->host,
	    size->stored, size->wire);
	mailbox_path(maildir, account, part, to);
	result = disk_rename(from, to);
	if (result == 0)
		return 0;
	/* What the error means is decided by where the file is now. */
	staged = disk_exists(from);
	if (staged < 0)
		return -ENOTRECOVERABLE;
	return staged ? result : 0;
}

int
maildir_sync(struct maildir *maildir)
{
	/* The kernel reports a write error once; we go on reporting it. */
	if (maildir->sync_result == 0)
		maildir->sync_result = disk_sync_filesystem(maildir->sync_fd);
	return maildir->sync_result;
}

static int
collect_name(void *context, const char *name)
{
	buffer_append(context, name, strlen(name) + 1);
	return 0;
}

static bool
is_staging_name(const char *name, message_id *id_r, uint32_t *recipient_r)
{
	char again[STAGING_NAME_MAX];
	uint64_t generation;
	uint64_t number;

	if (sscanf(name, "Q%" SCNx64 "-%" SCNx64 "R%" SCNu32, &generation, &number, recipient_r) !=
	    3)
		return false;
	*id_r = generation << 40 | number;
	return strcmp(staging_name(*id_r, *recipient_r, again), name) == 0;
}

int
maildir_sweep(struct maildir *maildir,
    bool (*is_wanted)(void *context, message_id id, uint32_t recipient), void *context)
{
	struct buffer names = {0};
	char folder[PATH_MAX - NAME_MAX - 2];
	char path[PATH_MAX];
	int removed = 0;
	int result;

	snprintf(folder, sizeof(folder), "%s/staging/mail", maildir->root);
	result = disk_list(folder, collect_name, &names);
	for (size_t at = 0; result == 0 && at < names.length;) {
		const char *name = (const char *)names.data + at;
		message_id id;
		uint32_t recipient;

		at += strlen(name) + 1;
		if (is_staging_name(name, &id, &recipient) && is_wanted(context, id, recipient))
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, name);
		result = disk_unlink(path);
		removed++;
	}
	buffer_close(&names);
	return result != 0 ? result : removed;
}
