"""
Twenty visitors type into the page at the same time: how long does each wait for the answer?

    python tests/app/visitors.py

Starts `python -m pylime.app` on 127.0.0.1 and prints the seconds from each visitor's last key to
the explanation of the whole text.
"""

import argparse
import asyncio
import json
import random
import re
import subprocess
import sys
import time
from contextlib import suppress

from websockets.asyncio.client import connect

SENTENCE = "Return the coordinates of the {} peaks of an image, and a Series of the labels."
WORDS = ["highest", "lowest", "sharpest", "local", "global", "smooth", "noisy", "bright", "dark"]
OUTPUT = "text_explanations_plot"
INPUTS = {
    "text_to_explain": "",
    "number_permutations:shiny.number": 5000,
    "feature_selection_strategy": "auto",
    "number_features_to_explain:shiny.number": 2,
    f".clientdata_output_{OUTPUT}_hidden": False,
    f".clientdata_output_{OUTPUT}_width": 800,
    f".clientdata_output_{OUTPUT}_height": 600,
    ".clientdata_pixelratio": 1,
    ".clientdata_url_protocol": "http:",
    ".clientdata_url_hostname": "127.0.0.1",
    ".clientdata_url_port": "",
    ".clientdata_url_pathname": "/",
    ".clientdata_url_search": "",
    ".clientdata_url_hash": "",
    ".clientdata_url_hash_initial": "",
    ".clientdata_singletons": "",
}


def words_of(html: str) -> str:
    """The text that an explanation shows, without marks."""
    return " ".join(re.sub(r"<style.*?</style>|<[^>]*>", "", html, flags=re.S).split())


async def visit(
    port: int, number: int, keys_per_second: float, patience: float, sentence: str
) -> float:
    """Type a sentence; return the seconds from the last key to its explanation."""
    text = sentence.format(f"{WORDS[number % len(WORDS)]} v{number}")
    draws = random.Random(number)
    uri = f"ws://127.0.0.1:{port}/websocket/"
    async with connect(uri, max_size=None, open_timeout=30) as socket:
        await socket.send(json.dumps({"method": "init", "data": INPUTS}))
        answered = asyncio.Event()

        async def listen() -> None:
            async for message in socket:
                value = json.loads(message).get("values", {}).get(OUTPUT)
                if value and text in words_of(value.get("html", "")):
                    answered.set()

        listener = asyncio.create_task(listen())
        for length in range(1, len(text) + 1):
            update = {"method": "update", "data": {"text_to_explain": text[:length]}}
            await socket.send(json.dumps(update))
            await asyncio.sleep(draws.uniform(0.5, 1.5) / keys_per_second)
        last = time.monotonic()
        try:
            await asyncio.wait_for(answered.wait(), patience)
            return time.monotonic() - last
        except TimeoutError:
            return float("inf")
        finally:
            listener.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await listener


async def load(
    port: int,
    visitors: int = 20,
    keys_per_second: float = 8.0,
    patience: float = 60.0,
    sentence: str = SENTENCE,
) -> list[float]:
    """The waiting time of each visitor."""
    visits = (
        visit(port, number, keys_per_second, patience, sentence) for number in range(visitors)
    )
    return sorted(await asyncio.gather(*visits))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visitors", type=int, default=20)
    parser.add_argument("--keys-per-second", type=float, default=8.0)
    parser.add_argument("--port", type=int, default=8017)
    options = parser.parse_args()
    command = [sys.executable, "-m", "pylime.app", "--port", str(options.port)]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        for line in server.stderr or ():
            if "running on" in line:
                break
        waits = asyncio.run(load(options.port, options.visitors, options.keys_per_second))
    finally:
        server.terminate()
        server.wait()
    middle = waits[len(waits) // 2]
    print(f"seconds from the last key: median {middle:.2f}, longest {waits[-1]:.2f}")


if __name__ == "__main__":
    main()
