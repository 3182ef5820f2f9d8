#include "compiler/driver/compile.h"

#include <fmt/format.h>

#include "base/utf8.h"
#include "compiler/ast/dockerfile/build_ast.h"
#include "compiler/driver/file_checks.h"
#include "compiler/driver/trigger_parser.h"
#include "compiler/ir/verifier.h"
#include "compiler/parse/parse.h"
#include "compiler/sema/dockerfile/convert.h"
#include "llb-emit/import.h"

namespace loam::driver {
namespace {

#ifdef NDEBUG
constexpr bool kAlwaysVerify = false;
#else
constexpr bool kAlwaysVerify = true;
#endif

// The first bytes of the file that are not UTF-8; those of comments, which go nowhere, only if there are no others. An
// invalid range if they came from elsewhere.
source::SourceRange FirstBadBytes(const source::Buffer& buffer) {
  const std::string_view text = buffer.text();
  const auto bad = [&](std::size_t at) {
    const Rune rune = DecodeRune(text.substr(at));
    return rune.size == 1 && rune.value == kReplacementRune;
  };
  source::SourceRange in_comment;
  bool comment = false;
  bool blank = true;  // nothing but blanks since the start of the line
  for (std::size_t at = 0; at < text.size(); at += DecodeRune(text.substr(at)).size) {
    const char c = text[at];
    if (c == '\n') {
      comment = false;
      blank = true;
      continue;
    }
    comment = comment || (blank && c == '#');
    blank = blank && (c == ' ' || c == '\t');
    if (!bad(at) || (comment && in_comment.valid())) {
      continue;
    }
    std::size_t end = at;
    while (end < text.size() && bad(end)) {
      ++end;
    }
    const source::SourceRange range{buffer.id(), static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(end)};
    if (!comment) {
      return range;
    }
    in_comment = range;
  }
  return in_comment;
}

}  // namespace

Result<CompileResult> Compile(source::SourceManager& sources, const source::Buffer& buffer,
                              const CompileOptions& options, sema::BuildHost& host, diag::Emitter& emitter) {
  CompileResult result;
  FileChecks checks(options, host, emitter);

  // text -> tokens -> tree
  parse::ParseResult parsed = parse::ParseDockerfile(buffer, checks.parse_emitter());

  // tree -> typed AST
  result.dockerfile = ast::BuildDockerfile(std::move(parsed.tree), buffer, checks.parse_emitter());
  LOAM_TRY(checks.CheckFile(result.dockerfile));
  if (emitter.has_errors() || options.stop_after <= StopAfter::kAst) {
    result.ok = !emitter.has_errors();
    result.warnings = checks.TakeWarnings();
    return result;
  }

  // AST -> IR
  DockerfileTriggerParser triggers(sources);
  std::vector<sema::ScanTarget> scans;
  sema::ConvertInput input{&result.dockerfile, &buffer,           &options.dockerfile, &host,
                           &triggers,          checks.observer(), options.parameters,  options.all_stages};
  input.scans = options.scans ? &scans : nullptr;
  const bool converted = sema::ConvertDockerfile(input, result.module, emitter) && checks.Pass();
  result.warnings = checks.TakeWarnings();
  if (!converted) {
    LOAM_CHECK(emitter.has_errors(), "sema failed without saying why");
    return result;
  }
  if (!options.file_definition.empty()) {
    const llb::Graph origin = LOAM_TRY_CONTEXT("the Dockerfile's origin", llb::ReadDefinition(options.file_definition));
    result.module.sources.front().state = LOAM_TRY(llb::ImportInto(result.module.graph, origin));
  }
  if (options.verify || kAlwaysVerify) {
    LOAM_TRY_CONTEXT("after sema", ir::Verify(result.module));
  }
  if (options.stop_after == StopAfter::kSema) {
    result.ok = true;
    return result;
  }

  // What is scanned is what was written: passes see the results alone.
  std::vector<std::string> scan_definitions;
  for (const sema::ScanTarget& scan : scans) {
    scan_definitions.push_back(
        LOAM_TRY_CONTEXT("emit LLB", llb::Emit(result.module, scan.fs, {.metadata = options.metadata})).bytes);
  }

  // IR -> IR
  if (options.level != passes::OptLevel::kO0) {
    result.pass_reports =
        LOAM_TRY(passes::RunPasses(result.module, {.level = options.level, .verify = options.verify}));
  }
  if (options.stop_after == StopAfter::kPasses) {
    result.ok = true;
    return result;
  }

  // IR -> LLB
  for (const ir::ModuleResult& made : result.module.results) {
    auto definition = llb::Emit(result.module, made.fs, {.metadata = options.metadata});
    if (!definition && definition.error().Is(ErrorCode::kInvalidArgument)) {
      emitter.Emit<diag::Kind::kBadEncoding>(FirstBadBytes(buffer)).Note(definition.error().message());
      return result;
    }
    if (!definition) {
      return Unexpected(std::move(definition).error().Wrap("emit LLB"));
    }
    result.platforms.push_back({made.platform_id, std::move(*definition), made.image_config, made.base_image_config,
                                made.epoch, made.ignore_cache});
  }
  for (CompiledPlatform& platform : result.platforms) {
    platform.scan_anew = platform.ignore_cache;
  }
  for (std::size_t i = 0; i < scans.size(); ++i) {
    CompiledPlatform& platform = result.platforms[scans[i].result];
    platform.scans[scans[i].name] = std::move(scan_definitions[i]);
    platform.scan_anew = platform.scan_anew || scans[i].ignore_cache;
  }
  result.ok = true;
  return result;
}

}  // namespace loam::driver
