# SRS for TypeScript. `make help` explains the targets; each is a script in toolchain/.

-include objs/configure.mk
export PREFIX JOBS DESTDIR

SOURCES := $(shell find src native -name build -prune -o -type f -print 2>/dev/null)
ADDON := native/build/Release/srs.node
BUNDLE := objs/bundle/srs.cjs

.DEFAULT_GOAL := objs/srs
.PHONY: help deps addon lint typecheck test unit integration e2e native-test asan fuzz coverage bench \
  install uninstall clean

ifdef CONFIGURED

objs/srs: $(BUNDLE) packaging/pkg.json toolchain/read-target.ts toolchain/pack.sh toolchain/targets/x64.ini
	@toolchain/pack.sh

$(BUNDLE): $(SOURCES) $(wildcard doc/*.flv) package.json objs/build-info.json toolchain/bundle.sh $(ADDON)
	@toolchain/deps.sh
	@toolchain/bundle.sh

$(ADDON): $(filter native/%,$(SOURCES)) package-lock.json toolchain/addon.sh
	@toolchain/deps.sh
	@toolchain/addon.sh
	@touch $@

install: objs/srs ## install below DESTDIR and PREFIX
	@toolchain/install.sh

uninstall: ## remove what install put there
	@toolchain/uninstall.sh

else

objs/srs $(ADDON) install uninstall:
	@echo 'error: run ./configure first' >&2; exit 1

endif

help: ## this text
	@echo 'make              build objs/srs, the server in one file'
	@grep -hE '^[a-z0-9-]+:.*## ' $(firstword $(MAKEFILE_LIST)) | \
	  sed -E 's/^([a-z0-9-]+):.*## (.*)/make \1\t\2/' | expand -t 18

deps: ## install the npm packages when they are missing or old
	@toolchain/deps.sh

addon: $(ADDON) ## compile the native addon

typecheck: deps ## type-check sources and tests
	@toolchain/typecheck.sh

lint: deps ## run all linters and format checks
	@toolchain/lint.sh

test: ## everything CI runs, from a fresh clone on; ends with the count of all tests
	@toolchain/test.sh

unit: deps $(ADDON) ## unit tests
	@toolchain/unit.sh

integration: deps $(ADDON) ## a real server, in this process
	@toolchain/integration.sh

coverage: ## coverage of the last unit and integration runs, against the gates
	@toolchain/coverage.sh

native-test: ## the engine's own tests, under ASAN, UBSAN and LeakSanitizer
	@toolchain/native-test.sh

asan: deps ## tests of net and integration tests with a sanitized addon
	@toolchain/asan.sh

e2e: objs/srs ## objs/srs with ffmpeg and other real tools
	@toolchain/e2e.sh

fuzz: deps $(ADDON) ## property and fuzz tests, SRS_FUZZ_RUNS=N inputs each
	@toolchain/fuzz.sh

bench: objs/srs ## measure the server, by hand only
	@toolchain/bench.sh

clean: ## remove what was built; node_modules stays
	rm -rf objs native/build
