"""The form of POST /search. Each model is served as the documents of its time describe it."""

from dataclasses import dataclass
from typing import Literal, cast

from starlette.datastructures import FormData

from connector.simulator.api.api_errors import ApiError, invalid, not_provided
from connector.simulator.api.confidence import Confidence
from connector.simulator.api.embed_api import check_tokens
from connector.simulator.api.forms import choice_field, text_field, truth_field
from connector.simulator.api.listing import page_limit
from connector.simulator.api.picture_queries import pictures_of
from connector.simulator.api.search_filter import SearchFilter
from connector.simulator.world.index_state import SimulatedIndex
from connector.simulator.world.models import MODELS, EmbeddingModel
from connector.simulator.world.search_matches import SoughtConcepts

_TRANSCRIPTION_OPTIONS = ("lexical", "semantic")


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """`confidence` and `by_clip_count` exist for marengo2.7 only; marengo3.0 ignores what they are made of."""

    wanted: SoughtConcepts
    where: SearchFilter
    grouped: bool
    limit: int
    with_metadata: bool
    confidence: Confidence | None
    by_clip_count: bool

    @staticmethod
    def of(form: FormData, state: SimulatedIndex) -> "SearchRequest":
        """Raises ApiError 400."""
        if not state.model.options:
            raise ApiError(
                400,
                "index_not_supported_for_search",
                "You can only perform search requests on indexes with a Marengo model enabled.",
            )
        grouped = choice_field(form, "group_by", ("clip", "video")) == "video"
        old = state.model is MODELS["marengo2.7"]
        return SearchRequest(
            wanted=_wanted(form, state),
            where=SearchFilter.of(_optional_text(form, "filter")),
            grouped=grouped,
            limit=page_limit(_optional_text(form, "page_limit")),
            with_metadata=truth_field(form, "include_user_metadata"),
            confidence=Confidence.of(form) if old else None,
            by_clip_count=old and _by_clip_count(form, grouped=grouped),
        )


def _wanted(form: FormData, state: SimulatedIndex) -> SoughtConcepts:
    options = _options(form, state)
    pictures = pictures_of(form)
    text = _optional_text(form, "query_text") or ""
    if not text and not pictures:
        raise not_provided("query_text")
    if pictures and "visual" not in form.getlist("search_options"):
        raise _combination(", ".join(map(str, form.getlist("search_options"))), "query_media_type image without visual")
    if state.model is MODELS["marengo2.7"] and (len(pictures) > 1 or (text and pictures)):
        raise _combination("visual", "several images, or an image and a text, for marengo2.7")
    _check_text(state.model, text)
    matched = _repeated(form, "transcription_options") or list(_TRANSCRIPTION_OPTIONS)
    for name in matched:
        if name not in _TRANSCRIPTION_OPTIONS:
            raise invalid("transcription_options", "It must be lexical or semantic.")
    return SoughtConcepts(
        text=text,
        pictures=pictures,
        options=options,
        operator=cast("Literal['or', 'and']", choice_field(form, "operator", ("or", "and"))),
        lexical="lexical" in matched,
        semantic="semantic" in matched,
    )


def _options(form: FormData, state: SimulatedIndex) -> tuple[str, ...]:
    """The embedding options of the search options, each once: marengo2.7 has visual-text for visual."""
    asked = list(dict.fromkeys(_repeated(form, "search_options")))
    if not asked:
        raise not_provided("search_options")
    enabled = {option.split("-")[0]: option for option in state.model.enabled(state.model_options)}
    for name in asked:
        if name not in enabled:
            raise ApiError(
                400,
                "search_option_not_supported",
                f"Search option {name} is not supported for index {state.id}."
                f" Please use one of the following search options: {', '.join(enabled)}.",
            )
    return tuple(enabled[name] for name in asked)


def _check_text(model: EmbeddingModel, text: str) -> None:
    check_tokens(model, text, "query_text")
    if "<@" in text:
        raise invalid("query_text", "The simulator has no entities.")


def _by_clip_count(form: FormData, *, grouped: bool) -> bool:
    counted = choice_field(form, "sort_option", ("score", "clip_count")) == "clip_count"
    if counted and not grouped:
        raise invalid("sort_option", "clip_count is only possible when group_by is video.")
    return counted


def _combination(option: str, other: str) -> ApiError:
    code, message = "search_option_combination_not_supported", f"Search option {option} is not supported with {other}."
    return ApiError(400, code, message)


def _repeated(form: FormData, name: str) -> list[str]:
    return [value for value in form.getlist(name) if isinstance(value, str)]


def _optional_text(form: FormData, name: str) -> str | None:
    return text_field(form, name) if name in form and form[name] != "" else None
