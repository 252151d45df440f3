"""The folder's `rights.yaml`: who holds the rights in its videos, and what licence they are under."""

from dataclasses import dataclass

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from chai_resources.media import Media

RIGHTS_FILE = "rights.yaml"
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Right:
    """Rights holder and licence of one video."""

    rights: str = UNKNOWN
    licence: str = UNKNOWN


class _FileRights(BaseModel):
    model_config = ConfigDict(extra="forbid")
    rights: str | None = None
    licence: str | None = None


class Rights(BaseModel):
    """What holds for every video of a folder, and what differs for single files."""

    model_config = ConfigDict(extra="forbid")
    rights: str = UNKNOWN
    licence: str = UNKNOWN
    files: dict[str, _FileRights] = Field(default_factory=dict)

    def of(self, name: str) -> Right:
        """Rights of the file of that name; what is not said for the file holds as for the folder."""
        own = self.files.get(name, _FileRights())
        return Right(own.rights or self.rights, own.licence or self.licence)


def read_rights(folder: Media) -> tuple[Rights, str | None]:
    """The folder's rights, and in one line what is wrong with the file; no file means unknown rights.

    Raises MediaError if the folder cannot be read.
    """
    if not folder.exists(RIGHTS_FILE):
        return Rights(), None
    try:
        return Rights.model_validate(yaml.safe_load(folder.get_bytes(RIGHTS_FILE)) or {}), None
    except yaml.reader.ReaderError:
        wrong = "it is not UTF-8 text"
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        wrong = f"line {mark.line + 1} is no YAML" if mark else "it is no YAML"
    except ValidationError as error:
        first = error.errors()[0]
        wrong = f"{'.'.join(str(part) for part in first['loc']) or 'the file'}: {first['msg']}"
    return Rights(), (
        f"{RIGHTS_FILE} cannot be used ({wrong}); correct it: "
        "videos ingested meanwhile are recorded with unknown rights"
    )
