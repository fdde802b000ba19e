"""The mathematics of Gradloom: documents, differentiation, plans, training and files; no Qt."""

__version__ = "0.1.0"
