// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * confine.c - the end of privilege: from here on a process that was taken over, by
 * what a peer sent or by a mistake of ours, can change netfilter, routes and our own
 * records, and no more.
 *
 *	reading the environment and settings	root, as the daemon made us
 *	loading modules, programs, the script	the broker, which stays so (broker.c)
 *	tables, routes, conntrack, XFRM		CAP_NET_ADMIN
 *	the legacy tables			and CAP_NET_RAW, for their sockets
 *	a resolv.conf that is not root's	and CAP_CHOWN, CAP_FOWNER,
 *						CAP_DAC_OVERRIDE
 *
 * The kernel loads netfilter's modules for whoever has CAP_NET_ADMIN, all but
 * ip_tables and ip6_tables themselves.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>

#include "confine.h"
#include "filter.h"
#include "landlock.h"

/* LeakSanitizer looks at the process from another one, and sanitizers write where
 * their options say: a build with them is for tests, and keeps its rights. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED	1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED	1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED	0
#endif

#define RESOLV_CONF	"/etc/resolv.conf"

static int fail(struct fwh_err *err, const char *what, int code)
{
	if (err) {
		err->code = code;
		snprintf(err->msg, sizeof(err->msg), "giving up rights: %s: %s; "
			 "nothing was changed; --unconfined goes without", what,
			 strerror(-code));
	}
	return code;
}

/* ---- capabilities ---- */

#define BIT(cap)	((uint64_t)1 << (cap))

/* Its owner is given back, where the daemon's children may. */
static uint64_t resolver_caps(void)
{
	struct stat st;

	if (stat(RESOLV_CONF, &st) || (!st.st_uid && !st.st_gid))
		return 0;
	return BIT(CAP_CHOWN) | BIT(CAP_FOWNER) | BIT(CAP_DAC_OVERRIDE);
}

/* The bounding set bounds what execve() gives, and that is refused; each of its 40
 * calls costs 2 microseconds, which only who stays has time for. */
static void empty_bounding_set(void)
{
	unsigned long cap = 0;

	while (!prctl(PR_CAPBSET_DROP, cap, 0, 0, 0))
		cap++;
}

static int set_capabilities(uint64_t caps)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	const struct __user_cap_data_struct data[2] = {
		{ .effective = (uint32_t)caps, .permitted = (uint32_t)caps },
		{ .effective = caps >> 32, .permitted = caps >> 32 },
	};

	return syscall(SYS_capset, &head, data) ? -errno : 0;
}

/* Whoever has less than that keeps what there is of it.  Ambient capabilities go
 * with the inheritable ones. */
static int drop_capabilities(uint64_t keep)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];
	int code = set_capabilities(keep);

	if (code != -EPERM)
		return code;
	if (syscall(SYS_capget, &head, data))
		return -errno;
	return set_capabilities(keep & (data[0].permitted |
					(uint64_t)data[1].permitted << 32));
}

/* ---- files ---- */

static void add_all(int set, const char *const paths[], size_t n,
		    enum landlock_right right)
{
	size_t i;

	for (i = 0; i < n; i++)
		landlock_add(set, paths[i], right);
}

/* What is not there yet would otherwise be made in a folder that is others'. */
static void add_folder(int set, const char *path, const char *built_in)
{
	path = path ? path : built_in;
	if (!landlock_add(set, path, LANDLOCK_WRITE) && !mkdir(path, 0700))
		landlock_add(set, path, LANDLOCK_WRITE);
}

static void add_lock(int set)
{
	int fd = open(FWH_XTABLES_LOCK, O_RDONLY | O_CREAT | O_CLOEXEC, 0600);

	landlock_add_fd(set, fd, LANDLOCK_READ);
	if (fd >= 0)
		close(fd);
}

/* A file can be replaced by another, and its folder stays. */
static void add_settings(int set, const char *file)
{
	char folder[FWH_PATH_MAX];
	char *slash;

	if (!file)
		file = FWH_SYSCONFDIR "/ipsec-fw/ipsec-fw.conf";
	snprintf(folder, sizeof(folder), "%s%s", strchr(file, '/') ? "" : "./",
		 file);
	slash = strrchr(folder, '/');
	if (slash)
		slash[slash == folder] = '\0';
	landlock_add(set, folder, LANDLOCK_READ);
}

/* What a resolver is found by, and its file, which can be replaced only with
 * the right to write in its folder. */
static void add_resolver(int set)
{
	static const char *const read[] = {
		"/run/resolvconf", "/run/systemd/resolve", RESOLV_CONF,
	};
	char path[4096], *slash;	/* PATH_MAX */

	add_all(set, read, 3, LANDLOCK_READ);
	if (!realpath(RESOLV_CONF, path))
		return;
	slash = strrchr(path, '/');
	slash[slash == path] = '\0';
	landlock_add(set, path, LANDLOCK_WRITE);
}

/* Wherever this machine has them. */
static void add_libraries(int set)
{
	static const char *const folders[] = {
		"/usr", "/lib", "/lib64", "/nix/store", "/gnu/store",
	};
	struct stat st;
	size_t i;

	landlock_add(set, "/etc/ld.so.cache", LANDLOCK_READ);
	for (i = 0; i < sizeof(folders) / sizeof(*folders); i++)
		/* What is a link leads into /usr. */
		if (!lstat(folders[i], &st) && S_ISDIR(st.st_mode))
			landlock_add(set, folders[i], LANDLOCK_READ);
}

static void add_parsers(int set)
{
	static const char *const names[] = {
		"/etc/nsswitch.conf", "/etc/protocols", "/etc/services",
		"/etc/passwd", "/etc/group", "/etc/iproute2", "/etc/xtables",
		"/etc/connlabel.conf", "/etc/localtime",
	};

	add_all(set, names, sizeof(names) / sizeof(*names), LANDLOCK_READ);
	landlock_add(set, "/dev/null", LANDLOCK_FILE);
}

static int restrict_files(const struct confine *c)
{
	int set = landlock_begin();

	if (set < 0)
		return 0;
	add_folder(set, c->run_dir, FWH_RUNSTATEDIR "/ipsec-fw");
	add_folder(set, c->state_dir, FWH_STATEDIR "/ipsec-fw");
	landlock_add(set, "/proc", LANDLOCK_READ);
	if (c->needs.devices)
		landlock_add(set, "/proc/sys/net", LANDLOCK_WRITE);
	landlock_add(set, "/run/netns", LANDLOCK_READ);
	/* libiptc is loaded when a table is opened. */
	if (c->needs.legacy || c->needs.words)
		add_libraries(set);
	if (c->needs.legacy)
		add_lock(set);
	if (c->needs.words)
		add_parsers(set);
	if (c->needs.resolver)
		add_resolver(set);
	if (c->rereads)
		add_settings(set, c->config_file);
	return landlock_end(set);
}

/* ---- all of it ---- */

static int give_up(const struct confine *c, struct fwh_err *err)
{
	const struct rlimit none = { 0, 0 };
	uint64_t keep = BIT(CAP_NET_ADMIN);
	int code;

	if (c->needs.legacy)
		keep |= BIT(CAP_NET_RAW);
	if (c->needs.resolver)
		keep |= resolver_caps();
	setrlimit(RLIMIT_CORE, &none);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return fail(err, "no_new_privs", -errno);
	code = restrict_files(c);
	if (code)
		return fail(err, "Landlock", code);
	if (c->stays)
		empty_bounding_set();
	code = drop_capabilities(keep);
	if (code)
		return fail(err, "capabilities", code);
	code = filter_install(c->needs.legacy);
	return code ? fail(err, "seccomp", code) : 0;
}

static void try_it(void *arg)
{
	give_up(arg, NULL);
}

/* A filter from outside which ends a process that asks for this confines us
 * itself. */
int confine(const struct confine *c, struct fwh_err *err)
{
	/* Whoever reads what we say may be gone: no reason to stop half way. */
	signal(SIGPIPE, SIG_IGN);
	if (SANITIZED ||
	    (filter_is_inherited() && filter_kills(try_it, (void *)c)))
		return 0;
	return give_up(c, err);
}
