/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel.h - a kernel that answers what the input says. */
#ifndef FWHOOK_FUZZ_KERNEL_H
#define FWHOOK_FUZZ_KERNEL_H

#include "internal.h"

/*
 * Answers, each two bytes of length (little end first) and messages.  Their
 * numbers and addressees are put right, so that the libraries look further; an
 * odd length leaves them wrong.  Then the kernel is silent.
 */
void kernel_answers(const uint8_t *data, size_t size);

/* A connection that something is to be asked for, and its environment. */
extern const char *const kernel_site[];
struct fwh_event kernel_event(void);

/* An error says in print what it is. */
void kernel_check(int code, const struct fwh_err *err);

#endif
