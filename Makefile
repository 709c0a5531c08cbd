# Each target does its own set-up; `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help demo test check docs site release clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-7s  %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: ## train on handwritten digits; the model goes to runs/digits
	@bash scripts/install
	.venv/bin/misstep train digits --out runs/digits

test: ## install what is needed, check the code, run the tests
	@bash scripts/install
	@bash scripts/browser
	@bash scripts/check
	@bash scripts/test

check: ## lint rules, formatting, types
	@bash scripts/install
	@bash scripts/check

docs: ## write docs/reference and docs/labs from the package itself
	@bash scripts/install
	@bash scripts/docs
	@bash scripts/docs --labs

site: ## build the documentation as a site into .build/site, and check its links
	@bash scripts/install
	@bash scripts/site

release: ## write wheel, source archive and bill of materials into dist
	@bash scripts/install
	@bash scripts/build

clean: ## remove .venv and .venv-bench, caches and built files; runs/ stays
	rm -rf .venv .venv-bench .mypy_cache .ruff_cache .pytest_cache .hypothesis .build build dist *.egg-info
	find misstep tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +
