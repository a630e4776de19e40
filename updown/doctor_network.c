// SPDX-License-Identifier: GPL-2.0-or-later
/* doctor_network.c - the kernel's network settings that IPsec's packets meet. */
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"

/* ---- forwarding ---- */

static bool is_own_address(const struct fwh_range *range)
{
	struct ifaddrs *list, *ifa;
	struct fwh_addr addr;
	bool own = false;

	if (getifaddrs(&list))
		return false;
	for (ifa = list; ifa && !own; ifa = ifa->ifa_next) {
		if (!ifa->ifa_addr)
			continue;
		memset(&addr, 0, sizeof(addr));
		if (ifa->ifa_addr->sa_family == AF_INET) {
			addr.family = FWH_IPV4;
			memcpy(addr.b, &((struct sockaddr_in *)
			       (void *)ifa->ifa_addr)->sin_addr, 4);
		} else if (ifa->ifa_addr->sa_family == AF_INET6) {
			addr.family = FWH_IPV6;
			memcpy(addr.b, &((struct sockaddr_in6 *)
			       (void *)ifa->ifa_addr)->sin6_addr, 16);
		} else {
			continue;
		}
		own = fwh_range_is_host(range, &addr);
	}
	freeifaddrs(list);
	return own;
}

static bool is_forwarded(const struct fwh_seen *seen)
{
	const struct fwh_event *ev = &seen->record.ev;

	return seen->record.state == FWH_STATE_UP &&
	       !fwh_range_is_host(&ev->sel.local, &ev->me) &&
	       !is_own_address(&ev->sel.local);
}

void check_forwarding(struct doctor *d)
{
	static const struct {
		const char *family, *path, *mend;
	} families[FWH_FAMILY_MAX] = {
		{ "IPv4", "/proc/sys/net/ipv4/ip_forward",
		  "sysctl -w net.ipv4.ip_forward=1; at boot: a file in "
		  "/etc/sysctl.d" },
		{ "IPv6", "/proc/sys/net/ipv6/conf/all/forwarding",
		  "sysctl -w net.ipv6.conf.all.forwarding=1; at boot: a file "
		  "in /etc/sysctl.d" },
	};
	bool told[FWH_FAMILY_MAX] = { false, false };
	char local[FWH_RANGE_STRLEN];
	size_t i;

	for (i = 0; i < d->view->n; i++) {
		const struct fwh_seen *seen = &d->view->conns[i];
		enum fwh_family family = seen->record.ev.sel.local.family;

		if (told[family] || !is_forwarded(seen) ||
		    read_number("%s", families[family].path) != 0)
			continue;
		told[family] = true;
		found(d, "packets out of the tunnel for others than this "
		      "machine end here", families[family].mend,
		      "%s is not forwarded, and %s has %s on our side",
		      families[family].family, seen->record.ev.conn,
		      fwh_range_format(&seen->record.ev.sel.local, local));
	}
}

/* ---- reverse path filter ---- */

/* The kernel takes the stricter of both, 1 being strict (ip-sysctl: the maximum,
 * and 2 is loose). */
static bool is_strict(const char *iface)
{
	long all = read_number("/proc/sys/net/ipv4/conf/all/rp_filter");
	long own = read_number("/proc/sys/net/ipv4/conf/%s/rp_filter", iface);

	return own >= 0 && (all > own ? all : own) == 1;
}

void check_rp_filter(struct doctor *d)
{
	char mend[128];
	size_t i, j;

	for (i = 0; i < d->view->n; i++) {
		const struct fwh_event *ev = &d->view->conns[i].record.ev;
		const char *ifaces[] = { ev->virt_iface, ev->vti_iface };

		for (j = 0; j < ARRAY_LEN(ifaces); j++) {
			if (!*ifaces[j] || ev->sel.local.family != FWH_IPV4 ||
			    !is_strict(ifaces[j]))
				continue;
			snprintf(mend, sizeof(mend), "sysctl -w net.ipv4.conf."
				 "%s.rp_filter=2", ifaces[j]);
			found(d, "what comes out of the tunnel is dropped where "
			      "the route back is not through the same device",
			      mend, "rp_filter is strict on %s, the device of %s",
			      ifaces[j], ev->conn);
		}
	}
}

/* ---- offload ---- */

static bool is_loaded(const char *module)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/module/%s", module);
	return !access(path, F_OK);
}

/* A mark on ESP needs ESP to be seen.  With GRO the packets are decrypted ahead of
 * prerouting (net/ipv4/esp4_offload.c). */
void check_offload(struct doctor *d)
{
	static const char *const modules[FWH_FAMILY_MAX] = {
		"esp4_offload", "esp6_offload"
	};
	size_t i;

	for (i = 0; i < d->view->n; i++) {
		const struct fwh_seen *seen = &d->view->conns[i];
		const char *module = modules[seen->record.ev.me.family];

		if (!seen->settings.mark_esp)
			continue;
		if (seen->record.sa.offload)
			found(d, "the network card decrypts: no ESP is ever "
			      "seen, and nothing is marked or accepted",
			      "mark-source = policy in ipsec-fw.conf",
			      "%s has mark-source = esp, and packet offload",
			      seen->record.ev.conn);
		else if (is_loaded(module))
			found(d, "with GRO incoming ESP is decrypted before it "
			      "could be marked, and is not accepted",
			      "mark-source = policy in ipsec-fw.conf",
			      "%s has mark-source = esp, and %s is loaded",
			      seen->record.ev.conn, module);
	}
}
