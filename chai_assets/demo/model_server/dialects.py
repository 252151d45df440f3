"""The two protocols in which models are asked, as a server speaks them: OpenAI's chat completions, Gemini's.

Only as much as the engines use. What is answered, and what goes wrong, is decided by the servers that use it.
"""

from typing import Any, ClassVar, Protocol

SERVED = "practice-2026-01-01"
Tokens = dict[str, float]
"""The likeliest first tokens with their log-probabilities."""


class Dialect(Protocol):
    """How a question is read and an answer or an error is put."""

    def prompt(self, asked: dict[str, Any]) -> str:
        """The text of the request's last part."""
        ...

    def top(self, asked: dict[str, Any]) -> int:
        """How many of the likeliest tokens are asked for; 0 where no log-probabilities are."""
        ...

    def schema(self, asked: dict[str, Any]) -> dict[str, Any] | None:
        """The JSON schema that the answer has to keep to; None for free text."""
        ...

    def answer(self, text: str, finish: str, tokens: tuple[int, int], first: Tokens | None = None) -> dict[str, Any]:
        """An answer; `finish` is stop or length, `tokens` are those of prompt and answer.

        `first`: where log-probabilities were asked for, those of the answer's first token, which is the likeliest.
        """
        ...

    def error(self, status: int, message: str) -> dict[str, Any]: ...


class OpenAIDialect:
    """Chat completions."""

    _CODES: ClassVar[dict[int, str]] = {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded"}

    def prompt(self, asked: dict[str, Any]) -> str:
        return asked["messages"][-1]["content"][-1]["text"]

    def top(self, asked: dict[str, Any]) -> int:
        return asked.get("top_logprobs") or 0 if asked.get("logprobs") else 0

    def schema(self, asked: dict[str, Any]) -> dict[str, Any] | None:
        return ((asked.get("response_format") or {}).get("json_schema") or {}).get("schema")

    def answer(self, text: str, finish: str, tokens: tuple[int, int], first: Tokens | None = None) -> dict[str, Any]:
        choice: dict[str, Any] = {"index": 0, "finish_reason": finish}
        choice |= {"message": {"role": "assistant", "content": text}, "logprobs": None}
        if first:
            ranked = [{"token": at, "bytes": list(at.encode()), "logprob": value} for at, value in _ranked(first)]
            choice["logprobs"] = {"content": [{**ranked[0], "top_logprobs": ranked}], "refusal": None}
        usage = {"prompt_tokens": tokens[0], "completion_tokens": tokens[1], "total_tokens": sum(tokens)}
        head = {"id": "answer", "object": "chat.completion", "created": 1, "model": SERVED}
        return {**head, "system_fingerprint": "fp_1", "choices": [choice], "usage": usage}

    def error(self, status: int, message: str) -> dict[str, Any]:
        return {"error": {"message": message, "type": "error", "code": self._CODES.get(status), "param": None}}


class GeminiDialect:
    """generateContent."""

    _FINISH: ClassVar[dict[str, str]] = {"stop": "STOP", "length": "MAX_TOKENS"}
    _STATUS: ClassVar[dict[int, str]] = {
        400: "INVALID_ARGUMENT",
        401: "UNAUTHENTICATED",
        403: "PERMISSION_DENIED",
        404: "NOT_FOUND",
        429: "RESOURCE_EXHAUSTED",
        503: "UNAVAILABLE",
    }

    def prompt(self, asked: dict[str, Any]) -> str:
        return asked["contents"][-1]["parts"][-1]["text"]

    def top(self, asked: dict[str, Any]) -> int:
        wanted = asked.get("generationConfig", {})
        return wanted.get("logprobs") or 0 if wanted.get("responseLogprobs") else 0

    def schema(self, asked: dict[str, Any]) -> dict[str, Any] | None:
        return asked.get("generationConfig", {}).get("responseJsonSchema")

    def answer(self, text: str, finish: str, tokens: tuple[int, int], first: Tokens | None = None) -> dict[str, Any]:
        content = {"role": "model", "parts": [{"text": text}]}
        candidate: dict[str, Any] = {"index": 0, "finishReason": self._FINISH[finish], "content": content}
        if first:
            ranked = [
                {"token": at, "tokenId": at_id, "logProbability": v} for at_id, (at, v) in enumerate(_ranked(first))
            ]
            candidate["logprobsResult"] = {"chosenCandidates": ranked[:1], "topCandidates": [{"candidates": ranked}]}
        usage = {"promptTokenCount": tokens[0], "candidatesTokenCount": tokens[1], "totalTokenCount": sum(tokens)}
        return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": SERVED}

    def error(self, status: int, message: str) -> dict[str, Any]:
        return {"error": {"code": status, "message": message, "status": self._STATUS.get(status, "INTERNAL")}}


def _ranked(first: Tokens) -> list[tuple[str, float]]:
    return sorted(first.items(), key=lambda at: -at[1])


def dialect_of(path: str) -> Dialect:
    """The protocol of a request, by its path."""
    return OpenAIDialect() if path.endswith("/chat/completions") else GeminiDialect()
