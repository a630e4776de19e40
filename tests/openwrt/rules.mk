# SPDX-License-Identifier: GPL-2.0-or-later
# rules.mk - as much of OpenWrt's as a package's Makefile takes from it, for the
# machine that it is run on.
INCLUDE_DIR := $(TOPDIR)
INSTALL_DIR := install -d -m 0755
INSTALL_BIN := install -m 0755
CP := cp -fpR
