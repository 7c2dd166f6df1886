"""Imported first by the process that forks runs, and by nothing else: it leaves the sweep's process
group, so that what is meant for the sweep (Ctrl-C, a terminal that is closed, the end of a job)
does not take the runs along before they have saved their epoch.
"""

import os

os.setsid()
