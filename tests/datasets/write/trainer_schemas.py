"""What each trainer documents of the rows it reads, as strict models, and a reader that puts every file to them.

Where a trainer's documentation or code takes no notice of further keys, they are allowed, else forbidden. The rules
that are not about keys (roles that alternate, as many placeholders as videos, an answer that differs) are validators.
"""

import csv
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from chai_assets.datasets.write.manifest import Manifest

Text = Annotated[str, Field(min_length=1)]
LIST = Field(strict=False)
"""On a tuple: a list of just these items."""
MEDIA_TAG = re.compile("<(?:video|image|audio)>")
# Qwen's tokenizer and umT5's read these as control tokens wherever they stand in a text.
CONTROL_TOKEN = re.compile(r"<\|\w+\|>|</?s>|<pad>|<unk>|<extra_id_\d+>")


class Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class Lenient(BaseModel):
    """A row of which the trainer drops the keys that it does not know."""

    model_config = ConfigDict(strict=True, extra="allow")


def _one_tag_a_video(texts: list[str], videos: int) -> None:
    tags = [tag for text in texts for tag in MEDIA_TAG.findall(text)]
    assert tags == ["<video>"] * videos, f"{tags} for {videos} video(s)"
    assert not any(CONTROL_TOKEN.search(text) for text in texts), "a control token in a text"


def _alternate(roles: list[str], first: str, second: str) -> None:
    assert roles == [(first, second)[turn % 2] for turn in range(len(roles))], f"roles do not alternate: {roles}"


class Message(Strict):
    role: Literal["user", "assistant"]
    content: Text


class MsSwift(Lenient):
    """ms-swift's standard row: custom keys are removed before training."""

    messages: Annotated[list[Message], Field(min_length=2)]
    videos: list[Text]

    @model_validator(mode="after")
    def holds(self) -> "MsSwift":
        _alternate([message.role for message in self.messages], "user", "assistant")
        assert self.messages[-1].role == "assistant", "the last turn is not the assistant's"
        _one_tag_a_video([message.content for message in self.messages], len(self.videos))
        return self


class MsSwiftPair(MsSwift):
    """ms-swift's row for DPO."""

    rejected_response: Text

    @model_validator(mode="after")
    def differs(self) -> "MsSwiftPair":
        assert self.rejected_response.strip() != self.messages[-1].content.strip(), "both answers are the same"
        _one_tag_a_video([self.rejected_response], 0)
        return self


class Columns(Strict):
    messages: Text
    videos: Text
    chosen: Text | None = None
    rejected: Text | None = None


class Tags(Strict):
    role_tag: Text = "from"
    content_tag: Text = "value"
    user_tag: Text = "human"
    assistant_tag: Text = "gpt"


class LlamaFactoryEntry(Strict):
    """One entry of LLaMA-Factory's dataset_info.json; without tags the sharegpt ones hold."""

    file_name: Text
    formatting: Literal["sharegpt"]
    ranking: bool = False
    columns: Columns
    tags: Tags = Tags()

    def check(self, row: dict[str, Any]) -> None:
        """Reads a row as LLaMA-Factory's sharegpt converter does, which skips what breaks these rules."""
        columns, tags = self.columns, self.tags
        turns = row[columns.messages]
        answers = [row[name] for name in (columns.chosen, columns.rejected) if name]
        assert len(answers) == (2 if self.ranking else 0)
        assert len(turns) % 2 == (1 if self.ranking else 0), f"{len(turns)} turns"
        _alternate([turn[tags.role_tag] for turn in turns], tags.user_tag, tags.assistant_tag)
        assert all(answer[tags.role_tag] == tags.assistant_tag for answer in answers)
        texts = [turn[tags.content_tag] for turn in (*turns, *answers)]
        assert all(isinstance(text, str) and text for text in texts)
        videos = TypeAdapter(list[Text]).validate_python(row[columns.videos], strict=True)
        _one_tag_a_video(texts, len(videos))
        assert len({answer[tags.content_tag].strip() for answer in answers}) == len(answers), (
            "both answers are the same"
        )


class Turn(Strict):
    from_: Literal["human", "gpt"] = Field(alias="from")
    value: Text


class Qwen(Strict):
    """A row of Qwen's finetune code, which takes text before, between and after tags as parts of the prompt."""

    id: Text
    video: Text
    conversations: Annotated[list[Turn], Field(min_length=2)]

    @model_validator(mode="after")
    def holds(self) -> "Qwen":
        _alternate([turn.from_ for turn in self.conversations], "human", "gpt")
        assert self.conversations[-1].from_ == "gpt"
        assert self.conversations[0].value.startswith("<video>\n")
        _one_tag_a_video([turn.value for turn in self.conversations], 1)
        return self


class VideoPart(Strict):
    type: Literal["video"]
    path: Text
    text: None


class TextPart(Strict):
    type: Literal["text"]
    path: None = None
    text: Text

    @model_validator(mode="after")
    def holds(self) -> "TextPart":
        _one_tag_a_video([self.text], 0)
        return self


class Asked(Strict):
    role: Literal["user"]
    content: Annotated[tuple[VideoPart, TextPart], LIST]


class Answered(Strict):
    role: Literal["assistant"]
    content: Annotated[tuple[TextPart], LIST]

    @property
    def text(self) -> str:
        return self.content[0].text


class PromptCompletion(Strict):
    """TRL's conversational prompt-completion row."""

    id: Text
    prompt: Annotated[tuple[Asked], LIST]
    completion: Annotated[tuple[Answered], LIST]


class Preference(Strict):
    """TRL's conversational preference row with an explicit prompt."""

    id: Text
    prompt: Annotated[tuple[Asked], LIST]
    chosen: Annotated[tuple[Answered], LIST]
    rejected: Annotated[tuple[Answered], LIST]

    @model_validator(mode="after")
    def differs(self) -> "Preference":
        assert self.chosen[0].text.strip() != self.rejected[0].text.strip(), "both answers are the same"
        return self


def _a_prompt(text: str) -> None:
    _one_tag_a_video([text], 0)
    assert text == " ".join(text.split()), "white space that a generator would squeeze"


class DiffSynth(Lenient):
    """A row of DiffSynth-Studio's metadata.csv; columns that are not in --data_file_keys are left as they are."""

    video: Text
    prompt: Text
    cut: Literal["true", "false"]

    @model_validator(mode="after")
    def holds(self) -> "DiffSynth":
        _a_prompt(self.prompt)
        return self


class Musubi(Lenient):
    """A row of musubi-tuner's JSONL; Wan takes no notice of further keys."""

    video_path: Text
    caption: Text
    cut: bool

    @model_validator(mode="after")
    def holds(self) -> "Musubi":
        _a_prompt(self.caption)
        return self


class Merged(Lenient):
    video: Text
    caption: Text
    tokens: int
    fits: bool


class PreferenceRow(Lenient):
    """A row of the table of preferences: what was asked, and both answers."""

    prompt: Annotated[tuple[Message], LIST]
    chosen: Annotated[tuple[Message], LIST]
    rejected: Annotated[tuple[Message], LIST]
    videos: list[Text]

    @model_validator(mode="after")
    def holds(self) -> "PreferenceRow":
        turns = [self.prompt[0], self.chosen[0], self.rejected[0]]
        assert [turn.role for turn in turns] == ["user", "assistant", "assistant"]
        assert self.chosen[0].content.strip() != self.rejected[0].content.strip(), "both answers are the same"
        _one_tag_a_video([turn.content for turn in turns], len(self.videos))
        return self


SCHEMAS: dict[str, type[BaseModel]] = {
    "parquet/caption_generation.parquet": MsSwift,
    "parquet/critique_generation.parquet": MsSwift,
    "parquet/reward.parquet": MsSwift,
    "parquet/preference.parquet": PreferenceRow,
    "parquet/merged_captions.parquet": Merged,
    "caption_generation.jsonl": MsSwift,
    "critique_generation.jsonl": MsSwift,
    "reward.jsonl": MsSwift,
    "merged_captions.jsonl": Merged,
    "dpo/ms_swift.jsonl": MsSwiftPair,
    "qwen/caption_generation.jsonl": Qwen,
    "qwen/critique_generation.jsonl": Qwen,
    "qwen/reward.jsonl": Qwen,
    "trl/caption_generation.parquet": PromptCompletion,
    "trl/critique_generation.parquet": PromptCompletion,
    "trl/reward.parquet": PromptCompletion,
    "trl/preference.parquet": Preference,
    "diffsynth/metadata.csv": DiffSynth,
    "musubi/captions.jsonl": Musubi,
}
FOR_LLAMA_FACTORY = "dpo/llama_factory.jsonl"
NO_TRAINER = {"verify.py", "README.md", "dataset_info.json", "triples.jsonl", "triples.parquet", "primitives.parquet"}


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Rows of a file of a dataset, read as trainers do: JSON by lines, Parquet, CSV."""
    if path.suffix == ".parquet":
        yield from pq.read_table(path).to_pylist()
    elif path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as handle:
            yield from csv.DictReader(handle)
    else:
        with path.open(encoding="utf-8") as handle:
            yield from (json.loads(line) for line in handle)


def check_all(folder: Path, manifest: Manifest) -> dict[str, int]:
    """Puts every row of every file to its trainer's rules; rows read by path. Raises naming file and row."""
    entries = TypeAdapter(dict[str, LlamaFactoryEntry]).validate_json((folder / "dataset_info.json").read_bytes())
    by_file = {entry.file_name: entry for entry in entries.values()}
    read = {}
    for path in [entry.path for entry in manifest.files if entry.path not in NO_TRAINER]:
        split, _, name = path.partition("/")
        assert split in ("train", "eval"), f"{path} is no file of a split"
        checks: list[Callable[[dict[str, Any]], object]] = [by_file[path].check] if path in by_file else []
        if name != FOR_LLAMA_FACTORY:
            checks.append(SCHEMAS[name].model_validate)
        read[path] = 0
        for number, row in enumerate(read_rows(folder / path)):
            assert checks, f"{path} has rows and no trainer"
            for check in checks:
                try:
                    check(row)
                except (AssertionError, ValueError, KeyError) as error:
                    raise AssertionError(f"{path}, row {number}: {error}\n{row}") from error
            read[path] += 1
    return read
