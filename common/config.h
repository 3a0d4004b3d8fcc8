/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * config -- what gemel.conf says, read by libconfuse from one table.
 *
 * The table in config.c has a row for each key: section, name, type, default,
 * bounds, meaning. The parser, the commented sample and the manual's list of
 * keys all come from it, so they cannot disagree. An unknown key, a key or a
 * section that comes twice, a value of the wrong type and a value out of bounds
 * are errors that name file and line (out of bounds: file and key).
 */
#ifndef GEMEL_COMMON_CONFIG_H
#define GEMEL_COMMON_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define CONFIG_PATH "/etc/gemel/gemel.conf"
#define CONFIG_ERROR_MAX 512

struct config_list {
	char **items;
	size_t count;
};

/* Every value, owned by the struct. Units end the names. */
struct config {
	char *domain;   /* the mail domain that all regions serve */
	char *hostname; /* what this region calls itself: in the greeting and in Received */
	char *run_directory;
	bool standalone; /* no lease is needed */
	char *log_file;  /* empty: syslog only */

	char *user;      /* the core, once it has its sockets */
	char *smtp_user; /* the smtp workers */
	char *mail_user; /* owns mail; dovecot runs as it */

	char *store_directory;
	bool require_mount;
	uint64_t segment_mib;
	uint64_t reserve_mib;
	uint64_t checkpoint_after_s;

	struct config_list listen;
	uint64_t workers;
	uint64_t message_max_mib;
	uint64_t recipients_max;
	uint64_t received_max;
	uint64_t errors_max;
	uint64_t inline_max_kib;
	uint64_t command_timeout_s;
	uint64_t data_timeout_s;
	uint64_t sessions_max;
	uint64_t quiesce_timeout_ms;
	char *postmaster;

	struct config_list pair_nodes;
	struct config_list pair_lines;
	char *pair_keys;
	struct config_list pair_reservations;

	char *agent_log_file;
	char *agent_resource;
	bool agent_realtime;
	uint64_t agent_stuck_ms;
	uint64_t agent_beat_ms;
	uint64_t agent_silence_ms;
	uint64_t agent_lease_ms;
	char *agent_watchdog; /* empty: none */
	uint64_t agent_watchdog_timeout_s;
	struct config_list witness_listen;
	char *witness_directory;
	char *witness_certificate;
	char *witness_key;
	char *witness_ca;
	char *witness_log_file;          /* empty: syslog only */
	struct config_list snmp_targets; /* empty: no traps */
	char *snmp_version;
	char *snmp_secrets;
	bool snmp_informs;
	bool snmp_pacemaker_mib;
};

/* Read the file at path. Returns 0 with *config filled (config_close), or -errno with one sentence
 * in error: -ENOENT and the like when it cannot be read, -EINVAL when it says something wrong. */
int config_read(const char *path, struct config *config, char error[CONFIG_ERROR_MAX]);

/* Free what config_read() filled. */
void config_close(struct config *config);

/* Print every key with its default and meaning: as a commented sample file, or as the list in the
 * manual page (mdoc). */
void config_print_sample(FILE *out);
void config_print_manual(FILE *out);

#endif
