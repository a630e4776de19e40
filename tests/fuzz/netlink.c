// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * netlink.c - a kernel that answers anything about XFRM, devices, connection
 * tracking, routes, ip_set and nftables' rules and transactions.  Whatever it says,
 * the caller gets an error or an answer, and soon.  The first byte says what is asked.
 *
 * Not about what libnftnl reads, nftables' sets and their elements: it ends the
 * process, or dereferences NULL, where the kernel sends what it never should.  That is
 * before a commit; the event fails, and the tables are as they were.
 */
#include <string.h>

#include <linux/netfilter/nf_tables.h>

#include "fuzz.h"
#include "ip.h"
#include "ipset.h"
#include "kernel.h"
#include "nft_job.h"

static void ask_xfrm(const struct fwh_event *ev)
{
	struct fwh_err err = { .code = 0 };
	struct fwh_pass *passes = NULL;
	struct fwh_xfrm *xfrm = NULL;
	struct fwh_sa sa;
	size_t n;
	int code = fwh_xfrm_open(&xfrm, &err);

	kernel_check(code, &err);
	if (code)
		return;
	kernel_check(fwh_xfrm_find_sa(xfrm, ev, &sa, &err), &err);
	code = fwh_xfrm_find_passes(xfrm, ev, &passes, &n, &err);
	kernel_check(code, &err);
	if (!code)
		free(passes);
	fwh_xfrm_close(xfrm);
}

static void ask_devices(struct fwh_event *ev)
{
	struct fwh_err err = { .code = 0 };

	ev->if_id_out = 7;
	*ev->virt_iface = '\0';
	kernel_check(fwh_link_find(ev, &err), &err);
	ev->if_id_out = 0;
	*ev->virt_iface = '\0';
}

static void ask_conntrack(const struct fwh_event *ev)
{
	const struct fwh_selector *sel = &ev->sel;
	struct fwh_err err = { .code = 0 };

	kernel_check(fwh_conntrack_flush_snat(&sel, 1, &err), &err);
}

static void change_route(struct fwh_rtnl *rtnl)
{
	struct fwh_ip_object route;
	struct fwh_rtnl_change change = { .new = &route };
	struct fwh_err err = { .code = 0 };

	fuzz_holds(!fwh_ip_parse("route 192.0.2.0/24 dev lo src 192.0.1.1",
				 &route));
	kernel_check(fwh_rtnl_apply(rtnl, &change, 1, &err), &err);
	free(change.before.data);
}

static void ask_routes(const struct fwh_event *ev, bool change)
{
	struct fwh_ip_facts facts;
	struct fwh_settings settings;
	struct fwh_config *config;
	struct fwh_rtnl *rtnl = NULL;
	struct fwh_err err = { .code = 0 };
	int code = fwh_rtnl_open(&rtnl, &err);

	kernel_check(code, &err);
	if (code)
		return;
	fuzz_holds(!fwh_config_default(&config));
	fwh_config_resolve(config, ev->conn, &settings);
	if (change)
		change_route(rtnl);
	else
		kernel_check(fwh_ip_find_facts(rtnl, NULL, NULL, ev, &settings, &facts,
					&err), &err);
	fwh_config_free(config);
	fwh_rtnl_close(rtnl);
}

static int take_name(const char *name, void *arg)
{
	++*(size_t *)arg;
	return strlen(name) > 1000;
}

static int take_element(const struct fwh_ipset_element *element, void *arg)
{
	fuzz_holds(element->net.len <= fwh_family_bits(element->net.addr.family));
	return element->comment ? take_name(element->comment, arg) : 0;
}

static void ask_sets(void)
{
	struct fwh_ipset *link = NULL;
	struct fwh_err err = { .code = 0 };
	size_t n = 0;
	int code = fwh_ipset_open(&link, &err);

	kernel_check(code, &err);
	if (code)
		return;
	fwh_ipset_names(link, take_name, &n);
	fwh_ipset_list(link, "ipsec-fw4-no-nat", take_element, &n);
	fwh_ipset_count(link, "ipsec-fw4-no-nat", &n);
	fwh_ipset_close(link);
}

static void change_rules(struct fwh_nft_link *link)
{
	struct job job = { .link = link };
	struct rules rules = { .job = &job };
	char words[FWH_NLMSG_WORDS_MAX];
	size_t refused;

	fwh_nft_see_rules(&rules);
	free(rules.list);
	fwh_nft_delete_table(&job, "ipsec_fw");
	fwh_nft_commit(link, &job.batch, 1, &refused, words);
	fuzz_printable(words);
	fwh_nft_batch_free(&job.batch);
	free(job.notes);
}

static void ask_nftables(void)
{
	struct fwh_nft_link *link = NULL;
	struct fwh_err err = { .code = 0 };
	int code = fwh_nft_open(&link, &err);

	kernel_check(code, &err);
	if (code)
		return;
	change_rules(link);
	fwh_nft_close(link);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fwh_event ev = kernel_event();

	if (!size)
		return 0;
	kernel_answers(data + 1, size - 1);
	switch (*data % 7) {
	case 0:
		ask_xfrm(&ev);
		break;
	case 1:
		ask_devices(&ev);
		break;
	case 2:
		ask_conntrack(&ev);
		break;
	case 5:
		ask_sets();
		break;
	case 6:
		ask_nftables();
		break;
	default:
		ask_routes(&ev, *data % 7 == 4);
	}
	return 0;
}
