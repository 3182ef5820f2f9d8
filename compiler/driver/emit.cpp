#include "compiler/driver/emit.h"

#include <array>

#include <fmt/format.h>

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
    {EmitKind::kIr, "ir", StopAfter::kPasses},
    {EmitKind::kLlb, "llb", StopAfter::kEmission},
    {EmitKind::kLlbText, "llb-text", StopAfter::kEmission},
    {EmitKind::kLlbJson, "llb-json", StopAfter::kEmission},
    {EmitKind::kDot, "dot", StopAfter::kEmission},
    {EmitKind::kDigests, "digests", StopAfter::kEmission},
    {EmitKind::kImageConfig, "image-config", StopAfter::kEmission},
});

Result<std::string> EmitPlatform(EmitKind kind, const CompiledPlatform& platform) {
  if (kind == EmitKind::kLlb) {
    return platform.definition.bytes;
  }
  if (kind == EmitKind::kImageConfig) {
    return platform.image_config + "\n";
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
    case EmitKind::kIr:
    case EmitKind::kLlb:
    case EmitKind::kImageConfig:
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
  return "tokens, tree, ast, ir, llb, llb-text, llb-json, dot, digests, image-config";
}

StopAfter StageFor(EmitKind kind) {
  for (const KindRow& row : kKinds) {
    if (row.kind == kind) {
      return row.stage;
    }
  }
  LOAM_UNREACHABLE("emit kind outside the table");
}

Result<std::string> EmitText(EmitKind kind, const CompileResult& result, const source::Buffer& buffer,
                             std::string_view platform) {
  switch (kind) {
    case EmitKind::kTokens:
      return syntax::PrintTokens(*result.dockerfile.tree);
    case EmitKind::kTree:
      return syntax::PrintTree(*result.dockerfile.tree);
    case EmitKind::kAst:
      return ast::PrintText(result.dockerfile, buffer);
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
