/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/core/privilege.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

static int
privilege_find(const char *name, struct passwd **user_r, char error[256])
{
	errno = 0;
	*user_r = getpwnam(name);
	if (*user_r)
		return 0;
	snprintf(error, 256,
	    "user \"%.64s\" does not exist; create it as a system user or name another in "
	    "gemel.conf",
	    name);
	return errno ? -errno : -ENOENT;
}

int
privilege_drop(
    const char *core_user, const char *mail_user, struct store_owner *owner_r, char error[256])
{
	struct passwd *user;
	int result;

	if (geteuid() != 0) {
		*owner_r = (struct store_owner){geteuid(), getegid(), getegid()};
		return 0;
	}
	result = privilege_find(mail_user, &user, error);
	if (result)
		return result;
	owner_r->mail_gid = user->pw_gid;
	result = privilege_find(core_user, &user, error);
	if (result)
		return result;
	owner_r->uid = user->pw_uid;
	owner_r->gid = user->pw_gid;
	if (setgroups(1, &owner_r->mail_gid) != 0)
		goto fail;
	capng_clear(CAPNG_SELECT_ALL);
	capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_NET_BIND_SERVICE);
	if (capng_change_id((int)owner_r->uid, (int)owner_r->gid, CAPNG_CLEAR_BOUNDING) != 0) {
		errno = EPERM;
		goto fail;
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || geteuid() != owner_r->uid)
		goto fail;
	return 0;
fail:
	result = errno ? -errno : -EPERM;
	snprintf(
	    error, 256, "cannot become user \"%.64s\": %m; start mailcored as root", core_user);
	return result;
}
