"""What developers read: repositories on code hosts, their files, queries. Drawn once a scenario, from pools.

Faker supplies the words; nothing here is drawn while people are simulated. Hosts are reserved names (RFC 2606).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote_plus

from simulator.population.words import Words
from simulator.randomness import Stream, stream

#: Code hosts by the type that the extension tells of them, with their domains.
CODE_HOSTS: Final = {
    "github": "github.example.com",
    "gitlab": "gitlab.example.com",
    "bitbucket-server": "bitbucket.example.com",
    "phabricator": "phabricator.example.com",
}

_REPOSITORIES_ON_A_HOST = 12
_FILES_IN_A_REPOSITORY = 24
_SUFFIXES = ("go", "ts", "tsx", "py", "java", "md")
_MOST_CHANGED_FILES = 40
#: A diff with more files than this is linked to with the number of files (facts, OTHERS A10).
_LARGE_DIFF_FILES = 25


@dataclass(frozen=True, slots=True)
class CodeFile:
    """One file and its pages.

    Args:
        host_url: its page on the code host.
        blob_path: its page on Sourcegraph, from the instance's root.
        folder_path: its folder's page on Sourcegraph.
        argument: what an action on the file is given, as JSON text.
    """

    host_url: str
    blob_path: str
    folder_path: str
    argument: str


@dataclass(frozen=True, slots=True)
class Repository:
    """One repository, with the paths of its pages on Sourcegraph, from the instance's root.

    Args:
        name: as Sourcegraph names it: domain and path.
        tree_path: the page of the repository at the revision that people look at.
        compare_path: the page of a diff.
        compare_query: parameters of that page, for large diffs only.
        search_queries: parameters of search pages, encoded.
        files: its files.
    """

    name: str
    tree_path: str
    compare_path: str
    compare_query: str
    search_queries: tuple[str, ...]
    files: tuple[CodeFile, ...]


class CodeContent:
    """The repositories that a scenario's developers read, by type of code host; the same for every worker.

    Args:
        seed: the corpus's seed.
    """

    def __init__(self, seed: int) -> None:
        random = stream(seed, 0, "code content")
        words = Words(seed, "faker code")
        self.repositories: dict[str, tuple[Repository, ...]] = {
            host: tuple(_repository(words, random, domain) for _ in range(_REPOSITORIES_ON_A_HOST))
            for host, domain in CODE_HOSTS.items()
        }


def _repository(words: Words, random: Stream, domain: str) -> Repository:
    name = f"{domain}/{words.domain_word()}/{words.word()}-{words.word()}"
    revision = random.uuid().replace("-", "") + random.uuid().replace("-", "")[:8]
    base = random.uuid().replace("-", "")[:12]
    changed = 1 + int(random.uniform() * _MOST_CHANGED_FILES)
    return Repository(
        name=name,
        tree_path=f"/{name}@{revision}",
        compare_path=f"/{name}/-/compare/{base}...{revision}",
        compare_query=f"first={changed}" if changed > _LARGE_DIFF_FILES else "",
        search_queries=tuple(
            f"q={quote_plus(f'repo:^{name}$ {words.word()}')}&patternType=literal" for _ in range(6)
        ),
        files=tuple(_file(name, revision, _path(words, random)) for _ in range(_FILES_IN_A_REPOSITORY)),
    )


def _file(repository: str, revision: str, path: str) -> CodeFile:
    root = f"/{repository}@{revision}/-"
    return CodeFile(
        host_url=f"https://{repository}/blob/{revision}/{path}",
        blob_path=f"{root}/blob/{path}",
        folder_path=f"{root}/tree/{path.rpartition('/')[0]}",
        argument=f'{{"path":"{path}"}}',
    )


def _path(words: Words, random: Stream) -> str:
    folders = "/".join(words.word() for _ in range(1 + int(random.uniform() * 3)))
    return f"{folders}/{words.word()}_{words.word()}.{_SUFFIXES[int(random.uniform() * len(_SUFFIXES))]}"
