# What there is to make:  make help
#
# make figures draws most figures from the predictions and records of examples/board, in minutes.
# Four need trainings, which it does first if they are not below $(RUNS): matrix, atoms-mini-iii,
# worst-mini-iv and learning-curve-physnet (by the times on record an hour and a half, of one core).
# With RUNS=<folder> finished runs are used again.
RUNS ?= runs
OUT ?= docs/figures
CHROMIUM ?= chromium

# The repository's board: entries by the model that their submission names, and by its mark
ENTRIES = examples/board/entries
marked = $(dir $(shell grep -lx 'mark: $(1)' $(ENTRIES)/*/submission/submission.yaml))
of = $(dir $(shell grep -lx 'mark: $(2)' $$(grep -lx 'model: $(1)' $(ENTRIES)/*/submission/submission.yaml)))
AT60 = $(sort $(wildcard $(ENTRIES)/*/submission/folded-60.folded.npz))
AT200 = $(sort $(wildcard $(ENTRIES)/*/submission/folded-200.folded.npz))
REFERENCES = $(wildcard $(addsuffix folded-*.folded.npz,$(call marked,reference)))
SEVEN = $(AT60) "$(call of,MACE,reference)folded-1000.folded.npz:model=MACE (reference)" $(AT200)
SCORES = $(addsuffix ../scores/*.json,$(call marked,quick))
CURVE = $(shell grep -lE '"train": ?"folded/train/(25|50|100|200|300)"' $(call of,sGDML,quick)../scores/*.json)
CURVES = $(shell grep -lE '"train": ?"folded/train/' $(SCORES) | xargs grep -lE '"subset": ?"folded"')
# docs/md.md, docs/simulated.md and docs/hydrogen.md
SIMULATIONS = $(wildcard $(ENTRIES)/*/submission/md.json)
SIMULATED = $(sort $(wildcard examples/simulations/*.json))
# one record of each model: not the second trainings and starts
HYDROGEN = $(foreach model,mace-0 so3krates gap pace uf3 tersoff-0 yukawa,examples/hydrogen/$(model).json)

# Trainings of which the board has nothing
UNFOLDED = gap-mini-i-unfolded-30 fchl-mini-i-unfolded-200
BOTH = gap-mini-i-folded-60 fchl-mini-i-folded-200 $(UNFOLDED)
# 500 of the 2500 test frames, for models that take a while; the figures say so
PART = --frames 500

run = $(RUNS)/$(1)-quick-seed0
MATRIX = $(foreach r,$(BOTH),$(call run,$(r))/scores/folded-500.json $(call run,$(r))/scores/unfolded-500.json)
SURFACE = $(foreach r,mace-mini-iii-complete-60 gap-mini-iii-complete-12,$(call run,$(r))/predictions/complete.npz)
CRYSTAL = $(call run,mace-mini-iv-complete-200)/predictions/complete.npz
# Below the published sizes too, where the number of frames limits the error more than the steps
PHYSNET_SIZES = 25 50 100 200 400 600 800 1000
BOARD = learning-curve learning-curves learning-curve-published gyration errors parity elements \
	magnitude atoms worst gyration-simulations survival simulated hydrogen hydrogen-rdf report board board-tablet board-phone
TRAINED = matrix atoms-mini-iii worst-mini-iv learning-curve-physnet

.DEFAULT_GOAL = help
.PHONY: help test lint docs linkcheck figures gallery bench gpu clean

help: ## list what there is to make
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 10

test: ## run the tests, on all cores
	pytest -n auto

lint: ## check format, types, imports, spelling, and the small things of pre-commit
	pre-commit run --all-files

docs: ## build the documentation site into docs/_build/html; a warning or a dead link is an error
	sphinx-build -W --keep-going -q docs docs/_build/html

linkcheck: ## follow the links of the documentation that lead to other sites (needs the network)
	DOCS_ONLINE=1 sphinx-build -b linkcheck -q docs docs/_build/linkcheck

figures: gallery $(TRAINED:%=$(OUT)/%.png) ## draw all figures of docs/figures.md (hours, if nothing is trained)

gallery: $(BOARD:%=$(OUT)/%.png) ## draw those figures that need no training (minutes)

bench: ## measure the speed beside other packages, and write the tables of docs/performance.md
	OMP_NUM_THREADS=1 python benchmarks/performance.py

gpu: ## do what is to be done on a GPU, piece by piece (docs/gpu.md)
	python -m benchmarks.gpu

clean: ## remove what builds, tests and tools leave behind; trained models stay
	rm -rf docs/_build docs/reference/commands docs/reference/schemas dist .pytest_cache \
		.mypy_cache .ruff_cache .hypothesis .import_linter_cache .benchmarks .coverage *.egg-info
	find teadata teaeval baselines tests benchmarks datasets -name __pycache__ -prune -exec rm -rf {} +

.SECONDARY:

$(OUT)/learning-curve.png:
	teaeval plot learning-curve $(CURVE) -o $@
$(OUT)/learning-curves.png:
	teaeval plot learning-curve $(CURVES) -o $@
$(OUT)/learning-curve-published.png:
	teaeval plot learning-curve --published -o $@
$(OUT)/gyration.png:
	teaeval plot gyration --reference mini-i:folded --reference mini-i:unfolded -o $@
$(OUT)/errors.png $(OUT)/parity.png $(OUT)/elements.png $(OUT)/magnitude.png $(OUT)/atoms.png $(OUT)/worst.png:
	teaeval plot $(basename $(notdir $@)) $(REFERENCES) -o $@
$(OUT)/atoms-mini-iii.png: $(SURFACE)
	teaeval plot atoms $^ -o $@
$(OUT)/worst-mini-iv.png: $(CRYSTAL)
	teaeval plot worst $^ -o $@
$(OUT)/matrix.png: $(MATRIX)
	teaeval plot matrix $^ -o $@
$(OUT)/learning-curve-physnet.png:
	baselines learning-curve physnet mini-i --config curve $(PHYSNET_SIZES:%=--size %) $(PART) \
		--runs $(RUNS) -o $@
$(OUT)/gyration-simulations.png:
	teaeval plot gyration $(SIMULATIONS) -o $@
$(OUT)/survival.png:
	teaeval plot survival $(SIMULATED) -o $@
$(OUT)/simulated.png:
	teaeval plot observables $(filter %-300K.json,$(SIMULATED)) -o $@
$(OUT)/hydrogen.png:
	teaeval plot hydrogen $(HYDROGEN) -o $@
$(OUT)/hydrogen-rdf.png:
	teaeval plot hydrogen --rdf $(HYDROGEN) -o $@
$(OUT)/report.png: $(RUNS)/report.html
	$(CHROMIUM) --headless --no-sandbox --hide-scrollbars --window-size=1100,1150 \
		--virtual-time-budget=8000 --screenshot=$@ file://$(abspath $<) 2>/dev/null
$(OUT)/board.png $(OUT)/board-tablet.png $(OUT)/board-phone.png: $(RUNS)/site/index.html
	CHROMIUM=$$(command -v $(CHROMIUM)) python docs/screens.py $(dir $<) $@
$(RUNS)/site/index.html:
	teaeval board build examples/board -o $(dir $@)
$(RUNS)/report.html:
	teaeval report --frames 3 $(SEVEN) -o $@

# <model>-<dataset>-<subset>-<size>-quick-seed0/record.json
$(RUNS)/%-quick-seed0/record.json:
	set -e; set -- $$(echo $* | sed -E 's/^([a-z0-9]+)-(.*)-([a-z]+)-([0-9]+)$$/\1 \2 \3 \4/'); \
	baselines train $$1 $$2 --subset $$3 --size $$4 -o $(dir $@)
$(RUNS)/%/predictions/complete.npz: $(RUNS)/%/record.json
	baselines score $(RUNS)/$* --subset complete
$(RUNS)/%/scores/folded-500.json: $(RUNS)/%/record.json
	baselines score $(RUNS)/$* --subset folded $(PART)
$(RUNS)/%/scores/unfolded-500.json: $(RUNS)/%/record.json
	baselines score $(RUNS)/$* --subset unfolded $(PART)
