// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pairs.c - time shell lines in turn, so that a machine whose speed drifts
 * treats all of them alike: A B C, A B C, ...
 *
 *	pairs ROUNDS LABEL NETNS COMMANDS [LABEL NETNS COMMANDS]...
 *
 * COMMANDS is a file: each line is run as daemons run theirs, by sh -c, one after
 * the other, in the network namespace that the file NETNS stands for.  Prints for
 * each the median, least and most wall time of its lines together and the median
 * processor time in milliseconds, the median of the ratios to the first one of the
 * same round, and the most memory that a process of it had.  A pause before each
 * lets the kernel finish what the one before has left it.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LINES_MAX	32
#define COMMANDS_MAX	8
#define ROUNDS_MAX	1000
/* nf_tables frees what was deleted after a grace period of some 12 ms, for which
 * whoever closes a socket of netfilter's meanwhile waits. */
#define PAUSE_US	40000

struct line {
	const char *label, *netns;
	char *commands[COMMANDS_MAX];
	int n;
	double wall[ROUNDS_MAX], cpu[ROUNDS_MAX], ratio[ROUNDS_MAX];
	long peak;			/* KiB */
};

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static double to_ms(struct timeval tv)
{
	return (double)tv.tv_sec * 1e3 + (double)tv.tv_usec / 1e3;
}

static int read_commands(struct line *line, const char *path)
{
	FILE *f = fopen(path, "r");
	char *command = NULL;
	size_t size = 0;

	while (f && getline(&command, &size, f) > 0 &&
	       line->n < COMMANDS_MAX) {
		line->commands[line->n++] = command;
		command = NULL;
	}
	free(command);
	if (!f || !feof(f) || !line->n) {
		fprintf(stderr, "pairs: %s: not 1 to %d commands\n", path,
			COMMANDS_MAX);
		return -1;
	}
	return fclose(f);
}

static void run_child(const struct line *line, const char *command)
{
	int null = open("/dev/null", O_WRONLY);
	int netns = open(line->netns, O_RDONLY | O_CLOEXEC);

	if (null < 0 || netns < 0 || setns(netns, CLONE_NEWNET))
		_exit(126);
	dup2(null, STDOUT_FILENO);
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

static int run_command(struct line *line, const char *command, double *cpu)
{
	struct rusage usage;
	pid_t child = fork();
	int status;

	if (child == 0)
		run_child(line, command);
	if (child < 0 || wait4(child, &status, 0, &usage) != child || status) {
		fprintf(stderr, "pairs: %s failed\n", line->label);
		return -1;
	}
	*cpu += to_ms(usage.ru_utime) + to_ms(usage.ru_stime);
	if (line->peak < usage.ru_maxrss)
		line->peak = usage.ru_maxrss;
	return 0;
}

static int run_once(struct line *line, int round)
{
	double start;
	int i;

	usleep(PAUSE_US);
	start = now_ms();
	line->cpu[round] = 0;
	for (i = 0; i < line->n; i++)
		if (run_command(line, line->commands[i], &line->cpu[round]))
			return -1;
	line->wall[round] = now_ms() - start;
	return 0;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, int n)
{
	qsort(values, (size_t)n, sizeof(*values), by_size);
	return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static void report(struct line *line, int rounds)
{
	double middle = median(line->wall, rounds);	/* sorts */

	printf("%-30s %9.2f %9.2f %9.2f %9.2f %9.2f %9ld\n", line->label,
	       middle, line->wall[0], line->wall[rounds - 1],
	       median(line->cpu, rounds), median(line->ratio, rounds),
	       line->peak);
}

int main(int argc, char **argv)
{
	static struct line lines[LINES_MAX];
	int rounds = argc > 1 ? atoi(argv[1]) : 0, n = (argc - 2) / 3, i, r;

	if (rounds < 1 || rounds > ROUNDS_MAX || n < 1 || n > LINES_MAX ||
	    argc != 2 + 3 * n) {
		fputs("usage: pairs ROUNDS LABEL NETNS COMMANDS...\n", stderr);
		return 2;
	}
	for (i = 0; i < n; i++) {
		lines[i].label = argv[2 + 3 * i];
		lines[i].netns = argv[3 + 3 * i];
		if (read_commands(&lines[i], argv[4 + 3 * i]))
			return 2;
	}
	/* One round to warm up, whose times are overwritten. */
	for (r = -1; r < rounds; r++)
		for (i = 0; i < n; i++)
			if (run_once(&lines[i], r < 0 ? 0 : r))
				return 1;
	for (i = n - 1; i >= 0; i--)
		for (r = 0; r < rounds; r++)
			lines[i].ratio[r] = lines[i].wall[r] / lines[0].wall[r];
	printf("%-30s %9s %9s %9s %9s %9s %9s\n", "", "median ms", "least",
	       "most", "cpu ms", "ratio", "peak KiB");
	for (i = 0; i < n; i++)
		report(&lines[i], rounds);
	return 0;
}
