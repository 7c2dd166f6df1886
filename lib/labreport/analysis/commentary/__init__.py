"""What the numbers of one run say, in sentences: every number in a report's prose."""

from .answer import *
from .answers import *
from .conclusions import *
from .data_set import *
from .history import *
from .layer_kinds import *
from .literature import *
from .network import *
from .network_source import *
from .own_images import *
from .several_outputs import *
