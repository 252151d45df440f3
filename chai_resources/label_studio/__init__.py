"""Label Studio, seen from outside: projects, tasks, annotations and accounts, over its SDK and REST API.

`LabelStudio` is the service account's client, `Annotator` a person's own session. What tasks and annotations
mean is not known here.
"""

from chai_resources.label_studio.annotator import Annotator
from chai_resources.label_studio.client import LabelStudio, Task, title_of
from chai_resources.label_studio.errors import LabelStudioDown, LabelStudioRefused
from chai_resources.label_studio.piecewise import Unlistable

__all__ = ["Annotator", "LabelStudio", "LabelStudioDown", "LabelStudioRefused", "Task", "Unlistable", "title_of"]
