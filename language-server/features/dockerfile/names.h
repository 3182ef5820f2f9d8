// Names: every variable, stage and heredoc name of a Dockerfile, where it is defined and used, and which of them are
// the same thing.
//
// Variables live in regions: 0 is what stands in front of the first FROM, and the words of all FROMs; stage n is region
// n + 1. A stage that starts from another stage sees its variables. An ARG without a default is the global ARG of its
// name.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "language-server/features/dockerfile/analysis.h"

namespace loam::lsp::dockerfile {

struct Name {
  enum class Kind : std::uint8_t { kVariable, kStage, kHeredoc };
  Kind kind = Kind::kVariable;
  bool definition = false;
  // Of a variable that is defined: by ARG, not by ENV; with a value.
  bool is_arg = false;
  bool has_value = false;
  // Of a stage: by its number, so that a new name changes nothing here.
  bool by_number = false;
  // Of a use: ${…} with a modifier.
  bool has_modifier = false;
  std::string text;
  Span span;                      // the name
  Span whole;                     // with `${` and `}`, with `=value`
  std::uint32_t instruction = 0;  // index in Dockerfile::instructions
  std::uint32_t region = 0;
  // Names of one thing have one group, also variables that nothing in the file sets.
  std::uint32_t group = kNoGroup;
  static constexpr std::uint32_t kNoGroup = UINT32_MAX;
  // Of a stage: which one.
  std::uint32_t stage = 0;
  // Of a variable that is defined: the value as written, and expanded as far as everything in it is known.
  std::string written;
  std::optional<std::string> value;
};

class Names {
 public:
  // `store` answers for base images.
  Names(const DockerfileAnalysis& analysis, StoreFacts& store);

  // In the order of the text.
  [[nodiscard]] const std::vector<Name>& all() const { return names_; }
  // The name at a cursor; null if there is none.
  [[nodiscard]] const Name* At(std::uint32_t offset) const;
  // All of the same group, in the order of the text.
  [[nodiscard]] std::vector<const Name*> Same(const Name& name) const;

  [[nodiscard]] std::uint32_t RegionOf(std::uint32_t instruction) const { return regions_[instruction]; }
  // What a variable is in front of an instruction; nullopt if it is not set or not known.
  [[nodiscard]] std::optional<std::string> ValueAt(std::string_view variable, std::uint32_t instruction) const;
  // The definitions that made it what it is there, the last one first.
  [[nodiscard]] std::vector<const Name*> Chain(std::string_view variable, std::uint32_t instruction) const;
  // Variables that can be used in an instruction: by name, the definition that counts (null: of the base image).
  [[nodiscard]] std::map<std::string, const Name*, std::less<>> VisibleAt(std::uint32_t instruction) const;
  // The text with variables replaced, as far as all are known.
  [[nodiscard]] std::optional<std::string> Expand(std::string_view text, std::uint32_t instruction) const;
  // The stage that a name or number means in an instruction: an earlier one.
  [[nodiscard]] std::optional<std::uint32_t> FindStage(std::string_view name, std::uint32_t before_stage) const;

 private:
  friend class NameCollector;
  struct Region {
    std::map<std::string, std::vector<std::uint32_t>, std::less<>> definitions;  // indices of names_, in order
    std::optional<std::uint32_t> base;                                           // the region it starts from
    std::map<std::string, std::string, std::less<>> image_env;                   // of the base image, where known
  };
  struct Found {
    const Name* name = nullptr;  // null: of the base image
    std::optional<std::string> value;
  };
  [[nodiscard]] std::optional<Found> Find(std::string_view variable, std::uint32_t region,
                                          std::uint32_t before_instruction, bool args) const;
  [[nodiscard]] std::optional<Found> FindVariable(std::string_view variable, std::uint32_t instruction) const;

  const DockerfileAnalysis* analysis_;
  std::vector<Name> names_;
  std::vector<std::uint32_t> regions_;  // by instruction
  std::vector<Region> by_region_;
};

// The names of the query's document, made once.
const Names& NamesOf(const Query& query);

}  // namespace loam::lsp::dockerfile
