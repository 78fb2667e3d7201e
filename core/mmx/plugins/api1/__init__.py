"""Plugins written for API 1 in the shape of API 2, which is all that the rest of mmx knows.

The one part of `mmx.plugins` that imports `mmx.interfaces`, and so torch: it is imported when such
a plugin is loaded.
"""

from mmx.plugins.api1.adapted import adapted
from mmx.plugins.api1.hook import hook_of_module

__all__ = ["adapted", "hook_of_module"]
