"""Imported once by the server that forks the processes of a sweep: they start with the libraries loaded."""

from medaudit.models.vision_ops import huggingface

huggingface()
