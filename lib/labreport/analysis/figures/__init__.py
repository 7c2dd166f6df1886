"""Pictures and tables of a report: plain data in; a figure with its alt text, or a table with its
caption, out. Shows nothing itself.

A new figure is a function in one of these modules, named in its `__all__`.
"""

from .classes import *
from .history import *
from .images import *
from .loss_curves import *
from .network_picture import *
from .output_curves import *
from .picture import *
from .run_curves import *
from .runs import *
from .table import *
