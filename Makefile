# Two commands matter: `make demo` and `make test`. Both install what they need first.
PYTHON ?= python3
RUN := .venv/bin/python

.PHONY: help prepare packages demo devnet test nightly lint generate build locks clean

help:
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-10s %s\n", $$1, $$2}'

prepare: ## install everything, locked by hash (a second run does nothing)
	@$(PYTHON) tools/prepare.py --checks

packages: # what the product needs, without compilers and linters
	@$(PYTHON) tools/prepare.py

demo: packages ## run f(x) = x² from a published project to a paid contributor
	@$(RUN) -m devnet demo $(ARGS)

devnet: packages ## keep a network running and print how to use it
	@$(RUN) -m devnet up $(ARGS)

test: prepare ## every check and every test tier
	@$(RUN) -m tools.checks $(ARGS)

nightly: prepare ## the same, and what takes too long for every change
	@$(RUN) -m tools.checks --nightly $(ARGS)

lint: prepare ## format, lint, types and layers only
	@$(RUN) -m tools.checks --only lint

generate: prepare ## regenerate protobuf code, ABI and reference pages
	@$(RUN) -m grpc_tools.protoc -I proto --python_out=. --pyi_out=. proto/zarathustra/v1/*.proto
	@$(RUN) contracts/tools/export_abi.py
	@$(RUN) -m tools.documents

build: prepare ## the distribution, in dist/
	@$(RUN) -m hatchling build -d dist

locks: prepare ## resolve the lock files anew
	@.venv/bin/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-emit-find-links --python-version 3.11 \
	    pyproject.toml --group dev --group tools -o locks/python.txt
	@.venv/bin/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-emit-find-links --python-version 3.11 \
	    locks/torch.in -c locks/python.txt -o locks/torch.txt
	@.venv/bin/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-emit-find-links --python-version 3.11 \
	    locks/uv.in -o locks/uv.txt
	@.venv/bin/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-emit-find-links --python-version 3.11 \
	    locks/slither.in -o locks/slither.txt

clean: ## remove what prepare and runs left behind
	rm -rf .venv .cache .devnet contracts/node_modules contracts/out contracts/cache
