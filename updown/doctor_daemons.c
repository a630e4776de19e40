// SPDX-License-Identifier: GPL-2.0-or-later
/* doctor_daemons.c - who runs the connections, and since when. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "doctor.h"
#include "tty.h"

#define VERSION_SECONDS	2

/* The first line that the daemon's program says of itself. */
static void ask_version(int pid, char *ret, size_t size)
{
	char exe[40];
	int ends[2], status;
	size_t n = 0;
	ssize_t got;
	pid_t child;

	*ret = '\0';
	snprintf(exe, sizeof(exe), "/proc/%d/exe", pid);
	if (pipe2(ends, O_CLOEXEC))
		return;
	child = fork();
	if (!child) {
		alarm(VERSION_SECONDS);
		dup2(ends[1], STDOUT_FILENO);
		dup2(ends[1], STDERR_FILENO);
		execl(exe, exe, "--version", (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	while (child > 0 && n + 1 < size &&
	       (got = read(ends[0], ret + n, size - 1 - n)) > 0)
		n += (size_t)got;
	close(ends[0]);
	ret[n] = '\0';
	ret[strcspn(ret, "\n")] = '\0';
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
}

void check_daemons(struct doctor *d)
{
	static const char *const names[] = {
		"pluto", "charon", "charon-systemd", "charon-nm", NULL
	};
	char version[128];
	size_t i, up = 0;
	bool any = false;

	for (i = 0; names[i]; i++) {
		const char *const one[] = { names[i], NULL };
		int pid = find_process(one, NULL);

		if (!pid)
			continue;
		any = true;
		ask_version(pid, version, sizeof(version));
		fact(d, "daemon: %s, process %d: %s", names[i], pid, version);
	}
	for (i = 0; i < d->view->n; i++)
		up += d->view->conns[i].record.state == FWH_STATE_UP;
	if (!any && up)
		found(d, "their SAs are not renewed, and nobody tells us of "
		      "their end", "systemctl restart ipsec, or strongswan",
		      "%zu connection%s up, and no IKE daemon runs", up,
		      up == 1 ? " is" : "s are");
}

void check_stale(struct doctor *d)
{
	size_t i, n = 0;
	const char *name = "";

	for (i = 0; i < d->view->n; i++) {
		const struct fwh_seen *seen = &d->view->conns[i];

		if (!seen->daemon_gone)
			continue;
		n++;
		name = seen->record.ev.conn;
	}
	if (n)
		found(d, "what they accept goes by reqids that a new daemon "
		      "gives to others", "bring the connections up again, or: "
		      "ipsec-fw reconcile, which arms those that the kernel "
		      "has forgotten", "%zu connection%s of a daemon that is "
		      "gone, %s among them", n, plural(n), name);
}

void check_clock(struct doctor *d)
{
	uint64_t now = (uint64_t)time(NULL);
	char when[24];
	size_t i;

	for (i = 0; i < d->view->n; i++) {
		const struct fwh_seen *seen = &d->view->conns[i];

		if (seen->event <= now + 1)
			continue;
		found(d, "the clock went back since: ages are wrong, and "
		      "certificates may not be valid yet",
		      "timedatectl; chronyc makestep, or ntpdate",
		      "the last event of %s was at %s, which is still to come",
		      seen->record.ev.conn, long_time(seen->event, when));
		return;
	}
}
