"""The JSON Schema says what the models say."""

import json

import pytest

from mmx import Params
from mmx.commands import find, installed, spec_schema


@pytest.fixture(scope="module")
def schema() -> dict[str, object]:
    return spec_schema()


def _resolve(schema: dict, node: dict) -> dict:  # type: ignore[type-arg]
    while "$ref" in node:
        node = schema["$defs"][node["$ref"].removeprefix("#/$defs/")]
    return node


def test_it_is_plain_json_and_every_reference_leads_somewhere(schema: dict) -> None:  # type: ignore[type-arg]
    assert json.loads(json.dumps(schema)) == schema
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"

    def references(node: object) -> set[str]:
        if isinstance(node, list):
            return {one for item in node for one in references(item)}
        if isinstance(node, dict):
            own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
            return own | {one for item in node.values() for one in references(item)}
        return set()

    found = references(schema)
    assert len(found) > 20
    assert {one.removeprefix("#/$defs/") for one in found} <= {*schema["$defs"]}


def test_every_usable_method_is_a_choice_of_its_kind(schema: dict) -> None:  # type: ignore[type-arg]
    body = schema["$defs"]["ModelSpec"]["properties"]["fusion"]
    (names, *mappings) = _resolve(schema, body)["oneOf"]
    usable = {one.type for one in installed("fusion") if one.status == "found"}
    left_out = {one for one in usable if f"fusion.{one} is left out" in schema.get("$comment", "")}
    assert usable - left_out <= {*names["enum"]}
    assert {"concat", "mmx/concat"} <= {*names["enum"]}
    assert len(mappings) == len(usable - left_out)


def test_a_method_has_its_own_settings(schema: dict) -> None:  # type: ignore[type-arg]
    params: type[Params] = find("head", "mlp")
    described = schema["$defs"]["head.mlp"]
    assert {*described["properties"]} == {*params.model_fields}
    assert described["additionalProperties"] is False


def test_an_encoder_stands_only_where_its_modality_does(schema: dict) -> None:  # type: ignore[type-arg]
    model = schema["$defs"]["ModelSpec"]["properties"]
    image, text = (_resolve(schema, model[key])["oneOf"][0]["enum"] for key in ("image", "text"))
    assert "torchvision" in image
    assert "transformers" in text
    assert not {*image} & {*text}


def test_only_a_spec_without_a_base_must_be_whole(schema: dict) -> None:  # type: ignore[type-arg]
    assert "base" in schema["properties"]
    assert schema["if"] == {"not": {"required": ["base"]}}
    assert schema["then"]["required"] == ["name", "data", "model"]
    assert schema["then"]["properties"]["data"] == {"required": ["dataset"]}
    assert "required" not in schema["$defs"]["ModelSpec"]
