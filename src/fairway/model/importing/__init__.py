"""App files from what a project already has: a Compose file, a Procfile, or nothing yet.

Called by `fairway init`. Pure: text in, text out. Guarantees: the text loads without a problem
(once the variables that it names are set), and whatever could not be carried over stands in the
notes, never dropped in silence.
"""

from fairway.model.importing.compose import app_from_compose
from fairway.model.importing.draft import Imported
from fairway.model.importing.procfile import app_from_procfile
from fairway.model.importing.starter import EXAMPLE_FOLDER, FoundService, starter_app_file

__all__ = [
    "EXAMPLE_FOLDER",
    "FoundService",
    "Imported",
    "app_from_compose",
    "app_from_procfile",
    "starter_app_file",
]
