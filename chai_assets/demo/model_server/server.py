"""A model of rules behind a real HTTP server, so that the demo can run with the engines `openai` and `gemini`.

It reads the prompt alone, as any model does: the labels that a draft prompt lists, the findings of a revise prompt, the
captions of a merge prompt. It writes what the offline engine would write of them. It judges a caption by its length,
for it has nothing else to go by.

python -m chai_assets.demo.model_server.server PORT
"""

import json
import math
import re
import sys
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from chai_assets.demo.model_server.batches import BatchStore
from chai_assets.demo.model_server.dialects import Dialect, Tokens, dialect_of
from chai_assets.spec.models import Aspect, Spec
from chai_assets.spec.resource import release_of
from chai_resources.captioners.engines.offline import OfflineCaptioner
from chai_resources.captioners.protocol import Request, TaskName
from chai_resources.services.same_origin import own_hosts, refusal
from chai_resources.settings import Settings

_SLOT = re.compile(r"\{(\w+)\}")
_SECTION = re.compile(r"^## (.+)$", re.MULTILINE)
_PRESENT = re.compile(r"^- (.+?) \(present\):", re.MULTILINE)
_TEXT = re.compile(r"^- ([\w ]+): (.+)$", re.MULTILINE)
_ASKED = re.compile(
    r'^\d+\. (?P<why>[^:]+): "(?P<quote>.*)"; (?:write instead: "(?P<fix>.*)"|remove it\.)$', re.MULTILINE
)
_JUDGED = re.compile(r"\n\nA caption written for this task:\n(.*)\n\n.* Please answer Yes or No\.\Z", re.DOTALL)
_MISSING = re.compile(r"^\d+\. This is missing; add it: (.+)$", re.MULTILINE)


_KEPT = "Words that stay exactly as they are, in this order"
_CRITICIZE = "A caption written for this task"
_CRITIQUE = json.dumps({"findings": [{"kind": "missing", "quote": "", "fix": "The camera moves slowly."}]})
"""It cannot see; any critique is as good."""
_AS_LIKELY = 40
"""Words of a caption that it calls right as likely as wrong."""
_SAID = 0.98
"""Probability that it says Yes or No at all."""


class CannotAnswer(ValueError):
    """The prompt is none that this model knows."""


class PracticeModel:
    """Answers prompts of the platform's templates."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec

    def answer(self, prompt: str) -> str:
        """The answer to a prompt. Raises CannotAnswer for one of no known template."""
        parts = _sections(prompt)
        if "What is known" in parts:
            return self._write("draft", self._draft(prompt, parts["What is known"]))
        if "What is wrong with it" in parts:
            return self._write("revise", _revision(parts["The caption"], parts["What is wrong with it"]))
        if _KEPT in parts:
            kept = re.findall(r"^- (.*)$", parts[_KEPT], re.MULTILINE)
            return self._write("polish", {"text": parts["The critique"], "kept": kept})
        if _CRITICIZE in parts:
            return _CRITIQUE
        captions = [{"aspect": name, "text": text} for name, text in parts.items() if name in self._spec.aspects]
        if captions:
            return self._write("merge", {"captions": captions})
        raise CannotAnswer("a practice model knows the prompts of drafts, critiques, revisions and merges only")

    def first_token(self, prompt: str) -> Tokens:
        """The likeliest first tokens of the answer to a yes/no question. Raises CannotAnswer for any other prompt."""
        asked = _JUDGED.search(prompt)
        if asked is None:
            raise CannotAnswer("a practice model tells log-probabilities only of whether a caption is right")
        longer = (len(asked[1].split()) - _AS_LIKELY) / _AS_LIKELY
        yes = _SAID / (1 + math.exp(-longer))
        likely = {"Yes": 0.9 * yes, " Yes": 0.1 * yes, "No": _SAID - yes, "The": (1 - _SAID) / 2}
        return {token: math.log(share) for token, share in likely.items()}

    def _draft(self, prompt: str, known: str) -> dict[str, Any]:
        aspect = next((a for a in self._spec.aspects.values() if prompt.startswith(a.instruction.strip())), None)
        if aspect is None:
            raise CannotAnswer("the draft prompt begins with no aspect's instruction of this specification")
        return {"aspect": aspect.id, "statements": _statements(aspect, known), "upstream": {}}

    def _write(self, task: TaskName, context: dict[str, Any]) -> str:
        [result] = self._offline.run([Request("practice", "practice", task, "", context)])
        if result.text is None:
            raise CannotAnswer(result.error.message if result.error else "nothing to say")
        return result.text

    @cached_property
    def _offline(self) -> OfflineCaptioner:
        return OfflineCaptioner()


def _sections(prompt: str) -> dict[str, str]:
    heads = list(_SECTION.finditer(prompt))
    ends = [*(head.start() for head in heads[1:]), len(prompt)]
    return {head[1]: prompt[head.end() : end].strip() for head, end in zip(heads, ends, strict=False)}


def _statements(aspect: Aspect, known: str) -> list[str]:
    """What the listed labels say, in the specification's own words and order."""
    terms = set(_PRESENT.findall(known))
    texts = {name.replace(" ", "_"): text for name, text in _TEXT.findall(known)}
    asked = {attribute.id: number for number, attribute in enumerate(aspect.attributes)}
    parts = [(a.sub_aspect, asked[a.id], a.says) for a in aspect.attributes if a.says and a.id in texts]
    for primitive in aspect.primitives:
        if primitive.says and primitive.term in terms:
            parts.append((primitive.sub_aspect, max(asked[name] for name in primitive.given_by), primitive.says))
    parts.sort(key=lambda part: (aspect.sub_aspects.index(part[0]), part[1]))
    filled = [_SLOT.sub(lambda slot: texts.get(slot[1], slot[0]), template) for _, _, template in parts]
    return [sentence[:1].upper() + sentence[1:] for sentence in filled]


def _revision(draft: str, listed: str) -> dict[str, Any]:
    findings: list[dict[str, Any]] = []
    for match in _ASKED.finditer(listed):
        start = draft.find(match["quote"])
        if start >= 0:
            place = {"quote": match["quote"], "start": start, "end": start + len(match["quote"])}
            findings.append({"kind": "wrong", **place, "fix": match["fix"] or ""})
    for match in _MISSING.finditer(listed):
        findings.append({"kind": "missing", "quote": "", "start": None, "end": None, "fix": match[1]})
    return {"draft": draft, "findings": findings}


def reply_of(model: PracticeModel, dialect: Dialect, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Status and body of the reply to a request body."""
    prompt = dialect.prompt(asked)
    try:
        if top := dialect.top(asked):
            first = dict(list(model.first_token(prompt).items())[:top])
            text = max(first, key=first.__getitem__)
            return 200, dialect.answer(text, "length", (len(prompt.split()), 1), first)
        text = model.answer(prompt)
    except CannotAnswer as reason:
        return 400, dialect.error(400, str(reason))
    return 200, dialect.answer(text, "stop", (len(prompt.split()), len(text.split())))


class Handler(BaseHTTPRequestHandler):
    """Answers every request by the class's model."""

    model: PracticeModel
    store: BatchStore
    hosts: frozenset[str]
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        if self._refused():
            return
        self._send(*(self.store.serve("GET", self.path, self.headers, b"") or (200, {"ready": True}, {})))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if self._refused():
            return
        if reply := self.store.serve("POST", self.path, self.headers, body):
            self._send(*reply)
        else:
            self._send(*reply_of(self.model, dialect_of(self.path), json.loads(body)))

    def _refused(self) -> bool:
        """Whether a page that some browser shows asks, instead of the platform; it is told so."""
        headers = {name.lower(): value for name, value in self.headers.items()}
        refused = refusal(self.command, headers, self.hosts)
        if refused:
            self._send(refused.status, {"error": {"message": refused.reason}})
        return refused is not None

    def _send(self, status: int, body: dict[str, Any] | bytes, headers: dict[str, str] | None = None) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def serve(port: int, spec: Spec) -> ThreadingHTTPServer:
    """A server of the practice model on this port of the machine itself, not yet running."""
    model = PracticeModel(spec)
    store = BatchStore(lambda dialect, asked: reply_of(model, dialect, asked), at_once=True)
    handler = type("PracticeHandler", (Handler,), {"model": model, "store": store})
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    handler.hosts = own_hosts(server.server_port)
    return server


if __name__ == "__main__":
    serve(int(sys.argv[1]), release_of(Settings.from_env()).load()).serve_forever()
