"""The same five steps on other engines. Run from `.bench-venv`, which alone has their packages, with this folder as the
working directory. Each peer takes `TAG COUNT IN_FLIGHT` lines and answers `RESULT {json}`, as our own process does."""
