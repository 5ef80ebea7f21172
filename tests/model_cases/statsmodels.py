"""Results of statsmodels."""

import numpy as np
import pandas as pd

from . import ModelCase, Subject, response, rows_of_numbers, rows_with_words, three_classes


def likely(probability):
    """Drawn at random: classes that can be separated have no likeliest coefficients."""
    return np.random.default_rng(11).random(len(probability)) < probability


def chance(rows):
    return 1 / (1 + np.exp(-2 * rows["signal"]))


def counts(rows):
    return np.random.default_rng(12).poisson(np.exp(0.8 * rows["signal"]))


def ols_by_formula() -> Subject:
    import statsmodels.formula.api as smf

    rows = rows_of_numbers()
    data = rows.assign(y=response(rows["signal"]))
    return Subject(smf.ols("y ~ signal + dull + vain", data).fit(), rows, None, "signal")


def ols_of_arrays() -> Subject:
    import statsmodels.api as sm

    rows = rows_of_numbers()
    results = sm.OLS(response(rows["signal"]), sm.add_constant(rows)).fit()
    return Subject(results, rows, None, "signal")


def robust() -> Subject:
    import statsmodels.formula.api as smf

    rows = rows_of_numbers()
    data = rows.assign(y=response(rows["signal"]))
    return Subject(smf.rlm("y ~ signal + noise", data).fit(), rows, None, "signal")


def quantiles() -> Subject:
    import statsmodels.formula.api as smf

    rows = rows_of_numbers()
    data = rows.assign(y=response(rows["signal"]))
    return Subject(smf.quantreg("y ~ signal + noise", data).fit(0.9), rows, None, "signal")


def logit_by_formula() -> Subject:
    import statsmodels.formula.api as smf

    rows = rows_with_words()
    data = rows.assign(yes=likely(0.2 + 0.6 * (rows["colour"] == "red")).astype(int))
    results = smf.logit("yes ~ idle + C(colour) + shape", data).fit(disp=0)
    return Subject(results, rows, [0, 1], "colour")


def probit_of_arrays() -> Subject:
    import statsmodels.api as sm

    rows = rows_of_numbers()
    results = sm.Probit(likely(chance(rows)), sm.add_constant(rows)).fit(disp=0)
    return Subject(results, rows, [0, 1], "signal")


def binomial() -> Subject:
    import statsmodels.api as sm
    import statsmodels.formula.api as smf

    rows = rows_of_numbers()
    data = rows.assign(answer=np.where(likely(chance(rows)), "yes", "no"))
    results = smf.glm("answer ~ signal + dull", data, family=sm.families.Binomial()).fit()
    return Subject(results, rows, ["no", "yes"], "signal")


def multinomial() -> Subject:
    import statsmodels.api as sm

    rows = rows_of_numbers()
    blurred = rows["signal"] + np.random.default_rng(13).normal(size=len(rows))
    results = sm.MNLogit(three_classes(blurred), sm.add_constant(rows)).fit(disp=0)
    return Subject(results, rows, ["low", "middle", "top"], "signal")


def ordered() -> Subject:
    from statsmodels.miscmodels.ordinal_model import OrderedModel

    rows = rows_of_numbers()
    blurred = rows["signal"] + np.random.default_rng(13).normal(size=len(rows))
    levels = pd.Series(pd.Categorical(three_classes(blurred), ordered=True))
    results = OrderedModel(levels, rows, distr="logit").fit(method="bfgs", disp=0)
    return Subject(results, rows, ["low", "middle", "top"], "signal")


def poisson_glm() -> Subject:
    import statsmodels.api as sm
    import statsmodels.formula.api as smf

    rows = rows_of_numbers()
    data = rows.assign(n=counts(rows))
    results = smf.glm("n ~ signal + dull", data, family=sm.families.Poisson()).fit()
    return Subject(results, rows, None, "signal")


def negative_binomial() -> Subject:
    import statsmodels.api as sm

    rows = rows_of_numbers()
    results = sm.NegativeBinomial(counts(rows), sm.add_constant(rows)).fit(disp=0)
    return Subject(results, rows, None, "signal")


LIBRARY, MODULE = "statsmodels", "statsmodels"
CASES = [
    ModelCase(LIBRARY, "Logit", "two classes", logit_by_formula, MODULE),
    ModelCase(LIBRARY, "Probit", "two classes", probit_of_arrays, MODULE),
    ModelCase(LIBRARY, "GLM", "two classes", binomial, MODULE),
    ModelCase(LIBRARY, "MNLogit", "several classes", multinomial, MODULE),
    ModelCase(LIBRARY, "OrderedModel", "several classes", ordered, MODULE),
    ModelCase(LIBRARY, "OLS", "regression", ols_by_formula, MODULE),
    ModelCase(LIBRARY, "OLS", "regression", ols_of_arrays, MODULE),
    ModelCase(LIBRARY, "RLM", "regression", robust, MODULE),
    ModelCase(LIBRARY, "QuantReg", "regression", quantiles, MODULE),
    ModelCase(LIBRARY, "GLM", "regression", poisson_glm, MODULE),
    ModelCase(LIBRARY, "NegativeBinomial", "regression", negative_binomial, MODULE),
]
