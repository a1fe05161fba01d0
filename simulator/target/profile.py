"""The format of a target file (TOML), its checks, and the targets that telsim ships."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from simulator.errors import Finding, TargetError, UsageError
from simulator.target.template import FIELDS, fields_in

_ENV = re.compile(r"\$ENV\{([A-Za-z_][A-Za-z0-9_]*)\}")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_ANY_ENV = re.compile(r"\$ENV", re.IGNORECASE)
_PATH = re.compile(r"[!-~]*")
_SET_BY_US = {"host", "content-length", "content-type", "content-encoding", "transfer-encoding", "connection"}

ResultsKind = Literal["status", "telsim", "elasticsearch", "otlp", "graphql", "splunk"]
#: Those that give single items a status or code.
_TELL_ITEMS: tuple[ResultsKind, ...] = ("telsim", "elasticsearch")


def _checked_headers(headers: dict[str, str]) -> dict[str, str]:
    problems = []
    for name, value in headers.items():
        if not _TOKEN.fullmatch(name):
            problems.append(f"{name!r} is not a header name")
        if name.lower() in _SET_BY_US:
            problems.append(f"{name} is set by telsim itself; remove it")
        if not value.isprintable():
            problems.append(f"the value of {name} holds a control character")
        if _ANY_ENV.search(_ENV.sub("", value)):
            problems.append(f"the value of {name} must name a variable as $ENV{{NAME}}: letters, digits, _")
    if problems:
        raise ValueError("; ".join(problems))
    return headers


def _checked_path(path: str) -> str:
    if not path.startswith("/"):
        raise ValueError("must begin with /")
    if not _PATH.fullmatch(path):
        raise ValueError("holds a space or another character that cannot stand in a path; write it as %XX")
    if _ANY_ENV.search(path):
        raise ValueError("values from the environment belong into [headers]")
    return path


def _checked_content_type(value: str) -> str:
    if not value.isascii() or not value.isprintable():
        raise ValueError("holds a character that cannot stand in a header")
    return value


RequestPath = Annotated[str, AfterValidator(_checked_path)]
ContentType = Annotated[str, AfterValidator(_checked_content_type)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Carrier(_Strict):
    """Requests whose path begins with `prefix` go out as the corpus has them, with these headers."""

    prefix: RequestPath
    not_prefixes: tuple[RequestPath, ...] = ()
    content_type: ContentType
    headers: dict[str, str] = {}
    ids: bool = Field(
        default=True, description="the request holds the ping's id, so the endpoint can notice a duplicate"
    )
    results: ResultsKind = "status"

    @field_validator("not_prefixes", mode="before")
    @classmethod
    def _not_prefixes(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value

    @field_validator("headers")
    @classmethod
    def _headers(cls, headers: dict[str, str]) -> dict[str, str]:
        if any(_ENV.search(value) for value in headers.values()):
            raise ValueError("values from the environment belong into the target's own [headers]")
        return _checked_headers(headers)


class Envelope(_Strict):
    """How pings are put together into one request body: prefix, items between separators, suffix.

    All texts but the path may hold fields such as `${id}`, `item_*` those of the ping, the others those of the first
    ping.
    """

    path: RequestPath
    method: Literal["POST", "PUT", "PATCH"] = Field(
        default="POST", description="of all requests; those of carriers have the corpus record's"
    )
    content_type: ContentType
    prefix: str = ""
    separator: str = ""
    suffix: str = ""
    item_prefix: str = ""
    item_suffix: str = ""
    item: Literal["payload", "payload_string", "record"] = Field(
        default="payload",
        description="the payload as JSON, the payload as a JSON string, or the whole corpus record",
    )

    @field_validator("path")
    @classmethod
    def _path(cls, path: str) -> str:
        if "${" in path:
            raise ValueError("fields such as ${id} stand in bodies only; all requests go to the same path")
        return path

    @field_validator("prefix", "separator", "suffix", "item_prefix", "item_suffix")
    @classmethod
    def _known_fields(cls, text: str) -> str:
        for name in fields_in(text):
            if name not in FIELDS:
                raise ValueError(f"${{{name}}} is no field; there are: {', '.join(FIELDS)}")
        return text


class Answers(_Strict):
    """What the endpoint's answers mean.

    A status that stands nowhere leaves the ping `failed`: the endpoint did not take a decision about it.
    """

    accepted: tuple[int, ...] = (200, 201, 202, 204)
    partial: tuple[int, ...] = (207,)
    rejected: tuple[int, ...] = (400, 404, 405, 409, 411, 413, 414, 415, 422, 431)
    results: ResultsKind = "status"
    validates: bool = Field(
        default=True, description="the endpoint tells valid pings from invalid ones when it answers"
    )

    @field_validator("accepted", "partial", "rejected", mode="before")
    @classmethod
    def _statuses(cls, value: Any) -> Any:
        if isinstance(value, list) and all(isinstance(item, int) and 100 <= item <= 599 for item in value):
            return tuple(value)
        if isinstance(value, tuple):
            return value
        raise ValueError("must be a list of HTTP statuses (100 to 599)")

    @model_validator(mode="before")
    @classmethod
    def _accepted_first(cls, data: Any) -> Any:
        """Who takes a status in as accepted need not write down all the others again that stay rejected."""
        if isinstance(data, dict) and isinstance(data.get("accepted"), list) and "rejected" not in data:
            usual = cls.model_fields["rejected"].default
            return {**data, "rejected": [status for status in usual if status not in data["accepted"]]}
        return data

    @model_validator(mode="after")
    def _one_meaning(self) -> Answers:
        both = [str(status) for status in self.rejected if status in self.accepted]
        if both:
            raise ValueError(f"{', '.join(both)} cannot stand in accepted and in rejected")
        return self


class Retry(_Strict):
    """What the client does when an answer is not one that decides about the ping.

    Times in seconds. `network` also sends again after a connection broke before the answer, which is safe only
    where requests hold ids.
    """

    policy: Literal["none", "fixed", "exponential"] = "none"
    attempts: int = Field(default=3, ge=1, le=100, description="sends at most, the first included")
    wait_s: float = Field(default=1.0, ge=0, le=3600)
    longest_wait_s: float = Field(default=60.0, ge=0, le=86400)
    statuses: tuple[int, ...] = (408, 429, 500, 502, 503, 504, 507)
    item_statuses: tuple[int | str, ...] = Field(
        default=(),
        description="statuses (or codes) of single items in the answer to a batch that is otherwise taken; such "
        "items are sent again in a batch of their own",
    )
    honour_retry_after: bool = True
    jitter: bool = Field(default=False, description="wait between half and all of the time, by a seeded draw")
    network: bool = True
    refused: bool = Field(
        default=False,
        description="a connection that cannot be made is a try like any other; else the request waits for one",
    )

    @field_validator("statuses", "item_statuses", mode="before")
    @classmethod
    def _statuses(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value


class Tls(_Strict):
    """TLS of `https` hosts. Certificates are verified unless `verify` says otherwise; paths are PEM files."""

    verify: bool = True
    ca_file: str = ""
    client_cert: str = ""
    client_key: str = ""


class Target(_Strict):
    """An endpoint profile.

    Either `carrier` tables (each ping is a request of its own, with the path that the corpus has) or an
    `envelope` (pings are put together into batches for one path).
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    title: str
    dialect: Literal["any", "documented", "wire"] = "any"
    batch: int = Field(
        default=1, ge=1, le=100_000, description="pings a request unless --batch says otherwise"
    )
    gzip: bool = False
    ids: bool = Field(
        default=True, description="items hold the ping's id, so the endpoint can notice a duplicate"
    )
    timeout_s: float = Field(default=30.0, gt=0, le=3600)
    health_path: str = ""
    headers: dict[str, str] = {}
    carrier: tuple[Carrier, ...] = ()
    envelope: Envelope | None = None
    answers: Answers = Answers()
    retry: Retry = Retry()
    tls: Tls = Tls()

    @field_validator("carrier", mode="before")
    @classmethod
    def _carriers(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value

    @field_validator("health_path")
    @classmethod
    def _health_path(cls, path: str) -> str:
        return _checked_path(path) if path else ""

    @field_validator("headers")
    @classmethod
    def _headers(cls, headers: dict[str, str]) -> dict[str, str]:
        return _checked_headers(headers)

    @model_validator(mode="after")
    def _one_way(self) -> Target:
        if bool(self.carrier) == (self.envelope is not None):
            raise ValueError("a target has either [[carrier]] tables or one [envelope] table")
        if self.carrier and self.batch != 1:
            raise ValueError("batch must be 1 with [[carrier]] tables: each ping goes to a path of its own")
        return self

    @model_validator(mode="after")
    def _items_are_told_apart(self) -> Target:
        if self.retry.item_statuses and (self.envelope is None or self.answers.results not in _TELL_ITEMS):
            raise ValueError(
                "retry.item_statuses would send nothing again: items have statuses of their own in answers to an "
                f"[envelope] only, with answers.results one of {', '.join(_TELL_ITEMS)}"
            )
        return self

    @property
    def sends_items_again(self) -> bool:
        """Whether single items of a batch may have to be sent again in a batch of their own."""
        return self.envelope is not None and self.retry.policy != "none" and bool(self.retry.item_statuses)

    def carrier_of(self, path: str) -> int | None:
        """The position of the carrier for a request path; None where no carrier takes it."""
        for position, carrier in enumerate(self.carrier):
            if path.startswith(carrier.prefix) and not path.startswith(carrier.not_prefixes):
                return position
        return None

    def secret_names(self) -> tuple[str, ...]:
        """Names of the environment variables that its headers take values from."""
        return tuple(name for value in self.headers.values() for name in _ENV.findall(value))

    def resolved_headers(self, environ: Mapping[str, str]) -> dict[str, str]:
        """The headers with `$ENV{NAME}` replaced. The result holds secrets: it goes to the socket and nowhere else.

        Raises:
            TargetError: a variable is not set, or holds a line break. The message names it, never its value.
        """
        missing = [name for name in self.secret_names() if name not in environ]
        if missing:
            raise TargetError(
                f"target {self.name} takes header values from the environment, but these are not set: "
                + ", ".join(missing)
            )
        filled = {name: _ENV.sub(lambda m: environ[m[1]], value) for name, value in self.headers.items()}
        for name, value in filled.items():
            if not value.isprintable() or not value.isascii():
                raise TargetError(
                    f"target {self.name}: the environment's value for {name} cannot stand in a header"
                )
        return filled


def shipped_targets() -> tuple[str, ...]:
    """Names of the targets that come with telsim."""
    return tuple(
        sorted(entry.name[:-5] for entry in files(__package__).iterdir() if entry.name.endswith(".toml"))
    )


def load_target(name_or_path: str) -> Target:
    """A shipped target by name, or a user's own by the path of its TOML file.

    Raises:
        TargetError: the file is not a target; `findings` lists every problem in it.
        UsageError: no target has that name.
    """
    if name_or_path in shipped_targets():
        text = files(__package__).joinpath(f"{name_or_path}.toml").read_text(encoding="utf-8")
        return parse_target(text, where=f"{name_or_path}.toml")
    path = Path(name_or_path)
    if path.suffix != ".toml" and not path.exists():
        close = difflib.get_close_matches(name_or_path, shipped_targets(), n=1)
        meant = f"; did you mean {close[0]}?" if close else ""
        raise UsageError(
            f"there is no target {name_or_path!r}{meant} "
            f"(shipped: {', '.join(shipped_targets())}; or give the path of a .toml file of your own)"
        )
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TargetError(f"target file {path} cannot be read: {error}") from error
    return parse_target(text, where=str(path), base=path.parent)


def parse_target(text: str, *, where: str, base: Path | None = None) -> Target:
    """Reads a target from TOML text.

    Args:
        text: the TOML.
        where: the file's name, for messages.
        base: folder that relative certificate paths start from.

    Raises:
        TargetError: not TOML, or not a target; `findings` lists every problem.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TargetError(f"{where} is not TOML: {error}", [Finding(where, str(error))]) from error
    try:
        target = Target.model_validate(data)
    except ValidationError as error:
        findings = list(_findings(error, where))
        raise TargetError(f"{where} is not a target file", findings) from error
    if base is not None:
        files_of_tls = {
            key: str(base / path)
            for key in ("ca_file", "client_cert", "client_key")
            if (path := getattr(target.tls, key))
        }
        target = target.model_copy(update={"tls": target.tls.model_copy(update=files_of_tls)})
    return target


def target_schema() -> dict[str, Any]:
    """JSON Schema of the format, for editors."""
    return Target.model_json_schema()


def _findings(error: ValidationError, where: str) -> Iterator[Finding]:
    for problem in error.errors(include_url=False):
        place = ".".join(str(part) for part in problem["loc"])
        hint = ""
        if problem["type"] == "extra_forbidden":
            key = str(problem["loc"][-1])
            close = difflib.get_close_matches(key, _all_keys(), n=1)
            hint = f"did you mean {close[0]}?" if close else "no such key"
        yield Finding(f"{where}: {place}" if place else where, problem["msg"], hint)


def _all_keys() -> list[str]:
    models = (Target, Carrier, Envelope, Answers, Retry, Tls)
    return sorted({key for model in models for key in model.model_fields})
