"""Laying a returned map on its photo, and noticing maps that are inverted or turned around."""

from __future__ import annotations

from visiongen.tasks.registration.checks import Finding, check_depth_order, check_normal_axes
from visiongen.tasks.registration.register import Registration, register

__all__ = ["Finding", "Registration", "check_depth_order", "check_normal_axes", "register"]
