// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * probe.c - does this kernel have all that a backend can ask for?  Tried where
 * nothing else is: in a network namespace of a process's own.
 */
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/wait.h>

#include "nft_link.h"

/* A connection that asks for everything. */
static int probe_plan(struct fwh_plan *ret, struct fwh_record *record,
		      struct fwh_err *err)
{
	static const char *const env[] = {
		"PLUTO_VERB=up-client", "PLUTO_CONNECTION=probe",
		"PLUTO_CONN_POLICY=ENCRYPT+TUNNEL",
		"PLUTO_ME=192.0.2.1", "PLUTO_PEER=192.0.2.2",
		"PLUTO_MY_CLIENT=198.51.100.0/24",
		"PLUTO_PEER_CLIENT=203.0.113.0/24",
		"PLUTO_SA_REQID=16388", "PLUTO_SA_TYPE=ESP", NULL
	};
	struct fwh_settings settings = {
		.mark_auto = true, .connmark = true, .accept_forward = true,
		.accept_local = true, .guard = FWH_GUARD_ARMED, .reject = true,
		.nat_exempt = true, .mss_clamp = true, .open_ike = true,
		.log = FWH_LOG_KERNEL, .log_prefix = "probe ", .log_rate = 10,
		.accept_in = { { { 6, { 22, 22 } } }, 1 },
	};
	struct fwh_plan_input in = {
		.ev = &record->ev, .sa = &record->sa, .settings = &settings,
		.mark = { 0x10000, 0xff0000 }, .state = FWH_STATE_UP,
	};
	int code;

	memset(record, 0, sizeof(*record));
	code = fwh_event_parse((char *const *)env, &record->ev, err);
	if (!code)
		code = fwh_xfrm_find_sa(NULL, &record->ev, &record->sa, err);
	record->state = FWH_STATE_UP;
	return code ? code : fwh_plan_build(&in, ret, err);
}

static int probe(const struct fwh_backend *backend, struct fwh_err *err)
{
	struct fwh_plan plan = { .n = 0 };
	struct fwh_change change = { .plan = &plan, .families = 3 };
	struct fwh_config *config;
	struct fwh_record record;
	int code;

	fwh_nft_close_kept();
	code = probe_plan(&plan, &record, err);

	if (!code && fwh_config_default(&config))
		code = fwh_fail(err, -ENOMEM, "out of memory");
	if (code)
		return code;
	change.after = &record;
	code = fwh_backend_apply(backend, fwh_config_globals(config), &change,
				 1, false, err);
	fwh_config_free(config);
	fwh_plan_free(&plan);
	return code;
}

/* In a child, which takes the namespace with it. */
int fwh_backend_probe(const struct fwh_backend *backend, struct fwh_err *err)
{
	struct fwh_err found = { .code = 0 };
	int ends[2], status;
	ssize_t n;
	pid_t pid;

	if (pipe(ends))
		return fwh_fail(err, -errno, "pipe: %s", strerror(errno));
	pid = fork();
	if (pid < 0) {
		close(ends[0]);
		close(ends[1]);
		return fwh_fail(err, -EAGAIN, "fork: %s", strerror(errno));
	}
	if (!pid) {
		if (unshare(CLONE_NEWNET))
			fwh_fail(&found, -EPERM, "a network namespace to try "
				 "in: %s", strerror(errno));
		else
			probe(backend, &found);
		n = write(ends[1], &found, sizeof(found));
		_exit(n != sizeof(found));
	}
	close(ends[1]);
	n = read(ends[0], &found, sizeof(found));
	close(ends[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (n != sizeof(found))
		return fwh_fail(err, -EIO, "the attempt ended without a word");
	return found.code ? fwh_fail(err, found.code, "%s", found.msg) : 0;
}
