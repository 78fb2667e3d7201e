.PHONY: check quick
check: quick
	mypy
	pyright
	lint-imports
	pytest

quick:
	ruff format --check
	ruff check
	codespell core plugins cli docs examples README.md CHANGELOG.md CONTRIBUTING.md
