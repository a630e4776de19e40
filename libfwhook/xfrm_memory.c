// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xfrm_memory.c - what a look at many policies has seen, in a file, so that the next
 * one reads only what is newer.
 *
 * A dump has no selection, and begins with the newest policy: a new one is put at
 * the head of the list, one that replaces another, too (net/xfrm/xfrm_policy.c,
 * __xfrm_policy_link(), Linux 2.6.28 to 6.18).  So it has come to what is known when
 * it meets a policy that an earlier look has met; and of what is known only the
 * passthrough policies are asked for again.  The kernel is still the truth: the file
 * has no more than their numbers.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "xfrm.h"

#define NAME	"policies"
#define STAGED	".policies.new"
#define END	"end"

static int parse_line(const char *line, struct fwh_policies *ret)
{
	struct fwh_policy_place *pass = &ret->pass[ret->n_passes];
	struct fwh_policy_marker *marker = &ret->marker[ret->n_markers];
	uint64_t n[4];

	/* The words of a marker are one number, a list of two. */
	if (!fwh_numbers_parse(line, n, 2) && n[0] <= UINT32_MAX &&
	    ret->n_markers < FWH_POLICY_MARKERS_MAX) {
		marker->index = (uint32_t)n[0];
		marker->added = n[1];
		ret->n_markers++;
		return 0;
	}
	if (fwh_numbers_parse(line, n, 4) || n[0] > UINT32_MAX ||
	    n[1] > UINT32_MAX || n[2] > UINT32_MAX || n[3] > UINT32_MAX ||
	    ret->n_passes == FWH_POLICY_PLACES_MAX)
		return -EBADMSG;
	pass->index = (uint32_t)n[0];
	pass->if_id = (uint32_t)n[1];
	pass->mark.value = (uint32_t)n[2];
	pass->mark.mask = (uint32_t)n[3];
	ret->n_passes++;
	return 0;
}

bool fwh_policies_recall(int dir, struct fwh_policies *ret)
{
	struct fwh_lines lines;
	size_t i;

	memset(ret, 0, sizeof(*ret));
	if (fwh_lines_read(dir, NAME, &lines) || !lines.n ||
	    strcmp(lines.line[lines.n - 1], END) != 0)
		return false;
	for (i = 0; i < lines.n - 1; i++)
		if (parse_line(lines.line[i], ret))
			return false;
	return ret->n_markers > 0;
}

static int write_policies(int fd, const struct fwh_policies *policies)
{
	FILE *f = fdopen(fd, "w");
	size_t i;
	int code;

	if (!f) {
		fwh_close_fd(&fd);
		return -ENOMEM;
	}
	for (i = 0; i < policies->n_markers; i++)
		fprintf(f, "%u %llu\n", policies->marker[i].index,
			(unsigned long long)policies->marker[i].added);
	for (i = 0; i < policies->n_passes; i++)
		fprintf(f, "%u %u %u %u\n", policies->pass[i].index,
			policies->pass[i].if_id, policies->pass[i].mark.value,
			policies->pass[i].mark.mask);
	fputs(END "\n", f);
	code = ferror(f) ? -EIO : 0;
	return fclose(f) ? -EIO : code;
}

void fwh_policies_remember(int dir, const struct fwh_policies *policies)
{
	int fd = fwh_create(dir, STAGED);

	/* Without it everything is read. */
	if (fd < 0 || write_policies(fd, policies) ||
	    renameat(dir, STAGED, dir, NAME)) {
		unlinkat(dir, STAGED, 0);
		fwh_policies_forget(dir);
	}
}

void fwh_policies_forget(int dir)
{
	unlinkat(dir, NAME, 0);
}

void fwh_xfrm_set_memory(struct fwh_xfrm *xfrm, int dir)
{
	xfrm->memory = dir;
}
