# Needs python3 (>= 3.11) with pip, and make. Everything else is fetched into .tools and .venv.
.DEFAULT_GOAL := help
.PHONY: help serve test check bench docs lock clean

PLUGINS := $(patsubst %/pyproject.toml,%,$(wildcard builtin_plugins/*/pyproject.toml contrib/*/pyproject.toml))
SERVED  := core cli $(PLUGINS)
MEMBERS := $(SERVED) native plugin_template
READY   := .venv/.ready
# the C is compiled where that can be done, and again when it has changed; where it cannot, all works without
NATIVE  := .venv/.native
C       := $(wildcard native/c/*.[ch])
COMPILED = native/src/llmgate_native/_native.*.so native/src/llmgate_native/_native.*.pyd
LOG     := native/build/make.log
BUILT    = $(BIN)/python -c 'import sys, llmgate_native as n; sys.exit(n.native is None)'
PYTEST   = $(BIN)/python -m pytest --hypothesis-seed=0
# run before the rest, so that the last line is the whole suite's. Of pytest's codes 2 is "interrupted", 5 "nothing was selected"
TWINS    = -o cache_dir=.pytest_cache/pure -o testpaths="core/tests/wire core/tests/faults core/tests/bad_inputs \
             core/tests/words/test_jsonfields.py core/tests/words/test_request.py \
             $(addprefix tests/e2e/test_,broken_streams.py crowd.py lanes.py leaving.py transparency.py)"
# the template is a working plugin: it is installed for the tests, and is no part of what a newcomer serves
WHOLE   := .venv/.whole
BIN     := .venv/bin
# the first python that is new enough; looked for only when something has to be installed
FIND    := for p in python3 python3.14 python3.13 python3.12 python3.11; do \
             $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done
PYTHON   = $(eval PYTHON := $(or $(shell $(FIND)),$(error llmgate needs Python 3.11 or newer; none found as python3 or python3.N)))$(PYTHON)
UV       = $(PYTHON) .ci/uv.py

help: ## show this
	@sed -n 's/^\([a-z]*\):[^#]*## /  make \1\t/p' Makefile | expand -t 16

serve: $(READY) $(NATIVE) ## serve on 127.0.0.1:8080 (ARGS="--port 9000" for more)
	@exec $(BIN)/llmgate serve $(ARGS)

test: $(WHOLE) ## run every test (ARGS="-k words" for fewer)
	@pure=0; if $(BUILT); then \
	    echo "what is done in C, once more in Python alone:"; LLMGATE_PURE=1 $(PYTEST) -q $(TWINS) $(ARGS) || pure=$$?; \
	    case $$pure in 2) exit 2;; 5) pure=0;; esac; \
	  else echo "llmgate-native is not built, or LLMGATE_PURE is set: all is tested in Python alone"; fi; \
	  $(PYTEST) $(ARGS) && exit $$pure

check: $(WHOLE) ## ruff, ruff format and mypy --strict
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy $(MEMBERS:%=%/src)
	$(BIN)/mypy --explicit-package-bases --cache-dir .mypy_cache/tests $(wildcard $(MEMBERS:%=%/tests) tests .ci/*.py)

bench: $(READY) $(NATIVE) ## measure against HAProxy and other gateways (ARGS="--help" for more)
	@$(BIN)/python -m tests.bench $(ARGS)

docs: $(WHOLE) ## write the generated reference pages anew
	$(BIN)/python -m docs.generate

lock: ## move every third-party version, and uv, to the newest
	echo uv | $(UV) pip compile - --quiet --upgrade --universal --generate-hashes --no-header --no-annotate -o .ci/uv.txt
	$(UV) lock --upgrade
	$(UV) export --quiet --frozen --all-packages --all-extras --all-groups --no-emit-workspace --no-header --no-annotate -o requirements.lock

clean: ## remove what was installed and cached
	rm -rf .venv .tools .mypy_cache .pytest_cache .ruff_cache .hypothesis native/build native/src/*.egg-info
	rm -f $(COMPILED)

# the environment holds this folder's absolute path: a copied or moved one is made anew
ifneq ($(shell cat $(READY) 2>/dev/null),$(CURDIR))
.PHONY: $(READY)
endif

$(WHOLE): $(READY) $(NATIVE) plugin_template/pyproject.toml
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e ./plugin_template
	@touch $@

# native/c itself: its time changes when a file has gone. Reinstalled, as uv takes for done what has an unchanged pyproject.toml
$(NATIVE): $(READY) native/c $(C) native/setup.py native/pyproject.toml native/src/llmgate_native/__init__.py
	@rm -f $(COMPILED)
	@mkdir -p $(dir $(LOG)) && $(UV) pip install -v --python $(BIN)/python --no-deps --no-build-isolation --reinstall -e ./native > $(LOG) 2>&1; \
	  LLMGATE_PURE= $(BUILT) 2>> $(LOG) || \
	  echo "without llmgate-native, which could not be compiled: all works in Python, slower ($(LOG) has the reason)"
	@touch $@

$(READY): requirements.lock pyproject.toml $(SERVED:%=%/pyproject.toml)
	@echo "setting up .venv: some seconds, this once"
	@test -x $(BIN)/python && test "$$(cat $@ 2>/dev/null)" = "$(CURDIR)" || $(UV) venv --quiet --clear .venv
	@$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation $(addprefix -e ./,. $(SERVED))
	@PYTHONDONTWRITEBYTECODE= $(BIN)/llmgate hooks > /dev/null # compiles what a start imports: once, not each time
	@echo "$(CURDIR)" > $@
