"""Every image-capable architecture of transformers, built tiny, loaded by the ordinary route and measured."""

from medaudit.architectures.build import NotBuildable, build

__all__ = ["NotBuildable", "build"]
