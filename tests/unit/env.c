// SPDX-License-Identifier: GPL-2.0-or-later
/* env.c - environments for tests, as daemons make them and as nobody does. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "env.h"

/* ---- making them -------------------------------------------------------- */

static size_t name_length(const char *assignment)
{
	return strcspn(assignment, "=");
}

static void env_remove(struct env *env, size_t i)
{
	free(env->var[i]);
	memmove(&env->var[i], &env->var[i + 1],
		(env->n - i) * sizeof(*env->var));
	env->n--;
}

void env_set(struct env *env, const char *assignment)
{
	size_t n = name_length(assignment), i;

	for (i = 0; i < env->n; i++)
		if (name_length(env->var[i]) == n &&
		    !memcmp(env->var[i], assignment, n))
			break;
	if (!assignment[n]) {
		if (i < env->n)
			env_remove(env, i);
		return;
	}
	assert_true(i < ENV_MAX);
	if (i == env->n)
		env->n++;
	free(env->var[i]);
	env->var[i] = strdup(assignment);
	assert_non_null(env->var[i]);
}

void env_set_lines(struct env *env, const char *lines)
{
	while (*lines) {
		size_t n = strcspn(lines, "\n");
		fwh_autofree char *line = strndup(lines, n);

		assert_non_null(line);
		if (*line && *line != '#')
			env_set(env, line);
		lines += n + (lines[n] == '\n');
	}
}

void env_clear(struct env *env)
{
	while (env->n)
		env_remove(env, env->n - 1);
}

int env_parse(enum fwh_dialect dialect, const char *lines,
	      struct fwh_event *ret, struct fwh_err *err)
{
	struct env env = { .n = 0 };
	int code;

	env_set_lines(&env, env_up[dialect]);
	env_set_lines(&env, lines);
	code = fwh_event_parse(env.var, ret, err);
	/* The texts point into the environment. */
	if (!code)
		memset(ret->text, 0, sizeof(ret->text));
	env_clear(&env);
	return code;
}

struct fwh_event env_event(enum fwh_dialect dialect, const char *lines)
{
	struct fwh_event ev;
	struct fwh_err err = { .code = 0 };

	if (env_parse(dialect, lines, &ev, &err))
		fail_msg("%s: %s", lines, err.msg);
	return ev;
}

/* ---- what daemons send -------------------------------------------------- */

/* Libreswan 4.10 kernel.c, fmt_common_shell_out() */
#define LIBRESWAN4 \
	"PATH=/usr/sbin:/usr/bin:/sbin:/bin\n" \
	"PLUTO_VERB=up-client\n" \
	"PLUTO_CONNECTION=office\n" \
	"PLUTO_CONNECTION_TYPE=tunnel\n" \
	"PLUTO_VIRT_INTERFACE=NULL\n" \
	"PLUTO_INTERFACE=w0\n" \
	"PLUTO_XFRMI_ROUTE=\n" \
	"PLUTO_NEXT_HOP=198.51.100.2\n" \
	"PLUTO_ME=198.51.100.1\n" \
	"PLUTO_MY_ID=@west\n" \
	"PLUTO_MY_CLIENT=192.0.1.0/24\n" \
	"PLUTO_MY_CLIENT_NET=192.0.1.0\n" \
	"PLUTO_MY_CLIENT_MASK=255.255.255.0\n" \
	"PLUTO_MY_PORT=0\n" \
	"PLUTO_MY_PROTOCOL=0\n" \
	"PLUTO_SA_REQID=16392\n" \
	"PLUTO_SA_TYPE=ESP\n" \
	"PLUTO_PEER=198.51.100.2\n" \
	"PLUTO_PEER_ID=@east\n" \
	"PLUTO_PEER_CLIENT=192.0.2.0/24\n" \
	"PLUTO_PEER_CLIENT_NET=192.0.2.0\n" \
	"PLUTO_PEER_CLIENT_MASK=255.255.255.0\n" \
	"PLUTO_PEER_PORT=0\n" \
	"PLUTO_PEER_PROTOCOL=0\n" \
	"PLUTO_PEER_CA=\n" \
	"PLUTO_STACK=xfrm\n" \
	"PLUTO_ADDTIME=0\n" \
	"PLUTO_CONN_POLICY=IKEv2+PSK+ENCRYPT+TUNNEL+PFS+UP+" \
		"IKE_FRAG_ALLOW+ESN_NO+ESN_YES\n" \
	"PLUTO_CONN_KIND=CK_PERMANENT\n" \
	"PLUTO_CONN_ADDRFAMILY=ipv4\n" \
	"XAUTH_FAILED=0\n" \
	"PLUTO_IS_PEER_CISCO=0\n" \
	"PLUTO_PEER_DNS_INFO=\n" \
	"PLUTO_PEER_DOMAIN_INFO=\n" \
	"PLUTO_PEER_BANNER=\n" \
	"PLUTO_CFG_SERVER=0\n" \
	"PLUTO_CFG_CLIENT=0\n" \
	"PLUTO_NM_CONFIGURED=0\n" \
	"PLUTO_INBYTES=0\n" \
	"PLUTO_OUTBYTES=0\n" \
	"VTI_IFACE=\n" \
	"VTI_ROUTING=no\n" \
	"VTI_SHARED=no\n" \
	"SPI_IN=0x24ab361e\n" \
	"SPI_OUT=0x5fe90ed4\n"

const char *const env_up[FWH_DIALECT_MAX] = {
	/* Openswan 3.0.0 kernel.c, fmt_common_shell_out() */
	[FWH_OPENSWAN] =
		"PATH=/usr/sbin:/usr/bin:/sbin:/bin\n"
		"PLUTO_VERSION=2.0\n"
		"PLUTO_VERB=up-client\n"
		"PLUTO_CONNECTION=office\n"
		"PLUTO_INTERFACE=w0\n"
		"PLUTO_NEXT_HOP=198.51.100.2\n"
		"PLUTO_ME=198.51.100.1\n"
		"PLUTO_MY_ID=@west\n"
		"PLUTO_CONN_CLIENTFAMILY=ipv4\n"
		"PLUTO_CONN_ENDFAMILY=ipv4\n"
		"PLUTO_MY_CLIENT=192.0.1.0/24\n"
		"PLUTO_MY_CLIENT_NET=192.0.1.0\n"
		"PLUTO_MY_CLIENT_MASK=255.255.255.0\n"
		"PLUTO_MY_PORT=0\n"
		"PLUTO_MY_PROTOCOL=0\n"
		"PLUTO_PEER=198.51.100.2\n"
		"PLUTO_PEER_ID=@east\n"
		"PLUTO_PEER_CLIENT=192.0.2.0/24\n"
		"PLUTO_PEER_CLIENT_NET=192.0.2.0\n"
		"PLUTO_PEER_CLIENT_MASK=255.255.255.0\n"
		"PLUTO_PEER_PORT=0\n"
		"PLUTO_PEER_PROTOCOL=0\n"
		"PLUTO_PEER_CA=\n"
		"PLUTO_STACK=netkey\n"
		"PLUTO_CONN_POLICY=PSK+ENCRYPT+TUNNEL+PFS+IKEv2ALLOW\n"
		"PLUTO_XAUTH_USERNAME=\n"
		"PLUTO_IS_PEER_CISCO=0\n"
		"PLUTO_CISCO_DNS_INFO=\n"
		"PLUTO_CISCO_DOMAIN_INFO=\n"
		"PLUTO_PEER_BANNER=\n"
		"PLUTO_NM_CONFIGURED=0\n",
	[FWH_LIBRESWAN4] = LIBRESWAN4,
	/* Libreswan 5.2 updown.c: the kernel's own reqid */
	[FWH_LIBRESWAN5] = LIBRESWAN4
		"PLUTO_CLIENT_FAMILY=ipv4\n"
		"PLUTO_SA_REQID=16393\n",
	/* strongSwan updown_listener.c, invoke_once() */
	[FWH_STRONGSWAN] =
		"PATH=/usr/sbin:/usr/bin:/sbin:/bin\n"
		"PLUTO_VERSION=1.1\n"
		"PLUTO_VERB=up-client\n"
		"PLUTO_CONNECTION=office\n"
		"PLUTO_INTERFACE=w0\n"
		"PLUTO_REQID=1\n"
		"PLUTO_PROTO=esp\n"
		"PLUTO_UNIQUEID=1\n"
		"PLUTO_ME=198.51.100.1\n"
		"PLUTO_MY_ID=west\n"
		"PLUTO_MY_CLIENT=192.0.1.0/24\n"
		"PLUTO_MY_PORT=0\n"
		"PLUTO_MY_PROTOCOL=0\n"
		"PLUTO_PEER=198.51.100.2\n"
		"PLUTO_PEER_ID=east\n"
		"PLUTO_PEER_CLIENT=192.0.2.0/24\n"
		"PLUTO_PEER_PORT=0\n"
		"PLUTO_PEER_PROTOCOL=0\n",
};
