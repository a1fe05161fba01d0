"""The corpus: a directory of record files with indexes, made once and sent many times."""

from simulator.corpus.reader import Corpus, Part, open_corpus
from simulator.corpus.records_writer import write_corpus
from simulator.corpus.rows import Kind, Kinds, Row
from simulator.corpus.writer import CorpusWriter, PartWriter, WrittenPart

__all__ = [
    "Corpus",
    "CorpusWriter",
    "Kind",
    "Kinds",
    "Part",
    "PartWriter",
    "Row",
    "WrittenPart",
    "open_corpus",
    "write_corpus",
]
