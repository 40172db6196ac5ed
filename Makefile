# Every figure of docs/figures.md:  make figures
#
# Trains, predicts and scores below $(RUNS) what is missing there first: from the times in the
# records about an hour on one core, an estimate; it was not run from nothing in one go.
# With RUNS=<folder> finished runs are used again.
RUNS ?= runs
OUT ?= docs/figures
CHROMIUM ?= chromium

SIZES = 25 50 100 200 300
CURVE = $(foreach n,$(SIZES),$(RUNS)/sgdml-mini-i-folded-$(n)-quick-seed0)
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
NAMES = learning-curve learning-curve-published gyration errors parity elements magnitude atoms \
	worst atoms-mini-iii worst-mini-iv matrix report

.PHONY: figures
figures: $(NAMES:%=$(OUT)/%.png)
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
$(OUT)/report.png: $(RUNS)/report.html
	$(CHROMIUM) --headless --no-sandbox --hide-scrollbars --window-size=1100,1150 \
		--virtual-time-budget=8000 --screenshot=$@ file://$(abspath $<) 2>/dev/null
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
