# make            the program: target/TRIPLE/release/hg_repmgr, one static file
# make help       the rest
#
# TARGET=x86_64-unknown-linux-musl and the like build for another target.

SHELL := /bin/bash
# Where rustup puts cargo; scripts/setup.sh installs it there when it is missing.
export PATH := $(HOME)/.cargo/bin:$(PATH)
PREFIX ?= /usr/local
DESTDIR ?=
# Asked when it is needed: setup may have installed rustc just before.
HOST = $(shell PATH="$(PATH)" rustc -vV 2>/dev/null | sed -n 's/^host: //p')
TARGET ?= $(HOST)
# What ships names no folder of the machine that built it. Cargo joins these flags with those of .cargo/config.toml;
# RUSTFLAGS would take their place, and the program would not be static.
SOURCES = $(or $(CARGO_HOME),$(HOME)/.cargo)/registry/src
FLAGS = CARGO_TARGET_$(shell echo '$(TARGET)' | tr 'a-z-' 'A-Z_')_RUSTFLAGS
BIN = target/$(TARGET)/release/hg_repmgr
PAGES = $(wildcard man/*.[1-8])

.PHONY: all toolchain build help setup demo demo-down test check fmt install uninstall bench clean

all: build

# A target of its own: a recipe's variables are expanded before its first line runs.
toolchain:
	@scripts/setup.sh build

build: toolchain ## the release binary (default)
	env $(FLAGS)="--remap-path-prefix=$(SOURCES)=crates $$$(FLAGS)" cargo build --release --locked --target $(TARGET)
	@ls -l $(BIN) | awk '{printf "%s: %.2f MB\n", $$NF, $$5 / 1e6}'

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|'

setup: ## installs what building, the demo and the tests need (apt or dnf)
	@scripts/setup.sh build demo test

demo: build ## a primary and two standbys on this machine, set up by the program
	@scripts/setup.sh demo
	@HG_REPMGR="$${HG_REPMGR:-$(BIN)}" scripts/demo.sh up

demo-down: ## takes the demo down
	@scripts/demo.sh down

test: ## all tests; FILTER="words" for some
	@scripts/setup.sh test
	@scripts/test.sh $(FILTER)

check: ## formatting, lints, rules of the house, manual pages, licences: what needs no server
	cargo fmt --check
	cargo clippy --all-targets --locked -- -D warnings
	cargo test --quiet --test house_rules
	@if [ -n "$(PAGES)" ]; then \
	  if command -v mandoc >/dev/null; then echo "mandoc -T lint -W warning $(PAGES)"; mandoc -T lint -W warning $(PAGES); \
	  else echo "check: mandoc is not here: manual pages NOT checked"; fi; fi
	@if cargo deny --version >/dev/null 2>&1; then cargo deny --offline check licenses bans sources; \
	  else echo "check: cargo-deny is not here: licences NOT checked"; fi

fmt: ## formats the source
	cargo fmt

install: ## the program, its links and its pages, below $(DESTDIR)$(PREFIX)
	@test -x $(BIN) || $(MAKE) build
	install -d "$(DESTDIR)$(PREFIX)/bin"
	install -m 755 $(BIN) "$(DESTDIR)$(PREFIX)/bin/hg_repmgr"
	ln -sfn hg_repmgr "$(DESTDIR)$(PREFIX)/bin/repmgr"
	set -e; for page in $(PAGES); do section=$${page##*.}; \
	  install -d "$(DESTDIR)$(PREFIX)/share/man/man$$section"; \
	  install -m 644 $$page "$(DESTDIR)$(PREFIX)/share/man/man$$section/"; done

uninstall: ## undoes install
	rm -f $(foreach name,hg_repmgr repmgr,"$(DESTDIR)$(PREFIX)/bin/$(name)")
	for page in $(notdir $(PAGES)); do rm -f "$(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$$page"; done

bench: build ## figures beside the original's: time, memory, size (never a test)
	@scripts/setup.sh test
	@HG_REPMGR="$${HG_REPMGR:-$(BIN)}" scripts/bench.sh

FUZZ_SECONDS ?= 20
fuzz: ## the parsers against chance, $(FUZZ_SECONDS) s each; needs cargo-fuzz and a C++ compiler
	@cargo fuzz --version >/dev/null 2>&1 || { echo "fuzz: cargo-fuzz is not here: cargo install cargo-fuzz" >&2; exit 1; }
	@mkdir -p fuzz/corpus/lexer fuzz/corpus/control_file
	@cp tests/fixtures/seeds/*.conf fuzz/corpus/lexer/ && cp tests/fixtures/pg_control/*.bin fuzz/corpus/control_file/
	set -e; for parser in $(notdir $(basename $(wildcard fuzz/fuzz_targets/*.rs))); do \
	  RUSTC_BOOTSTRAP=1 cargo fuzz run -s none -O $$parser -- -max_total_time=$(FUZZ_SECONDS) -timeout=5 -print_final_stats=1; done

clean: ## removes what was built
	cargo clean
