# SPDX-License-Identifier: GPL-2.0-or-later
# package.mk - what OpenWrt's does for a package of Autotools.
PKG_BUILD_DIR := $(TOPDIR)/$(PKG_NAME)-$(PKG_VERSION)
PKG_INSTALL_DIR := $(TOPDIR)/install
CONFIGURE_ARGS := --prefix=/usr --exec-prefix=/usr --sysconfdir=/etc \
	--localstatedir=/var

define BuildPackage
all:
	echo "$(PKG_HASH)  $(PKG_SOURCE)" | sha256sum -c
	tar -C $(TOPDIR) -xf $(PKG_SOURCE)
	cd $(PKG_BUILD_DIR) && ./configure $(CONFIGURE_ARGS) && $(MAKE) && \
		$(MAKE) install DESTDIR=$(PKG_INSTALL_DIR)
	$(call Package/$(1)/install,$(TOPDIR)/ipkg)
endef
