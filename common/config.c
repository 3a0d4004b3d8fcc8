/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/config.h"

#include "common/slice.h"

#include <confuse.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum config_type {
	CONFIG_TEXT,
	CONFIG_NUMBER,
	CONFIG_TRUTH,
	CONFIG_LIST,
};

struct config_row {
	const char *section; /* NULL: at the top */
	const char *key;
	enum config_type type;
	const char *standard; /* the default; a list in libconfuse's form; NULL: must be given */
	uint64_t min, max;    /* of a number */
	size_t offset;
	const char *meaning;
};

#define ROW(member) offsetof(struct config, member)

/* Rows of one section stand together. */
static const struct config_row rows[] = {
    {NULL, "domain", CONFIG_TEXT, NULL, 0, 0, ROW(domain),
	"The mail domain that the company's regions serve. Must be given."},
    {NULL, "hostname", CONFIG_TEXT, "", 0, 0, ROW(hostname),
	"What this region calls itself in the SMTP greeting and in Received lines; the same on "
	"both "
	"nodes of the pair. Empty: the node's own name."},
    {NULL, "run_directory", CONFIG_TEXT, "/run/gemel", 0, 0, ROW(run_directory),
	"Where the pid file, the progress file and the lease are."},
    {NULL, "standalone", CONFIG_TRUTH, "false", 0, 0, ROW(standalone),
	"This core runs without gemel-agentd: it acknowledges without a lease. Only for a machine "
	"that has no peer: of a pair, a node that was cut off would go on acknowledging."},
    {NULL, "log_file", CONFIG_TEXT, "/var/log/gemel/mailcored.log", 0, 0, ROW(log_file),
	"The log, beside syslog. Empty: syslog only."},

    {"users", "core", CONFIG_TEXT, "gemel", 0, 0, ROW(user),
	"The user that the core runs as; its group and that of mail give it the mailboxes."},
    {"users", "smtp", CONFIG_TEXT, "gemel-smtp", 0, 0, ROW(smtp_user),
	"The user that the SMTP workers run as. It needs no access to any file."},
    {"users", "mail", CONFIG_TEXT, "vmail", 0, 0, ROW(mail_user),
	"The user that dovecot serves mail as; its group owns the mailboxes."},

    {"store", "directory", CONFIG_TEXT, "/srv/gemel", 0, 0, ROW(store_directory),
	"Where the shared storage is mounted."},
    {"store", "require_mount", CONFIG_TRUTH, "true", 0, 0, ROW(require_mount),
	"Refuse a promote while nothing is mounted at the directory, so that mail can't go to the "
	"node's own disk by mistake. false: for a single server."},
    {"store", "segment_mib", CONFIG_NUMBER, "64", 1, 1024, ROW(segment_mib),
	"Size of a journal segment in MiB."},
    {"store", "reserve_mib", CONFIG_NUMBER, "256", 1, 1048576, ROW(reserve_mib),
	"Free space in MiB below which new mail is answered 452 4.3.1, so that what was accepted "
	"can still be delivered."},
    {"store", "checkpoint_after_s", CONFIG_NUMBER, "30", 1, 86400, ROW(checkpoint_after_s),
	"How long in seconds a message that can't be delivered may stay in the journal before it "
	"moves to the queue file."},

    {"smtp", "listen", CONFIG_LIST, "{\"*:25\"}", 0, 0, ROW(listen),
	"Addresses and ports to accept mail on: \"*:25\", \"192.0.2.10:25\", "
	"\"[2001:db8::10]:25\". "
	"An address need not be on this node yet."},
    {"smtp", "workers", CONFIG_NUMBER, "0", 0, 64, ROW(workers),
	"Number of SMTP worker processes. 0: one for each processor but the one that the core "
	"needs, "
	"at least one and at most 8."},
    {"smtp", "message_max_mib", CONFIG_NUMBER, "50", 1, 2047, ROW(message_max_mib),
	"Largest message in MiB; announced by SIZE."},
    {"smtp", "recipients_max", CONFIG_NUMBER, "1000", 100, 1000, ROW(recipients_max),
	"Recipients of one message; more get 452 4.5.3."},
    {"smtp", "received_max", CONFIG_NUMBER, "50", 10, 1000, ROW(received_max),
	"Received lines from which a message counts as looping (554 5.4.6)."},
    {"smtp", "errors_max", CONFIG_NUMBER, "20", 1, 10000, ROW(errors_max),
	"Refused commands in one session before it is ended."},
    {"smtp", "inline_max_kib", CONFIG_NUMBER, "256", 4, 1024, ROW(inline_max_kib),
	"Content up to this many KiB rides in the journal; more goes to a staging file while it "
	"arrives."},
    {"smtp", "command_timeout_s", CONFIG_NUMBER, "300", 5, 3600, ROW(command_timeout_s),
	"Seconds to wait for a command (RFC 5321 asks for 300)."},
    {"smtp", "data_timeout_s", CONFIG_NUMBER, "180", 5, 3600, ROW(data_timeout_s),
	"Seconds to wait for more content (RFC 5321 asks for 180)."},
    {"smtp", "sessions_max", CONFIG_NUMBER, "10000", 1, 100000, ROW(sessions_max),
	"Sessions of one worker; more get 421 4.3.2."},
    {"smtp", "quiesce_timeout_ms", CONFIG_NUMBER, "1000", 10, 60000, ROW(quiesce_timeout_ms),
	"At a demote: milliseconds that sessions have to finish a commit before they are cut."},
    {"smtp", "postmaster", CONFIG_TEXT, "", 0, 0, ROW(postmaster),
	"Account that gets mail for postmaster when there is no such account. Empty: none."},

    {"pair", "nodes", CONFIG_LIST, "{}", 0, 0, ROW(pair_nodes),
	"The two nodes' names, as the cluster knows them. Both nodes list them in the same order."},
    {"pair", "lines", CONFIG_LIST, "{}", 0, 0, ROW(pair_lines),
	"The ways along which the agents hear each other; best such as the cluster does not use. "
	"\"udp ADDRESS ADDRESS\" (of the first node and of the second), \"serial DEVICE\", "
	"\"disk PARTITION\"; see gemel-agentd(8)."},
    {"pair", "keys", CONFIG_TEXT, "/etc/gemel/heartbeat.keys", 0, 0, ROW(pair_keys),
	"The file with the keys that sign what the agents say to each other; root's alone, and the "
	"same on both nodes."},
    {"pair", "reservations", CONFIG_LIST, "{}", 0, 0, ROW(pair_reservations),
	"The devices of the disk array (one for each path) by whose SCSI-3 persistent reservations "
	"a node is kept from writing. Empty: the array has none."},

    {"agent", "log_file", CONFIG_TEXT, "/var/log/gemel/gemel-agentd.log", 0, 0, ROW(agent_log_file),
	"The log of gemel-agentd, beside syslog. Empty: syslog only."},
    {"agent", "resource", CONFIG_TEXT, "gemel-core", 0, 0, ROW(agent_resource),
	"The cluster resource of the mail core: a failure of the core is reported of it."},
    {"agent", "realtime", CONFIG_TRUTH, "true", 0, 0, ROW(agent_realtime),
	"Run gemel-agentd at real-time priority and with its memory locked."},
    {"agent", "stuck_ms", CONFIG_NUMBER, "1000", 300, 60000, ROW(agent_stuck_ms),
	"A core whose loop stands still for so many milliseconds has failed."},
    {"agent", "beat_ms", CONFIG_NUMBER, "100", 20, 1000, ROW(agent_beat_ms),
	"Milliseconds between two beats on each line."},
    {"agent", "silence_ms", CONFIG_NUMBER, "400", 60, 10000, ROW(agent_silence_ms),
	"Milliseconds without a beat after which a line counts as down."},
    {"agent", "lease_ms", CONFIG_NUMBER, "1000", 200, 10000, ROW(agent_lease_ms),
	"Milliseconds for which the core may acknowledge after the last evidence that this node is "
	"in the right."},
    {"agent", "watchdog", CONFIG_TEXT, "", 0, 0, ROW(agent_watchdog),
	"The watchdog device, say \"/dev/watchdog\": it resets the node when the agent hangs or "
	"the node is in the wrong. Nobody else may feed it (no sbd, no systemd). Empty: none."},
    {"agent", "watchdog_timeout_s", CONFIG_NUMBER, "5", 1, 60, ROW(agent_watchdog_timeout_s),
	"Seconds after which it resets a node that does not feed it."},
    {"witness", "listen", CONFIG_LIST, "{\"*:4573\"}", 0, 0, ROW(witness_listen),
	"Addresses and ports that gemel-witnessd serves pairs on. This section is for the "
	"machine that runs it."},
    {"witness", "directory", CONFIG_TEXT, "/var/lib/gemel/witness", 0, 0, ROW(witness_directory),
	"Where it keeps the registers of the pairs, on a disk of its own machine."},
    {"witness", "certificate", CONFIG_TEXT, "/etc/gemel/tls/witness.pem", 0, 0,
	ROW(witness_certificate),
	"Its certificate in PEM form, and behind it those up to the authority."},
    {"witness", "key", CONFIG_TEXT, "/etc/gemel/tls/witness.key", 0, 0, ROW(witness_key),
	"The key of that certificate. Others must not be able to read it."},
    {"witness", "ca", CONFIG_TEXT, "/etc/gemel/tls/ca.pem", 0, 0, ROW(witness_ca),
	"Certificates of the authority that signs for the nodes of the pairs. The system's own "
	"authorities are not asked."},
    {"witness", "log_file", CONFIG_TEXT, "/var/log/gemel/witnessd.log", 0, 0, ROW(witness_log_file),
	"Its log, beside syslog. Empty: syslog only."},
    {"snmp", "targets", CONFIG_LIST, "{}", 0, 0, ROW(snmp_targets),
	"Managers that get a trap of each event in the pair, as numeric addresses with a port: "
	"\"192.0.2.9:162\", \"[2001:db8::9]:162\"; at most 8. None: no traps are sent."},
    {"snmp", "version", CONFIG_TEXT, "2c", 0, 0, ROW(snmp_version),
	"SNMP version of the traps: 2c, or 3 with authentication and encryption."},
    {"snmp", "secrets", CONFIG_TEXT, "/etc/gemel/snmp.secrets", 0, 0, ROW(snmp_secrets),
	"File with the community or the user of the traps, which only root may read. Its lines are "
	"\"community NAME\" and \"v3user NAME auth sha256 PASSPHRASE priv aes PASSPHRASE\"."},
    {"snmp", "informs", CONFIG_TRUTH, "false", 0, 0, ROW(snmp_informs),
	"Send informs instead of traps: the manager acknowledges each, and gets it again until it "
	"does or 5 s have passed."},
    {"snmp", "pacemaker_mib", CONFIG_TRUTH, "false", 0, 0, ROW(snmp_pacemaker_mib),
	"Send what Pacemaker's alerts tell as a trap of PACEMAKER-MIB, too."},
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))
#define SECTION_MAX 8

/* libconfuse takes the end of the file for the end of every open section, and half a file would
 * pass for a whole one. So this stands behind what was read: a key of the top, and of no section.
 */
#define END_KEY "end_of_gemel_conf"
#define CONFIG_FILE_MAX (1024 * 1024)

/* libconfuse's callbacks know only a cfg_t, and that of a section does not know the file. */
struct config_reading {
	const char *path;
	char *error;
	unsigned taken[ROW_COUNT]; /* how often libconfuse has set the key */
	bool is_closed[ROW_COUNT]; /* the key's section has ended */
};

static _Thread_local struct config_reading *reading; /* NULL: only defaults are being set */

static void
config_error(cfg_t *cfg, const char *format, va_list args)
{
	char text[CONFIG_ERROR_MAX / 2];

	if (!reading || reading->error[0])
		return;
	vsnprintf(text, sizeof(text), format, args);
	if (strstr(text, END_KEY))
		snprintf(reading->error, CONFIG_ERROR_MAX,
		    "%s: a section is not closed; write \"}\" where it ends", reading->path);
	else
		snprintf(reading->error, CONFIG_ERROR_MAX,
		    "%s:%d: %s; see gemel.conf(5) for the keys", reading->path, cfg ? cfg->line : 0,
		    text);
}

/* libconfuse would take the last one, and begin a section that comes again with the defaults. */
static int
refuse_again(cfg_t *cfg, const char *kind, const char *name)
{
	snprintf(reading->error, CONFIG_ERROR_MAX,
	    "%s:%d: %s \"%s\" was given before; write all of it in one place", reading->path,
	    cfg->line, kind, name);
	return -1;
}

/* Called when a key was set and when a section has ended. For a list it is called once for each
 * item, and once more behind the last one. */
static int
config_check_once(cfg_t *cfg, cfg_opt_t *option)
{
	for (size_t i = 0; reading && i < ROW_COUNT; i++) {
		const char *section = rows[i].section;

		if (option->type == CFGT_SEC) {
			if (!section || strcmp(section, option->name) != 0)
				continue;
			if (reading->is_closed[i])
				return refuse_again(cfg, "section", section);
			reading->is_closed[i] = true;
		} else if (strcmp(section ? section : "root", cfg_name(cfg)) == 0 &&
			   strcmp(rows[i].key, option->name) == 0) {
			unsigned most = cfg_opt_size(option) + (rows[i].type == CONFIG_LIST);

			if (reading->is_closed[i])
				return refuse_again(cfg, "section", section);
			if (++reading->taken[i] > most)
				return refuse_again(cfg, "key", rows[i].key);
		}
	}
	return 0;
}

static cfg_opt_t
config_option_of_type(const struct config_row *row)
{
	const char *standard = row->standard ? row->standard : "";

	switch (row->type) {
	case CONFIG_TEXT: {
		cfg_opt_t option = CFG_STR(row->key, standard, CFGF_NONE);
		return option;
	}
	case CONFIG_NUMBER: {
		cfg_opt_t option = CFG_INT(row->key, strtol(standard, NULL, 10), CFGF_NONE);
		return option;
	}
	case CONFIG_TRUTH: {
		cfg_opt_t option = CFG_BOOL(
		    row->key, strcmp(standard, "true") == 0 ? cfg_true : cfg_false, CFGF_NONE);
		return option;
	}
	case CONFIG_LIST: {
		cfg_opt_t option = CFG_STR_LIST(row->key, (char *)(uintptr_t)standard, CFGF_NONE);
		return option;
	}
	}
	abort();
}

static cfg_opt_t
config_option(const struct config_row *row)
{
	cfg_opt_t option = config_option_of_type(row);

	option.validcb = config_check_once;
	return option;
}

static char *
config_copy(const char *text)
{
	char *copy = strdup(text ? text : "");

	if (!copy)
		abort();
	return copy;
}

static int
config_take(
    const struct config_row *row, cfg_t *cfg, const char *path, struct config *config, char *error)
{
	char *base = (char *)config + row->offset;

	switch (row->type) {
	case CONFIG_TEXT:
		*(char **)base = config_copy(cfg_getstr(cfg, row->key));
		if (row->standard || **(char **)base)
			return 0;
		snprintf(error, CONFIG_ERROR_MAX, "%s: \"%s\" must be given; see gemel.conf(5)",
		    path, row->key);
		return -EINVAL;
	case CONFIG_NUMBER: {
		long value = cfg_getint(cfg, row->key);

		*(uint64_t *)base = (uint64_t)value;
		if (value >= 0 && (uint64_t)value >= row->min && (uint64_t)value <= row->max)
			return 0;
		snprintf(error, CONFIG_ERROR_MAX,
		    "%s: \"%s\" in \"%s\" is %ld, but must be %llu to %llu; change it", path,
		    row->key, row->section ? row->section : "the top", value,
		    (unsigned long long)row->min, (unsigned long long)row->max);
		return -EINVAL;
	}
	case CONFIG_TRUTH:
		*(bool *)base = cfg_getbool(cfg, row->key) == cfg_true;
		return 0;
	case CONFIG_LIST: {
		struct config_list *list = (struct config_list *)base;

		list->count = cfg_size(cfg, row->key);
		list->items = calloc(list->count + 1, sizeof(*list->items));
		if (!list->items)
			abort();
		for (size_t i = 0; i < list->count; i++)
			list->items[i] = config_copy(cfg_getnstr(cfg, row->key, (unsigned)i));
		return 0;
	}
	}
	abort();
}

/* The table as libconfuse wants it: one array for the top, one for each section. */
struct config_shape {
	cfg_opt_t top[ROW_COUNT + SECTION_MAX + 2];
	cfg_opt_t sections[SECTION_MAX][ROW_COUNT + 1];
};

static void
config_shape(struct config_shape *shape)
{
	const cfg_opt_t end = CFG_END(), end_key = CFG_BOOL(END_KEY, cfg_false, CFGF_NONE);
	size_t top = 0, section = 0, in_section = 0;
	const char *name = NULL;

	for (size_t i = 0; i < ROW_COUNT; i++) {
		if (!rows[i].section) {
			shape->top[top++] = config_option(&rows[i]);
			continue;
		}
		if (!name || strcmp(name, rows[i].section) != 0) {
			cfg_opt_t option =
			    CFG_SEC(rows[i].section, shape->sections[section], CFGF_NONE);

			option.validcb = config_check_once;
			name = rows[i].section;
			shape->top[top++] = option;
			section++;
			in_section = 0;
		}
		shape->sections[section - 1][in_section++] = config_option(&rows[i]);
		shape->sections[section - 1][in_section] = end;
	}
	shape->top[top++] = end_key;
	shape->top[top] = end;
}

static int
config_finish(const char *path, struct config *config, char *error)
{
	char name[256];

	if (strchr(config->domain, '@') || strlen(config->domain) > 255) {
		snprintf(error, CONFIG_ERROR_MAX,
		    "%s: \"domain\" is \"%.64s\", which is no domain; write it like example.org",
		    path, config->domain);
		return -EINVAL;
	}
	if (strlen(config->hostname) > 255) {
		snprintf(error, CONFIG_ERROR_MAX, "%s: \"hostname\" is longer than 255 characters",
		    path);
		return -EINVAL;
	}
	if (config->hostname[0])
		return 0;
	if (gethostname(name, sizeof(name)) != 0)
		return -errno;
	name[sizeof(name) - 1] = '\0';
	free(config->hostname);
	config->hostname = config_copy(name);
	return 0;
}

/* Append the text of the file and its end as a C string. Returns 0 or -errno. */
static int
config_load(const char *path, struct buffer *text)
{
	struct stat stat;
	ssize_t count = 1;
	int result = 0, fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (fstat(fd, &stat) != 0)
		result = -errno;
	else if (!S_ISREG(stat.st_mode))
		result = S_ISDIR(stat.st_mode) ? -EISDIR : -EINVAL;
	while (result == 0 && count > 0) {
		char chunk[4096];

		count = read(fd, chunk, sizeof(chunk));
		if (count > 0)
			buffer_append(text, chunk, (size_t)count);
		if (count < 0 && errno != EINTR)
			result = -errno;
		if (text->length > CONFIG_FILE_MAX)
			result = -EFBIG;
	}
	close(fd);
	if (result == 0 && text->length && memchr(text->data, 0, text->length))
		result = -EILSEQ;
	buffer_printf(text, "\n%s = true\n", END_KEY);
	buffer_append(text, "", 1);
	return result;
}

static int
config_parse(cfg_t *cfg, const char *path, struct config *config, char *error)
{
	struct buffer text = {0};
	int result = config_load(path, &text);
	bool is_good = result == 0 && cfg_parse_buf(cfg, (char *)text.data) == CFG_SUCCESS;

	buffer_close(&text);
	if (result) {
		snprintf(error, CONFIG_ERROR_MAX,
		    "%s: cannot be read: %s; name another with --config", path, strerror(-result));
		return result;
	}
	if (!is_good) {
		if (!error[0])
			snprintf(error, CONFIG_ERROR_MAX, "%s: cannot be understood", path);
		return -EINVAL;
	}
	for (size_t i = 0; i < ROW_COUNT; i++) {
		cfg_t *from = rows[i].section ? cfg_getsec(cfg, rows[i].section) : cfg;

		result = config_take(&rows[i], from, path, config, error);
		if (result)
			return result;
	}
	return config_finish(path, config, error);
}

int
config_read(const char *path, struct config *config, char error[CONFIG_ERROR_MAX])
{
	struct config_shape *shape = calloc(1, sizeof(*shape));
	struct config_reading this_one = {.path = path, .error = error};
	cfg_t *cfg;
	int result;

	if (!shape)
		abort();
	config_shape(shape);
	memset(config, 0, sizeof(*config));
	error[0] = '\0';
	cfg = cfg_init(shape->top, CFGF_NONE);
	if (!cfg)
		abort();
	cfg_set_error_function(cfg, config_error);
	reading = &this_one;
	result = config_parse(cfg, path, config, error);
	reading = NULL;
	cfg_free(cfg);
	free(shape);
	if (result)
		config_close(config);
	return result;
}

void
config_close(struct config *config)
{
	for (size_t i = 0; i < ROW_COUNT; i++) {
		char *base = (char *)config + rows[i].offset;
		struct config_list *list = (struct config_list *)base;

		switch (rows[i].type) {
		case CONFIG_TEXT:
			free(*(char **)base);
			break;
		case CONFIG_LIST:
			for (size_t k = 0; k < list->count; k++)
				free(list->items[k]);
			free(list->items);
			break;
		case CONFIG_NUMBER:
		case CONFIG_TRUTH:
			break;
		}
	}
	memset(config, 0, sizeof(*config));
}

/* Print text as comment lines of at most 78 columns. */
static void
print_comment(FILE *out, const char *indent, const char *text)
{
	size_t column = 0;

	for (const char *word = text; *word;) {
		size_t length = strcspn(word, " ");

		if (column && column + 1 + length > 76) {
			fputc('\n', out);
			column = 0;
		}
		column += (size_t)fprintf(out, column ? " " : "%s# ", column ? "" : indent);
		fwrite(word, 1, length, out);
		column += length;
		word += length + strspn(word + length, " ");
	}
	fputc('\n', out);
}

static void
print_assignment(FILE *out, const char *indent, const struct config_row *row)
{
	const char *quote = row->type == CONFIG_TEXT ? "\"" : "";

	if (row->standard)
		fprintf(out, "%s#%s = %s%s%s\n", indent, row->key, quote, row->standard, quote);
	else
		fprintf(out, "%s%s = \"example.org\"\n", indent, row->key);
}

void
config_print_sample(FILE *out)
{
	const char *section = NULL;

	fprintf(out, "# gemel.conf -- every key with its default; see gemel.conf(5).\n");
	for (size_t i = 0; i < ROW_COUNT; i++) {
		const struct config_row *row = &rows[i];
		const char *indent = row->section ? "\t" : "";

		if (row->section && (!section || strcmp(section, row->section) != 0)) {
			fprintf(out, "%s\n%s {\n", section ? "}\n" : "", row->section);
			section = row->section;
		} else {
			fputc('\n', out);
		}
		print_comment(out, indent, row->meaning);
		print_assignment(out, indent, row);
	}
	if (section)
		fprintf(out, "}\n");
}

/* Each sentence on a line of its own, as mdoc wants it. */
static void
print_sentences(FILE *out, const char *text)
{
	for (const char *end; (end = strstr(text, ". ")); text = end + 2)
		fprintf(out, "%.*s.\n", (int)(end - text), text);
	fprintf(out, "%s\n", text);
}

static void
print_range(FILE *out, const struct config_row *row)
{
	if (row->standard && *row->standard)
		fprintf(out, "Default: %s", row->standard);
	if (row->type == CONFIG_NUMBER)
		fprintf(out, " (%llu to %llu)", (unsigned long long)row->min,
		    (unsigned long long)row->max);
	if (row->standard && *row->standard)
		fprintf(out, ".\n");
}

void
config_print_manual(FILE *out)
{
	const char *section = "";

	for (size_t i = 0; i < ROW_COUNT; i++) {
		const struct config_row *row = &rows[i];

		if (strcmp(section, row->section ? row->section : "") != 0 || i == 0) {
			if (i)
				fprintf(out, ".El\n");
			section = row->section ? row->section : "";
			fprintf(out, ".Ss %s%s\n.Bl -tag -width Ds\n",
			    *section ? "Section " : "Top of the file", section);
		}
		fprintf(out, ".It Ic %s\n", row->key);
		print_sentences(out, row->meaning);
		print_range(out, row);
	}
	fprintf(out, ".El\n");
}
