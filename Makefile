# labreport: the commands of pipeline.py, for people who type make. `make` alone lists the usual ones.

# The table of variables: what a person may set, on the command line or in the environment, and what
# it is for pipeline.py. WORDS stand there as they are, OPTIONS have a value, SWITCHES are set (=1) or
# not. The others are for further targets.
override WORDS := EXP NAME PDF A B IMAGES
override OPTIONS := DATA=--data SET=--set LANG=--language AUTHORS=--authors COURSE=--course ACCEPT=--accept JOBS=--jobs EXECUTOR=--executor RETRY=--retry \
	SCHEDULER=--scheduler SBATCH=--sbatch ACCELERATOR=--accelerator HOURS=--hours TOLERANCE=--tolerance OUTPUT=--output
override SWITCHES := DEBUG=--debug YES=--yes NOTEBOOK_ONLY=--notebook-only BUILD=--build FORCE=--force CPU=--cpu STAMP=--stamp \
	UNFINISHED=--unfinished EARLIER=--earlier
override KEY = $(firstword $(subst =, ,$(1)))
override INPUTS := $(WORDS) $(foreach row,$(OPTIONS) $(SWITCHES),$(call KEY,$(row))) KILLS REPETITIONS REPOSITORY PYTHON PYENV_ROOT CONDA_EXE

# For the shell each is AS_<variable>: "$$EXP", --data="$$DATA", --yes; nothing where it is empty.
override FLAG = $(lastword $(subst =, ,$(1)))
$(foreach word,$(WORDS),$(eval override AS_$(word) := $$$${$(word):+"$$$$$(word)"}))
$(foreach row,$(OPTIONS),$(eval override AS_$(call KEY,$(row)) := $$$${$(call KEY,$(row)):+$(call FLAG,$(row))="$$$$$(call KEY,$(row))"}))
$(foreach row,$(SWITCHES),$(eval override AS_$(call KEY,$(row)) := $$$${$(call KEY,$(row)):+$(call FLAG,$(row))}))

# Every shell has a LANG, and Windows' Linux sets NAME to the machine's name: only make's own command line counts.
ifneq ($(origin LANG),command line)
override AS_LANG :=
endif
ifneq ($(origin NAME),command line)
override NAME :=
endif
override GIVEN := $(foreach input,$(INPUTS),$(if $(filter command,$(firstword $(origin $(input)))),$(input)))
# The shell gets each from the environment only, in quotes: then nothing in it is a command. `value`
# takes it as it is, since make itself would expand a $(shell ...) in it.
$(foreach input,$(INPUTS),$(if $(filter-out undefined,$(origin $(input))),$(eval override $(input) := $$(value $(input)))))
export $(INPUTS)

# What nobody sets: with `override`, since a command line would win otherwise.
override SHELL := /bin/bash
# CPU TensorFlow, or the CUDA build where an NVIDIA driver answers.
override LOCK := $(shell nvidia-smi >/dev/null 2>&1 && echo requirements-cuda.lock || echo requirements.lock)
override VENV := .venv
override RUN := $(VENV)/bin/python pipeline.py
# Several processes (tests/conftest.py says how many); the tests of a file share one of them.
override PYTEST := $(VENV)/bin/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

.PHONY: commands help setup lint test test-slow test-all bench soak simulate gallery lock address
.DEFAULT_GOAL := commands

# The commands of pipeline.py: the variables that each takes, and what it does.
override TAKES :=
##@ The commands that you need
report: override TAKES := EXP NOTEBOOK_ONLY LANG AUTHORS COURSE DATA SET ## train, execute the notebook, write report.pdf and report.html: skips what is up to date (EXP; NOTEBOOK_ONLY=1 leaves the reports out)
list: override TAKES := LANG ## the experiments and the state of each; also writes reports/index.html, the page that shows all runs
show: override TAKES := EXP BUILD DATA SET ## an experiment's settings as they would run (EXP; BUILD=1 builds its model too)
why: override TAKES := EXP LANG AUTHORS COURSE DATA SET ## whether `make report` would do anything, and why (EXP)
data: override TAKES := NAME EXP ACCEPT DATA SET ## download and verify a data set (NAME=flowers), an experiment's (EXP) or all; ACCEPT=flowers accepts its present files
compare: override TAKES := NAME LANG AUTHORS COURSE DATA SET ## report on the runs of an assignment, side by side (NAME)
sweep: override TAKES := NAME JOBS RETRY YES EXECUTOR SCHEDULER LANG AUTHORS COURSE DATA SET ## train the runs of a sweep, several at once, and report on them (NAME; JOBS, RETRY, YES=1, SCHEDULER=tcp://...)
status: override TAKES := NAME JOBS DATA SET ## the runs of a sweep: done, running and left, and the time, memory and disk that the rest needs (NAME; JOBS)
kaggle: override TAKES := EXP NAME CPU ACCELERATOR HOURS JOBS YES LANG AUTHORS COURSE DATA SET ## run an experiment (EXP) or a sweep (NAME) on Kaggle, and make its report on this machine (CPU=1, ACCELERATOR, HOURS, JOBS)
clean: override TAKES := EXP UNFINISHED EARLIER DATA SET ## delete the leftovers of failed runs, or a run folder (EXP); UNFINISHED=1, EARLIER=1: unfinished and replaced runs

##@ More
all: override TAKES := NAME LANG AUTHORS COURSE DATA SET ## report every experiment, one after the other; a failure does not stop the others (NAME for one assignment's)
predict: override TAKES := EXP IMAGES OUTPUT LANG DATA SET ## classify images of your own with a finished run's network, without its data (EXP; IMAGES="photo.jpg folder"; OUTPUT=folder)
render: override TAKES := EXP FORCE LANG AUTHORS COURSE DATA SET ## make the reports of an executed notebook again (EXP; FORCE=1 although a file changed since; the report then shows a warning)
verify: override TAKES := EXP PDF STAMP TOLERANCE LANG DATA SET ## run again and compare: an experiment with its finished run (EXP; STAMP=1 writes the verdict into its report), or the experiment in a report with the report (PDF=report.pdf; TOLERANCE=0.001)
diff: override TAKES := A B DATA SET ## two finished runs side by side where they differ (A and B: experiments or run folders)
check: override TAKES := EXP ## read all parameter files and build every model
slurm: override TAKES := NAME JOBS SBATCH YES LANG DATA SET ## submit the runs of a sweep to SLURM as a job array (NAME; JOBS, SBATCH="--time=04:00:00 --gres=gpu:1")
pack: override TAKES := EXP LANG DATA SET ## write the notebook of an experiment with everything inside, for Kaggle without internet (EXP)
help: ## this list

override COMMANDS := report list show why data compare sweep status kaggle clean all predict render verify diff check slurm pack evidence
override RENAMED := run plan index reproduce submit
.PHONY: $(COMMANDS) $(RENAMED)
report render show why pack: need-exp
predict: need-exp need-images
compare: need-name
sweep status slurm: need-sweep
kaggle: need-exp-or-name
verify: need-exp-or-pdf
diff: need-both
$(COMMANDS) $(RENAMED): setup
$(COMMANDS) $(RENAMED):
	@$(foreach input,$(filter-out $(TAKES) DEBUG PYTHON,$(GIVEN)),$(if $(filter $@,$(COMMANDS)),echo "make: '$@' takes no $(input); it is ignored" >&2;)) \
	$(RUN) $@ $(foreach input,$(TAKES) DEBUG,$(AS_$(input)))

commands help:
	@echo "labreport: make COMMAND [EXP=experiment] [NAME=assignment] [DATA=sample|folder] [SET=\"key=value key=value\"]"
	@awk -v all=$(filter help,$@) -F ':.*## ' '/^##@ / { section++; printf "%s", section == 1 || all ? "\n" substr($$0, 5) ":\n" : "" } \
		/^[a-z-]+:.*## / && (section == 1 || all) { printf "  make %-10s%s\n", $$1, $$2 }' Makefile
	@echo
	@echo "  EXP   a file in params/, without .yaml; \`make list\` shows them"
	@echo "  NAME  an assignment: a file in notebooks/, without .ipynb, such as NAME=flowers; or a sweep: a file in params/sweeps/"
	@echo "        for \`make data\` a data set, such as NAME=flowers"
	@echo "  DATA  sample (drawn by the program, no download) or the folder that holds the data sets (default: data/)"
	@echo "  LANG  en or es: the language of the notebook and the reports; a run is trained once for both"
	@echo "  SET   settings of this run, such as SET=\"epochs=3 batch_size=32\""
	@echo "  AUTHORS, COURSE  for the title block of the reports, such as AUTHORS=\"Ada Lovelace; Grace Hopper\" (default: report.yaml)"
	@echo
	@echo "$(if $(filter help,$@),  DEBUG=1 shows the traceback of an error,\`make help\` shows all commands)"

##@ For maintainers, and set-up
lint: setup ## check style, formatting and types
	@$(VENV)/bin/ruff check && $(VENV)/bin/ruff format --check && $(VENV)/bin/mypy

test: setup ## run the tests that a change needs, including one whole report: minutes
	@$(PYTEST) -m "not slow"

test-slow: setup ## run the other tests: kernels, kills, real clusters, the hosts of Colab and Kaggle
	@$(PYTEST) -m slow

test-all: test test-slow ## run all tests

bench: setup ## measure training, augmentation, features, checkpoints, sweeps and reports against alternatives
	@for bench in training_speed augmentation_cost features_once checkpoint_cost sweep_start rendering_speed; do $(VENV)/bin/python tests/bench/$$bench.py || exit 1; done

soak: setup ## kill trainings at random moments, resume them, and compare the results bit for bit (KILLS=20)
	@$(VENV)/bin/python tests/soak.py --kills "$${KILLS:-20}"

simulate: setup ## simulate how often the reports' verdicts are wrong, and what they find (REPETITIONS=2000, half an hour)
	@$(VENV)/bin/python tests/simulate.py --repetitions "$${REPETITIONS:-2000}"

gallery: setup ## make the pictures of the docs again, from drawn data (needs chromium and pdftoppm)
	@$(VENV)/bin/python docs/gallery.py

evidence: override TAKES := EXP ## copy what full runs measured to docs/results/, and write docs/results.md from it (EXP for one run)

lock: ## resolve the versions again from pyproject.toml (with uv, which `make setup` installs)
	PATH="$(VENV)/bin:$$PATH" uv pip compile pyproject.toml $(COMPILE) --extra cpu -o requirements.lock
	PATH="$(VENV)/bin:$$PATH" uv pip compile pyproject.toml $(COMPILE) --extra cuda -o requirements-cuda.lock
	$(MAKE) --no-print-directory environment.yml

address: ## let badges and bootstrap cells name another repository, and the version of pyproject.toml (REPOSITORY=https://github.com/me/labreport)
	@[[ "$$REPOSITORY" =~ ^https://github\.com/[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$$ ]] || { echo "make: REPOSITORY must be an address such as https://github.com/me/labreport, got $$REPOSITORY"; exit 1; }
	@version=$$(sed -nE 's/^version = "(.*)"$$/\1/p' pyproject.toml); rewrite() { sed -E "$$2" "$$1" > "$$1.part" && mv "$$1.part" "$$1"; }; \
	rewrite pyproject.toml "s#^(Repository = \")[^\"]*#\1$$REPOSITORY#"; \
	rewrite CITATION.cff "s#^(repository-code: ).*#\1$$REPOSITORY#; s#^(version: ).*#\1$$version#"; \
	rewrite lib/labreport/__init__.py "s#^(__version__ = \")[^\"]*#\1$$version#"; \
	for file in README.md docs/colab-kaggle.md notebooks/*.ipynb; do \
		rewrite $$file "s#(colab\.research\.google\.com/github|welcome\?src=https://github\.com)/[^/]+/[^/]+/blob/v[^/]+/#\1/$${REPOSITORY#https://github.com/}/blob/v$$version/#g; \
			s#(REPOSITORY = ..)https:[^\\]*#\1$$REPOSITORY#; s#(\"VERSION = ..)[^\\]*#\1$$version#"; \
	done

override COMPILE := --universal --python-version 3.11 --fork-strategy fewest --extra notebook --extra report --extra sweep --extra cluster --extra kaggle --extra test --extra lint \
	--generate-hashes --no-emit-index-url --no-header --no-annotate --upgrade --quiet

# conda's file is the lock without its hashes, for the one Python it names.
environment.yml: requirements.lock
	@sed '/^  - pip:/q' $@ > $@.part
	@sed -nE "s/ \\\\$$//; s/(python_full_version < '3.14'|platform_python_implementation != 'PyPy') and //g; s/ *; \(?sys_platform == 'darwin' or sys_platform == 'linux'\)?$$//; s/^([a-z].*==.*)$$/      - \"\1\"/p" $< >> $@.part
	@echo '      - --editable .' >> $@.part
	@mv $@.part $@

# Does nothing as long as the environment was made from this very lock file and pyproject.toml, and its Python is still there.
setup: ## install everything into .venv; runs by itself when the lock has changed (PYTHON=python3.12 to choose one)
	@test -z "$$PYTHON" -a -x $(VENV)/bin/python && cat $(LOCK) pyproject.toml | cmp -s - $(VENV)/installed || $(MAKE) --no-print-directory install

# Any Python can choose the one that fits and install with it: docs/setup.md.
.PHONY: install need-exp need-images need-name need-sweep need-exp-or-name need-exp-or-pdf need-both
install:
	@for python in python3 python3.1{4,3,2,1} python /usr/bin/python3 ~/.pyenv/versions/*/bin/python3 "$$PYENV_ROOT"/versions/*/bin/python3 "$${CONDA_EXE%/*}/python3" "$$PYTHON"; do \
		"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 6))' >/dev/null 2>&1 && exec "$$python" lib/setup_environment.py $(LOCK); \
	done; echo "make setup: no working Python on this machine; install one (Debian, Ubuntu: sudo apt install python3-venv), or name one: make setup PYTHON=/path/to/python3"; exit 1

need-exp:
	@test -n "$$EXP" || { echo "make: EXP is missing, such as EXP=cifar10_l2_dropout; \`make list\` shows the experiments"; exit 1; }

need-images:
	@test -n "$$IMAGES" || { echo "make: IMAGES is missing, such as IMAGES=photo.jpg or IMAGES=\"photo.jpg folder\""; exit 1; }

need-name:
	@test -n "$$NAME" || { echo "make: NAME is missing, such as NAME=flowers; the assignments are the files in notebooks/"; exit 1; }

need-sweep:
	@test -n "$$NAME" || { echo "make: NAME is missing, such as NAME=cifar10_optimizers; the sweeps are the files in params/sweeps/"; exit 1; }

need-exp-or-name:
	@test -n "$$EXP$$NAME" || { echo "make: EXP or NAME is missing, such as EXP=flowers_vgg16_adam or NAME=flowers_optimizers"; exit 1; }

need-exp-or-pdf:
	@test -n "$$EXP$$PDF" || { echo "make: EXP or PDF is missing, such as EXP=cifar10_l2_dropout or PDF=reports/cifar10_l2_dropout/report.pdf"; exit 1; }

need-both:
	@test -n "$$A" -a -n "$$B" || { echo "make: A and B are missing, such as A=cifar10_l2 B=cifar10_l2_dropout"; exit 1; }
