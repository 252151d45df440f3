"""The two protocols in which models are asked, as a server speaks them: OpenAI's chat completions, Gemini's.

Only as much as the engines use. What is answered, and what goes wrong, is the servers' own business.
"""

from typing import Any, ClassVar, Protocol

SERVED = "practice-2026-01-01"


class Dialect(Protocol):
    """How a question is read and an answer or an error is put."""

    def prompt(self, asked: dict[str, Any]) -> str:
        """The text of the request's last part."""
        ...

    def answer(self, text: str, finish: str, tokens: tuple[int, int]) -> dict[str, Any]:
        """An answer; `finish` is stop or length, `tokens` are those of prompt and answer."""
        ...

    def error(self, status: int, message: str) -> dict[str, Any]: ...


class OpenAIDialect:
    """Chat completions."""

    _CODES: ClassVar[dict[int, str]] = {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded"}

    def prompt(self, asked: dict[str, Any]) -> str:
        return asked["messages"][-1]["content"][-1]["text"]

    def answer(self, text: str, finish: str, tokens: tuple[int, int]) -> dict[str, Any]:
        choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text}}
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

    def answer(self, text: str, finish: str, tokens: tuple[int, int]) -> dict[str, Any]:
        content = {"role": "model", "parts": [{"text": text}]}
        candidate = {"index": 0, "finishReason": self._FINISH[finish], "content": content}
        usage = {"promptTokenCount": tokens[0], "candidatesTokenCount": tokens[1], "totalTokenCount": sum(tokens)}
        return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": SERVED}

    def error(self, status: int, message: str) -> dict[str, Any]:
        return {"error": {"code": status, "message": message, "status": self._STATUS.get(status, "INTERNAL")}}


def dialect_of(path: str) -> Dialect:
    """The protocol of a request, by its path."""
    return OpenAIDialect() if path.endswith("/chat/completions") else GeminiDialect()
