# SPDX-License-Identifier: Apache-2.0
# A thin front to meson. Needs what tools/install installs.

BUILD := build
ASAN := build-asan
TSAN := build-tsan
FUZZ := build-fuzz
FAULTS := build-faults
COVERAGE := build-coverage
RELEASE := build-release
PREFIX ?= /usr/local
DESTDIR ?=
T ?=
SECONDS_EACH ?= 30
BENCH ?=
SINCE ?= HEAD

all: $(BUILD)/build.ninja
	@ninja -C $(BUILD) $$(test -t 2 || echo --quiet) fiberd fiber

run:
	@tools/run

# Everything: unit tests and guards, the practice provider, end to end, and much of it again under sanitizers.
test:
	@tools/run-tests

# One test: make check T=core/refresh, make check T=practice, make check T=e2e (or e2e/connect).
check:
	@tools/run-tests --only '$(T)'

asan:
	@tools/run-tests --asan

# Where threads meet, and a short life of the service, under ThreadSanitizer.
tsan:
	@tools/run-tests --tsan

# The unit tests under valgrind: minutes, so not part of ./test.
memcheck:
	@tools/install memcheck
	@tools/run-tests --memcheck

lint:
	@tools/lint

# Lines that tests run, room by room; at least 90 % of them in secret, oauth, core, store and courier.
coverage:
	@tools/install coverage
	@tools/coverage $(COVERAGE)

# The C lines that differ from the last commit, or from another: make fmt SINCE=main.
fmt:
	@git clang-format --quiet --force --extensions c,h $(SINCE) || true

# Each fuzz target for SECONDS_EACH seconds, from its corpus; crashes are left in build-fuzz/.
fuzz:
	@tools/install fuzz
	@tools/fuzz $(FUZZ) $(SECONDS_EACH)

# What earlier runs found becomes part of the tree.
fuzz-keep:
	@tools/install fuzz
	@tools/fuzz --keep $(FUZZ)

# Takes out one guard after the other and wants a test to fail for each: make mutants, or MUTANTS='OA-12 WB-03' for some.
mutants:
	@tools/mutants $(MUTANTS)

# Pictures of every page and error state, for docs/pages.md.
screenshots: $(BUILD)/build.ninja
	@tools/install screenshots
	@ninja -C $(BUILD) --quiet fiberd fiber tests/support/adversary
	@FIBERWISE_BUILD=$(abspath $(BUILD)) tools/node tests/e2e/screenshots.mjs

# The figures of bench/RESULTS.md, all or one part: make bench BENCH=read. BENCH_QUICK=1 for a first look.
bench: $(BUILD)/build.ninja
	@tools/install bench
	@ninja -C $(BUILD) --quiet fiberd fiber bench/load tests/support/adversary
	@FIBERWISE_BUILD=$(abspath $(BUILD)) tools/node bench/bench.mjs $(BENCH)

# kill -9, failing system calls and memory that runs out (LIFECYCLE §1): the everyday size, and all of it.
torture-ci: torture-builds
	@tests/torture/run ci

torture: torture-builds
	@tests/torture/run all

# 300 kills inside 2,000 refreshes, and that the test can fail. FIBERWISE_SEED=n repeats the chances of a run.
torture-kills: torture-builds
	@tests/torture/run kills

# Where grants die, for the real daemon (LIFECYCLE §2): make torture-table KILLS_EACH=300.
torture-table: torture-builds
	@tests/torture/run table

torture-builds: $(BUILD)/build.ninja $(FAULTS)/build.ninja
	@tools/install torture
	@ninja -C $(BUILD) --quiet fiberd fiber tests/support/adversary tests/torture/fiberd-starved
	@ninja -C $(FAULTS) --quiet fiberd

# The two programs, the unit and the documents, under PREFIX; DESTDIR=… for packages. See packaging/README.md.
install:
	@if [ -e $(RELEASE)/build.ninja ]; then meson configure $(RELEASE) --prefix=$(PREFIX); \
		else meson setup $(RELEASE) --prefix=$(PREFIX) >/dev/null; fi
	@ninja -C $(RELEASE) --quiet fiberd fiber
	@DESTDIR='$(DESTDIR)' meson install -C $(RELEASE) --no-rebuild

clean:
	rm -rf $(BUILD) $(ASAN) $(TSAN) $(FUZZ) $(FAULTS) $(COVERAGE) $(RELEASE)

# $(call setup,directory,options): says nothing unless it fails.
define setup
@meson setup $(1) $(2) >$(1).log 2>&1 || { cat $(1).log; rm -f $(1).log; exit 1; }
@rm -f $(1).log
endef

$(BUILD)/build.ninja:
	$(call setup,$(BUILD))

$(ASAN)/build.ninja:
	$(call setup,$(ASAN),-Db_sanitize=address$(comma)undefined)

$(TSAN)/build.ninja:
	$(call setup,$(TSAN),-Db_sanitize=thread)

$(FAULTS)/build.ninja:
	$(call setup,$(FAULTS),-Dfaults=true)

comma := ,

.PHONY: all run test check asan tsan memcheck lint coverage fmt fuzz fuzz-keep mutants screenshots bench install clean \
	torture torture-ci torture-kills torture-table torture-builds
