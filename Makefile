# The four commands of the house. Each installs what it needs; none needs root.
.PHONY: run test bench fmt

run: ## Build in release and serve with the embedded default, in the foreground.
	cargo build --release --locked -p lazaret
	target/release/lazaret serve $(ARGS)

test: ## Install what the tests need, then check and test everything.
	scripts/test.sh

bench: ## Measure against peers in one run; writes docs/performance.md's figures to target/bench.
	bench/run.sh $(ARGS)

fmt: ## Format the source.
	cargo fmt --all
