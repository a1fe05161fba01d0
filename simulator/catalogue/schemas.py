"""JSON Schemas by route: find them, compile each once, and say in one short code why a document fails."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson

from simulator.errors import Finding, InputError
from simulator.records import DIALECTS, Dialect

OK = "ok"

_SHIPPED = Path(__file__).parent / "schemas"
_FILE_NAME = re.compile(r"^(?P<doctype>.+)\.(?P<version>\d+)\.schema\.json$")

#: JSON Schema keyword to the short code of its violation. Where a document has several problems, the code
#: that stands first here names the whole rejection, so the answer does not depend on a schema's key order.
_CODE_OF_KEYWORD: Mapping[str, str] = {
    "type": "wrong_type",
    "required": "missing_required",
    "dependentRequired": "missing_required",
    "dependencies": "missing_required",
    "enum": "unknown_enum",
    "const": "unknown_enum",
    "pattern": "pattern_mismatch",
    "format": "pattern_mismatch",
    "minimum": "out_of_range",
    "maximum": "out_of_range",
    "exclusiveMinimum": "out_of_range",
    "exclusiveMaximum": "out_of_range",
    "multipleOf": "out_of_range",
    "minLength": "wrong_length",
    "maxLength": "wrong_length",
    "minItems": "wrong_length",
    "maxItems": "wrong_length",
    "minProperties": "wrong_length",
    "maxProperties": "wrong_length",
    "additionalProperties": "additional_property",
    "unevaluatedProperties": "additional_property",
    "propertyNames": "additional_property",
    "falseSchema": "additional_property",
}
_OTHER = "wrong_shape"

#: Every code a rejection can have, most telling first.
CODES: tuple[str, ...] = (*dict.fromkeys(_CODE_OF_KEYWORD.values()), _OTHER)


#: Keywords whose message in the library quotes the whole document, or speaks of schemas rather than of data.
_MESSAGE_OF_KEYWORD: Mapping[str, str] = {
    "oneOf": "exactly one of the allowed forms must fit",
    "anyOf": "at least one of the allowed forms must fit",
    "falseSchema": "this key is not allowed here",
}
_LONGEST_MESSAGE = 200
_ITEM = "urn:telsim:item"
_PLAIN_KEY = re.compile(r"^[A-Za-z_$][\w$]*$")


class UnknownRoute(KeyError):  # noqa: N818 - it names a finding about a request, like KeyError itself
    """No schema for this route: the namespace, doctype and version together name nothing."""

    def __init__(self, route: str) -> None:
        super().__init__(route)
        self.route = route

    def __str__(self) -> str:
        return f"no schema for route {self.route}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason why a document is not what its schema asks for.

    Args:
        path: where in the document, as a JSON path: `$.perf.load_trigger_type`.
        message: one sentence for a person.
        code: one of `CODES`.
    """

    path: str
    message: str
    code: str


class Schemas:
    """The schemas of one dialect, or of one directory of published schemas.

    Args:
        files: the schema file of each route.
        name: what to call the set in messages.
    """

    def __init__(self, files: Mapping[str, Path], *, name: str) -> None:
        self.name = name
        self.routes: tuple[str, ...] = tuple(sorted(files))
        self._files = dict(files)
        self._validators: dict[str, jsonschema_rs.Validator] = {}
        self._list_validators: dict[str, jsonschema_rs.Validator] = {}

    def is_valid(self, route: str, document: object) -> bool:
        """Whether `document` (parsed JSON) fits. Raises UnknownRoute, InputError for a broken schema file."""
        validator = self._validators.get(route) or self._compile(route)
        try:
            return validator.is_valid(document)
        except ValueError:  # nested beyond what the library follows
            return False

    def are_valid(self, route: str, documents: list[Any]) -> bool:
        """Whether each of `documents` fits, in one call: a sixth quicker than one by one. Raises as `is_valid`."""
        validator = self._list_validators.get(route) or self._compile_list(route)
        try:
            return validator.is_valid(documents)
        except ValueError:  # one is nested too deeply, or is so in a list only
            return all(self.is_valid(route, document) for document in documents)

    def check(self, route: str, document: object) -> tuple[Problem, ...]:
        """Every problem of `document` (parsed JSON), in the order of `CODES`. Raises as `is_valid`."""
        validator = self._validators.get(route) or self._compile(route)
        try:
            if validator.is_valid(document):  # finding the errors costs more, and most documents have none
                return ()
            found = [problem for error in validator.iter_errors(document) for problem in _problems(error)]
        except ValueError as error:
            return (Problem("$", f"it cannot be checked: {error}", _OTHER),)
        # A route's base rule and a ping's own rule may both object to one value.
        single: dict[tuple[str, str], Problem] = {}
        for problem in found:
            single.setdefault((problem.path, problem.code), problem)
        return tuple(sorted(single.values(), key=lambda problem: CODES.index(problem.code)))

    def code(self, route: str, document: object) -> str:
        """The one short code of the decision on `document`: `ok`, or why not. Raises as `is_valid`."""
        problems = self.check(route, document)
        return problems[0].code if problems else OK

    def schema(self, route: str) -> dict[str, Any]:
        """The schema itself. Raises UnknownRoute, InputError if the file does not hold a JSON object."""
        if route not in self._files:
            raise UnknownRoute(route)
        path = self._files[route]
        try:
            schema = orjson.loads(path.read_bytes())
        except (OSError, orjson.JSONDecodeError) as error:
            raise _bad_file(path, str(error)) from error
        if not isinstance(schema, dict):
            raise _bad_file(path, "a schema must be a JSON object")
        return schema

    def compile_all(self) -> None:
        """Compile every schema now. Raises InputError that names every broken file, not only the first."""
        findings: list[Finding] = []
        for route in self.routes:
            try:
                self._compile(route)
            except InputError as error:
                findings.extend(error.findings)
        if findings:
            raise InputError(f"{len(findings)} broken schema files in {self.name}", findings)

    def _compile(self, route: str) -> jsonschema_rs.Validator:
        schema = self.schema(route)
        try:
            validator = jsonschema_rs.validator_for(schema, retriever=_no_network)
        except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
            raise _bad_file(self._files[route], _first_line(error)) from error
        self._validators[route] = validator
        return validator

    def _compile_list(self, route: str) -> jsonschema_rs.Validator:
        """A validator of lists. The schema stays a resource of its own, with its own draft and references."""
        self._compile(route)  # says what is wrong with a broken one
        registry = jsonschema_rs.Registry([(_ITEM, self.schema(route))])
        validator = jsonschema_rs.validator_for(
            {"type": "array", "items": {"$ref": _ITEM}}, registry=registry
        )
        self._list_validators[route] = validator
        return validator


def load_schemas(source: Dialect | Path) -> Schemas:
    """The schemas of a shipped dialect, or of any directory in the layout of published pipeline schemas.

    The layout is `<namespace>/<doctype>/<doctype>.<version>.schema.json`. A shipped schema compiles at its first
    use, once in a process. In somebody else's directory everything compiles at once, so that all broken files are
    reported together and before any work is done.

    Raises:
        InputError: the directory is missing, holds no schema, or holds a broken one (each is named).
    """
    if isinstance(source, str) and source in DIALECTS:
        return _shipped(source)
    directory = Path(source)
    if not directory.is_dir():
        raise InputError(
            f"{directory} is not a directory of schemas",
            [Finding(str(directory), "no such directory", "give the directory that holds the namespaces")],
        )
    files = dict(_schema_files(directory))
    if not files:
        layout = "<namespace>/<doctype>/<doctype>.<version>.schema.json"
        raise InputError(
            f"no schemas in {directory}",
            [
                Finding(
                    str(directory), f"nothing here is laid out {layout}", "give the parent of the namespaces"
                )
            ],
        )
    schemas = Schemas(files, name=str(directory))
    schemas.compile_all()
    return schemas


@cache
def _shipped(dialect: Dialect) -> Schemas:
    return Schemas(dict(_schema_files(_SHIPPED / dialect)), name=dialect)


def _schema_files(root: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(root.glob("*/*/*.schema.json")):
        match = _FILE_NAME.match(path.name)
        if match and match["doctype"] == path.parent.name:
            yield f"{path.parent.parent.name}/{match['doctype']}/{match['version']}", path


def _problems(error: jsonschema_rs.ValidationError) -> Iterator[Problem]:
    """What one error of the library means; an error about several keys becomes one problem for each."""
    keyword = error.kind.name
    code = _CODE_OF_KEYWORD.get(keyword, _OTHER)
    path = _json_path(error.instance_path)
    if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.Required):
        yield Problem(path + _step(error.kind.property), f'"{error.kind.property}" is missing', code)
    elif isinstance(error.kind, jsonschema_rs.ValidationErrorKind.AdditionalProperties):
        for name in error.kind.unexpected:
            yield Problem(path + _step(name), f'"{name}" is not allowed here', code)
    elif keyword in ("oneOf", "anyOf") and _only_lacks_keys(error):
        yield Problem(path, "none of the alternative keys is there", "missing_required")
    else:
        yield Problem(path, _MESSAGE_OF_KEYWORD.get(keyword) or _shortened(error.message), code)


def _only_lacks_keys(error: jsonschema_rs.ValidationError) -> bool:
    """Whether each branch of a failed oneOf or anyOf fails just because a key is missing."""
    branches: Sequence[Sequence[jsonschema_rs.ValidationError]] = getattr(error.kind, "context", ())
    return bool(branches) and all(
        branch and all(inner.kind.name == "required" for inner in branch) for branch in branches
    )


def _json_path(parts: Sequence[str | int]) -> str:
    return "$" + "".join(f"[{part}]" if isinstance(part, int) else _step(part) for part in parts)


def _step(key: str) -> str:
    return f".{key}" if _PLAIN_KEY.match(key) else f"[{orjson.dumps(key).decode()}]"


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_MESSAGE else text[: _LONGEST_MESSAGE - 1] + "…"


def _no_network(uri: str) -> Any:
    raise ValueError(f"it refers to {uri}; schemas must be complete in themselves, nothing is fetched")


def _bad_file(path: Path, what: str) -> InputError:
    return InputError(f"{path} is not a usable schema: {what}", [Finding(str(path), what)])


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
