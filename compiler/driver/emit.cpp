#include "compiler/driver/emit.h"

#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/strings.h"
#include "compiler/ast/dockerfile/print.h"
#include "compiler/ir/text.h"
#include "compiler/syntax/tree.h"
#include "llb-emit/print.h"
#include "llb-emit/read.h"

namespace loam::driver {
namespace {

struct KindRow {
  EmitKind kind;
  std::string_view name;
  StopAfter stage;
};

constexpr auto kKinds = std::to_array<KindRow>({
    {EmitKind::kTokens, "tokens", StopAfter::kParse},
    {EmitKind::kTree, "tree", StopAfter::kParse},
    {EmitKind::kAst, "ast", StopAfter::kAst},
    {EmitKind::kAstJson, "ast-json", StopAfter::kAst},
    {EmitKind::kIr, "ir", StopAfter::kPasses},
    {EmitKind::kLlb, "llb", StopAfter::kEmission},
    {EmitKind::kLlbText, "llb-text", StopAfter::kEmission},
    {EmitKind::kLlbJson, "llb-json", StopAfter::kEmission},
    {EmitKind::kDot, "dot", StopAfter::kEmission},
    {EmitKind::kDigests, "digests", StopAfter::kEmission},
    {EmitKind::kImageConfig, "image-config", StopAfter::kEmission},
    {EmitKind::kDockerfile, "dockerfile", StopAfter::kAst},
});

Result<std::string> EmitPlatform(EmitKind kind, const CompiledPlatform& platform) {
  if (kind == EmitKind::kLlb) {
    return platform.definition.bytes;
  }
  if (kind == EmitKind::kImageConfig) {
    const auto config = nlohmann::ordered_json::parse(platform.image_config, nullptr, false);
    return config.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  }
  const llb::Graph graph = LOAM_TRY(llb::ReadDefinition(platform.definition.bytes));
  switch (kind) {
    case EmitKind::kLlbText:
      return llb::PrintText(graph);
    case EmitKind::kLlbJson:
      return llb::PrintJson(graph);
    case EmitKind::kDot:
      return llb::PrintDot(graph);
    case EmitKind::kDigests:
      return llb::PrintDigests(graph);
    case EmitKind::kTokens:
    case EmitKind::kTree:
    case EmitKind::kAst:
    case EmitKind::kAstJson:
    case EmitKind::kIr:
    case EmitKind::kLlb:
    case EmitKind::kImageConfig:
    case EmitKind::kDockerfile:
      break;
  }
  LOAM_UNREACHABLE("not a kind of one platform");
}

}  // namespace

std::optional<EmitKind> ParseEmitKind(std::string_view name) {
  for (const KindRow& row : kKinds) {
    if (row.name == name) {
      return row.kind;
    }
  }
  return std::nullopt;
}

std::string_view EmitKindNames() {
  return "tokens, tree, ast, ast-json, ir, llb, llb-text, llb-json, dot, digests, image-config, dockerfile";
}

StopAfter StageFor(EmitKind kind) {
  for (const KindRow& row : kKinds) {
    if (row.kind == kind) {
      return row.stage;
    }
  }
  LOAM_UNREACHABLE("emit kind outside the table");
}

bool IsOfTheFile(EmitKind kind) {
  return kind == EmitKind::kTokens || kind == EmitKind::kTree || kind == EmitKind::kAst || kind == EmitKind::kAstJson;
}

Result<std::string> EmitText(EmitKind kind, const CompileResult& result, const source::Buffer& buffer,
                             std::string_view platform, const std::vector<Pin>& pins) {
  switch (kind) {
    case EmitKind::kTokens:
      return syntax::PrintTokens(*result.dockerfile.tree);
    case EmitKind::kTree:
      return syntax::PrintTree(*result.dockerfile.tree);
    case EmitKind::kAst:
      return ast::PrintText(result.dockerfile, buffer);
    case EmitKind::kAstJson:
      return ast::PrintJson(result.dockerfile, buffer);
    case EmitKind::kDockerfile:
      return PlainDockerfile(result.dockerfile, buffer, pins);
    case EmitKind::kIr:
      return ir::PrintModule(result.module);
    case EmitKind::kLlb:
    case EmitKind::kLlbText:
    case EmitKind::kLlbJson:
    case EmitKind::kDot:
    case EmitKind::kDigests:
    case EmitKind::kImageConfig:
      break;
  }
  std::string out;
  std::vector<std::string> names;
  std::size_t found = 0;
  for (const CompiledPlatform& part : result.platforms) {
    names.push_back(part.platform);
    if (!platform.empty() && part.platform != platform) {
      continue;
    }
    ++found;
    if (result.platforms.size() > 1 && platform.empty()) {
      out += fmt::format("# {}\n", part.platform);
    }
    out += LOAM_TRY(EmitPlatform(kind, part));
  }
  if (found == 0) {
    return Unexpected(ErrorCode::kNotFound,
                      fmt::format("nothing was built for `{}`, only for {}", platform, Join(names, ", ")));
  }
  if (kind == EmitKind::kLlb && found > 1) {
    return Unexpected(ErrorCode::kInvalidArgument,
                      fmt::format("LLB is of one platform; choose one of {}", Join(names, ", ")));
  }
  return out;
}

}  // namespace loam::driver
