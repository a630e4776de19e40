// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * probe.c - does this kernel have all that a backend can ask for, and does it take
 * what a person wrote?  Tried where nothing else is: in a network namespace of a
 * process's own.
 */
#include <errno.h>
#include <sched.h>
#include <string.h>

#include "contain.h"
#include "iptables.h"
#include "nft_link.h"
#include "raw.h"

/* ---- a connection, and its rules tried ---- */

static const char *const sample_env[FWH_FAMILY_MAX][16] = {
	{ "PLUTO_VERB=up-client", "PLUTO_CONNECTION=probe",
	  "PLUTO_CONN_POLICY=ENCRYPT+TUNNEL",
	  "PLUTO_ME=192.0.2.1", "PLUTO_PEER=192.0.2.2",
	  "PLUTO_MY_CLIENT=198.51.100.0/24",
	  "PLUTO_PEER_CLIENT=203.0.113.0/24",
	  "PLUTO_MY_SOURCEIP=198.51.100.1", "PLUTO_INTERFACE=eth0",
	  "PLUTO_SA_REQID=16388", "PLUTO_SA_TYPE=ESP", NULL },
	{ "PLUTO_VERB=up-client", "PLUTO_CONNECTION=probe",
	  "PLUTO_CONN_POLICY=ENCRYPT+TUNNEL",
	  "PLUTO_ME=2001:db8::1", "PLUTO_PEER=2001:db8::2",
	  "PLUTO_MY_CLIENT=2001:db8:1::/64",
	  "PLUTO_PEER_CLIENT=2001:db8:2::/64",
	  "PLUTO_MY_SOURCEIP=2001:db8:1::1", "PLUTO_INTERFACE=eth0",
	  "PLUTO_SA_REQID=16388", "PLUTO_SA_TYPE=ESP", NULL },
};

struct sample {
	struct fwh_record record;
	struct fwh_plan plan;
};

/* To be freed, whatever this returns. */
static int make_sample(enum fwh_family family,
		       const struct fwh_settings *settings,
		       const struct fwh_raws *raws,
		       const struct fwh_globals *globals, struct sample *ret,
		       struct fwh_err *err)
{
	struct fwh_plan_input in = {
		.ev = &ret->record.ev, .sa = &ret->record.sa,
		.settings = settings, .mark = { 0x10000, 0xff0000 },
		.raws = raws, .accept_mark = globals->accept_mark,
		.state = FWH_STATE_UP,
	};
	int code;

	memset(ret, 0, sizeof(*ret));
	code = fwh_event_parse((char *const *)sample_env[family],
			       &ret->record.ev, err);
	if (!code)
		code = fwh_xfrm_find_sa(NULL, &ret->record.ev,
					&ret->record.sa, err);
	ret->record.state = FWH_STATE_UP;
	return code ? code : fwh_plan_build(&in, &ret->plan, err);
}

static int apply_sample(const struct fwh_backend *backend,
			const struct fwh_globals *globals,
			const struct sample *sample, struct fwh_err *err)
{
	struct fwh_change change = {
		.plan = &sample->plan, .after = &sample->record, .families = 3,
	};

	return fwh_backend_apply(backend, globals, &change, 1, false, err);
}

/* ---- a backend ---- */

static void probe(FILE *answer, void *arg)
{
	/* A connection that asks for everything. */
	static const struct fwh_settings everything = {
		.mark_auto = true, .connmark = true, .accept_forward = true,
		.accept_local = true, .guard = FWH_GUARD_ARMED, .reject = true,
		.nat_exempt = true, .mss_clamp = true, .open_ike = true,
		.log = FWH_LOG_KERNEL, .log_prefix = "probe ", .log_rate = 10,
		.accept_in = { { { 6, { 22, 22 } } }, 1 },
	};
	const struct fwh_backend *backend = arg;
	struct fwh_err found = { .code = 0 };
	struct fwh_config *config = NULL;
	struct sample sample;

	fwh_nft_close_kept();
	if (unshare(CLONE_NEWNET))
		fwh_fail(&found, -EPERM, "a network namespace to try in: %s",
			 strerror(errno));
	else if (fwh_config_default(&config))
		fwh_fail(&found, -ENOMEM, "out of memory");
	else if (!make_sample(FWH_IPV4, &everything, NULL,
			      fwh_config_globals(config), &sample, &found))
		apply_sample(backend, fwh_config_globals(config), &sample,
			     &found);
	fwrite(&found, sizeof(found), 1, answer);
}

/* In a child, which takes the namespace with it. */
int fwh_backend_probe(const struct fwh_backend *backend, struct fwh_err *err)
{
	fwh_autofree char *answer = NULL;
	struct fwh_err found;
	size_t n;
	int code = fwh_contain(probe, (void *)backend, "the attempt", &answer,
			       &n, err);

	if (code)
		return code;
	memcpy(&found, answer, sizeof(found));
	return found.code ? fwh_fail(err, found.code, "%s", found.msg) : 0;
}

/* ---- a person's words ---- */

struct trial {
	const struct fwh_globals *globals;
	const struct fwh_raw *const *raws;
	size_t n;
	bool root;			/* the real one, with files to lock */
};

/* The legacy tables take root's lock file; without it iptables' parser has to do. */
static int try_in(const struct trial *trial, const struct fwh_raw *raw,
		  enum fwh_family family, struct fwh_err *err)
{
	static const struct fwh_settings nothing;
	const struct fwh_backend *backend = fwh_backend_find(
		fwh_raw_places[raw->where].nft ? "nftables" : "iptables");
	struct fwh_raws one = { (struct fwh_raw *)raw, 1 };
	struct sample sample;
	int code = make_sample(family, &nothing, &one, trial->globals, &sample,
			       err);
	const struct fwh_plan *plan = &sample.plan;

	if (!code && !trial->root && !fwh_raw_places[raw->where].nft)
		code = fwh_ipt_compile(&plan, 1, err);
	else if (!code)
		code = apply_sample(backend, trial->globals, &sample, err);
	fwh_plan_free(&sample.plan);
	return code;
}

/* What fits the connections of one family is no mistake. */
static int try_raw(const struct trial *trial, const struct fwh_raw *raw,
		   struct fwh_err *err)
{
	struct fwh_err first = { .code = 0 };
	enum fwh_family family;
	int code = 0;

	for (family = 0; family < FWH_FAMILY_MAX; family++) {
		if (!(raw->families & 1u << family))
			continue;
		code = try_in(trial, raw, family, err);
		if (!code)
			return 0;
		if (!first.code)
			first = *err;
	}
	*err = first;
	return code;
}

/* The answer: an error for each, code 0 if there is none. */
static void try_all(FILE *answer, void *arg)
{
	struct trial *trial = arg;
	bool nowhere;
	size_t i;

	fwh_nft_close_kept();
	trial->root = !unshare(CLONE_NEWNET);
	nowhere = !trial->root && unshare(CLONE_NEWUSER | CLONE_NEWNET);
	for (i = 0; i < trial->n; i++) {
		const struct fwh_raw *raw = trial->raws[i];
		struct fwh_err err = { .code = 0 };

		if (nowhere && fwh_raw_places[raw->where].nft)
			fwh_fail(&err, -EPERM, "%s: could not be tried; check "
				 "again as root", raw->place);
		else
			try_raw(trial, raw, &err);
		fwrite(&err, sizeof(err), 1, answer);
	}
}

int fwh_raws_try(const struct fwh_globals *globals,
		 const struct fwh_raw *const raws[], size_t n,
		 void (*report)(const struct fwh_err *err, void *arg),
		 void *arg, struct fwh_err *err)
{
	struct trial trial = { .globals = globals, .raws = raws, .n = n };
	fwh_autofree char *answer = NULL;
	struct fwh_err found;
	size_t size, i;
	int code = n ? fwh_contain(try_all, &trial, "trying the rules", &answer,
				   &size, err) : 0;

	for (i = 0; !code && i < n; i++) {
		memcpy(&found, answer + i * sizeof(found), sizeof(found));
		if (found.code)
			report(&found, arg);
	}
	return code;
}
