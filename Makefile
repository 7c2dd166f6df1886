# labreport: the commands of pipeline.py, for people who type make. `make` alone lists them.

# What a person may set, on the command line or in the environment. The shell gets it from the
# environment only, in quotes ("$$SET"): then nothing in it is a command. `value` takes it as it is,
# since make itself would expand a $(shell ...) in it.
override INPUTS := EXP NAME DATA SET PDF AUTHORS COURSE A B ACCEPT JOBS RETRY SBATCH SCHEDULER ACCELERATOR HOURS TOLERANCE KILLS REPOSITORY PYTHON \
	PYENV_ROOT CONDA_EXE DEBUG YES CPU STAMP UNFINISHED EARLIER FORCE LANG
# Every shell has a LANG, and Windows' Linux sets NAME to the machine's name: only make's own command line counts.
override REPORTS_IN := $(if $(filter command,$(firstword $(origin LANG))),--language "$$LANG")
ifneq ($(origin NAME),command line)
override NAME :=
endif
$(foreach input,$(INPUTS),$(if $(filter-out undefined,$(origin $(input))),$(eval override $(input) := $$(value $(input)))))
export $(INPUTS)

# What nobody sets: with `override`, since a command line would win otherwise.
override SHELL := /bin/bash
# CPU TensorFlow, or the CUDA build where an NVIDIA driver answers.
override LOCK := $(shell nvidia-smi >/dev/null 2>&1 && echo requirements-cuda.lock || echo requirements.lock)
override VENV := .venv
override RUN := $(VENV)/bin/python pipeline.py
override OPTIONS := $${DATA:+--data "$$DATA"} $${SET:+--set "$$SET"} $${DEBUG:+--debug}
override SIGNED := $${AUTHORS:+--authors "$$AUTHORS"} $${COURSE:+--course "$$COURSE"}
override AT_ONCE := $${JOBS:+--jobs "$$JOBS"}
override AGREED := $${YES:+--yes}

.PHONY: help setup report run render compare plan sweep submit kaggle pack status all show list index check data why verify reproduce diff test bench soak gallery clean lock address
.DEFAULT_GOAL := help

help: ## this list
	@echo "labreport: make COMMAND [EXP=experiment] [NAME=assignment] [DATA=sample|folder] [SET=\"key=value key=value\"]"
	@echo
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s%s\n", $$1, $$2 }' Makefile
	@echo
	@echo "  EXP   a file in params/, without .yaml; \`make list\` shows them"
	@echo "  NAME  an assignment: a file in notebooks/, without .ipynb, such as NAME=flowers; or a sweep: a file in params/sweeps/"
	@echo "        for \`make data\` a data set: cats_dogs, flowers, cifar10 or dog_breeds"
	@echo "  DATA  sample (drawn by the program, no download) or the folder that holds the data sets (default: data/)"
	@echo "  LANG  en or es: the language of the notebook and the reports; a run is trained once for both"
	@echo "  SET   settings of this run, such as SET=\"epochs=3 batch_size=32\""
	@echo "  AUTHORS, COURSE  for the reports' title block, such as AUTHORS=\"Ada Lovelace; Grace Hopper\"; report.yaml can say it once"

report: setup need-exp ## train, execute the notebook, write report.pdf and report.html: only what is not done yet (EXP)
	@$(RUN) report "$$EXP" $(REPORTS_IN) $(SIGNED) $(OPTIONS)

run: setup need-exp ## the same without the reports (EXP)
	@$(RUN) run "$$EXP" $(REPORTS_IN) $(OPTIONS)

render: setup need-exp ## make the reports of an executed notebook again (EXP; FORCE=1 although a file was changed since: the report warns of it)
	@$(RUN) render "$$EXP" $${FORCE:+--force} $(REPORTS_IN) $(SIGNED) $(OPTIONS)

compare: setup need-name ## report on the runs of an assignment beside each other (NAME)
	@$(RUN) compare "$$NAME" $(REPORTS_IN) $(SIGNED) $(OPTIONS)

plan: setup need-sweep ## what a sweep has to do, and what it takes in time, memory and disk (NAME)
	@$(RUN) plan "$$NAME" $(AT_ONCE) $(OPTIONS)

sweep: setup need-sweep ## train the runs of a sweep, as many at once as there is room for, and report on them (NAME; JOBS, RETRY, YES=1, SCHEDULER=tcp://...)
	@$(RUN) sweep "$$NAME" $(AT_ONCE) $${RETRY:+--retry "$$RETRY"} $(AGREED) $${SCHEDULER:+--scheduler "$$SCHEDULER"} $(REPORTS_IN) $(SIGNED) $(OPTIONS)

submit: setup need-sweep ## hand the runs of a sweep to SLURM, as a job array (NAME; JOBS, SBATCH="--time=04:00:00 --gres=gpu:1")
	@$(RUN) submit "$$NAME" --slurm $(AT_ONCE) $${SBATCH:+--sbatch="$$SBATCH"} $(AGREED) $(REPORTS_IN) $(OPTIONS)

kaggle: setup ## have an experiment (EXP) or a sweep (NAME) done on Kaggle, and its report made here (CPU=1, ACCELERATOR, HOURS, JOBS)
	@test -n "$$EXP$$NAME" || { echo "make: EXP or NAME is missing, such as EXP=flowers_vgg16_adam or NAME=flowers_optimizers"; exit 1; }
	@$(RUN) kaggle "$${EXP:-$$NAME}" $${CPU:+--cpu} $${ACCELERATOR:+--accelerator "$$ACCELERATOR"} $${HOURS:+--hours "$$HOURS"} $(AT_ONCE) $(AGREED) $(REPORTS_IN) $(SIGNED) $(OPTIONS)

pack: setup need-exp ## write the notebook of an experiment with everything inside, for a Kaggle without internet (EXP)
	@$(RUN) pack "$$EXP" $(REPORTS_IN) $(OPTIONS)

status: setup need-sweep ## how far the runs of a sweep are (NAME)
	@$(RUN) status "$$NAME" $(OPTIONS)

all: setup ## report every experiment, one after the other, whatever fails (NAME for one assignment's)
	@$(RUN) all $${NAME:+"$$NAME"} $(REPORTS_IN) $(SIGNED) $(OPTIONS)

list: setup ## the experiments, and how far each one is
	@$(RUN) list

index: setup ## write reports/index.html anew, the table of all runs; runs do so by themselves
	@$(RUN) index $(REPORTS_IN)

show: setup need-exp ## an experiment's settings as they would run (EXP)
	@$(RUN) show "$$EXP" $(OPTIONS)

check: setup ## read the parameter files and build every model (EXP for one)
	@$(RUN) check $${EXP:+"$$EXP"} $(OPTIONS)

data: setup ## fetch and verify a data set (NAME=flowers), an experiment's (EXP) or all; ACCEPT=flowers takes its files as they are now
	@$(RUN) data $${NAME:+"$$NAME"} $${EXP:+"$$EXP"} $${ACCEPT:+--accept "$$ACCEPT"} $(OPTIONS)

why: setup need-exp ## whether `make report` would do anything, and for which reasons (EXP)
	@$(RUN) why "$$EXP" $(REPORTS_IN) $(SIGNED) $(OPTIONS)

verify: setup need-exp ## run an experiment again in a scratch place and compare it with its finished run (EXP; STAMP=1 puts it into the report)
	@$(RUN) verify "$$EXP" $${STAMP:+--stamp} $(REPORTS_IN) $(OPTIONS)

reproduce: setup ## run the experiment inside a report.pdf again and compare (PDF=report.pdf; TOLERANCE=0.001)
	@test -n "$$PDF" || { echo "make: PDF is missing, such as PDF=reports/cifar10_l2_dropout/report.pdf"; exit 1; }
	@$(RUN) reproduce "$$PDF" $${TOLERANCE:+--tolerance "$$TOLERANCE"} $${DATA:+--data "$$DATA"} $${DEBUG:+--debug}

diff: setup ## two finished runs side by side, as far as they differ (A and B: experiments or run folders)
	@test -n "$$A" -a -n "$$B" || { echo "make: A and B are missing, such as A=cifar10_l2 B=cifar10_l2_dropout"; exit 1; }
	@$(RUN) diff "$$A" "$$B" $(OPTIONS)

clean: setup ## delete what failed runs have left, or a whole run folder (EXP); UNFINISHED=1, EARLIER=1: what could still be of use
	@$(RUN) clean $${EXP:+"$$EXP"} $${UNFINISHED:+--unfinished} $${EARLIER:+--earlier} $(OPTIONS)

test: setup ## run the tests
	@$(VENV)/bin/python -m pytest

bench: setup ## measure training, augmentation, features, checkpoints, sweeps and reports beside the alternatives
	@for bench in training_speed augmentation_cost features_once checkpoint_cost sweep_start rendering_speed; do $(VENV)/bin/python tests/bench/$$bench.py || exit 1; done

soak: setup ## kill trainings at random moments, start them again, and compare what they end with, bit for bit (KILLS=20)
	@$(VENV)/bin/python tests/soak.py --kills "$${KILLS:-20}"

gallery: setup ## make the pictures of the docs anew, from drawn data (needs chromium and pdftoppm)
	@$(VENV)/bin/python docs/gallery.py

lock: ## resolve the versions anew from pyproject.toml (with uv, which `make setup` installs)
	PATH="$(VENV)/bin:$$PATH" uv pip compile pyproject.toml $(COMPILE) --extra cpu -o requirements.lock
	PATH="$(VENV)/bin:$$PATH" uv pip compile pyproject.toml $(COMPILE) --extra cuda -o requirements-cuda.lock
	$(MAKE) --no-print-directory environment.yml

address: ## let badges and bootstrap cells name another repository, and the version of pyproject.toml (REPOSITORY=https://github.com/me/labreport)
	@[[ "$$REPOSITORY" =~ ^https://github\.com/[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$$ ]] || { echo "make: REPOSITORY is $$REPOSITORY; it has to be an address such as REPOSITORY=https://github.com/me/labreport"; exit 1; }
	@version=$$(sed -nE 's/^version = "(.*)"$$/\1/p' pyproject.toml); rewrite() { sed -E "$$2" "$$1" > "$$1.part" && mv "$$1.part" "$$1"; }; \
	rewrite pyproject.toml "s#^(Repository = \")[^\"]*#\1$$REPOSITORY#"; \
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
setup: ## install everything into .venv; runs by itself where the lock has changed (PYTHON=python3.12 to choose one)
	@test -z "$$PYTHON" -a -x $(VENV)/bin/python && cat $(LOCK) pyproject.toml | cmp -s - $(VENV)/installed || $(MAKE) --no-print-directory install

# Any Python can choose the one that fits and install with it: docs/setup.md.
.PHONY: install need-exp need-name need-sweep
install:
	@for python in python3 python3.1{4,3,2,1} python /usr/bin/python3 ~/.pyenv/versions/*/bin/python3 "$$PYENV_ROOT"/versions/*/bin/python3 "$${CONDA_EXE%/*}/python3" "$$PYTHON"; do \
		"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 6))' >/dev/null 2>&1 && exec "$$python" lib/setup_environment.py $(LOCK); \
	done; echo "make setup: no Python starts on this machine; install one (Debian, Ubuntu: sudo apt install python3-venv), or name one: make setup PYTHON=/path/to/python3"; exit 1

need-exp:
	@test -n "$$EXP" || { echo "make: EXP is missing, such as EXP=cifar10_l2_dropout; \`make list\` shows the experiments"; exit 1; }

need-name:
	@test -n "$$NAME" || { echo "make: NAME is missing, such as NAME=flowers; the assignments are the files in notebooks/"; exit 1; }

need-sweep:
	@test -n "$$NAME" || { echo "make: NAME is missing, such as NAME=cifar10_optimizers; the sweeps are the files in params/sweeps/"; exit 1; }
