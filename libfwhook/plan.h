/* SPDX-License-Identifier: GPL-2.0-or-later */
/* plan.h - what the files that a plan is made in share. */
#ifndef FWHOOK_PLAN_H
#define FWHOOK_PLAN_H

#include "internal.h"

#define IKE_PORT	500
#define NATT_PORT	4500

struct builder {
	const struct fwh_plan_input *in;
	struct fwh_plan *plan;
	struct fwh_net local[FWH_RANGE_NETS_MAX], remote[FWH_RANGE_NETS_MAX];
	size_t n_local, n_remote;	/* with CAT our own address is the last */
	enum fwh_family family;		/* of the selectors */
	bool nomem;
	int code;			/* a rule of a person's makes no sense here */
	struct fwh_err *err;
	struct fwh_rule scratch;
};

static inline bool fwh_plan_is_up(const struct builder *b)
{
	return b->in->state == FWH_STATE_UP;
}

static inline bool fwh_plan_is_blocked(const struct builder *b)
{
	return b->in->state == FWH_STATE_BLOCKED;
}

/* Can packets of the connection have this protocol? */
static inline bool fwh_plan_selects(const struct builder *b, uint8_t proto)
{
	return !b->in->ev->sel.proto || b->in->ev->sel.proto == proto;
}

/* ---- plan_rule.c ---- */

/* A rule in one of the connection's own chains, with the matches of `match'.
 * The family is that of the selectors unless the chain deals with the gateways'
 * packets. */
struct fwh_rule *fwh_plan_copy(struct builder *b, enum fwh_table table,
			       enum fwh_part part, enum fwh_action action,
			       const struct fwh_rule *match);
/* The same without any. */
struct fwh_rule *fwh_plan_rule(struct builder *b, enum fwh_table table,
			       enum fwh_part part, enum fwh_action action);
/* Send packets, which ones is for the caller to say, from a hook into one of the
 * chains. */
struct fwh_rule *fwh_plan_dispatch_rule(struct builder *b,
					enum fwh_table table,
					enum fwh_hook hook, enum fwh_part part);
/* The same for the connection's protocol and ports between two networks. */
struct fwh_rule *fwh_plan_dispatch_pair(struct builder *b, enum fwh_table table,
					enum fwh_hook hook, enum fwh_part part,
					bool out, const struct fwh_net *local,
					const struct fwh_net *remote);
/* Send the connection's traffic of one direction from a hook into one of its
 * chains, if that has rules: a rule for each pair of prefixes. */
void fwh_plan_dispatch(struct builder *b, enum fwh_table table,
		       enum fwh_hook hook, enum fwh_part part, bool out);
/* A network of length 0 matches everything. */
void fwh_plan_set_src(struct fwh_rule *rule, const struct fwh_net *net);
void fwh_plan_set_dst(struct fwh_rule *rule, const struct fwh_net *net);
struct fwh_net fwh_plan_host(const struct fwh_addr *addr);
struct fwh_ports fwh_plan_ports(const struct fwh_ports *ports);
/* Covered by this connection's SA. */
void fwh_plan_match_sa(const struct builder *b, struct fwh_rule *rule,
		       enum fwh_policy_dir dir);
/* Traffic into an XFRM or VTI device is protected by it, though no policy
 * shows at this point (the lookup is inside the device).  What comes out of an
 * XFRM device still shows its policy; a VTI device takes it off (vti_rcv_cb()
 * in ip_vti.c).  Adds `match' for each device that needs it. */
void fwh_plan_devices(struct builder *b, enum fwh_table table,
		      enum fwh_part part, bool out, enum fwh_action action,
		      const struct fwh_rule *match);
/* Do it to what `match' says if it was decrypted from this connection's SA. */
void fwh_plan_own_in(struct builder *b, enum fwh_table table,
		     enum fwh_part part, enum fwh_action action,
		     const struct fwh_rule *match);
/* The same if it will be encrypted by it. */
void fwh_plan_own_out(struct builder *b, enum fwh_table table,
		      enum fwh_part part, enum fwh_action action,
		      const struct fwh_rule *match);
/* Decrypted from this connection's SA, as far as the settings let us know:
 * by the SA itself, or by the mark that its ESP carried. */
void fwh_plan_match_decrypted(const struct builder *b, struct fwh_rule *rule);

/* ---- plan_exempt.c: returns from a chain of the guard's ---- */

void fwh_plan_exempt_devices(struct builder *b, enum fwh_table table,
			     enum fwh_part part, bool out);
/* All but those. */
void fwh_plan_exempt(struct builder *b, enum fwh_table table,
		     enum fwh_part part, bool out);
/* In the family that is not tunnelled: what keeps the machine on its links. */
void fwh_plan_exempt_other_family(struct builder *b, enum fwh_table table,
				  enum fwh_part part);

/* ---- plan_daemon.c ---- */

void fwh_plan_nflog(struct builder *b);
void fwh_plan_cat(struct builder *b);

/* ---- plan_raw.c ---- */

void fwh_plan_raw(struct builder *b, enum fwh_table table);

/* ---- plan_mark.c ---- */

void fwh_plan_mark(struct builder *b);

/* ---- plan_guard.c ---- */

bool fwh_plan_guarded(const struct builder *b);
void fwh_plan_guard(struct builder *b);
void fwh_plan_reject(struct builder *b);
/* A full tunnel in one family: guard the other, if that is wanted.  The last of
 * a plan's: the builder's networks are that family's afterwards. */
void fwh_plan_guard_both(struct builder *b);

#endif
