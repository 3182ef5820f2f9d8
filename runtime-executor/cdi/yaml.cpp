#include "runtime-executor/cdi/yaml.h"

#include <memory>

#include <fmt/format.h>
#include <yaml.h>
#include <nlohmann/json.hpp>

namespace loam::cdi {
namespace {

using nlohmann::json;

constexpr int kMaxDepth = 32;
constexpr int kMaxNodes = 100'000;

std::string TextOf(const yaml_node_t& node) {
  return {reinterpret_cast<const char*>(node.data.scalar.value), node.data.scalar.length};
}

class Document {
 public:
  explicit Document(yaml_document_t& document) : document_(document) {}

  Result<json> Value(int index, int depth) {
    if (depth > kMaxDepth || ++nodes_ > kMaxNodes) {
      return Unexpected(ErrorCode::kInvalidArgument, "the document is nested too deep or too large");
    }
    const yaml_node_t* const node = yaml_document_get_node(&document_, index);
    switch (node->type) {
      case YAML_SCALAR_NODE:
        return json(TextOf(*node));
      case YAML_SEQUENCE_NODE: {
        json list = json::array();
        const auto& items = node->data.sequence.items;
        for (const yaml_node_item_t* item = items.start; item != items.top; ++item) {
          list.push_back(LOAM_TRY(Value(*item, depth + 1)));
        }
        return list;
      }
      case YAML_MAPPING_NODE: {
        json map = json::object();
        const auto& pairs = node->data.mapping.pairs;
        for (const yaml_node_pair_t* pair = pairs.start; pair != pairs.top; ++pair) {
          const yaml_node_t* const key = yaml_document_get_node(&document_, pair->key);
          if (key->type != YAML_SCALAR_NODE) {
            return Unexpected(ErrorCode::kInvalidArgument, "a key is no text");
          }
          map[TextOf(*key)] = LOAM_TRY(Value(pair->value, depth + 1));
        }
        return map;
      }
      case YAML_NO_NODE:
        break;
    }
    return json();
  }

 private:
  yaml_document_t& document_;
  int nodes_ = 0;
};

}  // namespace

Result<json> ParseYaml(std::string_view text) {
  yaml_parser_t parser;
  if (yaml_parser_initialize(&parser) == 0) {
    return Unexpected(ErrorCode::kResourceExhausted, "out of memory for a YAML parser");
  }
  const std::unique_ptr<yaml_parser_t, decltype(&yaml_parser_delete)> parser_end(&parser, &yaml_parser_delete);
  yaml_parser_set_input_string(&parser, reinterpret_cast<const unsigned char*>(text.data()), text.size());
  yaml_document_t document;
  if (yaml_parser_load(&parser, &document) == 0) {
    return Unexpected(ErrorCode::kInvalidArgument, fmt::format("line {}: {}", parser.problem_mark.line + 1,
                                                               parser.problem == nullptr ? "no YAML" : parser.problem));
  }
  const std::unique_ptr<yaml_document_t, decltype(&yaml_document_delete)> document_end(&document,
                                                                                       &yaml_document_delete);
  return yaml_document_get_root_node(&document) == nullptr ? Result<json>(json()) : Document(document).Value(1, 0);
}

}  // namespace loam::cdi
