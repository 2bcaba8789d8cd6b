"""What ``toolkit train --help`` says of a recipe's options is what the recipe has."""

import re

import pytest

from toolkit.cli.train import train
from toolkit.training.recipe import FIELDS, FINE_TUNING_DEFAULTS, PRETRAINED_DEFAULTS

pytestmark = pytest.mark.toolkit
HELP = {option.name: option.help or "" for option in train.params if option.name in FIELDS}
# 0 stands for what the data or the network decides, and these are told in words.
IN_WORDS = ("arch", "channels", "batch_size", "weights", "freeze_epochs", "dtype_policy")
TOLD = {name: found[1] for name, text in HELP.items() if (found := re.search(r"\[default: ([^;\]]+)", text))}


@pytest.mark.parametrize("name", sorted(set(TOLD) - set(IN_WORDS)))
def test_the_default_in_the_help_is_the_recipe_s(name):
    field = FIELDS[name]
    assert field.type(TOLD[name]) == field.default


@pytest.mark.parametrize(
    ("start", "defaults"), [("published weights", PRETRAINED_DEFAULTS), ("--init", FINE_TUNING_DEFAULTS)]
)
def test_the_defaults_of_trained_weights_stand_in_the_help(start, defaults):
    assert [name for name, value in defaults.items() if f"{value:g} with {start}" not in HELP[name]] == []


@pytest.mark.parametrize("name", ["optimizer", "schedule", "dtype_policy"])
def test_every_name_that_an_option_takes_stands_in_its_help(name):
    assert set(FIELDS[name].metadata["known"]) <= set(re.findall(r"[\w-]+", HELP[name]))
