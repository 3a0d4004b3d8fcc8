/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * deliver-files -- put files into a Maildir the way the core does.
 *
 * usage: deliver-files STORE FILE...
 *
 * Each file is the content of one message, with CRLF. They go to mailbox 1,
 * which is made if need be.
 */
#include "common/disk.h"
#include "mailcore/store/maildir.h"

#include <stdio.h>
#include <stdlib.h>

#define ACCOUNT 1
#define ACCEPTED_S UINT64_C(1795438888)

static int
read_file(void *context, uint64_t offset, void *out, size_t length)
{
	ssize_t n = disk_read(*(int *)context, out, length, offset);

	return n < 0 ? (int)n : 0;
}

static int
deliver(struct maildir *maildir, const char *path, message_id id)
{
	struct maildir_item item = {id, 0, ACCEPTED_S};
	struct maildir_content content = {
	    .headers = slice_of("Return-Path: <sender@elsewhere.test>\r\n"), .read = read_file};
	struct maildir_size size;
	int fd = disk_open(path, O_RDONLY, 0);
	int result;

	if (fd < 0)
		return fd;
	content.length = (uint64_t)disk_size(fd);
	content.context = &fd;
	result = maildir_stage(maildir, &item, &content, &size);
	disk_close(fd);
	if (result == 0)
		result = maildir_publish(maildir, &item, ACCOUNT, &size);
	return result;
}

int
main(int argc, char **argv)
{
	struct maildir_settings settings = {argv[1], "example.test", (uid_t)-1, (gid_t)-1};
	struct maildir *maildir;
	char error[256];
	int result;

	if (argc < 3) {
		fprintf(stderr, "usage: deliver-files STORE FILE...\n");
		return 2;
	}
	if (maildir_open(&settings, &maildir, error) != 0) {
		fprintf(stderr, "deliver-files: %s\n", error);
		return 1;
	}
	result = maildir_create(maildir, ACCOUNT);
	for (int i = 2; i < argc && result == 0; i++)
		result = deliver(maildir, argv[i], (UINT64_C(1) << 40) + (uint64_t)i);
	maildir_close(&maildir);
	if (result != 0)
		fprintf(stderr, "deliver-files: %s\n", strerror(-result));
	return result == 0 ? 0 : 1;
}
