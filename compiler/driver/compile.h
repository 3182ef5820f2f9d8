// The whole way from a Dockerfile's text to LLB; compile.cpp reads top to bottom.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "compiler/ast/dockerfile/ast.h"
#include "compiler/diagnostics/emitter.h"
#include "compiler/ir/module.h"
#include "compiler/lint/selection.h"
#include "compiler/lint/shellcheck.h"
#include "compiler/lint/warning.h"
#include "compiler/passes/pass_manager.h"
#include "compiler/sema/build_host.h"
#include "compiler/sema/dockerfile/options.h"
#include "compiler/sema/dockerfile/parameter_observer.h"
#include "compiler/source/source_manager.h"
#include "llb-emit/emit.h"

namespace loam::driver {

enum class StopAfter : std::uint8_t { kParse, kAst, kSema, kPasses, kEmission };

struct CompileOptions {
  sema::DockerfileOptions dockerfile;
  // -O0: byte for byte what BuildKit's frontend makes.
  passes::OptLevel level = passes::OptLevel::kO0;
  StopAfter stop_after = StopAfter::kEmission;
  // Names, progress groups and source maps beside the ops.
  bool metadata = true;
  // What the Dockerfile was read from, for source maps: a serialised pb.Definition, or "".
  std::string file_definition;
  // Check the IR after sema and every pass (debug builds always do).
  bool verify = false;
  // Run the build checks. Off, they cost nothing, and run only if the file says `check=error=true`.
  bool lint = false;
  // Tell also what an SBOM scanner is to look at.
  bool scans = false;
  // Convert also the stages that the target does not need, so that they are checked as well.
  bool all_stages = false;
  // Checks beside BuildKit's, in CompileResult::warnings behind those. They run whatever `lint` says.
  lint::Selection more_checks;
  // How ShellCheck is started; if empty, as the program of this machine.
  lint::RunProgram run_program;
  // Watches the conversion; may be null.
  sema::ParameterObserver* parameters = nullptr;
};

// One platform of the result.
struct CompiledPlatform {
  std::string platform;  // "linux/amd64"
  llb::Definition definition;
  std::string image_config;       // JSON
  std::string base_image_config;  // JSON; "" without a base image
  std::optional<std::int64_t> epoch;
  bool ignore_cache = false;
  // What an SBOM scanner looks at beside the result: serialised pb.Definitions by name; and whether it does so anew.
  std::map<std::string, std::string> scans = {};
  bool scan_anew = false;
};

struct CompileResult {
  // What every stage made, as far as it got. The AST refers to the buffer.
  ast::Dockerfile dockerfile;
  ir::Module module;
  std::vector<passes::PassReport> pass_reports;
  std::vector<CompiledPlatform> platforms;
  // What the build checks found, also if something else was wrong: in BuildKit's order, then those of `more_checks`.
  std::vector<lint::Warning> warnings;
  // Nothing was reported as an error, and all stages asked for were run.
  bool ok = false;
};

// Compiles `buffer`, which `sources` owns. Mistakes in the Dockerfile go to `emitter` (the result's `ok` is false
// then); an Error is our own bug or the world's.
Result<CompileResult> Compile(source::SourceManager& sources, const source::Buffer& buffer,
                              const CompileOptions& options, sema::BuildHost& host, diag::Emitter& emitter);

}  // namespace loam::driver
