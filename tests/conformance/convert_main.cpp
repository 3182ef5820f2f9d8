// loam-convert-corpus DIR: converts every accepted Dockerfile of DIR/dockerfile to an Earthfile, which must parse and
// pass the static check with all its targets; and every target of the Earthfiles of DIR/earthfile to a Dockerfile,
// which, if nothing forbids it, must compile. Exit code 77: there is no such folder.
#include <sys/stat.h>
#include <filesystem>
#include <iostream>

#include <fmt/format.h>

#include "base/file_system.h"
#include "base/strings.h"
#include "compiler/ast/dockerfile/build_ast.h"
#include "compiler/convert/to_dockerfile.h"
#include "compiler/convert/to_earthfile.h"
#include "compiler/diagnostics/render.h"
#include "compiler/driver/compile.h"
#include "compiler/parse/parse.h"
#include "compiler/sema/earthfile/check.h"
#include "tests/conformance/corpus.h"
#include "tests/support/earthfile_hosts.h"

namespace {

using namespace loam;

struct Counts {
  std::size_t files = 0;
  std::size_t good = 0;
  std::size_t stages = 0;
  std::size_t kept = 0;
};

// What is wrong with the Earthfile, or "".
std::string CheckEarthfile(const std::string& text) {
  sema::earthfile::MemoryProjectHost host;
  host.files["Earthfile"] = text;
  source::SourceManager sources;
  sema::earthfile::Project project(host, sources, {});
  diag::CollectingConsumer consumer;
  diag::Emitter emitter(consumer);
  sema::earthfile::Reference root{.git_path = {}, .tag = {}, .local_path = ".", .alias = {}, .name = "base"};
  const auto file = project.Load(root, {});
  if (!file) {
    Report(emitter, file.error());
  } else {
    for (const ast::earthfile::Target& target : (*file)->ast.targets) {
      root.name = target.name;
      sema::earthfile::CheckProject(project, root, {}, emitter);
    }
  }
  std::vector<diag::Diagnostic> errors = consumer.Take();
  std::erase_if(errors, [](const diag::Diagnostic& diagnostic) { return !diagnostic.is_error(); });
  return diag::RenderTerminal(errors, sources);
}

Counts ConvertDockerfiles(std::vector<conformance::Case>& cases) {
  Counts counts;
  for (const conformance::Case& test : cases) {
    if (!test.ok) {
      continue;
    }
    ++counts.files;
    source::SourceManager sources;
    const source::Buffer* buffer = *sources.AddText("Dockerfile", test.text);
    diag::CollectingConsumer consumer;
    diag::Emitter emitter(consumer);
    const ast::Dockerfile file = ast::BuildDockerfile(parse::ParseDockerfile(*buffer, emitter).tree, *buffer, emitter);
    const convert::ToEarthfileResult result = convert::ToEarthfile(file, *buffer, {.image = "image:1"}, emitter);
    counts.stages += result.stages;
    counts.kept += result.kept;
    if (const std::string wrong = CheckEarthfile(result.text); wrong.empty()) {
      ++counts.good;
    } else {
      std::cout << fmt::format("{}:\n{}{}\n", test.file, wrong, result.text);
    }
  }
  return counts;
}

// "": it compiles.
std::string CompileDockerfile(const std::string& text) {
  class AnyImage : public sema::earthfile::TableBuildHost {};
  AnyImage host;
  source::SourceManager sources;
  const auto buffer = sources.AddText("Dockerfile", text);
  diag::CollectingConsumer consumer;
  diag::Emitter emitter(consumer);
  driver::CompileOptions options;
  options.dockerfile.platforms = {"linux/amd64"};
  options.dockerfile.build_platform = "linux/amd64";
  // ARGs that must be given.
  for (const std::string_view line : Split(text, '\n')) {
    if (line.starts_with("ARG ") && line.find('=') == std::string_view::npos) {
      options.dockerfile.build_args.insert_or_assign(std::string(line.substr(4)), "1");
    }
  }
  const auto result = driver::Compile(sources, **buffer, options, host, emitter);
  if (!result) {
    return result.error().message();
  }
  return result->ok ? std::string() : diag::RenderTerminal(consumer.diagnostics(), sources);
}

struct TargetCounts {
  std::size_t targets = 0;
  std::size_t converted = 0;
  std::size_t good = 0;
};

TargetCounts ConvertEarthfiles(const std::string& folder) {
  TargetCounts counts;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) {
      continue;
    }
    source::SourceManager sources;
    const auto text = ReadFile(entry.path().string());
    const auto buffer = text ? sources.AddText("Earthfile", *text) : Unexpected(text.error());
    if (!buffer) {
      continue;
    }
    const auto file = sema::earthfile::ParseProjectFile(**buffer, "");
    if (!file) {
      continue;
    }
    for (const ast::earthfile::Target& target : file->ast.targets) {
      ++counts.targets;
      diag::CollectingConsumer consumer;
      diag::Emitter emitter(consumer);
      const auto converted = convert::ToDockerfile(*file, target.name, emitter);
      if (!converted) {
        continue;
      }
      ++counts.converted;
      if (const std::string wrong = CompileDockerfile(*converted); wrong.empty()) {
        ++counts.good;
      } else {
        std::cout << fmt::format("{} +{}:\n{}{}\n", entry.path().string(), target.name, wrong, *converted);
      }
    }
  }
  return counts;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string dir = argc > 1 ? argv[1] : "../shared/conformance";
  struct stat info {};
  if (::stat((dir + "/dockerfile/golden.jsonl").c_str(), &info) != 0) {
    std::cout << "skipped: there is no " << dir << "/dockerfile/golden.jsonl\n";
    return 77;
  }
  auto cases = conformance::LoadCases(dir + "/dockerfile", argc > 2 ? argv[2] : "");
  if (!cases) {
    std::cerr << cases.error().message() << "\n";
    return 2;
  }
  const Counts files = ConvertDockerfiles(*cases);
  const TargetCounts targets = argc > 2 ? TargetCounts() : ConvertEarthfiles(dir + "/earthfile/corpus");
  std::cout << fmt::format(
      "Dockerfiles as Earthfiles that pass the check: {} of {} ({} of {} stages by FROM DOCKERFILE)\n"
      "targets as Dockerfiles that compile:           {} of {} ({} targets in all)\n",
      files.good, files.files, files.kept, files.stages, targets.good, targets.converted, targets.targets);
  return files.good == files.files && targets.good == targets.converted && files.files > 0 ? 0 : 1;
}
