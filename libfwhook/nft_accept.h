/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nft_accept.h - the one rule that we keep in chains of somebody else's. */
#ifndef FWHOOK_NFT_ACCEPT_H
#define FWHOOK_NFT_ACCEPT_H

#include "nft_link.h"

/* Add to the batch what it takes to have, at the top of each chain of
 * accept-in-chain that there is, the rule that accepts our mark; and to have it
 * nowhere, in no chain at all, if remove is set.  Returns 0 or what the kernel
 * said. */
int fwh_nft_accept_hooks(struct fwh_nft_link *link,
			 const struct fwh_globals *globals, bool remove,
			 struct fwh_nft_batch *batch);

#endif
