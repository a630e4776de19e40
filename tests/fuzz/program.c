// SPDX-License-Identifier: GPL-2.0-or-later
/* program.c - "ipsec-fw plan" as people run it, on a file of settings, a line "===",
 * and variables: it ends by itself, and says nothing that a terminal obeys. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "fuzz.h"

#define BORDER	"===\n"

/* Its main(), by another name. */
int ipsec_fw(int argc, char **argv, char **env);

static int file_of(const char *text, size_t size)
{
	int fd = memfd_create("input", 0);

	fuzz_holds(fd >= 0 && !fchmod(fd, 0600));
	fuzz_holds(write(fd, text, size) == (ssize_t)size && !lseek(fd, 0, SEEK_SET));
	return fd;
}

static void becomes(int fd, int standard)
{
	fuzz_holds(dup2(fd, standard) == standard);
}

static void check_said(int fd, int status)
{
	static char text[1 << 20];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	fuzz_holds(n > 0 && strlen(text) == (size_t)n);
	fuzz_holds(!status || !strncmp(text, "ipsec-fw: ", 10));
	fuzz_printable(text);
}

int main(int argc, char **argv)
{
	static char text[65536];
	char config[32], nowhere[] = "/nonexistent";
	char *args[] = { "ipsec-fw", "-c", config, "-r", nowhere, "-s", nowhere,
			 "plan", NULL };
	char *env[] = { "PATH=/usr/bin", NULL };
	int said = file_of("", 0), saved = dup(STDERR_FILENO), status;
	const char *border, *vars;
	size_t n;
	FILE *f;

	__AFL_INIT();
	f = argc == 2 ? fopen(argv[1], "r") : NULL;
	fuzz_holds(f && saved >= 0);
	n = fread(text, 1, sizeof(text) - 1, f);
	border = memmem(text, n, BORDER, strlen(BORDER));
	vars = border ? border + strlen(BORDER) : text;
	snprintf(config, sizeof(config), "/proc/self/fd/%d",
		 file_of(text, border ? (size_t)(border - text) : 0));
	becomes(file_of(vars, n - (size_t)(vars - text)), STDIN_FILENO);
	becomes(said, STDOUT_FILENO);
	becomes(said, STDERR_FILENO);
	status = ipsec_fw(ARRAY_SIZE(args) - 1, args, env);
	becomes(saved, STDERR_FILENO);
	check_said(said, status);
	return 0;
}
