/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libxtables.h - libxtables, which few events need. */
#ifndef FWHOOK_LIBXTABLES_H
#define FWHOOK_LIBXTABLES_H

#include <xtables.h>

/* What we use of it: xtables_calloc(), ...; matches and targets are variables. */
#define FWH_XTABLES(S) \
	S(calloc) S(compatible_revision) S(find_match) S(find_target) \
	S(free_opts) S(init_all) S(insmod) S(malloc) S(matches) \
	S(merge_options) S(option_mfcall) S(option_mpcall) S(option_tfcall) \
	S(option_tpcall) S(options_xfrm) S(parse_interface) \
	S(parse_protocol) S(targets)

struct fwh_xtables {
#define FWH_XTABLES_MEMBER(name)	__typeof__(xtables_##name) *name;
	FWH_XTABLES(FWH_XTABLES_MEMBER)
#undef FWH_XTABLES_MEMBER
};

/* Loads it the first time; NULL if it is not installed. */
const struct fwh_xtables *fwh_xtables_load(void);

#endif
