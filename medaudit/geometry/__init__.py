"""Where in the original image a model's tokens look: boxes to tokens of every view, and back."""

from medaudit.geometry.boxes import Box
from medaudit.geometry.errors import NoGrid
from medaudit.geometry.geometry import Geometry, geometry_of
from medaudit.geometry.sources import SourceMap
from medaudit.geometry.tokens import TokenMap
from medaudit.geometry.views import View

__all__ = ["Box", "Geometry", "NoGrid", "SourceMap", "TokenMap", "View", "geometry_of"]
