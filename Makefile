# Every target is one script: the scripts work without make, and take options that make cannot pass.
.DEFAULT_GOAL := help
.PHONY: run test check fuzz bench openapi demo image clean help

run: ## build and start on 127.0.0.1:8080 with an embedded database and a small seeded clinic
	@scripts/run.sh

test: ## run every test on SQLite and on a throw-away PostgreSQL
	@scripts/test.sh

check: ## format, lints, documentation, links, licences: what must hold before tests
	@scripts/check.sh

fuzz: ## send many broken requests from a fresh seed, and try the readers with many more cases
	@scripts/fuzz.sh

bench: ## measure sends and reads beside pgbench and write docs/bench.md
	@scripts/bench.sh

openapi: ## write openapi/postern.json from the served routes
	@scripts/openapi.sh

demo: ## play the story of a Friday evening message against the real server
	@scripts/demo.sh

image: ## build the container image with docker, podman or buildah
	@scripts/image.sh

clean: ## remove what was built (never the data)
	@scripts/clean.sh

help: ## list these targets
	@sed -n 's/^\([a-z]*\): ## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r target text; do \
		printf '  make %-8s %s\n' "$$target" "$$text"; \
	done
