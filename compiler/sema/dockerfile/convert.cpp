#include "compiler/sema/dockerfile/convert.h"

#include "compiler/sema/dockerfile/check_options.h"
#include "compiler/sema/dockerfile/converter.h"

namespace loam::sema {

Converter::Converter(const ConvertInput& input, std::string_view platform, std::int32_t source, ir::Module& module,
                     diag::Emitter& emitter)
    : input_(input),
      platform_text_(platform),
      source_(source),
      module_(module),
      emitter_(emitter),
      build_args_(input.options->build_args) {}

bool Converter::Run() {
  return ReadPlatforms(platform_text_) &&  //
         ReadGlobalArguments() &&          //
         ResolveEpoch() &&                 //
         MakeStages() &&                   //
         FindTarget() &&                   //
         MakeCommands() &&                 //
         CheckCycles() &&                  //
         ResolveStages() &&                //
         ShowStages() &&                   //
         DispatchStages(Reachable()) &&    //
         Finish();
}

bool ConvertDockerfile(const ConvertInput& input, ir::Module& module, diag::Emitter& emitter) {
  const ast::Directive* check = input.file->FindDirective("check");
  const std::string_view check_text = !input.options->check.empty() ? input.options->check
                                      : check != nullptr            ? check->value.text
                                                                    : std::string_view();
  if (const auto checks = ParseCheckOptions(check_text); !checks) {
    emitter.Emit<Kind::kBadCheckOptions>(
        input.options->check.empty() && check != nullptr ? check->value.range : source::SourceRange(),
        checks.error().message());
    return false;
  }
  const auto source = static_cast<std::int32_t>(module.sources.size());
  module.sources.push_back({input.options->file_name, "Dockerfile", std::string(input.buffer->text()), std::nullopt});
  std::vector<std::string> platforms = input.options->platforms;
  if (platforms.empty()) {
    platforms.emplace_back();
  }
  ConvertInput each = input;
  for (const std::string& platform : platforms) {
    if (!Converter(each, platform, source, module, emitter).Run()) {
      return false;
    }
    each.observer = nullptr;
    each.parameters = nullptr;
  }
  return true;
}

}  // namespace loam::sema
