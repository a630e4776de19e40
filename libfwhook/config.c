// SPDX-License-Identifier: GPL-2.0-or-later
/* config.c - INI files become settings, all of them or none. */
#include <errno.h>
#include <string.h>

#include "config.h"

int fwh_config_load(const char *file, const char *dir,
		    struct fwh_config **ret, struct fwh_err *err)
{
	struct fwh_config *config;
	int code = fwh_config_default(&config);

	if (code)
		return fwh_fail(err, code, "out of memory");
	code = fwh_config_read_file(config, file, true, err);
	if (!code && dir)
		code = fwh_config_read_folder(config, dir, err);
	if (!code)
		code = fwh_config_check_sections(config, err);
	if (code) {
		fwh_config_free(config);
		return code;
	}
	*ret = config;
	return 0;
}

int fwh_config_check(const char *const files[], size_t n,
		     void (*report)(const struct fwh_err *err, void *arg),
		     void *arg, size_t *ret_n, struct fwh_err *err)
{
	static const char *const built_in_files[] = {
		FWH_SYSCONFDIR "/ipsec-fw/ipsec-fw.conf"
	};
	const char *dir = n ? NULL : FWH_SYSCONFDIR "/ipsec-fw/conf.d";
	struct fwh_config *config;
	struct fwh_err bad;
	size_t i;
	int code = fwh_config_default(&config);

	if (code)
		return fwh_fail(err, code, "out of memory");
	config->report = report;
	config->report_arg = arg;
	if (!n)
		files = built_in_files;
	for (i = 0; !code && i < (n ? n : 1); i++)
		code = fwh_finding(config, fwh_config_read_file(config,
						files[i], !n, &bad), &bad);
	if (!code && dir)
		code = fwh_finding(config, fwh_config_read_folder(config, dir,
								  &bad), &bad);
	if (!code)
		code = fwh_config_check_sections(config, &bad);
	if (!code)
		code = fwh_config_check_raws(config, &bad);
	*ret_n = config->n_findings;
	fwh_config_free(config);
	return code ? fwh_fail(err, code, "%s", bad.msg) : 0;
}

void fwh_config_set_backend(struct fwh_config *config,
			    const struct fwh_backend *backend, const char *why)
{
	char *name = config->globals.backend;

	memset(name, 0, sizeof(config->globals.backend));
	strncpy(name, fwh_backend_name(backend),
		sizeof(config->globals.backend) - 1);
	config->backend_why = why;
}

const char *fwh_config_backend_why(const struct fwh_config *config)
{
	return config->backend_why;
}

bool fwh_config_holds_legacy(const struct fwh_config *config)
{
	return !strncmp(config->globals.backend, "iptables", 8);
}

bool fwh_config_has_words(const struct fwh_config *config)
{
	size_t i;

	for (i = 0; i < config->n; i++)
		if (config->sections[i].values.iptables.n ||
		    config->sections[i].values.nft.n)
			return true;
	return false;
}

int fwh_config_open(const struct fwh_call_options *options,
		    struct fwh_config **ret, struct fwh_err *ret_bad,
		    struct fwh_err *err)
{
	const char *file = options->config_file, *dir = options->config_dir;
	const struct fwh_backend *backend;
	const char *why;
	int code;

	if (!file) {
		file = FWH_SYSCONFDIR "/ipsec-fw/ipsec-fw.conf";
		dir = FWH_SYSCONFDIR "/ipsec-fw/conf.d";
	}
	ret_bad->code = 0;
	code = fwh_config_load(file, dir, ret, ret_bad);
	if (code) {
		ret_bad->code = code;
		code = fwh_config_default(ret);
	}
	if (code)
		return fwh_fail(err, code, "out of memory");
	/* "auto" stands for another word, which is looked up once. */
	if (fwh_backend_choose((*ret)->globals.backend, &backend, &why,
			       ret_bad->code ? NULL : ret_bad)) {
		backend = fwh_backend_find("nftables");
		why = "which one fits cannot be seen for the moment";
	}
	fwh_config_set_backend(*ret, backend, why);
	if (fwh_config_holds_legacy(*ret) &&
	    (*ret)->globals.scale == FWH_SCALE_SETS)
		fwh_config_set_backend(*ret, fwh_backend_find("iptables-sets"),
				       why);
	return 0;
}
