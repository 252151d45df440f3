"""What goes wrong between us and Label Studio, in two words: it is down, or it refused."""

from chai_resources.errors import Unavailable


class LabelStudioDown(Unavailable):
    """Label Studio cannot be reached, or gave no answer. A write that ends so was carried out, or was not."""

    def __init__(self, url: str, reason: object) -> None:
        super().__init__(
            f"no answer from Label Studio at {url} ({reason}): start it with `make up`, "
            "or look into run/label-studio.log under CHAI_HOME"
        )


class LabelStudioRefused(Unavailable):
    """Label Studio answered with an error; `status` is the HTTP status, the message carries its words."""

    def __init__(self, request: str, status: int, words: str) -> None:
        hint = ": is CHAI_LABEL_STUDIO_TOKEN the token of this Label Studio?" if status == 401 else ""
        super().__init__(f"Label Studio refused {request} ({status}): {words}{hint}")
        self.status = status
        self.words = words
