# What there is to make:  make help
#
# make figures trains, predicts, scores and simulates first what is missing below $(RUNS): from the
# times in the documents some six hours on two cores, an estimate; it was not run from nothing in
# one go. With RUNS=<folder> finished runs are used again.
RUNS ?= runs
OUT ?= docs/figures
CHROMIUM ?= chromium

SGDML_SIZES = 25 50 100 200 300
CURVE = $(foreach n,$(SGDML_SIZES),$(RUNS)/sgdml-mini-i-folded-$(n)-quick-seed0)
FOLDED = sgdml-mini-i-folded-500 mace-mini-i-folded-150 gap-mini-i-folded-60 fchl-mini-i-folded-200
UNFOLDED = gap-mini-i-unfolded-30 fchl-mini-i-unfolded-200
BOTH = gap-mini-i-folded-60 fchl-mini-i-folded-200 $(UNFOLDED)
# 500 of the 2500 test frames, for models that take a while; the figures say so
PART = --frames 500

run = $(RUNS)/$(1)-quick-seed0
PREDICTIONS = $(foreach r,$(FOLDED),$(call run,$(r))/predictions/folded-500.npz)
MATRIX = $(foreach r,$(BOTH),$(call run,$(r))/scores/folded-500.json $(call run,$(r))/scores/unfolded-500.json)
SURFACE = $(foreach r,mace-mini-iii-complete-60 gap-mini-iii-complete-12,$(call run,$(r))/predictions/complete.npz)
CRYSTAL = $(call run,mace-mini-iv-complete-200)/predictions/complete.npz
# Below the published sizes too, where the number of frames limits the error more than the steps
PHYSNET_SIZES = 25 50 100 200 400 600 800 1000
# docs/md.md and docs/hydrogen.md
SIMULATIONS = $(RUNS)/md/mace-300K/md.json $(RUNS)/md/sgdml-300K/md.json
POTENTIALS = Yukawa Tersoff UF3 MACE PACE
HYDROGEN = $(POTENTIALS:%=$(RUNS)/hydrogen/%)
NAMES = learning-curve learning-curve-published gyration errors parity elements magnitude atoms \
	worst atoms-mini-iii worst-mini-iv matrix report learning-curve-physnet gyration-simulations \
	hydrogen hydrogen-rdf board

.DEFAULT_GOAL = help
.PHONY: help test lint docs linkcheck figures bench gpu clean

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

figures: $(NAMES:%=$(OUT)/%.png) ## draw the figures of docs/figures.md (hours, if nothing is trained)

bench: ## measure the speed beside other packages, and write the tables of docs/performance.md
	python benchmarks/performance.py

gpu: ## do what is to be done on a GPU, piece by piece (docs/gpu.md)
	python -m benchmarks.gpu

clean: ## remove what builds, tests and tools leave behind; trained models stay
	rm -rf docs/_build docs/reference/commands docs/reference/schemas dist .pytest_cache \
		.mypy_cache .ruff_cache .hypothesis .import_linter_cache .benchmarks .coverage *.egg-info
	find teadata teaeval baselines tests benchmarks datasets -name __pycache__ -prune -exec rm -rf {} +

.SECONDARY:

$(OUT)/learning-curve.png: $(CURVE:%=%/scores/folded.json)
	teaeval plot learning-curve $^ -o $@
$(OUT)/learning-curve-published.png:
	teaeval plot learning-curve --published -o $@
$(OUT)/gyration.png:
	teaeval plot gyration --reference mini-i:folded --reference mini-i:unfolded -o $@
$(OUT)/errors.png $(OUT)/parity.png $(OUT)/elements.png $(OUT)/magnitude.png $(OUT)/atoms.png $(OUT)/worst.png: $(PREDICTIONS)
	teaeval plot $(basename $(notdir $@)) --allow-failed $^ -o $@
$(OUT)/atoms-mini-iii.png: $(SURFACE)
	teaeval plot atoms $^ -o $@
$(OUT)/worst-mini-iv.png: $(CRYSTAL)
	teaeval plot worst $^ -o $@
$(OUT)/matrix.png: $(MATRIX)
	teaeval plot matrix $^ -o $@
$(OUT)/learning-curve-physnet.png:
	baselines learning-curve physnet mini-i --config curve $(PHYSNET_SIZES:%=--size %) $(PART) \
		--runs $(RUNS) -o $@
$(OUT)/gyration-simulations.png: $(SIMULATIONS)
	teaeval plot gyration $^ -o $@
$(OUT)/hydrogen.png: $(HYDROGEN:%=%/record.json)
	teaeval plot hydrogen $(HYDROGEN) -o $@
$(OUT)/hydrogen-rdf.png: $(HYDROGEN:%=%/record.json)
	teaeval plot hydrogen --rdf $(HYDROGEN) -o $@
$(OUT)/report.png: $(RUNS)/report.html
	$(CHROMIUM) --headless --no-sandbox --hide-scrollbars --window-size=1100,1150 \
		--virtual-time-budget=8000 --screenshot=$@ file://$(abspath $<) 2>/dev/null
$(OUT)/board.png: $(RUNS)/site/index.html
	$(CHROMIUM) --headless --no-sandbox --hide-scrollbars --window-size=1300,1000 \
		--virtual-time-budget=8000 --screenshot=$@ \
		file://$$(echo $(abspath $(RUNS))/site/task-mini-i-1-0-0-folded-folded-*.html) 2>/dev/null
$(RUNS)/site/index.html:
	teaeval board build examples/board -o $(dir $@)
$(RUNS)/report.html: $(PREDICTIONS)
	teaeval report --allow-failed $^ -o $@

# <model>-<dataset>-<subset>-<size>-quick-seed0/record.json
$(RUNS)/%-quick-seed0/record.json:
	set -e; set -- $$(echo $* | sed -E 's/^([a-z0-9]+)-(.*)-([a-z]+)-([0-9]+)$$/\1 \2 \3 \4/'); \
	baselines train $$1 $$2 --subset $$3 --size $$4 -o $(dir $@)
$(RUNS)/%/scores/folded.json: $(RUNS)/%/record.json
	baselines score $(RUNS)/$* --subset folded
$(RUNS)/%/predictions/complete.npz: $(RUNS)/%/record.json
	baselines score $(RUNS)/$* --subset complete
$(RUNS)/%/scores/folded-500.json $(RUNS)/%/predictions/folded-500.npz: $(RUNS)/%/record.json
	baselines score $(RUNS)/$* --subset folded $(PART)
$(RUNS)/%/scores/unfolded-500.json $(RUNS)/%/predictions/unfolded-500.npz: $(RUNS)/%/record.json
	baselines score $(RUNS)/$* --subset unfolded $(PART)

# Simulations end with status 1 if one of them broke: that is what the figure shows.
$(RUNS)/md/mace-300K/md.json: $(call run,mace-mini-i-folded-150)/record.json
	teaeval md run mini-i --subset folded --run $(dir $<) --model MACE --together --replicas 4 \
		--steps 25000 --checkpoint 500 -o $(dir $@) || test $$? = 1
	teaeval md analyse $(dir $@) || test $$? = 1
$(RUNS)/md/sgdml-300K/md.json: $(call run,sgdml-mini-i-folded-500)/record.json
	teaeval md run mini-i --subset folded --run $(dir $<) --model sGDML --replicas 16 \
		--steps 12500 -o $(dir $@) || test $$? = 1
	teaeval md analyse $(dir $@) || test $$? = 1

$(RUNS)/hydrogen/Yukawa/record.json: $(call run,yukawa-mini-hydrogen-complete-192)/record.json
$(RUNS)/hydrogen/Tersoff/record.json: $(call run,tersoff-mini-hydrogen-complete-12)/record.json
$(RUNS)/hydrogen/UF3/record.json: $(call run,uf3-mini-hydrogen-complete-24)/record.json
$(RUNS)/hydrogen/MACE/record.json: $(RUNS)/mace-mini-hydrogen-complete-192-quick-hydrogen-seed0/record.json
$(RUNS)/hydrogen/PACE/record.json: $(call run,pace-mini-hydrogen-complete-48)/record.json
$(HYDROGEN:%=%/record.json):
	teaeval hydrogen --run $(dir $<) --model $(notdir $(@D)) --jobs 2 -o $(@D)
$(RUNS)/%-quick-hydrogen-seed0/record.json:
	baselines train mace mini-hydrogen --subset complete --config quick-hydrogen -o $(dir $@)
