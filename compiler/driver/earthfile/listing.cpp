#include "compiler/driver/earthfile/listing.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "base/strings.h"
#include "compiler/ast/earthfile/build_ast.h"
#include "compiler/parse/earthfile.h"
#include "compiler/sema/earthfile/flags.h"
#include "compiler/sema/earthfile/local_project.h"

namespace loam::driver::earthfile {

namespace {

namespace fs = std::filesystem;
using ast::earthfile::Block;
using ast::earthfile::Command;
using ast::earthfile::CommandKind;
using ast::earthfile::Earthfile;
using ast::earthfile::Statement;
using ast::earthfile::Target;
using sema::earthfile::Features;
using sema::earthfile::Word;

constexpr std::string_view kScope = "  ";

// Each line that is not empty with `indentation` in front; line ends at both ends are removed.
std::string Indented(std::string_view indentation, std::string_view text) {
  std::string out;
  for (const std::string_view line : Split(text, '\n')) {
    if (!line.empty()) {
      out += indentation;
    }
    out += line;
    out += '\n';
  }
  const std::size_t first = out.find_first_not_of('\n');
  const std::size_t last = out.find_last_not_of('\n');
  return first == std::string::npos ? std::string() : out.substr(first, last - first + 1);
}

// The documentation, if its first word is one of `names`: that is what it is about.
std::string_view DocsAbout(std::string_view docs, const std::vector<std::string>& names) {
  const std::size_t blank = docs.find(' ');
  if (blank == std::string_view::npos) {
    return {};
  }
  return std::find(names.begin(), names.end(), docs.substr(0, blank)) == names.end() ? std::string_view() : docs;
}

struct Entry {
  std::string name;
  std::string_view docs;
};

struct Details {
  std::vector<Entry> required_args, optional_args, artifacts, local_artifacts, images;
};

Result<> BadLine(const Target* target, const sema::earthfile::Failure& failure) {
  return Unexpected(ErrorCode::kInvalidArgument,
                    target == nullptr ? fmt::format("base recipe: {}", failure.message())
                                      : fmt::format("recipe of `{}`: {}", target->name, failure.message()));
}

Result<> AddArg(const Command& command, const Features& features, const Target* target, Details& details) {
  const bool in_base = target == nullptr;
  const auto arg =
      sema::earthfile::ParseArg(sema::earthfile::ToWords(command.args), features, in_base, command.location.range);
  if (!arg) {
    return BadLine(target, arg.error());
  }
  if (in_base && !arg->global && features.Has(sema::earthfile::Feature::kExplicitGlobal)) {
    return {};
  }
  Entry entry{"--" + arg->name, DocsAbout(command.docs, {arg->name})};
  if (arg->value) {
    entry.name += "=" + arg->value->text;
  }
  (arg->required ? details.required_args : details.optional_args).push_back(std::move(entry));
  return {};
}

Result<> AddArtifact(const Command& command, const Features& features, const Target& target, Details& details) {
  sema::earthfile::SaveArtifactFlags flags;
  const auto words =
      sema::earthfile::ParseFlags(sema::earthfile::ToWords(command.args), {.features = &features, .expand = {}}, flags);
  if (!words) {
    return BadLine(&target, words.error());
  }
  // src [dest] [AS LOCAL path]
  std::size_t count = words->size();
  std::string local;
  if (count >= 4 && (*words)[count - 3].text == "AS" && (*words)[count - 2].text == "LOCAL") {
    local = words->back().text;
    count -= 3;
  }
  if (count == 0 || count > 2) {
    return Unexpected(
        ErrorCode::kInvalidArgument,
        fmt::format("recipe of `{}`: SAVE ARTIFACT takes a source, a destination and AS LOCAL", target.name));
  }
  std::string name = (*words)[count - 1].text;
  if (name == "./") {
    name = (*words)[0].text;
  }
  const std::string_view docs = DocsAbout(command.docs, {name, local});
  if (local.empty()) {
    details.artifacts.push_back({std::move(name), docs});
  } else {
    details.local_artifacts.push_back({fmt::format("{} -> {}", name, local), docs});
  }
  return {};
}

Result<> AddImages(const Command& command, const Features& features, const Target& target, Details& details) {
  sema::earthfile::SaveImageFlags flags;
  const auto words =
      sema::earthfile::ParseFlags(sema::earthfile::ToWords(command.args), {.features = &features, .expand = {}}, flags);
  if (!words) {
    return BadLine(&target, words.error());
  }
  if (words->empty()) {
    return {};
  }
  const std::vector<std::string> names = sema::earthfile::TextsOf(*words);
  details.images.push_back({Join(names, ", "), DocsAbout(command.docs, names)});
  return {};
}

Result<Details> ReadDetails(const Earthfile& file, const Features& features, const Target& target) {
  Details details;
  for (const Statement& statement : file.base_recipe) {
    if (statement.command != nullptr && statement.command->kind == CommandKind::kArg) {
      LOAM_TRY(AddArg(*statement.command, features, nullptr, details));
    }
  }
  for (const Statement& statement : target.recipe) {
    if (statement.command == nullptr) {
      continue;
    }
    if (statement.command->kind == CommandKind::kArg) {
      LOAM_TRY(AddArg(*statement.command, features, &target, details));
    } else if (statement.command->kind == CommandKind::kSaveArtifact) {
      LOAM_TRY(AddArtifact(*statement.command, features, target, details));
    } else if (statement.command->kind == CommandKind::kSaveImage) {
      LOAM_TRY(AddImages(*statement.command, features, target, details));
    }
  }
  return details;
}

std::string Section(std::string_view indentation, std::string_view title, const std::vector<Entry>& entries) {
  if (entries.empty()) {
    return "";
  }
  const std::string inner = fmt::format("{}{}", indentation, kScope);
  std::string out = fmt::format("{}{}:\n", indentation, title);
  for (const Entry& entry : entries) {
    out += fmt::format("{}{}\n", inner, entry.name);
    if (!entry.docs.empty()) {
      out += Indented(fmt::format("{}{}", inner, kScope), entry.docs) + "\n";
    }
  }
  return out;
}

// nullopt if it has no documentation of its own.
Result<std::optional<std::string>> Document(const Earthfile& file, const Features& features, const Target& target,
                                            std::string_view indentation, bool with_details) {
  const std::string_view docs = DocsAbout(target.docs, {std::string(target.name)});
  if (docs.empty()) {
    return std::optional<std::string>();
  }
  const Details details = LOAM_TRY(ReadDetails(file, features, target));
  std::string out = fmt::format("{}+{}", indentation, target.name);
  for (const Entry& arg : details.required_args) {
    out += " " + arg.name;
  }
  for (const Entry& arg : details.optional_args) {
    out += " [" + arg.name + "]";
  }
  out += "\n" + Indented(fmt::format("{}{}{}", indentation, kScope, kScope), docs) + "\n";
  if (with_details) {
    const std::string inner = fmt::format("{}{}", indentation, kScope);
    out += Section(inner, "REQUIRED ARGS", details.required_args);
    out += Section(inner, "OPTIONAL ARGS", details.optional_args);
    out += Section(inner, "ARTIFACTS", details.artifacts);
    out += Section(inner, "LOCAL ARTIFACTS", details.local_artifacts);
    out += Section(inner, "IMAGES", details.images);
    out += "\n";
  }
  return std::optional(std::move(out));
}

// Directories in and below `directory` that have an Earthfile, with its path; sorted.
Result<std::vector<std::pair<std::string, std::string>>> FindEarthfiles(const std::string& directory) {
  std::vector<std::pair<std::string, std::string>> out;
  std::error_code error;
  const auto add = [&](const fs::path& place) {
    for (const char* name : {"Earthfile", "build.earth"}) {
      if (fs::path path = place / name; fs::is_regular_file(path, error)) {
        out.emplace_back(place.lexically_relative(directory).string(), path.string());
        return;
      }
    }
  };
  fs::recursive_directory_iterator entry(directory, fs::directory_options::skip_permission_denied, error);
  if (error) {
    return Unexpected(ErrorCode::kNotFound, fmt::format("cannot list {}: {}", directory, error.message()));
  }
  add(directory);
  while (entry != fs::recursive_directory_iterator()) {
    if (std::error_code ignored; entry->is_directory(ignored) && !entry->is_symlink(ignored)) {
      const std::string name = entry->path().filename().string();
      if (name.starts_with(".") || name == "node_modules") {
        entry.disable_recursion_pending();
      } else {
        add(entry->path());
      }
    }
    entry.increment(error);
    if (error) {
      return Unexpected(ErrorCode::kUnavailable, fmt::format("cannot list {}: {}", directory, error.message()));
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

std::string ListTargets(const Earthfile& file, const ListOptions& options) {
  std::vector<const Target*> targets;
  for (const Target& target : file.targets) {
    targets.push_back(&target);
  }
  // Null stands for the base recipe, which has no args that could be given.
  targets.push_back(nullptr);
  const auto name_of = [](const Target* target) { return target == nullptr ? std::string_view("base") : target->name; };
  std::sort(targets.begin(), targets.end(), [&](const Target* a, const Target* b) { return name_of(a) < name_of(b); });
  std::string out;
  for (const Target* target : targets) {
    out += fmt::format("{}+{}\n", options.long_names ? std::string_view(options.path) : std::string_view(),
                       name_of(target));
    if (!options.args || target == nullptr) {
      continue;
    }
    for (const Statement& statement : target->recipe) {
      if (statement.command != nullptr && statement.command->kind == CommandKind::kArg &&
          !statement.command->pairs.empty()) {
        out += fmt::format("  --{}\n", statement.command->pairs.front().key.text);
      }
    }
  }
  return out;
}

Result<TreeListing> ListTree(const std::string& directory, const ListOptions& options) {
  TreeListing listing;
  for (const auto& [place, path] : LOAM_TRY(FindEarthfiles(directory))) {
    source::SourceManager sources;
    auto text = sema::earthfile::ReadProjectFile(path);
    const auto buffer =
        text ? sources.AddText(path, std::move(*text)) : Result<const source::Buffer*>(tl::unexpected(text.error()));
    if (!buffer) {
      listing.mistakes += fmt::format("{}: {}\n", path, buffer.error().message());
      continue;
    }
    diag::CollectingConsumer consumer;
    diag::Emitter emitter(consumer);
    const Earthfile file = ast::earthfile::BuildEarthfile(parse::ParseEarthfile(**buffer, emitter), emitter);
    for (const diag::Diagnostic& diagnostic : consumer.diagnostics()) {
      if (diagnostic.is_error()) {
        const auto where = (*buffer)->lines().ByteColumn(diagnostic.range.begin);
        listing.mistakes += fmt::format("{}:{}:{}: {}\n", path, where.line, where.column, diagnostic.message);
        break;
      }
    }
    ListOptions inner = options;
    inner.long_names = true;
    inner.path = place == "." ? std::string() : "./" + place;
    listing.text += ListTargets(file, inner);
    ++listing.files;
    listing.targets += file.targets.size();
  }
  return listing;
}

Result<std::string> DocumentTarget(const Earthfile& file, const Features& features, std::string_view name,
                                   bool details) {
  const Target* target = file.FindTarget(name);
  if (target == nullptr) {
    std::vector<std::string> names;
    for (const Target& known : file.targets) {
      names.emplace_back(known.name);
    }
    const auto near = NearestWord(name, names);
    return Unexpected(Error(ErrorCode::kNotFound, fmt::format("could not find target named \"{}\"", name))
                          .WithHint(near ? fmt::format("did you mean `+{}`?", *near) : "`loam ls` lists the targets"));
  }
  std::optional<std::string> text = LOAM_TRY(Document(file, features, *target, "", details));
  if (!text) {
    return Unexpected(
        Error(ErrorCode::kNotFound, "no doc comment found")
            .WithHint(target->docs.empty()
                          ? fmt::format("add a comment starting with the word '{}' on the line immediately above this "
                                        "target",
                                        name)
                          : fmt::format("a comment was found but the first word was not one of ({})", name)));
  }
  return std::move(*text);
}

Result<std::string> DocumentTargets(const Earthfile& file, const Features& features, bool details) {
  std::string out = "TARGETS:\n";
  for (const Target& target : file.targets) {
    if (const std::optional<std::string> text = LOAM_TRY(Document(file, features, target, kScope, details))) {
      out += *text;
    }
  }
  return out;
}

}  // namespace loam::driver::earthfile
