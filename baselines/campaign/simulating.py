"""Which simulations the models of a campaign get."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import ValidationError

from baselines.campaign.matrix import Campaign
from baselines.campaign.sections import (
    Combination,
    HydrogenBenchmark,
    Simulation,
    counterpart,
    in_edition,
    selected,
)
from baselines.campaign.steps import Hydrogen, Simulate
from baselines.registry import entry
from baselines.runs.record import Plan
from teadata import TeaError, catalog
from teadata.errors import DataError, UsageError, restated
from teadata.schema import what_is_wrong
from teaeval.hydrogen import plans
from teaeval.md import replicas, torch_batch
from teaeval.observables.registry import chosen
from teaeval.observables.system import System


def check_selections(campaign: Campaign, trainings: Sequence[Combination], source: Path) -> None:
    """Refuse simulations that are of no training.

    Raises
    ------
    DataError
        If an entry of ``only`` has none of the trainings.
    """
    sections: list[tuple[str, Simulation | HydrogenBenchmark]] = [
        (f"simulate {place}", section) for place, section in enumerate(campaign.simulate, 1)
    ]
    if campaign.hydrogen is not None:
        sections.append(("hydrogen", campaign.hydrogen))
    for name, section in sections:
        items = [in_edition(item, campaign.edition) for item in section.only]
        counts = [0] * len(items)
        for training in trainings:
            selected(training, items, counts)
        for place, count in enumerate(counts, 1):
            if not count:
                raise DataError(f"{source}: {name}: only {place}: no training has it all")
        if not any(
            name == of for training in trainings for of, _ in of_training(campaign, training)
        ):
            assert isinstance(section, HydrogenBenchmark)  # other simulations are of all trainings
            raise DataError(
                f"{source}: {name}: no training is on {section.dataset}; leave the section out, or "
                "say of which models: only: [{model: NAME}]"
            )


def of_training(
    campaign: Campaign, training: Combination
) -> Iterator[tuple[str, Simulation | HydrogenBenchmark]]:
    """The sections of a campaign that simulate with the model of a training, with their names."""
    for place, section in enumerate(campaign.simulate, 1):
        items = [in_edition(item, campaign.edition) for item in section.only]
        if not items or selected(training, items):
            yield f"simulate {place}", section
    if campaign.hydrogen is not None:
        items = [in_edition(item, campaign.edition) for item in campaign.hydrogen.only]
        on = training.dataset.partition("@")[0] == campaign.hydrogen.dataset.partition("@")[0]
        if selected(training, items) if items else on:
            yield "hydrogen", campaign.hydrogen


def nanoseconds(campaign: Campaign, training: Combination) -> float:
    """How long is simulated in all with the model of a training, ns, as far as its file says it.

    Of the hydrogen benchmark without ``states`` the state points that there are count.
    """
    total = 0.0
    for _, section in of_training(campaign, training):
        if isinstance(section, Simulation):
            count = len(section.subsets or "1") * len(section.temperatures) * section.replicas
            total += count * section.steps * section.timestep * 1e-6
        else:
            (step,) = _benchmark(section)
            total += step.nanoseconds
    return total


def simulations_of(
    campaign: Campaign, training: Combination, plan: Plan, source: Path
) -> tuple[Simulate | Hydrogen, ...]:
    """The simulations with the model of a training, checked.

    Raises
    ------
    TeaError
        If a setting is wrong, or a dataset, subset or state point does not exist.
    """
    found: dict[str, Simulate | Hydrogen] = {}
    for name, section in of_training(campaign, training):
        try:
            steps = (
                _replicas(section, plan, campaign.edition)
                if isinstance(section, Simulation)
                else _benchmark(section)
            )
            found |= {step.name: step for step in steps}
        except ValidationError as error:
            raise DataError(f"{source}: {name}: {what_is_wrong(error)}") from None
        except TeaError as error:
            raise restated(error, f"{source}: {name}: {error}") from None
    return tuple(found.values())


def _replicas(section: Simulation, plan: Plan, edition: str | None) -> Iterator[Simulate]:
    _check_engine(section, plan)
    dataset = catalog.load(plan.dataset)
    if section.dataset is not None:
        dataset = catalog.load(counterpart(section.dataset, edition))
    for subset in section.subsets or [plan.train.split("/")[0]]:
        if section.observables:
            frame = dataset.split(f"{subset}/test")[0]
            chosen(System(frame, None, dataset.card.groups), section.observables)
        for temperature in section.temperatures:
            settings = section.settings(temperature)
            made = replicas.make_plan(
                dataset,
                subset,
                settings,
                section.replicas,
                together=section.together,
                engine=section.engine,
            )
            yield Simulate(
                dataset=dataset.card.full_id,
                frames_sha256=dataset.card.file("frames").sha256,
                splits_sha256=dataset.card.file("splits").sha256,
                subset=subset,
                settings=settings,
                replicas=section.replicas,
                together=section.together,
                engine=made.engine,
                discard=section.discard,
                bootstrap=section.bootstrap,
                observables=section.observables,
            )


def _check_engine(section: Simulation, plan: Plan) -> None:
    """Raise an error if the engine does not take the model of a training."""
    model = entry(plan.model)
    if section.engine == torch_batch.ENGINE and not hasattr(model.classes()[0], "torch_sim_model"):
        raise UsageError(
            f"engine {section.engine} takes no {model.title}; leave engine out, or say with which "
            "models: only: [{model: mace}]"
        )


def _benchmark(section: HydrogenBenchmark) -> Iterator[Hydrogen]:
    dataset = catalog.load(section.dataset)
    made = plans.make_plan(
        dataset, calculator="a model", states=section.states, protocol=section.protocol()
    )
    yield Hydrogen(
        dataset=dataset.card.full_id,
        frames_sha256=made.frames_sha256,
        states=made.states,
        protocol=made.protocol,
    )
