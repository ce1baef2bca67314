"""placeholder"""

from .groups import Group

plugin_group = Group("plugin")
