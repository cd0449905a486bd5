# The public names, read by type checkers and by lazy_loader.

from . import (
    copula as copula,
    dependence as dependence,
    empirical as empirical,
    marginals as marginals,
    merging as merging,
    ranks as ranks,
    sample as sample,
)
