// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dns_programs.c - resolvconf and unbound are told by programs of theirs: without a
 * shell, with an environment of ours, and for so long.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

#include "broker.h"

#define WAIT_MS		3000
#define LOOK_MS		10		/* how often a child is looked after */
#define OUTPUT_MAX	FWH_PROGRAM_OUTPUT_MAX
#define ARGS_MAX	(FWH_DNS_SERVERS_MAX + 8)	/* with a name and options */

/* ---- running one -------------------------------------------------------------------- */

/* Returns the full name, or NULL. */
static const char *find_program(const char *name)
{
	static const char *const folders[] = {
		"/usr/sbin", "/sbin", "/usr/bin", "/bin", "/usr/local/sbin",
	};
	static char path[64];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(folders); i++) {
		snprintf(path, sizeof(path), "%s/%s", folders[i], name);
		if (!access(path, X_OK))
			return path;
	}
	return NULL;
}

static int spawn(const char *const argv[], int in, int out, pid_t *ret)
{
	static char *const env[] = {
		(char *)"PATH=/usr/sbin:/usr/bin:/sbin:/bin",
		(char *)"LC_ALL=C", NULL,
	};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t pipes;
	int code;

	sigemptyset(&pipes);
	sigaddset(&pipes, SIGPIPE);	/* pluto ignores it */
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&files, out, STDERR_FILENO);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP |
				 POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setsigdefault(&attr, &pipes);
	code = posix_spawn(ret, argv[0], &files, &attr, (char *const *)argv,
			   env);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	return -code;
}

/* Until the child is gone: who else it left our pipe to is not waited for.
 * Returns its exit status, or -ETIMEDOUT. */
static int attend(pid_t child, int fd, char ret[OUTPUT_MAX])
{
	long long end = fwh_now_ms() + WAIT_MS;
	struct pollfd poller = { fd, POLLIN, 0 };
	size_t n = 0;
	int status;

	for (;;) {
		bool gone = waitpid(child, &status, WNOHANG) == child;
		ssize_t got;

		while (n < OUTPUT_MAX - 1 &&
		       (got = read(fd, ret + n, OUTPUT_MAX - 1 - n)) > 0)
			n += (size_t)got;
		ret[n] = '\0';
		if (gone)
			return WIFEXITED(status) ? WEXITSTATUS(status) :
						   128 + WTERMSIG(status);
		if (fwh_now_ms() > end)
			break;
		if (poll(&poller, 1, LOOK_MS) > 0 && !(poller.revents & POLLIN))
			poll(NULL, 0, 1);	/* closed, and not gone yet */
	}
	kill(-child, SIGKILL);
	waitpid(child, &status, 0);
	return -ETIMEDOUT;
}

static int fail(const char *program, int status, char *output,
		struct fwh_err *err)
{
	char shown[160];

	output[strcspn(output, "\n")] = '\0';
	if (status < 0)
		return fwh_fail(err, status, "the peer's DNS: %s: %s", program,
				strerror(-status));
	return fwh_fail(err, -EIO, "the peer's DNS: %s: exit status %d: %s",
			program, status,
			fwh_printable(output, shown, sizeof(shown)));
}

int fwh_program_run(const char *const argv[], const char *input,
		    char ret[OUTPUT_MAX])
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, code = 0;
	pid_t child;

	*ret = '\0';
	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) ||
	    fcntl(out[0], F_SETFL, O_NONBLOCK))
		code = -errno;
	if (!code && write(in[1], input, strlen(input)) !=
	    (ssize_t)strlen(input))
		code = -EIO;
	fwh_close_fd(&in[1]);
	if (!code)
		code = spawn(argv, in[0], out[1], &child);
	fwh_close_fd(&in[0]);
	fwh_close_fd(&out[1]);
	if (!code)
		code = attend(child, out[0], ret);
	fwh_close_fd(&out[0]);
	return code;
}

static int run(const char *const argv[], const char *input,
	       char ret[OUTPUT_MAX], struct fwh_err *err)
{
	int code;

	*ret = '\0';
	code = fwh_broker_program(argv, input, ret);
	return code ? fail(argv[0], code, ret, err) : 0;
}

static int missing(const char *name, struct fwh_err *err)
{
	return fwh_fail(err, -ENOENT, "the peer's DNS: no %s in /usr/sbin or "
			"/usr/bin; dns in ipsec-fw.conf(5) says who else can "
			"do it", name);
}

/* ---- what may be run for somebody else ------------------------------------------------- */

/* Of nothing but these, and no option. */
static bool consists_of(const char *word, const char *chars)
{
	static const char common[] = "abcdefghijklmnopqrstuvwxyz"
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ" "0123456789" ".-_:%";

	if (*word == '-')
		return false;
	while (*word && (strchr(common, *word) || strchr(chars, *word)))
		word++;
	return !*word;
}

static bool is_record_name(const char *name)
{
	static const char prefix[] = "vpn.ipsec-fw-";

	return !strncmp(name, prefix, sizeof(prefix) - 1) &&
	       consists_of(name, "");
}

static bool may_resolvconf(const char *const args[], const char *input)
{
	if (!args[0] || !args[1] || !is_record_name(args[1]) ||
	    !consists_of(input, " \n"))
		return false;
	if (!strcmp(args[0], "-a"))
		return !args[2];
	return !strcmp(args[0], "-d") && args[2] && !strcmp(args[2], "-f") &&
	       !args[3];
}

static bool may_unbound(const char *const args[], const char *input)
{
	static const char *const verbs[] = {
		"list_forwards", "forward_add", "forward_remove", "flush_zone",
		"flush_requestlist",
	};
	bool known = false;
	size_t i;

	for (i = 0; args[0] && i < ARRAY_SIZE(verbs); i++)
		known = known || !strcmp(args[0], verbs[i]);
	for (i = 1; known && args[i]; i++)
		known = consists_of(args[i], "@#+");
	return known && !*input;
}

bool fwh_program_may(const char *const argv[], const char *input)
{
	static const struct {
		const char *name;
		bool (*may)(const char *const args[], const char *input);
	} programs[] = {
		{ "resolvconf", may_resolvconf },
		{ "unbound-control", may_unbound },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(programs); i++) {
		const char *path = find_program(programs[i].name);

		if (path && !strcmp(argv[0], path))
			return programs[i].may(argv + 1, input);
	}
	return false;
}

/* ---- resolvconf: a record of a connection's own ------------------------------------------ */

/* systemd's is a link to its own program. */
bool fwh_has_resolvconf(void)
{
	const char *path = find_program("resolvconf");
	char target[4096];

	return path && realpath(path, target) &&
	       strcmp(strrchr(target, '/'), "/resolvectl") != 0;
}

/* Debian's folder, openresolv's, and its newer one. */
static bool has_record(const char *name, const char *record)
{
	static const char *const folders[] = {
		"/run/resolvconf/interface", "/run/resolvconf/interfaces",
		"/run/resolvconf/keys",
	};
	char path[FWH_IP_NAME_MAX + 64], text[FWH_VARIANT_MAX + 64];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(folders); i++) {
		fwh_autofd fd = -1;
		ssize_t n;

		snprintf(path, sizeof(path), "%s/%s", folders[i], name);
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		n = fd < 0 ? -1 : read(fd, text, sizeof(text));
		if (n == (ssize_t)strlen(record) &&
		    !memcmp(text, record, (size_t)n))
			return true;
	}
	return false;
}

/* Both kinds put what begins so ahead of network cards. */
static int write_resolvconf(const struct fwh_dns_object *object, bool again,
			    struct fwh_err *err)
{
	char name[FWH_IP_NAME_MAX + 16], output[OUTPUT_MAX];
	const char *program = find_program("resolvconf");
	const char *const add[] = { program, "-a", name, NULL };
	const char *const delete[] = { program, "-d", name, "-f", NULL };
	fwh_autofree char *record = fwh_dns_record(object->state);

	(void)again;
	if (!program)
		return *object->state ? missing("resolvconf", err) : 0;
	if (!record)
		return fwh_fail(err, -ENOMEM, "out of memory");
	snprintf(name, sizeof(name), "vpn.ipsec-fw-%s",
		 fwh_dns_where(object->name));
	if (*object->state && has_record(name, record))
		return 0;
	return run(*object->state ? add : delete, record, output, err);
}

const struct fwh_dns_hand fwh_dns_resolvconf = { NULL, write_resolvconf };

/* ---- unbound: servers of a domain ---------------------------------------------------------- */

static int control(const char *const args[], char ret[OUTPUT_MAX],
		   struct fwh_err *err)
{
	const char *argv[ARGS_MAX];
	size_t n = 0;

	argv[n++] = find_program("unbound-control");
	if (!argv[0])
		return missing("unbound-control", err);
	for (; *args && n < ARRAY_SIZE(argv) - 1; args++)
		argv[n++] = *args;
	if (*args)
		return fwh_fail(err, -E2BIG, "unbound-control: too many servers");
	argv[n] = NULL;
	return run(argv, "", ret, err);
}

static int list_forwards(char ret[OUTPUT_MAX], struct fwh_err *err)
{
	static const char *const args[] = { "list_forwards", NULL };

	return control(args, ret, err);
}

bool fwh_has_unbound(void)
{
	char output[OUTPUT_MAX];

	return find_program("unbound-control") && !list_forwards(output, NULL);
}

static int zone_of(const char *state, char ret[FWH_DOMAIN_MAX + 1],
		   struct fwh_err *err)
{
	struct fwh_dns_line line;

	while (fwh_dns_next(&state, &line)) {
		if (strcmp(line.key, "domain") != 0 ||
		    strlen(line.value) > FWH_DOMAIN_MAX)
			continue;
		strcpy(ret, line.value);	/* the length was checked */
		return 0;
	}
	return fwh_fail(err, -EBADMSG, "unbound-control: for which domain?");
}

/* "corp.example. IN forward +i 192.0.2.53 192.0.2.54" */
static int parse_forward(char *line, char ret[FWH_VARIANT_MAX])
{
	size_t n = 0, length;
	int code = 0;

	for (; !code && *line; n++, line += length + strspn(line + length, " ")) {
		char word[64];

		length = strcspn(line, " ");
		if (n < 3)
			continue;
		if (length >= sizeof(word))
			return -E2BIG;
		memcpy(word, line, length);
		word[length] = '\0';
		code = fwh_dns_add(ret, *word == '+' ? "option" : "server", word);
	}
	return code;
}

/* A zone that is nobody's is its domain without servers.  unbound has these in an order
 * of its own. */
static int look_unbound(const struct fwh_dns_object *object,
			char ret[FWH_VARIANT_MAX], struct fwh_err *err)
{
	char output[OUTPUT_MAX], zone[FWH_DOMAIN_MAX + 1], *line, *end;
	int code = zone_of(object->state, zone, err);
	size_t n = strcmp(zone, ".") != 0 ? strlen(zone) : 0;

	*ret = '\0';
	if (!code)
		code = list_forwards(output, err);
	if (code)
		return code;
	for (line = output; !code && (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		if (!strncmp(line, zone, n) && line[n] == '.' &&
		    line[n + 1] == ' ')
			code = parse_forward(line, ret);
	}
	if (!code)
		code = fwh_dns_add(ret, "domain", zone);
	fwh_dns_sort(ret);
	return code ? fwh_fail(err, code, "unbound-control: more servers of %s "
			       "than can be kept", zone) : 0;
}

static int flush(const char *zone, struct fwh_err *err)
{
	const char *const cached[] = { "flush_zone", zone, NULL };
	const char *const asked[] = { "flush_requestlist", NULL };
	char output[OUTPUT_MAX];
	int code = control(cached, output, err);

	return code ? code : control(asked, output, err);
}

static int write_unbound(const struct fwh_dns_object *object, bool again,
			 struct fwh_err *err)
{
	struct fwh_dns_line words[FWH_DNS_SERVERS_MAX + 4];
	char output[OUTPUT_MAX], zone[FWH_DOMAIN_MAX + 1];
	const char *args[ARGS_MAX] = { "forward_remove" }, *at = object->state;
	size_t n = 1, i;
	int code = zone_of(object->state, zone, err);

	(void)again;
	for (i = 0; i < ARRAY_SIZE(words) && fwh_dns_next(&at, &words[i]); i++) {
		bool server = !strcmp(words[i].key, "server");

		if (server && strcmp(args[0], "forward_add") != 0) {
			args[0] = "forward_add";
			args[n++] = zone;
		}
		if (server || !strcmp(words[i].key, "option"))
			args[n++] = words[i].value;
	}
	if (n == 1)
		args[n++] = zone;
	args[n] = NULL;
	if (!code)
		code = control(args, output, err);
	return code ? code : flush(zone, err);
}

const struct fwh_dns_hand fwh_dns_unbound = { look_unbound, write_unbound };
