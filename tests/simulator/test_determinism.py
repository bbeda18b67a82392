"""Equal seeds give equal bytes, other seeds give others; ids look random and can be decoded."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from connector.simulator import Scenario
from connector.simulator.world.ids import IdCodec, IdKind, Ref, well_formed
from tests.simulator.access import Access, access, upload

URL = "https://example.invalid/red-bus.mp4"
OPTIONS = {"embedding_option": ["visual", "audio", "transcription"], "transcription": "true"}


def transcript(seed: int) -> list[bytes]:
    """The response bodies of a session with reads and writes."""
    bodies: list[bytes] = []
    with access(Scenario.default(seed=seed)) as api:

        def ask(method: str, path: str, **options: Any) -> None:
            bodies.append(api.call(method, path, **options).content)

        index = api.control.index_ids[0]
        ask("GET", "/indexes")
        for _ in range(2):
            ask("GET", f"/indexes/{index}/indexed-assets", params={"page_limit": 50})
            for asset in api.control.asset_ids(index):
                ask("GET", f"/indexes/{index}/indexed-assets/{asset}", params=OPTIONS)
            write(api, index)
        ask("GET", "/assets")
        ask("GET", "/tasks")
        form = {"index_id": index, "query_text": "red goal", "search_options": ["visual", "transcription"]}
        ask("POST", "/search", data={**form, "page_limit": "1"}, files={"x": ("", b"")})
        ask("GET", f"/search/{json.loads(bodies[-1])['page_info']['next_page_token']}")
        ask("POST", "/embed/tasks", data={"model_name": "marengo3.0", "video_url": URL}, files={"x": ("", b"")})
        api.control.advance(60)
        ask("GET", f"/embed/tasks/{json.loads(bodies[-1])['_id']}")
        body = {"input_type": "text", "model_name": "marengo3.0", "text": {"input_text": "goal"}}
        ask("POST", "/embed-v2", json=body)
    return bodies


def write(api: Access, index: str) -> None:
    created = api.call("POST", f"/indexes/{index}/indexed-assets", json={"asset_id": upload(api)}).json()
    api.control.advance(60)
    api.control.add_asset(index, "added.mp4", captions=["a kite"])
    api.control.reindex(index, created["_id"])
    api.control.delete_asset(index, api.control.asset_ids(index)[0])


def test_two_simulators_with_one_seed_answer_byte_for_byte_alike() -> None:
    assert transcript(7) == transcript(7)


def test_so_do_two_processes() -> None:
    """Whatever Python's hash seed is."""
    script = "import sys; from tests.simulator import test_determinism as t; print(t.digest(t.transcript(7)))"
    outputs = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            cwd=Path(__file__).parents[2],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        for hash_seed in ("1", "2")
    }

    assert outputs == {digest(transcript(7))}


def digest(bodies: list[bytes]) -> str:
    return hashlib.sha256(b"".join(bodies)).hexdigest()


def test_another_seed_is_another_account() -> None:
    """Except for the query vectors, because the model is the same."""
    one, other = transcript(7), transcript(8)

    assert one[-1] == other[-1]
    assert all(first != second for first, second in zip(one[:-1], other[:-1], strict=True))


refs = st.builds(Ref, st.sampled_from(IdKind), st.integers(0, 2**24 - 1), st.integers(0, 2**32 - 1))


@given(refs, st.integers(0, 100))
def test_an_id_leads_back_to_its_thing(ref: Ref, seed: int) -> None:
    codec = IdCodec(seed)
    text = codec.encode(ref.kind, ref.index, ref.ordinal)

    assert well_formed(text)
    assert codec.decode(text) == ref


@given(st.text("0123456789abcdef", min_size=24, max_size=24))
def test_other_ids_lead_nowhere(text: str) -> None:
    assert IdCodec(7).decode(text) is None


@given(st.text(max_size=30))
def test_no_text_breaks_the_codec(text: str) -> None:
    decoded = IdCodec(7).decode(text)

    assert decoded is None


def test_ids_look_random() -> None:
    """Ids of neighbours share no prefix, all differ, every digit occurs everywhere."""
    codec = IdCodec(7)
    ids = [codec.encode(IdKind.INDEXED_ASSET, 0, ordinal) for ordinal in range(5000)]

    assert len(set(ids)) == 5000
    assert len({text[:6] for text in ids}) > 4990
    assert all(len({text[place] for text in ids}) == 16 for place in range(24))
