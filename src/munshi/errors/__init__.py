"""Every error a user can meet, named by what happened and saying what mends it.

Each lies in the module of its room; all are imported from here.
"""

from munshi.errors.alerts import *
from munshi.errors.audit import *
from munshi.errors.base import *
from munshi.errors.brokers import *
from munshi.errors.cache import *
from munshi.errors.callers import *
from munshi.errors.config import *
from munshi.errors.database import *
from munshi.errors.ground import *
from munshi.errors.jobs import *
from munshi.errors.keeping import *
from munshi.errors.market import *
from munshi.errors.requests import *
from munshi.errors.research import *
from munshi.errors.sessions import *
from munshi.errors.systemd import *
from munshi.errors.vault import *
