"""The engine's settings of one index."""

import pytest

from connector.domain.errors import ConfigError
from connector.domain.fingerprint import PointConfig
from connector.domain.index_settings import settings_digest
from connector.domain.policy import Policy
from connector.domain.sink_model import CollectionInfo, CollectionSpec
from tests.builders import index, index_settings

SETTINGS = index_settings("index-1")


def test_the_collection_is_named_by_its_template() -> None:
    named = index_settings("index-1", collection="{index_id}-of-{model}")
    assert SETTINGS.collection_name("marengo3.0") == "twelvelabs-marengo3.0"
    assert named.collection_name("marengo2.7") == "index-1-of-marengo2.7"


def test_a_known_model_gets_all_its_named_vectors() -> None:
    """Independent of the options of the first asset."""
    spec = SETTINGS.spec("marengo3.0", 512, ("audio",))
    assert spec == CollectionSpec("twelvelabs-marengo3.0", "marengo3.0", 512, ("visual", "audio", "transcription"))


def test_an_unknown_model_gets_what_its_asset_has() -> None:
    spec = SETTINGS.spec("marengo9.9", 64, ("smell",))
    assert spec == CollectionSpec("twelvelabs-marengo9.9", "marengo9.9", 64, ("smell",))


@pytest.mark.parametrize(("model", "dimension"), [("marengo3.0", 512), ("marengo2.7", 1024)])
def test_what_a_known_model_needs_is_known_beforehand(model: str, dimension: int) -> None:
    spec = SETTINGS.known_spec(index(model=model))
    assert spec is not None
    assert (spec.model, spec.dimension) == (model, dimension)


@pytest.mark.parametrize("model", ["marengo9.9", None])
def test_what_another_model_needs_is_not(model: str | None) -> None:
    assert SETTINGS.known_spec(index(model=model)) is None


def test_the_shape_holds_every_setting_that_shapes_points() -> None:
    settings = index_settings(
        "index-1",
        collection="c-{model}",
        embedding_options=("visual",),
        transcript=False,
        media_links=True,
        payload_profile="frameworks",
    )
    expected = PointConfig(
        "marengo2.7",
        ("visual-text",),
        "c-{model}",
        transcript=False,
        media_links=True,
        payload_profile="frameworks",
    )
    assert settings.point_config(index(model="marengo2.7")) == expected


def test_owners_of_today_have_the_same_settings_after_an_upgrade() -> None:
    """Another value would refuse the ledger that replaces a lost one, and list every index again."""
    before = {"embedding_options": None, "transcript": True, "media_links": False}

    assert SETTINGS.point_settings == before
    assert settings_digest(SETTINGS) == "66845eaf54cb274562866141124a7d22"
    assert index_settings("i", payload_profile="frameworks").point_settings == before | {
        "payload_profile": "frameworks"
    }


def test_the_sparse_vector_shapes_points_and_collections() -> None:
    settings = index_settings("index-1", sparse_transcript=True)

    assert settings.spec("marengo3.0", 512, ()).sparse_transcript
    known = settings.known_spec(index())
    assert known
    assert known.sparse_transcript
    unknown = CollectionInfo("c", 0, {"visual": (64, "Cosine")}, model="marengo9.9")
    needed = settings.needed_spec(index(model="marengo9.9", options=["visual"]), unknown)
    assert needed == CollectionSpec("c", "marengo9.9", 64, ("visual",), sparse_transcript=True)
    assert settings.point_config(index()).sparse_transcript


def test_settings_of_older_releases_are_the_same_while_later_ones_have_their_default() -> None:
    """Owners of indexes are stored with them in Qdrant, and the ledger has a digest of them."""
    older = {"embedding_options": None, "transcript": True, "media_links": False}

    assert SETTINGS.point_settings == older
    assert settings_digest(SETTINGS) == "66845eaf54cb274562866141124a7d22"
    assert index_settings("i", sparse_transcript=True).point_settings == older | {"sparse_transcript": 1}


def test_without_a_wish_all_options_of_the_index_are_wanted() -> None:
    assert SETTINGS.point_config(index()).options == ("visual", "audio", "transcription")
    assert SETTINGS.point_config(index(options=["audio"])).options == ("audio", "transcription")


def test_the_policy_is_that_of_the_settings() -> None:
    settings = index_settings("i", delete_mode="keep", max_deletes=1, max_delete_ratio=0.5, max_attempts=2)
    assert settings.policy(7.0) == Policy(7.0, "keep", max_deletes=1, max_delete_ratio=0.5, max_attempts=2)


def test_an_index_without_a_marengo_model_is_refused() -> None:
    with pytest.raises(ConfigError) as refused:
        SETTINGS.point_config(index("index-7", model=None))
    message = "sync index index-7: it has no Marengo model, so it has no embeddings. Remove it from CONNECTOR_INDEXES."
    assert str(refused.value) == message


def test_options_that_the_index_does_not_have_are_refused() -> None:
    settings = index_settings("index-1", embedding_options=("smell", "taste"))
    with pytest.raises(ConfigError) as refused:
        settings.point_config(index(options=["visual"]))
    assert "it has none of the wanted embedding options (smell, taste); it has: visual" in str(refused.value)
    assert refused.value.advice == "Correct CONNECTOR_EMBEDDING_OPTIONS"


def test_an_index_without_options_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"wanted embedding options \(none\); it has: none"):
        SETTINGS.point_config(index(options=[]))
