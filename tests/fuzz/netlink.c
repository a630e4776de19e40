// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * netlink.c - a kernel that answers anything about XFRM, devices, connection
 * tracking and routes.  Whatever it says, the caller gets an error or an answer,
 * and soon.  The first byte says what is asked.
 *
 * Not about nftables' objects: libnftnl ends the process, or dereferences NULL,
 * where the kernel sends what it never should.  That is before a commit; the
 * event fails, and the tables are as they were.
 */
#include "fuzz.h"
#include "ip.h"
#include "kernel.h"

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
	struct fwh_err err = { .code = 0 };

	kernel_check(fwh_conntrack_flush_snat(&ev->sel, &err), &err);
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fwh_event ev = kernel_event();

	if (!size)
		return 0;
	kernel_answers(data + 1, size - 1);
	switch (*data % 5) {
	case 0:
		ask_xfrm(&ev);
		break;
	case 1:
		ask_devices(&ev);
		break;
	case 2:
		ask_conntrack(&ev);
		break;
	default:
		ask_routes(&ev, *data % 5 == 4);
	}
	return 0;
}
