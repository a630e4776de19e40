// SPDX-License-Identifier: GPL-2.0-or-later
/* doctor_machine.c - settings, boot, and what a security module forbids. */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/stat.h>
#include <unistd.h>

#include "doctor.h"

/* ---- settings ---- */

static void tell_setting(const struct fwh_err *err, void *arg)
{
	found(arg, "while settings are wrong, the built-in ones hold, and no "
	      "connection comes up", "mend that line, then: ipsec-fw check",
	      "%s", err->msg);
}

void check_settings(struct doctor *d)
{
	const char *file = d->prog->options.config_file;
	size_t n, before = d->n;
	struct fwh_err err;

	if (fwh_config_check(&file, file ? 1 : 0, tell_setting, d, &n, &err))
		tell_setting(&err, d);
	d->broken = d->n > before;
}

/* ---- boot ---- */

static void tell_saved(const struct fwh_err *err, void *arg)
{
	found(arg, "after a reboot this connection is not guarded until its "
	      "daemon calls", "delete the file; the connection's next event "
	      "writes it anew", "%s", err->msg);
}

void check_saved(struct doctor *d)
{
	size_t n, complaints;
	struct fwh_err err;

	if (fwh_guards_saved(&d->prog->options, tell_saved, d, &n, &complaints,
			     &err))
		tell_saved(&err, d);
}

static bool has_armed(const struct doctor *d)
{
	size_t n = 0, complaints, i;
	struct fwh_err err;

	for (i = 0; i < d->view->n; i++)
		if (d->view->conns[i].record.armed)
			return true;
	return !fwh_guards_saved(&d->prog->options, NULL, NULL, &n,
				 &complaints, &err) && n;
}

void check_unit(struct doctor *d)
{
	static const char *const folders[] = {
		"/etc/systemd/system", "/run/systemd/system",
		"/usr/lib/systemd/system",
	};
	char link[PATH_MAX];
	struct stat st;
	size_t i;

	/* sd_booted(3) */
	if (lstat("/run/systemd/system", &st) || !has_armed(d))
		return;
	for (i = 0; i < ARRAY_LEN(folders); i++) {
		snprintf(link, sizeof(link),
			 "%s/sysinit.target.wants/ipsec-fw-guard.service",
			 folders[i]);
		if (!lstat(link, &st))
			return;
	}
	found(d, "after a reboot their traffic leaves in clear until the daemon "
	      "calls", "systemctl enable ipsec-fw-guard.service",
	      "there are armed guards, and nothing puts them up at boot");
}

/* ---- SELinux, AppArmor ---- */

#define LOG_TAIL	(256 * 1024)

static bool is_denial(const char *line)
{
	return strstr(line, "ipsec-fw") &&
	       ((strstr(line, "avc:") && strstr(line, "denied")) ||
		strstr(line, "apparmor=\"DENIED\""));
}

/* The last one; it is cut off behind its end. */
static char *last_denial(char *text)
{
	char *line, *save = NULL, *last = NULL;

	for (line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		if (is_denial(line))
			last = line;
	return last;
}

static bool read_tail(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	off_t end = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
	ssize_t n = -1;

	if (end >= 0)
		n = pread(fd, buf, size - 1, end > (off_t)size ?
			  end - (off_t)size + 1 : 0);
	if (fd >= 0)
		close(fd);
	buf[n > 0 ? n : 0] = '\0';
	return n > 0;
}

void check_denials(struct doctor *d)
{
	char *buf = malloc(LOG_TAIL), *line = NULL;
	bool apparmor;
	int n;

	if (!buf)
		return;
	if (read_tail("/var/log/audit/audit.log", buf, LOG_TAIL))
		line = last_denial(buf);
	if (!line) {
		/* SYSLOG_ACTION_READ_ALL; without the right there is nothing. */
		n = klogctl(3, buf, LOG_TAIL - 1);
		buf[n > 0 ? n : 0] = '\0';
		line = last_denial(buf);
	}
	apparmor = line && strstr(line, "apparmor=");
	if (line)
		found(d, "the helper or its daemon may not do what it has to: "
		      "connections fail or are on hold", apparmor ?
		      "allow it in /etc/apparmor.d/local of the daemon's "
		      "profile, then: systemctl reload apparmor" :
		      "ausearch -m avc -c ipsec-fw-updown | audit2allow -M "
		      "ipsec-fw, then: semodule -i ipsec-fw.pp",
		      "%s denied something: %.200s", apparmor ? "AppArmor" :
		      "SELinux", line);
	free(buf);
}
