// SPDX-License-Identifier: GPL-2.0-or-later
/* nlmsg.c - what the kernel's error messages say. */
#include "internal.h"
#include "nlmsg.h"

int fwh_nlmsg_error(const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);

	return mnl_nlmsg_get_payload_len(nlh) < sizeof(*e) ? -EBADMSG :
	       fwh_nlmsg_errno(e->error);
}

void fwh_nlmsg_words(const struct nlmsghdr *nlh,
		     char ret[static FWH_NLMSG_WORDS_MAX])
{
	const struct nlattr *attr;

	*ret = '\0';
	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS && nlh->nlmsg_flags & NLM_F_CAPPED))
		return;
	mnl_attr_for_each(attr, nlh, sizeof(struct nlmsgerr))
		if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG &&
		    !mnl_attr_validate(attr, MNL_TYPE_NUL_STRING))
			fwh_printable(mnl_attr_get_str(attr), ret,
				      FWH_NLMSG_WORDS_MAX);
}
