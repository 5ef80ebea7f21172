from dataclasses import dataclass

from pylime.models import predict as p0
from pylime.models import warn_of_scores as w0


@dataclass
class Predictions:
    values: object
    labels: tuple
    frame: object


def predict(*a, **k):
    f = p0(*a, **k)
    return Predictions(f.to_numpy(), tuple(f.columns), f)


def warn_of_scores(m, p):
    w0(m, p.frame)
