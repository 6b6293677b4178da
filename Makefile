# What a developer types; "make help" lists it. Every target installs what it needs: Debian packages from the
# machine's own sources (as root), cargo-deb under target/tools.

SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
.DELETE_ON_ERROR:

export CARGO_TARGET_DIR := $(CURDIR)/target
export SKIPPED := $(CURDIR)/target/skipped
CARGO ?= cargo
DESTDIR ?=

NEED := tests/hosts/need.sh
COMPILER := gcc libc6-dev
CONTAINERS := systemd-container mmdebstrap util-linux

CARGO_DEB_VERSION := 3.8.0
CARGO_DEB := target/tools/cargo-deb-$(CARGO_DEB_VERSION)/bin/cargo-deb

SCRIPTS := $(wildcard .ci/run benches/*.sh tests/*.sh tests/*/*.sh) \
	$(wildcard debian/preinst debian/postinst debian/prerm debian/postrm)
PACKAGED := $(shell find src systemd debian man completions -type f) \
	Cargo.toml Cargo.lock $(wildcard README.md CHANGELOG.md)

QUICK := check-format check-clippy test-rust
STEPS := $(QUICK) check-scripts check-man check-drop-in deb test-hosts

help: ## list the targets
	@sed -n 's/^\([a-z][a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 24

demo: ## watch a drain on a real systemd (root, about a minute the first time)
	@$(NEED) "the demo" $(COMPILER) $(CONTAINERS)
	@$(MAKE) --no-print-directory deb
	@echo "building the demo"
	@$(CARGO) build --quiet --examples
	@target/debug/examples/demo

test: ## everything: the source, the program, the package, real hosts (root)
	@$(call run,$(STEPS))

test-quick: ## what needs no root: format, lints, unit and command-line tests
	@$(call run,$(QUICK))

# Runs every step, whatever becomes of the one before it, and sums up.
define run
mkdir -p target; rm -f $(SKIPPED); failed=; \
for step in $(1); do \
	echo "==> $$step"; \
	$(MAKE) --no-print-directory $$step || failed="$$failed $$step"; \
done; \
echo "==> summary"; \
if [ -e $(SKIPPED) ]; then echo "not run on this machine:"; sed 's/^/  /' $(SKIPPED); fi; \
if [ -n "$$failed" ]; then echo "failed:$$failed"; exit 1; fi; \
echo "all that was run has passed"
endef

check-format: ## the layout of the source
	@$(CARGO) fmt --version >/dev/null 2>&1 || rustup --quiet component add rustfmt
	@$(CARGO) fmt --check

check-clippy: ## the lints
	@$(NEED) "the compiler" $(COMPILER)
	@$(CARGO) clippy --version >/dev/null 2>&1 || rustup --quiet component add clippy
	@$(CARGO) clippy --quiet --all-targets -- -D warnings

test-rust: ## unit, command-line and documentation tests
	@$(NEED) "the compiler" $(COMPILER)
	@echo "building the program and its tests"
	@$(CARGO) build --quiet --examples
	@# Most command-line tests wait for a timeout.
	@RUST_TEST_THREADS=8 $(CARGO) test --no-fail-fast --lib --bins --test cli --test docs --test standin

check-scripts: ## shellcheck
	@$(NEED) check-scripts shellcheck || exit 0; shellcheck $(SCRIPTS)

check-man: ## the manual pages
	@$(NEED) check-man mandoc || exit 0; mandoc -Tlint -W warning $(wildcard man/*.[1-9])

# systemd-analyze succeeds on an unknown key and only prints, so anything it prints is a failure.
check-drop-in: ## the drop-in, as systemd reads it
	@command -v systemd-analyze >/dev/null || \
		{ echo "check-drop-in: skipped, no systemd-analyze" | tee -a $(SKIPPED); exit 0; }; \
	rm -rf target/units; mkdir -p target/units/hhvm.service.d; \
	printf '[Service]\nExecStart=/bin/true\n' >target/units/hhvm.service; \
	sed 's,/usr/bin/hhvm-drain,/bin/true,' systemd/hhvm.service.d/drain.conf \
		>target/units/hhvm.service.d/drain.conf; \
	said=$$(SYSTEMD_UNIT_PATH=target/units: systemd-analyze --man=no verify hhvm.service 2>&1) && \
		[ -z "$$said" ] || { echo "$$said"; exit 1; }

test-hosts: ## the package on real hosts
	@$(NEED) test-hosts $(CONTAINERS) || exit 0; \
	$(CARGO) build --quiet --examples && \
	$(CARGO) test --test hosts | tee target/hosts.log; \
	status=$$?; sed -n 's/^host tests are ignored/test-hosts: ignored/p' target/hosts.log >>$(SKIPPED); \
	[ -s $(SKIPPED) ] || rm -f $(SKIPPED); exit $$status

bench: ## what a drain costs, beside a script with mv and curl (four minutes)
	@$(NEED) "the benchmarks" $(COMPILER) bash coreutils curl
	@echo "building the program and the benchmarks"
	@$(CARGO) build --quiet --release --locked --bin hhvm-drain --example hhvm
	@$(CARGO) bench --quiet --locked --bench drain

deb: target/packages/.deb ## the Debian package, in target/packages

target/packages/.deb: $(PACKAGED) $(CARGO_DEB)
	@$(NEED) "the package" $(COMPILER)
	@echo "building the .deb"
	@mkdir -p target/packages; rm -f target/packages/*.deb
	@$(CARGO_DEB) --quiet --locked --output target/packages/
	@touch $@

$(CARGO_DEB):
	@$(NEED) cargo-deb $(COMPILER)
	@echo "installing cargo-deb $(CARGO_DEB_VERSION) under target/tools (once, about two minutes)"
	@$(CARGO) install --quiet --locked --version $(CARGO_DEB_VERSION) cargo-deb \
		--target-dir target/tools/build --root target/tools/cargo-deb-$(CARGO_DEB_VERSION)
	@rm -rf target/tools/build

install: ## install below DESTDIR, without a package manager
	@echo "building the program"
	@$(CARGO) build --quiet --release --locked --bin hhvm-drain
	install -D target/release/hhvm-drain $(DESTDIR)/usr/bin/hhvm-drain
	install -D -m 644 -t $(DESTDIR)/usr/lib/systemd/system/hhvm.service.d systemd/hhvm.service.d/drain.conf
	install -D -m 644 -t $(DESTDIR)/usr/lib/systemd/catalog systemd/hhvm-drain.catalog
	[ -e $(DESTDIR)/etc/hhvm-drain.toml ] || install -D -m 644 -t $(DESTDIR)/etc systemd/hhvm-drain.toml
	install -D -m 644 -t $(DESTDIR)/usr/share/man/man8 man/hhvm-drain.8
	install -D -m 644 -t $(DESTDIR)/usr/share/man/man5 man/hhvm-drain.toml.5
	install -D -m 644 completions/hhvm-drain.bash $(DESTDIR)/usr/share/bash-completion/completions/hhvm-drain
	install -D -m 644 -t $(DESTDIR)/usr/share/zsh/vendor-completions completions/_hhvm-drain
	install -D -m 644 -t $(DESTDIR)/usr/share/fish/vendor_completions.d completions/hhvm-drain.fish

clean: ## remove all that was built
	$(CARGO) clean

.PHONY: help demo test bench install clean deb test-quick test-rust test-hosts check-format check-clippy \
	check-scripts check-man check-drop-in
