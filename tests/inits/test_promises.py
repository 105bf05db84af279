"""What every scheme promises, checked for the whole catalog and for every value of every option that is a choice."""

import copy
import re
import typing
from collections import OrderedDict
from collections.abc import Iterator

import pytest
import torch
from torch import nn

from initbench.activations import ACTIVATIONS
from initbench.component import module_doc
from initbench.config.grammar import inline_components
from initbench.inits import INITS, FillContext, Init
from initbench.networks import NETWORKS as CATALOG
from initbench.seeding import generator
from initbench.sites import survey


def example(cls: type[Init], **options: object) -> Init:
    """The scheme with its defaults; a required option takes the value that its field offers as an example."""
    required = {key: field.examples[0] for key, field in cls.model_fields.items() if field.is_required()}
    return cls(**(required | options))


def variants(cls: type[Init]) -> Iterator[Init]:
    yield example(cls)
    for key, field in cls.model_fields.items():
        if typing.get_origin(field.annotation) is typing.Literal:
            for choice in typing.get_args(field.annotation):
                if choice != field.default:
                    yield example(cls, **{key: choice})


EVERY_INIT = [init for cls in INITS.values() for init in variants(cls)]
every_init = pytest.mark.parametrize("init", EVERY_INIT, ids=lambda init: init.label)


def mlp(hidden: int = 3) -> nn.Module:
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for index in range(1, hidden + 1):
        layers[f"layer{index}"] = nn.Linear(12 if index == 1 else 16, 16)
        layers[f"activation{index}"] = ACTIVATIONS["relu"]().layer()
    layers["output"] = nn.Linear(16, 5)
    return nn.Sequential(layers)


def conv_net() -> nn.Module:
    relu = ACTIVATIONS["relu"]()
    return nn.Sequential(
        OrderedDict(
            layer1=nn.Conv2d(3, 8, 3, padding=1),
            activation1=relu.layer(),
            layer2=nn.Conv2d(8, 8, 3, padding=1, groups=2),
            activation2=nn.PReLU(),
            layer3=nn.ConvTranspose2d(8, 6, 3, padding=1, bias=False),
            activation3=relu.layer(),
            layer4=nn.ConvTranspose2d(6, 4, 3, padding=1, groups=2),
            flatten=nn.Flatten(),
            output=nn.Linear(4 * 5 * 5, 5),
        )
    )


def resnet(hidden: int = 6) -> nn.Module:
    network = CATALOG["resnet"](depth=2 + hidden, width=16, branch=2, multipliers=True)
    return network.build((12,), 5, ACTIVATIONS["relu"]())


NETWORKS = {"mlp": (mlp, (12,)), "conv_net": (conv_net, (3, 5, 5)), "resnet": (resnet, (12,))}
BLOCKS = tuple(f"block{block}.branch.layer{layer}" for block in (1, 2) for layer in (1, 2))


def home(init: Init) -> str:
    """A network that the scheme was made for."""
    return "resnet" if init.requires else "mlp"


every_pair = pytest.mark.parametrize(
    ("init", "name"),
    [pytest.param(init, name, id=f"{init.label}-{name}")
     for init in EVERY_INIT for name in NETWORKS if name == "resnet" or not init.requires],
)  # fmt: skip


def filled(
    init: Init, name: str | None = None, seed: int = 0, dtype: torch.dtype = torch.float32, **size: int
) -> nn.Module:
    build, input_shape = NETWORKS[name or home(init)]
    network = build(**size).to(dtype)
    batch = torch.randn(64, *input_shape, generator=generator(0, "test"), dtype=dtype)
    init.fill(network, FillContext(seed=seed, sites=survey(network, batch), batch=batch))
    return network


def same(first: nn.Module, second: nn.Module) -> bool:
    state, other = first.state_dict(), second.state_dict()
    return state.keys() == other.keys() and all(torch.equal(state[key], other[key]) for key in state)


@every_pair
def test_the_seed_alone_decides_the_parameters(init: Init, name: str) -> None:
    first = filled(init, name)
    with torch.random.fork_rng(devices=[]):
        torch.random.manual_seed(1)  # disturb the global generator
        assert same(first, filled(init, name))


@every_pair
def test_the_global_generator_is_not_touched(init: Init, name: str) -> None:
    build, input_shape = NETWORKS[name]
    network, batch = build(), torch.randn(64, *input_shape, generator=generator(0, "test"))
    context = FillContext(seed=0, sites=survey(network, batch), batch=batch)
    state = torch.random.get_rng_state()
    init.fill(network, context)
    assert torch.equal(state, torch.random.get_rng_state())


@every_pair
def test_shapes_and_dtype_stay_and_values_are_finite(init: Init, name: str) -> None:
    untouched = NETWORKS[name][0]().double().state_dict()
    network = filled(init, name, dtype=torch.float64).state_dict()
    assert {key: (value.shape, value.dtype) for key, value in network.items()} == {
        key: (value.shape, value.dtype) for key, value in untouched.items()
    }
    assert all(value.isfinite().all() for value in network.values())


@every_pair
def test_every_parameter_stays_trainable_and_hooks_and_mode_as_they_were(init: Init, name: str) -> None:
    network = filled(init, name)
    assert all(parameter.requires_grad and parameter.grad is None for parameter in network.parameters())
    assert all(module.training for module in network.modules())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())


@every_pair
def test_what_was_there_before_leaves_no_trace(init: Init, name: str) -> None:
    build, input_shape = NETWORKS[name]
    batch = torch.randn(64, *input_shape, generator=generator(0, "test"))
    clean, soiled = build(), build()
    for parameter in soiled.parameters():
        if parameter.numel() > 1:  # the slope of a PReLU is the network's own
            nn.init.constant_(parameter, 7.0)
    for network in (clean, soiled):
        init.fill(network, FillContext(seed=0, sites=survey(network, batch), batch=batch))
    assert same(clean, soiled)


@every_init
def test_layers_of_one_shape_differ_whenever_seeds_do(init: Init) -> None:
    first, second = filled(init, seed=0), filled(init, seed=1)
    one, other = {"mlp": ("layer2", "layer3"), "resnet": (BLOCKS[0], BLOCKS[2])}[home(init)]
    drawn = not torch.equal(first.get_parameter(f"{one}.weight"), second.get_parameter(f"{one}.weight"))
    layers_differ = not torch.equal(first.get_parameter(f"{one}.weight"), first.get_parameter(f"{other}.weight"))
    assert layers_differ == drawn


@every_init
def test_another_depth_moves_no_draw_of_a_layer_of_the_same_name(init: Init) -> None:
    shallow, deep = filled(init, hidden=4), filled(init, hidden=6)
    for layer in {"mlp": ("layer1", "layer2", "layer3"), "resnet": ("stem", *BLOCKS)}[home(init)]:
        # A scheme that looks at the data may scale a whole unit; the direction of its weights is the draw.
        directions = [nn.functional.normalize(net.get_parameter(f"{layer}.weight"), dim=1) for net in (shallow, deep)]
        torch.testing.assert_close(*directions, rtol=1e-4, atol=1e-5)


@every_pair
def test_biases_are_zero_unless_the_formula_speaks_of_them(init: Init, name: str) -> None:
    biases = torch.cat([value for key, value in filled(init, name).state_dict().items() if key.endswith("bias")])
    assert not biases.any() or re.search(r"\bb\b", init.formula)


@every_init
def test_the_label_parses_back(init: Init) -> None:
    (parsed,) = inline_components(init.label)
    cls, preset = INITS.resolve(str(parsed.pop("name")))
    assert cls(**(preset | parsed)) == init


@pytest.mark.parametrize("alias", [name for name in INITS.names if name not in INITS])
def test_every_alias_makes_a_scheme(alias: str) -> None:
    cls, preset = INITS.resolve(alias)
    init = example(cls, **preset)
    assert {key: getattr(init, key) for key in preset} == dict(preset)


@pytest.mark.parametrize("cls", INITS.values(), ids=list(INITS))
def test_every_scheme_says_what_it_is_when_to_use_it_and_where_it_comes_from(cls: type[Init]) -> None:
    assert cls.formula.startswith(("Var(W)", "W"))
    assert cls.suits[-1] != "."
    *_, citation = re.split(r"\n\s*\n", module_doc(cls))
    assert len(cls.summary()) > 30
    assert cls.summary().endswith(".")
    assert re.search(r"\b(19|20)\d\d\b|PyTorch|Keras|Flax|TensorFlow", citation)
    assert all(field.description for field in cls.model_fields.values())


@every_pair
def test_a_filled_network_copies_and_runs(init: Init, name: str) -> None:
    network = copy.deepcopy(filled(init, name))
    outputs = network(torch.randn(4, *NETWORKS[name][1], generator=generator(1, "test")))
    assert outputs.isfinite().all()
