"""Fixtures that every tier may use."""
