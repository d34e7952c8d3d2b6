"""Plugins are refused at the door, with the culprit's name."""

from __future__ import annotations

import pytest

from medaudit import registry
from medaudit.errors import PluginError, UsageError
from medaudit.model import Capability


@pytest.fixture(autouse=True)
def _restore():
    registry.load_plugins()  # else what a test loads would be forgotten after it
    before = {kind: dict(items) for kind, items in registry._ITEMS.items()}
    yield
    for kind, items in before.items():
        registry._ITEMS[kind].clear()
        registry._ITEMS[kind].update(items)


def add(name="toy", reference="A paper.", function=None):
    def toy(ctx, *, level: int = 1):
        """Is it a toy?"""
        return []

    return registry.probe(name, needs=[["generate"]], reference=reference, metrics=["m"])(function or toy)


def test_a_probe_keeps_its_facts() -> None:
    add()
    item = registry.find("probe", "toy")

    assert item.question == "Is it a toy?"
    assert item.parameters == {"level": 1}
    assert item.missing(frozenset({Capability.GENERATE})) is None
    assert "needs generate" in item.missing(frozenset({Capability.EMBED}))


def test_a_name_is_taken_once() -> None:
    add()
    with pytest.raises(PluginError, match="taken"):
        add()


@pytest.mark.parametrize("name", ["", "Toy", "a b", "a-b"])
def test_a_bad_name_is_refused(name: str) -> None:
    with pytest.raises(PluginError, match="lower-case"):
        add(name)


def test_a_probe_without_reference_docstring_or_defaults_is_refused() -> None:
    def undocumented(ctx):
        return []

    def demanding(ctx, *, level):
        """Is it?"""
        return []

    def wrong(context):
        """Is it?"""
        return []

    with pytest.raises(PluginError, match="reference"):
        add(reference=" ")
    with pytest.raises(PluginError, match="docstring"):
        add(function=undocumented)
    with pytest.raises(PluginError, match="default"):
        add(function=demanding)
    with pytest.raises(PluginError, match=r"must take \('ctx',\)"):
        add(function=wrong)


def test_an_unknown_name_gets_its_nearest() -> None:
    add()
    with pytest.raises(UsageError, match="Did you mean 'toy'"):
        registry.find("probe", "toyy")


def test_a_plugin_package_that_does_not_import_is_named(monkeypatch) -> None:
    class Broken:
        name, value = "acme", "acme_nowhere"

        def load(self):
            raise ImportError("no acme")

    monkeypatch.setattr(registry, "entry_points", lambda group: [Broken()])
    with pytest.raises(PluginError, match="acme"):
        registry.available("probe")
