"""A web service: a pickled explainer, rows and explanations as JSON, many requests at once."""

import datetime
import json
import pickle
import socket
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from urllib.error import HTTPError

import cloudpickle
import numpy as np
import pandas as pd
import pytest

from pylime import CaseError, as_plain, as_regressor, explain, lime

START = pd.Timestamp("2015-01-01")


def houses(n=300) -> pd.DataFrame:
    random = np.random.default_rng(1)
    rows = pd.DataFrame(
        {
            "area": random.uniform(50, 250, n).round(),
            "sold": START + pd.to_timedelta(random.integers(0, 3650, n), "D"),
            "heating": random.choice(["gas", "oil"], n),
            "lift": random.random(n) < 0.5,
        }
    )
    for name in ("area", "sold", "heating"):
        rows.loc[random.random(n) < 0.3, name] = None
    return rows


def price(rows):
    days = (rows["sold"] - START).dt.days.fillna(1000)
    return 3 * rows["area"].fillna(120) + 0.03 * days + 20 * (rows["heating"] == "oil")


@pytest.fixture(scope="module")
def explainer():
    explainer = lime(houses(), as_regressor(price), dates="draw", bin_continuous=False)
    return pickle.loads(cloudpickle.dumps(explainer))


def strictly(text):
    """Read JSON, which has no NaN."""

    def refuse(constant):
        raise ValueError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=refuse)


@pytest.fixture(scope="module")
def ask(explainer):
    fastapi = pytest.importorskip("fastapi")
    pydantic = pytest.importorskip("pydantic")
    uvicorn = pytest.importorskip("uvicorn")
    House = pydantic.create_model(  # noqa: N806
        "House",
        area=(float | None, None),
        sold=(datetime.date | None, None),
        heating=(str | None, None),
        lift=(bool | None, None),
    )
    app = fastapi.FastAPI()

    def answer(house):
        row = pd.DataFrame([house.model_dump()])
        try:
            found = explain(row, explainer, n_permutations=200, random_state=1, intervals=True)
        except CaseError as error:
            raise fastapi.HTTPException(422, str(error)) from error
        text = as_plain(found, cells="drop").to_json(orient="records")
        return fastapi.Response(text, media_type="application/json")

    answer.__annotations__ = {"house": House}
    app.post("/explain")(answer)
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)

    def ask(house):
        address = f"http://127.0.0.1:{listening.getsockname()[1]}/explain"
        body = json.dumps(house).encode()
        request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as response:
            return strictly(response.read())

    yield ask
    server.should_exit = True
    thread.join()


WHOLE = {"area": 137, "sold": "2020-05-01", "heating": "oil", "lift": True}


@pytest.mark.filterwarnings("ignore::pylime.FitWarning")
@pytest.mark.parametrize("missing", [[], ["area"], ["sold"], ["heating"], ["lift"], [*WHOLE][:3]])
def test_rows_of_json_are_explained_as_rows_of_frames(ask, explainer, missing):
    house = {**WHOLE, **dict.fromkeys(missing)}
    answer = ask(house)
    row = pd.DataFrame({name: [value] for name, value in house.items()})
    row["sold"] = pd.to_datetime(row["sold"])
    expected = explain(row, explainer, n_permutations=200, random_state=1)
    assert [part["feature"] for part in answer] == expected["feature"].tolist()
    weights = [part["feature_weight"] for part in answer]
    np.testing.assert_allclose(weights, expected["feature_weight"], atol=1e-9)
    for part in answer:
        assert (part["feature_value"] is None) == (part["feature"] in missing)
        assert part["feature_desc"].endswith("is missing") == (part["feature"] in missing)


def test_many_requests_at_once_get_the_same_answer(ask):
    alone = ask(WHOLE)
    with ThreadPoolExecutor(6) as pool:
        assert all(answer == alone for answer in pool.map(lambda _: ask(WHOLE), range(18)))


@pytest.mark.parametrize("wrong", [{"area": "big"}, {"sold": "yesterday"}, {"lift": 7}])
def test_values_that_do_not_fit_are_refused(ask, wrong):
    with pytest.raises(HTTPError, match="422"):
        ask({**WHOLE, **wrong})


@pytest.mark.filterwarnings("ignore::pylime.FitWarning")
def test_every_column_of_an_explanation_becomes_json(explainer):
    row = houses(1).assign(area=None, heating=None)
    options = {"intervals": True, "contributions": True, "quality": True, "random_state": 1}
    for select in ("auto", "lasso_path", "tree"):
        found = explain(row, explainer, feature_select=select, n_permutations=200, **options)
        for cells in ("json", "drop"):
            plain = as_plain(found, cells=cells)
            records = strictly(plain.to_json(orient="records"))
            assert [*records[0]] == [*plain]
            for name in plain:
                values = [record[name] for record in records]
                assert [value is None for value in values] == plain[name].isna().tolist()
        with pytest.raises(ValueError, match="not JSON compliant"):
            json.dumps(plain.to_dict("records"), allow_nan=False)
