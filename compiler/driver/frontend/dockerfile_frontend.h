// The Dockerfile frontend without the part that solves: from a request to what is to be built, to the answer of a
// question about the file (BuildKit's subrequests), or to another frontend that the file names. Used by the engine's
// in-process frontend and by the frontend image.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "compiler/diagnostics/diagnostic.h"
#include "compiler/driver/compile.h"
#include "compiler/driver/frontend/dockerfile_request.h"
#include "compiler/lint/warning.h"
#include "compiler/sema/build_host.h"
#include "compiler/sema/dockerfile/options.h"
#include "compiler/source/source_manager.h"

namespace loam::driver {

// Detail of a refusal: a capability that this frontend has not ("frontend.caps"), or a question that it does not
// answer.
struct NotSupported final : ErrorDetail {
  enum class Kind : std::uint8_t { kCapability, kQuestion };
  NotSupported(Kind what, std::string which) : kind(what), name(std::move(which)) {}
  const Kind kind;
  const std::string name;
};

// The metadata of the answer: "result.json", "result.txt", "version", …
struct SubrequestAnswer {
  std::map<std::string, std::string> metadata;
};

// The Dockerfile is for another frontend ("# syntax=", or the build argument BUILDKIT_SYNTAX).
struct ForwardedBuild {
  std::string source;   // the image
  std::string cmdline;  // all that is written there
  // Where it is written; 0: in the build argument.
  source::LineSpan lines;
};

// What was read is no Dockerfile; it is the report's buffer.
struct ForeignFile {};

struct CompiledDockerfile {
  CompileResult compiled;
  sema::DockerfileOptions options;
};

using DockerfileAnswer = std::variant<CompiledDockerfile, SubrequestAnswer, ForwardedBuild, ForeignFile>;

// What is known whether it succeeded or not. Mistakes of the Dockerfile are in `diagnostics`.
struct DockerfileFrontendReport {
  // Owns the texts that diagnostics point into.
  std::shared_ptr<source::SourceManager> sources = std::make_shared<source::SourceManager>();
  // The Dockerfile; null before it was read.
  const source::Buffer* buffer = nullptr;
  // Its name in source maps.
  std::string file_name;
  // What it was read from, a serialised pb.Definition; "" if that is not known.
  std::string definition;
  std::vector<diag::Diagnostic> diagnostics;
  // What the build checks found while compiling for a build.
  std::vector<lint::Warning> warnings;
};

struct DockerfileFrontendHost {
  // Outlives the call. `make` is asked for a new one where the inputs of the request have changed.
  std::function<std::unique_ptr<sema::BuildHost>(const std::map<std::string, std::string>& inputs)> make;
  // Runs the reading of the Dockerfile, as a step of that name; may be null.
  std::function<Result<>(const std::string& name, const std::function<Result<>()>& body)> step;
  // The definition that the Dockerfile was read from, once it was: a serialised pb.Definition, for source maps. Null or
  // "": none is known.
  std::function<std::string()> dockerfile_definition;
  // Whether a file of that name and text is of another language; may be null.
  std::function<bool(std::string_view name, std::string_view text)> is_foreign;
  // Whether another frontend can be asked for; otherwise "# syntax=" is a comment.
  bool forwards = false;
};

// The mistakes among `diagnostics` of the file `buffer`, as one message in the words of wire_message.h, and the lines
// of the first of them that has a place; the message is empty if there are none.
struct Mistakes {
  std::string message;
  source::LineSpan lines;
};
Mistakes MistakesOf(const std::vector<diag::Diagnostic>& diagnostics, const source::Buffer* buffer);

// "RuleName: message (line 3)", as clients show a warning.
std::string WarningLine(const lint::Warning& warning);

// kInvalidArgument if the Dockerfile has mistakes. kUnimplemented for questions that are not answered here.
Result<DockerfileAnswer> RunDockerfileFrontend(const DockerfileRequest& request, const DockerfileFrontendHost& host,
                                               DockerfileFrontendReport& report);

}  // namespace loam::driver
