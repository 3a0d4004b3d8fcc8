/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/password.h"
#include "cli/verb.h"

#include <stdio.h>
#include <string.h>

/* Send a request that changes one account; print the answer only as JSON. */
static int
change_account(const struct options *options, json_t *request)
{
	json_t *reply;
	int status = ask_core(options, request, &reply);

	if (status)
		return status;
	if (options->json)
		return print_json(reply);
	json_decref(reply);
	return EXIT_DONE;
}

static int
send_password(const struct options *options, const char *verb, const char *address)
{
	char password[PASSWORD_MAX + 1] = "";
	int status = password_get(options, password);
	json_t *request;

	if (status)
		return status;
	request =
	    json_pack("{s:s,s:s,s:s}", "verb", verb, "address", address, "password", password);
	explicit_bzero(password, sizeof(password));
	if (!request)
		return complain(
		    EXIT_FAILED, "address or password is not UTF-8; nothing was changed");
	return change_account(options, request);
}

int
verb_account_add(const struct options *options, char **operands)
{
	json_t *request;

	if (!options->no_password)
		return send_password(options, "account-add", operands[0]);
	request = json_pack("{s:s,s:s}", "verb", "account-add", "address", operands[0]);
	if (!request)
		return complain(EXIT_FAILED, "the address is not UTF-8; nothing was changed");
	return change_account(options, request);
}

int
verb_account_passwd(const struct options *options, char **operands)
{
	return send_password(options, "account-passwd", operands[0]);
}

int
verb_account_del(const struct options *options, char **operands)
{
	json_t *request = json_pack("{s:s,s:s}", "verb", "account-del", "address", operands[0]);

	if (!request)
		return complain(EXIT_FAILED, "the address is not UTF-8; nothing was changed");
	return change_account(options, request);
}

static void
print_account(const json_t *account)
{
	const char *address = json_string_value(json_object_get(account, "address"));

	printf("%s\t%" JSON_INTEGER_FORMAT "\t%s\t%s\n", address ? address : "?",
	    json_integer_value(json_object_get(account, "id")),
	    json_is_true(json_object_get(account, "enabled")) ? "enabled" : "disabled",
	    json_is_true(json_object_get(account, "password")) ? "password" : "no-password");
}

int
verb_account_show(const struct options *options, char **operands)
{
	json_t *reply,
	    *request = json_pack("{s:s,s:s}", "verb", "account-show", "address", operands[0]);
	int status;

	if (!request)
		return complain(EXIT_FAILED, "the address is not UTF-8");
	status = ask_core(options, request, &reply);
	if (status)
		return status;
	if (options->json)
		return print_json(reply);
	print_account(reply);
	printf("mailbox %s\n", json_string_value(json_object_get(reply, "mailbox")));
	json_decref(reply);
	return EXIT_DONE;
}

int
verb_account_list(const struct options *options, char **operands)
{
	json_t *all = json_array(), *reply, *account;
	char after[512] = "";
	bool more = true;
	size_t i;

	(void)operands;
	while (more) {
		int status = ask_core(options,
		    json_pack("{s:s,s:s}", "verb", "account-list", "after", after), &reply);

		if (status) {
			json_decref(all);
			return status;
		}
		json_array_foreach(json_object_get(reply, "accounts"), i, account)
		{
			snprintf(after, sizeof(after), "%s",
			    json_string_value(json_object_get(account, "address")));
			if (options->json)
				json_array_append(all, account);
			else
				print_account(account);
		}
		more = json_is_true(json_object_get(reply, "more"));
		json_decref(reply);
	}
	if (options->json)
		return print_json(json_pack("{s:o}", "accounts", all));
	json_decref(all);
	return EXIT_DONE;
}
