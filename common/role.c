/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/role.h"

const char *
core_role_name(uint32_t role)
{
	switch ((enum core_role)role) {
	case CORE_STARTING:
		return "starting";
	case CORE_STANDBY:
		return "standby";
	case CORE_PROMOTING:
		return "promoting";
	case CORE_ACTIVE:
		return "active";
	case CORE_DEMOTING:
		return "demoting";
	case CORE_FAILED:
		return "failed";
	case CORE_ENDED:
		return "ended";
	}
	return "unknown";
}

bool
core_role_owns(uint32_t role)
{
	switch ((enum core_role)role) {
	case CORE_PROMOTING:
	case CORE_ACTIVE:
	case CORE_DEMOTING:
		return true;
	case CORE_STARTING:
	case CORE_STANDBY:
	case CORE_FAILED:
	case CORE_ENDED:
		return false;
	}
	return role != 0;
}
