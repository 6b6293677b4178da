# The targets for developers; "make help" lists them. Every target installs what it needs: Debian packages from the
# machine's own sources (as root), and all other tools under target/tools.

SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
.DELETE_ON_ERROR:

export CARGO_TARGET_DIR := $(CURDIR)/target
export SKIPPED := $(CURDIR)/target/skipped
CARGO ?= cargo
PART ?= all
DESTDIR ?=
SECONDS ?= 60
N ?= 500

NEED := tests/hosts/need.sh
COMPILER := cc:gcc,libc6-dev
CONTAINERS := systemd-nspawn:systemd-container mmdebstrap unshare:util-linux

MACHINE := qemu-system-x86_64:qemu-system-x86 ssh:openssh-client mke2fs:e2fsprogs $(CONTAINERS)

# libFuzzer is C++.
FUZZ := $(COMPILER) c++:g++

FAULTS := ip:iproute2 unshare:util-linux setpriv:util-linux

ETCD := flock:util-linux openssl dpkg-deb:dpkg python3:python3-venv

FARM := ip:iproute2 dpkg-deb $(CONTAINERS)

# What the checks of the packages need besides the compiler.
BUILD := $(COMPILER) objcopy:binutils
INSPECT := lintian rpm rpmlint cpio objdump:binutils
REPOSITORY := apt-ftparchive:apt-utils gpg:gnupg rpmsign:rpm createrepo_c:createrepo-c dnf xz:xz-utils

SCRIPTS := $(wildcard .ci/run benches/*.sh packaging/*.sh tests/*.sh tests/*/*.sh) \
	$(wildcard debian/preinst debian/postinst debian/prerm debian/postrm)
PROGRAM := $(shell find src man -type f) Cargo.toml Cargo.lock build.rs no-unwind.ld \
	packaging/stage.sh packaging/zigbuild.sh packaging/tool.sh packaging/zig.txt
PACKAGED := $(shell find systemd debian completions examples -type f) README.md CHANGELOG.md SECURITY.md LICENSE-MIT LICENSE-APACHE \
	packaging/package.sh packaging/epoch.sh

QUICK := check-format check-clippy check-paths test-rust test-model
STEPS := $(QUICK) check-fuzz check-scripts check-man check-drop-in check-examples check-exposure packages test-release check-packages check-scriptlets check-repo \
	check-reproducible check-piuparts test-etcd test-faults test-hosts test-strangers test-vm test-farm

help: ## list the targets
	@sed -n 's/^\([a-z][a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 24

terminal: ## draw what the demo prints, for the README (root)
	@# Not $$(MAKE): a dry run would call it, and write over the picture.
	@make --no-print-directory demo | tests/terminal.sh >target/terminal.svg && mv target/terminal.svg benches/results/terminal.svg

demo: ## watch a drain on a real systemd (root, about a minute the first time)
	@$(NEED) "the demo" $(COMPILER) $(CONTAINERS)
	@$(MAKE) --no-print-directory deb
	@echo "building the demo"
	@$(CARGO) build --quiet --examples
	@target/debug/examples/demo

test: ## test everything: the source, the program, the packages, real hosts (root)
	@$(call run,$(STEPS))

test-quick: ## test what needs no root: format, lints, unit, command-line and documentation tests
	@$(call run,$(QUICK))

# Runs every step, even if the one before it fails, and prints a summary.
define run
mkdir -p target; rm -f "$$SKIPPED"; failed=; \
for step in $(1); do \
	echo "==> $$step"; \
	$(MAKE) --no-print-directory $$step || failed="$$failed $$step"; \
done; \
echo "==> summary"; \
if [ -e "$$SKIPPED" ]; then echo "not run on this machine:"; sed 's/^/  /' "$$SKIPPED"; fi; \
if [ -n "$$failed" ]; then echo "failed:$$failed"; exit 1; fi; \
echo "everything that ran has passed"
endef

check-format: ## check the format of the source
	@$(CARGO) fmt --version >/dev/null 2>&1 || rustup --quiet component add rustfmt
	@$(CARGO) fmt --check
	@rustfmt --check --edition 2024 tests/fuzz/targets/*.rs

check-clippy: ## run the lints
	@$(NEED) "the compiler" $(COMPILER)
	@$(CARGO) clippy --version >/dev/null 2>&1 || rustup --quiet component add clippy
	@$(CARGO) clippy --quiet --all-targets -- -D warnings

test-rust: ## run the unit, command-line and documentation tests
	@$(NEED) "the compiler" $(COMPILER)
	@echo "building the program and its tests"
	@$(CARGO) build --quiet --examples
	@# Most command-line tests wait for a timeout.
	@RUST_TEST_THREADS=8 $(CARGO) test --no-fail-fast --lib --bins --test cli --test docs --test layers --test standin --test farm

test-model: ## search orders of drains, operators, deploys, kills and power cuts, and of a fleet's turns, within small bounds
	@$(NEED) "the compiler" $(COMPILER)
	@$(CARGO) test --quiet --test model --test turns

model: ## the same within wider bounds, eight million transitions (three minutes)
	@$(NEED) "the compiler" $(COMPILER)
	@$(CARGO) test --quiet --locked --profile farm --test model --test turns -- --large

test-release: target/stage/.made ## run the command-line tests against the packaged program, which aborts on a panic
	@$(CARGO) build --quiet --examples
	@RUST_TEST_THREADS=8 TEST_PROGRAM="$$PWD/target/stage/hhvm-drain" $(CARGO) test --quiet --no-fail-fast --test cli

check-paths: ## check that a checkout works under a path with odd characters
	@$(NEED) check-paths $(BUILD) || exit 0; tests/paths.sh

check-fuzz: ## run each fuzz target for three seconds
	@$(NEED) check-fuzz $(FUZZ) || exit 0; rm -rf target/fuzz/fresh; tests/fuzz/run.sh 3 target/fuzz/fresh

fuzz: ## look for input that breaks the program; SECONDS=60 for each fuzz target
	@$(NEED) "the fuzzer" $(FUZZ)
	@tests/fuzz/run.sh $(SECONDS) target/fuzz/corpus

check-scripts: ## check the scripts with shellcheck
	@$(NEED) check-scripts shellcheck || exit 0; shellcheck $(SCRIPTS)

check-man: ## check the manual pages
	@$(NEED) check-man mandoc || exit 0; mandoc -Tlint -W warning $(wildcard man/*.[1-9])

# For an unknown key, systemd-analyze prints a line but succeeds. So any output is a failure.
check-drop-in: ## check the drop-in, as systemd reads it
	@command -v systemd-analyze >/dev/null || \
		{ echo "check-drop-in: skipped, no systemd-analyze" | tee -a "$$SKIPPED"; exit 0; }; \
	rm -rf target/units; mkdir -p target/units/hhvm.service.d; \
	printf '[Service]\nExecStart=/bin/true\n' >target/units/hhvm.service; \
	sed 's,/usr/bin/hhvm-drain,/bin/true,' systemd/hhvm.service.d/drain.conf \
		>target/units/hhvm.service.d/drain.conf; \
	said=$$(SYSTEMD_UNIT_PATH=target/units: systemd-analyze --man=no verify hhvm.service 2>&1) && \
		[ -z "$$said" ] || { echo "$$said"; exit 1; }

# An instance of each template, without the program.
check-examples: ## check the example units, as systemd reads them
	@command -v systemd-analyze >/dev/null || \
		{ echo "check-examples: skipped, no systemd-analyze" | tee -a "$$SKIPPED"; exit 0; }; \
	rm -rf target/examples; mkdir -p target/examples; cp examples/systemd/* target/examples; \
	sed -i 's,/usr/bin/hhvm-drain,/bin/true,' target/examples/*.service; \
	for unit in target/examples/*; do \
		name=$${unit##*/}; \
		said=$$(SYSTEMD_UNIT_PATH="$$PWD/target/examples:" systemd-analyze --man=no verify "$${name/@/@hhvm.service}" 2>&1) && \
			[ -z "$$said" ] || { echo "$$said"; exit 1; }; \
	done

# In tenths: what systemd-analyze prints as 5.0.
check-exposure: ## check that systemd-analyze finds the package's own units exposed by 5.0 at most
	@systemd-analyze security --offline=yes --help >/dev/null 2>&1 || \
		{ echo "check-exposure: skipped, no systemd-analyze that knows security --offline=" | tee -a "$$SKIPPED"; exit 0; }; \
	for unit in systemd/*.service; do \
		said=$$(systemd-analyze security --no-pager --offline=yes --threshold=50 "$$unit" 2>&1) || \
			{ echo "$$said"; echo "$$unit is exposed by more than 5.0"; exit 1; }; \
	done

test-hosts: ## test the packages on real hosts: Debian 11, 12 and 13 (root)
	@$(NEED) test-hosts $(CONTAINERS) $(BUILD) $(REPOSITORY) || exit 0; \
	$(call ignorable,hosts,$(CARGO) test --test hosts)

test-etcd: ## test a fleet's turns with real etcd servers of several versions, on loopback (a minute)
	@$(NEED) test-etcd $(COMPILER) $(ETCD) || exit 0; $(CARGO) build --quiet --bins; \
	$(call ignorable,etcd,$(CARGO) test --test etcd)

test-faults: target/stage/.made ## kill the packaged program at each of its system calls, and let a sample of them fail (root, two minutes)
	@$(NEED) test-faults $(FAULTS) || exit 0; $(CARGO) build --quiet --examples; \
	$(call ignorable,faults,TEST_PROGRAM="$$PWD/target/stage/hhvm-drain" $(CARGO) test --test faults)

faults: target/stage/.made ## let each of them fail with each of its errors, too, for tests/FAULTS.md (root, an hour)
	@$(NEED) "the faults" $(FAULTS)
	@$(CARGO) build --quiet --examples
	@FAULT=all TEST_PROGRAM="$$PWD/target/stage/hhvm-drain" $(CARGO) test --test faults

test-strangers: ## test the hosts of tests/strangers/seeds.txt, which nobody chose (root, three minutes)
	@$(NEED) test-strangers $(CONTAINERS) $(BUILD) $(REPOSITORY) || exit 0; \
	$(call ignorable,strangers,$(CARGO) test --test strangers)

strangers: ## test N=500 hosts that are drawn with a new seed; SEED=0x… repeats a run, DRAW="…" visits one host (root)
	@$(NEED) "the strangers" $(CONTAINERS) $(BUILD) $(REPOSITORY)
	@$(CARGO) test --quiet --test strangers -- $(if $(DRAW),--draw "$(DRAW)",--draws $(N) $(if $(SEED),--seed $(SEED)))

test-vm: ## test the package on a whole machine (root); IMAGE=disk.qcow2 for an image of your own
	@$(NEED) test-vm $(MACHINE) $(BUILD) $(REPOSITORY) || exit 0; \
	$(call ignorable,vm,$(CARGO) test --test vm)

test-farm: ## test that no request fails when nodes behind a real HAProxy are restarted (root, two minutes)
	@$(NEED) test-farm $(FARM) $(BUILD) $(REPOSITORY) || exit 0; \
	$(call ignorable,farm,$(CARGO) bench --quiet --locked --profile farm --bench farm -- small)

farm: ## compare ways to restart, by millions of requests over hundreds of stops (root, an hour); PART=proof, policies, servers, slow
	@$(NEED) "the farm" $(FARM) $(BUILD) $(REPOSITORY)
	@$(CARGO) bench --quiet --locked --profile farm --bench farm -- $(PART)

# Runs the tests $(1) with the command $(2), and notes for the summary which were ignored, and why.
define ignorable
$(2) | tee target/$(1).log; status=$$?; \
sed -nE 's/^(host tests on Debian [0-9]*|tests on a machine|the farm|the fault tests|tests with etcd) (are|is) ignored/test-$(1): ignored \1/p' target/$(1).log >>"$$SKIPPED"; \
[ -s "$$SKIPPED" ] || rm -f "$$SKIPPED"; exit $$status
endef

bench: ## measure what a drain costs and how that grows, compared with a script with mv and curl (eight minutes)
	@$(NEED) "the benchmarks" $(COMPILER) bash mv:coreutils curl
	@echo "building the program and the benchmarks"
	@$(CARGO) build --quiet --release --locked --bin hhvm-drain --example hhvm
	@$(CARGO) bench --quiet --locked --bench drain

packages: deb rpm ## build the .deb and the .rpm, in target/packages

deb: target/packages/.deb ## build only the .deb

rpm: target/packages/.rpm ## build only the .rpm

target/stage/.made: $(PROGRAM)
	@$(NEED) "the packages" $(BUILD)
	@packaging/stage.sh
	@touch $@

# The packages carry the time of the last commit, so they are built again after each commit.
target/stage/.epoch: always
	@mkdir -p target/stage; packaging/epoch.sh >$@.new; cmp -s $@.new $@ || cp $@.new $@; rm $@.new

target/packages/.%: $(PACKAGED) target/stage/.made target/stage/.epoch
	@packaging/package.sh $*
	@touch $@

repo: packages ## build signed repositories for apt and dnf in REPO=target/repo; URL= where they will be, KEY= your own key
	@$(NEED) "the repositories" $(REPOSITORY)
	@packaging/repo.sh

check-packages: packages ## check lintian, rpmlint, glibc, sizes, and that both packages hold the same
	@$(NEED) check-packages $(INSPECT) || exit 0; tests/packages/check.sh

check-reproducible: packages ## check that another directory and another user's settings give the same bytes
	@tests/packages/reproducible.sh

check-repo: packages ## check that apt and dnf install from the signed repositories, and refuse what was tampered with
	@$(NEED) check-repo $(REPOSITORY) $(CONTAINERS) || exit 0; tests/packages/repo.sh

check-scriptlets: packages ## check the maintainer scripts and scriptlets without systemd, during a drain, with a read-only /etc (root)
	@$(NEED) check-scriptlets rpm $(CONTAINERS) || exit 0; tests/packages/scripts.sh

check-piuparts: packages ## check that nothing is left behind on Debian 12 and 11 (root)
	@$(NEED) check-piuparts piuparts || exit 0; tests/packages/piuparts.sh

install: ## install below DESTDIR, without a package manager
	@echo "building the program"
	@$(CARGO) build --quiet --release --locked --bin hhvm-drain
	install -D target/release/hhvm-drain "$(DESTDIR)/usr/bin/hhvm-drain"
	install -D -m 644 -t "$(DESTDIR)/usr/lib/systemd/system/hhvm.service.d" systemd/hhvm.service.d/drain.conf
	install -D -m 644 -t "$(DESTDIR)/usr/lib/systemd/system" systemd/hhvm-drain-*.service systemd/hhvm-drain-*.socket
	install -D -m 644 -t "$(DESTDIR)/usr/lib/systemd/catalog" systemd/hhvm-drain.catalog
	[ -e "$(DESTDIR)/etc/hhvm-drain.toml" ] || install -D -m 644 -t "$(DESTDIR)/etc" systemd/hhvm-drain.toml
	install -D -m 644 -t "$(DESTDIR)/usr/share/doc/hhvm-drain" SECURITY.md
	install -D -m 644 -t "$(DESTDIR)/usr/share/doc/hhvm-drain/examples" examples/systemd/*
	install -D -m 644 -t "$(DESTDIR)/usr/share/doc/hhvm-drain/examples/prometheus" examples/prometheus/*
	install -D -m 644 -t "$(DESTDIR)/usr/share/man/man8" man/hhvm-drain.8
	install -D -m 644 -t "$(DESTDIR)/usr/share/man/man5" man/hhvm-drain.toml.5
	install -D -m 644 -t "$(DESTDIR)/usr/share/man/man7" man/hhvm-drain-*.7
	install -D -m 644 completions/hhvm-drain.bash "$(DESTDIR)/usr/share/bash-completion/completions/hhvm-drain"
	install -D -m 644 -t "$(DESTDIR)/usr/share/zsh/vendor-completions" completions/_hhvm-drain
	install -D -m 644 -t "$(DESTDIR)/usr/share/fish/vendor_completions.d" completions/hhvm-drain.fish

clean: ## remove everything that was built
	$(CARGO) clean

.PHONY: help demo terminal test bench install clean packages deb rpm repo test-quick test-rust test-release test-etcd test-faults faults test-hosts test-strangers strangers test-vm test-farm farm fuzz test-model model \
	check-format check-clippy check-paths check-fuzz check-scripts check-man check-drop-in check-examples check-exposure check-packages check-scriptlets check-repo \
	check-reproducible check-piuparts always
